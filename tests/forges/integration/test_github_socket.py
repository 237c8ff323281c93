"""GitHub over real sockets: what the daemon uses, with nothing of it replaced but GitHub itself."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrd.clock import SystemClock
from orchestrd.core.layout import Layout
from orchestrd.forges.context import ForgeContext
from orchestrd.forges.github import forge as make
from orchestrd.model.change import Checks, Pr
from orchestrd.model.errors import TransientError
from orchestrd.model.forge_settings import ForgeSettings
from orchestrd.model.ids import SessionId
from orchestrd.model.reaction import Condition, MergeMethod, MergeOrder
from orchestrd.ports import Forge, WantedChange
from orchestrd.testing.github import FakeGitHub, GitHubServer
from orchestrd.testing.github.fake import TOKEN
from tests.github.described import described, needs_descriptions

pytestmark = needs_descriptions

SHA = "a" * 40
WANTED = WantedChange(session=SessionId("aaaaaaaa"), branch="fix", directory="/")


@pytest.fixture(autouse=True)
def _without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[GitHubServer]:
    with GitHubServer(FakeGitHub(described())) as server:
        yield server


@pytest.fixture
def forge(server: GitHubServer, tmp_path: Path) -> Forge:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    return make(
        ForgeContext(
            layout=Layout(str(tmp_path)),
            clock=SystemClock(),
            settings=ForgeSettings(github_api=server.url, token_file=str(tmp_path / "token")),
            environ={"PATH": "", "HOME": str(tmp_path)},
            git=None,  # type: ignore[arg-type] # GitHub needs none
            on_error=lambda *_: None,
        )
    )


async def test_a_change_is_looked_at_with_its_log_and_merged_once_it_is_green(
    server: GitHubServer, forge: Forge
) -> None:
    repository = server.fake.repository("o/r")
    repository.pull("fix", sha=SHA)
    check = repository.check(SHA, "test", "failure", log="It is broken.", step="Run tests")
    name = forge.repository_of("git@github.com:o/r.git")
    assert name == "github.com/o/r"

    (red,) = await forge.look(name, [WANTED])
    check.conclusion = "success"
    order = MergeOrder(
        repository=name,
        number=1,
        branch="fix",
        base="main",
        head=SHA,
        method=MergeMethod.MERGE,
        when=Condition(checks=(Checks.PASSING,)),
    )
    merging = await forge.merge(order, WANTED)
    (merged,) = await forge.look(name, [WANTED])
    await forge.close()

    assert red.change is not None
    assert [(failed.step, failed.log) for failed in red.change.failed] == [("Run tests", "It is broken.")]
    assert (merging.is_merged, merging.error) == (True, None)
    assert merged.change is not None
    assert merged.change.pr is Pr.MERGED
    assert server.fake.violations == []


async def test_a_server_that_is_gone_tells_nothing_and_says_so(server: GitHubServer, forge: Forge) -> None:
    await asyncio.to_thread(server.close)

    with pytest.raises(TransientError) as error:
        await forge.look("github.com/o/r", [WANTED])
    await forge.close()

    assert error.value.code == "forge_unreachable"
    assert TOKEN not in error.value.message

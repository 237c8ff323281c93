"""The adapter that the documentation shows works as it says."""

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from msgspec.structs import replace

from orchestrd.model.ids import SessionId
from orchestrd.model.run import Glimpse, LaunchContext
from orchestrd.model.session import Spec, Workspace
from orchestrd.model.words import Activity
from orchestrd.plugins import Plugins
from orchestrd.ports import Agent
from orchestrd.testing.contracts.agent import AgentContract
from tests.docs.pages import DOCS, ROOT

PAGE = (DOCS / "adapters.md").read_text()
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SPEC = Spec(
    name="one",
    project="/repo",
    agent="crumb",
    runtime="tmux",
    argv=("--fast",),
    workspace=Workspace(kind="none", path="/repo"),
    nonce="n",
    prompt="do it",
)
CONTEXT = LaunchContext(
    session=SessionId("abcdefgh"), generation=1, run_directory="/r", prompt_path=None, prompt="do it", conversation=None
)


def shown() -> Agent:
    """Make the agent of the page. That it has all an agent needs is tried below: a page has no types."""
    (source,) = re.findall(r"```python\n(.*?)```", PAGE.partition("## A notifier")[0], re.DOTALL)
    names: dict[str, object] = {}
    exec(source, names)
    kind = cast("type[Agent]", names["CrumbAgent"])
    return kind()


def test_it_has_everything_that_an_agent_has() -> None:
    wanted = {name for name in (*vars(Agent), *Agent.__annotations__) if not name.startswith("_")}

    assert {name for name in wanted if not hasattr(shown(), name)} == set()


def test_it_begins_and_goes_on_as_it_says() -> None:
    agent = shown()

    assert agent.launch(SPEC, CONTEXT).argv == ("crumb", "--fast", "--", "do it")
    assert agent.launch(SPEC, replace(CONTEXT, conversation="c1")).argv == ("crumb", "--fast", "--resume", "c1")


def test_it_refuses_what_would_not_arrive() -> None:
    agent = shown()

    assert agent.problem_with(replace(SPEC, prompt=None))
    assert agent.problem_with(SPEC) is None
    assert agent.problem_with_message(":quit")
    assert agent.problem_with_message("go on") is None


def test_its_witnesses_narrow_each_other_down() -> None:
    glimpse = Glimpse(now=NOW, title="crumb: ready", screen="some work\nallow? rm notes\n")

    title, screen = shown().read(glimpse).testimonies

    assert (title.observer, title.allows) == ("title", (Activity.WAITING, Activity.BLOCKED))
    assert (screen.observer, screen.allows, screen.text) == (
        "screen",
        (Activity.BLOCKED,),
        "asks for permission: rm notes",
    )


class TestCrumbAgent(AgentContract):
    agent = shown()


@pytest.fixture
def crumbs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a folder that packages are installed into; what was imported from there is forgotten."""
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("crumb_agent", None)


def test_it_is_found_by_its_entry_point_once_its_package_is_installed(crumbs: Path) -> None:
    (source,) = re.findall(r"```python\n(.*?)```", PAGE.partition("## A notifier")[0], re.DOTALL)
    (entry,) = re.findall(r"\n    (crumb = .*)\n", PAGE)
    package = crumbs / "crumb_agent-1.0.dist-info"
    package.mkdir()
    (crumbs / "crumb_agent.py").write_text(source)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: crumb-agent\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(f"[orchestrd.agents]\n{entry.replace(chr(34), '')}\n")
    found = Plugins()

    agents = found.agents()

    assert (type(agents["crumb"]).__name__, found.troubles) == ("CrumbAgent", [])


def test_the_places_where_it_is_registered_are_there() -> None:
    named = re.findall(r"`((?:orchestrd|cli|tests)/[\w/]+(?:\.py)?)`", PAGE)

    assert [place for place in named if not (ROOT / place).exists()] == []

"""The forges of a daemon: made as they are set, and made anew without giving anything up that works."""

from collections.abc import Mapping
from typing import Any, cast

import pytest
from msgspec.structs import replace

from orchestrd import forging
from orchestrd.api.webhooks import WebhookServer
from orchestrd.core.layout import Layout
from orchestrd.engine.assembly import Engine
from orchestrd.forging import Forging
from orchestrd.model.errors import OrchestrdError, RefusedError
from orchestrd.model.forge_settings import ForgeSettings
from orchestrd.plugins import Plugins, Trouble
from orchestrd.ports import Forge
from orchestrd.testing.clocks import FakeClock
from orchestrd.testing.forge import ScriptedForge
from orchestrd.workspaces.git import Git

SET = ForgeSettings(token_env="MINE")
BROKEN = Trouble(part="forge far", name="far", error=RefusedError("far is left out"))


class Hearing(ScriptedForge):
    """A forge that tells by itself where something has changed."""

    async def take_delivery(self, headers: Mapping[str, str], body: bytes) -> None:
        raise NotImplementedError


class FakePlugins:
    """Makes a forge each time, of the settings that it is given, and leaves out what it is told to."""

    def __init__(self) -> None:
        self.troubles: list[Trouble] = []
        self.leaves_out: list[Trouble] = []
        self.made: list[Any] = []

    def forges(self, context: Any) -> dict[str, Any]:
        self.troubles += self.leaves_out
        self.made.append(context)
        left_out = {trouble.name for trouble in self.leaves_out}
        forge = ScriptedForge if context.settings.kind == "local" else Hearing
        return {name: forge(name) for name in ("far", "near") if name not in left_out}


class FakeEngine:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.forges: Mapping[str, Forge] = {}
        self.reports: list[tuple[str, BaseException | None]] = []

    def ask(self, forges: Mapping[str, Forge]) -> None:
        self.forges = forges

    def report(self, part: str, error: OrchestrdError | None) -> None:
        self.reports.append((part, error))


class Bench:
    """The forges of a daemon, and where it hears from them."""

    def __init__(self, settings: ForgeSettings = SET, *leaves_out: Trouble) -> None:
        self.plugins, self.engine = FakePlugins(), FakeEngine()
        self.plugins.leaves_out = list(leaves_out)
        layout = Layout(home="/nowhere")
        self.forging = Forging(settings, cast("Plugins", self.plugins), layout, FakeClock(), Git({}))
        self.server = self.forging.server(cast("Engine", self.engine))

    async def reload(self, settings: ForgeSettings) -> bool:
        made = self.forging.remade(settings, self.server)
        if made is not None:
            await self.forging.take(made, cast("Engine", self.engine), self.server)
        return made is not None


async def test_what_is_set_as_it_was_or_asks_another_remote_makes_no_other_forge() -> None:
    bench = Bench()

    assert not await bench.reload(SET)
    assert not await bench.reload(replace(SET, remote="upstream"))
    assert len(bench.plugins.made) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "github"},
        {"github_url": "https://github.example"},
        {"github_api": "https://api.github.example"},
        {"token_env": "OTHER"},
        {"token_file": "~/token"},
        {"share": 0.1},
        {"webhook_secret_env": "HOOK"},
        {"webhook_secret_file": "~/hook"},
    ],
)
async def test_each_key_that_is_set_otherwise_makes_others_which_know_those_before(changes: dict[str, Any]) -> None:
    bench = Bench()
    before = bench.forging.forges

    is_taken = await bench.reload(replace(SET, **changes))

    assert is_taken
    assert bench.plugins.made[-1].before is before
    assert bench.engine.forges is bench.forging.forges is not before
    assert all(getattr(bench.plugins.made[-1].settings, key) == value for key, value in changes.items())


def test_every_key_is_taken_at_a_reload() -> None:
    tried = {"kind", "github_url", "github_api", "token_env", "token_file", "share"}
    tried |= {"webhook_listen", "webhook_secret_env", "webhook_secret_file", "remote"}

    assert set(ForgeSettings.__struct_fields__) == tried


@pytest.mark.parametrize("kind", ["auto", "far"])
async def test_one_that_is_used_and_could_not_be_any_more_is_refused_and_those_before_go_on(kind: str) -> None:
    bench = Bench()
    before = bench.forging.forges
    bench.plugins.leaves_out = [BROKEN]

    with pytest.raises(RefusedError, match="far is left out"):
        await bench.reload(ForgeSettings(kind=kind))

    assert bench.forging.forges is before
    assert (bench.engine.forges, bench.engine.reports) == ({}, [])


async def test_one_that_was_left_out_before_keeps_nobody_from_setting_others() -> None:
    bench = Bench(SET, BROKEN)

    is_taken = await bench.reload(ForgeSettings())
    bench.plugins.leaves_out = []
    await bench.reload(SET)

    assert is_taken
    assert (bench.forging.troubles, bench.plugins.troubles) == ([], [])
    assert bench.engine.reports == [("forge far", None), ("forge far", BROKEN.error), ("forge far", None)]


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Tell where is listened, without a socket."""
    moved: list[str | None] = []

    class Server(WebhookServer):
        def bound(self, address: str | None) -> Any:
            if address == "127.0.0.1:1":
                raise RefusedError("it is taken", code="no_socket")
            return address

        async def move(self, address: str | None, listening: Any) -> None:
            assert listening == address
            moved.append(address)

    monkeypatch.setattr(forging, "WebhookServer", Server)
    return moved


async def test_webhooks_are_heard_where_that_is_set_and_only_where_a_forge_sends_any(taken: list[str | None]) -> None:
    bench = Bench()

    await bench.reload(replace(SET, webhook_listen="127.0.0.1:2"))
    await bench.reload(replace(SET, webhook_listen="127.0.0.1:2", kind="local"))

    assert taken == ["127.0.0.1:2", None]


async def test_where_nobody_can_listen_nothing_is_taken(taken: list[str | None]) -> None:
    bench = Bench()
    before = bench.forging.forges

    with pytest.raises(RefusedError, match="it is taken"):
        await bench.reload(replace(SET, webhook_listen="127.0.0.1:1", share=0.1))

    assert bench.forging.forges is before
    assert (taken, bench.engine.forges) == ([], {})

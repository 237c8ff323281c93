"""Adapters are found by entry points; a plugin that is broken costs itself, and is named."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from msgspec import convert
from msgspec.structs import replace

from orchestrd import plugins
from orchestrd.agents.claude.agent import ClaudeAgent
from orchestrd.agents.shell import ShellAgent
from orchestrd.core.layout import Layout
from orchestrd.forges.context import ForgeContext
from orchestrd.model.errors import OrchestrdError, RefusedError, UsageError
from orchestrd.model.forge_settings import ForgeSettings
from orchestrd.model.notice_settings import ChannelSettings
from orchestrd.notifiers.context import NotifierContext
from orchestrd.plugins import AGENTS, FORGES, NOTIFIERS, RUNTIMES, Plugins
from orchestrd.runtimes.context import RuntimeContext
from orchestrd.runtimes.process import ProcessRuntime
from orchestrd.runtimes.tmux import TmuxRuntime
from orchestrd.testing.clocks import LoopClock
from orchestrd.workspaces.context import WorkspaceContext
from orchestrd.workspaces.directory import DirectoryKeeper
from orchestrd.workspaces.git import Git
from orchestrd.workspaces.worktree import WorktreeKeeper

CRUMB = """
from orchestrd.agents.shell import ShellAgent

class Crumb(ShellAgent):
    name = "crumb"

class Impostor(ShellAgent):
    name = "shell"

class Half:
    name = "half"

def hopeless():
    raise RuntimeError("no crumbs left")
"""


class Index:
    """A folder that packages are installed into, where Python finds them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def install(self, package: str, entries: Mapping[str, str], *, group: str = AGENTS, module: str = CRUMB) -> None:
        place = self._folder / f"{package}-1.2.dist-info"
        place.mkdir()
        (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
        lines = [f"{name} = {value}" for name, value in entries.items()]
        (place / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines]))
        (self._folder / f"{package}.py").write_text(module)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield Index(tmp_path)
    for name in set(sys.modules) - before:
        del sys.modules[name]


def told(found: Plugins) -> list[str]:
    return [trouble.error.message for trouble in found.troubles]


def test_ours_are_found_by_their_entry_points(tmp_path: Path) -> None:
    found, layout = Plugins(), Layout(home=str(tmp_path))

    agents = found.agents()
    runtimes = found.runtimes(RuntimeContext(layout=layout, clock=LoopClock()))
    workspaces = found.workspaces(WorkspaceContext(layout=layout, git=Git()))

    assert (type(agents["claude"]), type(agents["shell"])) == (ClaudeAgent, ShellAgent)
    assert isinstance(runtimes["process"], ProcessRuntime)
    assert isinstance(runtimes["tmux"], TmuxRuntime)
    assert isinstance(workspaces["none"], DirectoryKeeper)
    assert isinstance(workspaces["worktree"], WorktreeKeeper)
    assert found.troubles == []


def test_the_agent_of_another_package_stands_beside_ours(index: Index) -> None:
    index.install("crumb_agent", {"crumb": "crumb_agent:Crumb"})
    found = Plugins()

    agents = found.agents()

    assert agents["crumb"].name == "crumb"
    assert found.packages[AGENTS, "crumb"] == "crumb_agent 1.2"
    assert found.packages[AGENTS, "shell"].startswith("orchestrd ")


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("nowhere:Crumb", "ModuleNotFoundError: No module named 'nowhere'"),
        ("crumb_agent:Missing", "AttributeError: module 'crumb_agent' has no attribute 'Missing'"),
        ("crumb_agent:hopeless", "RuntimeError: no crumbs left"),
        ("crumb_agent:Crumb", "it calls itself 'crumb'"),
        ("crumb_agent:Half", "it lacks "),
    ],
)
def test_a_broken_plugin_costs_itself_and_names_its_package(index: Index, entry: str, why: str) -> None:
    index.install("crumb_agent", {"broken": entry, "crumb": "crumb_agent:Crumb"})
    found = Plugins()

    agents = found.agents()

    (said,) = told(found)
    assert said.startswith(f"the agent 'broken' of the package crumb_agent 1.2 is left out: {why}")
    assert found.troubles[0].part == "agent broken"
    assert "broken" not in agents
    assert {"claude", "crumb", "shell"} <= agents.keys()


def test_ours_wins_over_another_of_the_same_name(index: Index) -> None:
    index.install("a_shell", {"shell": "a_shell:Impostor"})
    found = Plugins()

    agents = found.agents()

    assert type(agents["shell"]) is ShellAgent
    assert told(found) == [
        "the agent 'shell' of the package a_shell 1.2 is left out: another package has taken this name"
    ]


def test_of_two_others_with_one_name_the_first_package_wins_at_every_start(index: Index) -> None:
    index.install("second", {"crumb": "second:Crumb"})
    index.install("first", {"crumb": "first:Crumb"})
    found = Plugins()

    agents = found.agents()

    assert type(agents["crumb"]).__module__ == "first"
    assert told(found) == [
        "the agent 'crumb' of the package second 1.2 is left out: another package has taken this name"
    ]


def test_more_than_can_be_held_are_told_of(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    index.install("crumb_agent", {"crumb": "crumb_agent:Crumb"})
    monkeypatch.setattr(plugins, "PLUGINS_MAX", 1)
    found = Plugins()

    agents = found.agents()

    assert len(agents) == 1
    assert "there are 1 already" in told(found)[-1]


def test_a_runtime_of_another_package_is_given_what_ours_are(index: Index, tmp_path: Path) -> None:
    module = """
from orchestrd.runtimes.process import ProcessRuntime

class Distant(ProcessRuntime):
    name = "distant"

def runtime(context):
    return Distant(context.layout, context.clock, context.scopes)
"""
    index.install("far_away", {"distant": "far_away:runtime"}, group=RUNTIMES, module=module)
    context = RuntimeContext(layout=Layout(home=str(tmp_path)), clock=LoopClock())

    runtimes = Plugins().runtimes(context)

    assert sorted(runtimes) == ["distant", "process", "tmux"]


def test_a_copy_of_orchestrd_that_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "OURS", "another")

    with pytest.raises(RefusedError, match="this orchestrd has no agents") as refusal:
        Plugins().agents()

    assert (refusal.value.code, refusal.value.hint) == ("no_adapters", "pip install --force-reinstall orchestrd")


# ---- forges and notifiers

FAR = """
class Far:
    def __init__(self, context):
        self.context = context
        self.name = "far"
    def repository_of(self, remote): ...
    async def look(self, repository, wanted): ...
    async def merge(self, order, wanted): ...
    async def issue(self, repository, number): ...
    def allowances(self): ...
    def pause_s(self, repository, usual_s): ...
    def on_change(self, nudge): ...
    async def close(self): ...

class Pigeon:
    kind = "pigeon"
    def __init__(self, context):
        self.name = context.name
    async def tell(self, notices): ...
    async def close(self): ...

def lame(context):
    raise RuntimeError("it has flown")

def shy(context):
    raise UsageError(f"the channel {context.name} has no address", hint="orch config list channels")

def half(context):
    return object()

from orchestrd.model.errors import UsageError
"""


def forge_context(tmp_path: Path, kind: str = "auto") -> ForgeContext:
    return ForgeContext(
        layout=Layout(home=str(tmp_path)),
        clock=LoopClock(),
        settings=convert({"kind": kind}, ForgeSettings),
        environ={},
        git=Git({}),
        on_error=lambda *_: None,
    )


def channel(tmp_path: Path, kind: str) -> NotifierContext:
    return NotifierContext(
        name="phone",
        settings=replace(ChannelSettings(), kind=kind),
        layout=Layout(home=str(tmp_path)),
        clock=LoopClock(),
        environ={},
        on_error=lambda *_: None,
    )


def test_forges_are_made_with_their_context_in_the_order_of_their_names(index: Index, tmp_path: Path) -> None:
    index.install("far_away", {"far": "far_away:Far"}, group=FORGES, module=FAR)
    context = forge_context(tmp_path)

    forges = Plugins().forges(context)

    assert list(forges) == sorted(forges)
    assert forges["far"].context is context  # type: ignore[attr-defined]  # the one above


def test_a_forge_that_is_not_in_use_is_not_even_imported(index: Index, tmp_path: Path) -> None:
    index.install("far_away", {"far": "far_away:Far"}, group=FORGES, module=FAR)
    found = Plugins()

    assert "far" not in found.forges(forge_context(tmp_path, "local"))
    assert found.forges(forge_context(tmp_path, "none")) == {}

    assert "far_away" not in sys.modules


def test_a_channel_is_made_by_its_kind_and_has_its_own_name(index: Index, tmp_path: Path) -> None:
    index.install("loft", {"pigeon": "loft:Pigeon"}, group=NOTIFIERS, module=FAR)

    notifier = Plugins().notifier(channel(tmp_path, "pigeon"))

    assert (notifier.name, notifier.kind) == ("phone", "pigeon")


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("loft:lame", "the notifier 'pigeon' of the package loft 1.2 is left out: RuntimeError: it has flown"),
        ("loft:half", "the notifier 'pigeon' of the package loft 1.2 is left out: it lacks "),
        ("loft:shy", "the channel phone has no address"),
    ],
)
def test_a_channel_that_cannot_be_made_says_why(index: Index, tmp_path: Path, entry: str, why: str) -> None:
    index.install("loft", {"pigeon": entry}, group=NOTIFIERS, module=FAR)

    with pytest.raises(OrchestrdError) as refusal:
        Plugins().notifier(channel(tmp_path, "pigeon"))

    assert refusal.value.message.startswith(why)


def test_a_channel_of_a_kind_that_nobody_has_brought_names_those_there_are(index: Index, tmp_path: Path) -> None:
    index.install("loft", {"pigeon": "loft:Pigeon"}, group=NOTIFIERS, module=FAR)

    with pytest.raises(UsageError, match=r"there is no notifier 'owl' for the channel phone; there is: .*pigeon"):
        Plugins().notifier(channel(tmp_path, "owl"))

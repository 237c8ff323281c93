"""The adapters, found by entry points: who installs a package beside ours teaches orchestrd another agent.

An entry point has the adapter's own name. That of an agent is a class without arguments; each other one is a factory,
which is given the context of its group: `RuntimeContext`, `WorkspaceContext`, `ForgeContext` or `NotifierContext`. Of
forges and notifiers only those in use are imported; a notifier is made once for each channel.

Invariant: a plugin costs nobody but itself. One that cannot be imported or made, that lacks what its port asks for, or
whose name is taken, is left out, and told of by the name of its package; the others go on. Ours come first, and the
others in the order of their packages, so that a name means the same after every start.
"""

from collections.abc import Callable, Collection, Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from msgspec import Struct

from orchestrd import __version__
from orchestrd.forges.context import ForgeContext
from orchestrd.model.errors import OrchestrdError, RefusedError, UsageError
from orchestrd.model.limits import PLUGINS_MAX
from orchestrd.notifiers.context import NotifierContext
from orchestrd.ports import Agent, Forge, Notifier, Runtime, WorkspaceKeeper
from orchestrd.runtimes.context import RuntimeContext
from orchestrd.workspaces.context import WorkspaceContext

AGENTS, RUNTIMES, WORKSPACES = "orchestrd.agents", "orchestrd.runtimes", "orchestrd.workspaces"
FORGES, NOTIFIERS = "orchestrd.forges", "orchestrd.notifiers"
OURS = "orchestrd"  # the package whose adapters win
ANY_FORGE, NO_FORGE = "auto", "none"  # in the place of the name of one


class Trouble(Struct, frozen=True, kw_only=True):
    """A plugin that is left out: which it is, as the daemon's troubles name their parts, and why."""

    part: str
    name: str  # of the adapter
    error: OrchestrdError


class Plugins:
    """All that is installed, found once; each group is made when it is asked for."""

    def __init__(self) -> None:
        found = entry_points()
        self._entries = {
            group: sorted(found.select(group=group), key=_rank)
            for group in (AGENTS, RUNTIMES, WORKSPACES, FORGES, NOTIFIERS)
        }
        self.troubles: list[Trouble] = []
        self.packages: dict[tuple[str, str], str] = {}  # by group and name: where an adapter that was made is from

    def agents(self) -> dict[str, Agent]:
        """Make every agent there is. Raises RefusedError (`no_adapters`) where not even ours are found."""
        return self._made(AGENTS, Agent, lambda adapter: adapter())

    def runtimes(self, context: RuntimeContext) -> dict[str, Runtime]:
        """Make every runtime there is. Raises the same."""
        return self._made(RUNTIMES, Runtime, lambda adapter: adapter(context))

    def workspaces(self, context: WorkspaceContext) -> dict[str, WorkspaceKeeper]:
        """Make a keeper for every kind of workspace there is. Raises the same."""
        return self._made(WORKSPACES, WorkspaceKeeper, lambda adapter: adapter(context))

    def forges(self, context: ForgeContext) -> dict[str, Forge]:
        """Make the forges that are in use, in the order in which they are shown a remote. Raises the same."""
        kind = context.settings.kind
        if kind == NO_FORGE:
            return {}
        made = self._made(FORGES, Forge, lambda adapter: adapter(context), only=None if kind == ANY_FORGE else kind)
        return dict(sorted(made.items()))

    def notifier(self, context: NotifierContext) -> Notifier:
        """Make the notifier of one channel. Raises OrchestrdError, naming the channel or the plugin."""
        entries = self._entries[NOTIFIERS]
        entry = next((entry for entry in entries if entry.name == context.settings.kind), None)
        if entry is None:
            raise UsageError(
                f"there is no notifier {context.settings.kind!r} for the channel {context.name}; there is:"
                f" {', '.join(sorted({entry.name for entry in entries})) or 'none'}",
                hint="orch doctor",
            )
        try:
            notifier: Notifier = _complete(entry.load()(context), Notifier)
        except OrchestrdError:
            raise
        except Exception as error:
            raise _told(entry, NOTIFIERS, error) from error
        return notifier

    def _made(
        self, group: str, port: type[Any], make: Callable[[Any], Any], *, only: str | None = None
    ) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for entry in self._entries[group]:
            if only not in (None, entry.name):
                continue
            try:
                adapter = _made_one(entry, port, make, taken=made)
            except Exception as error:  # noqa: BLE001 - it is foreign code, and may raise anything
                part, told = f"{_kind(group)} {entry.name}", _told(entry, group, error)
                self.troubles.append(Trouble(part=part, name=entry.name, error=told))
            else:
                made[entry.name] = adapter
                self.packages[group, entry.name] = package_of(entry)
        if not any(package_of(entry).split()[0] == OURS for entry in self._entries[group]):
            raise _not_installed(group)
        return made


def package_of(entry: EntryPoint) -> str:
    """Name the package that an entry point comes from, and its version."""
    package = entry.dist
    return "an unknown package" if package is None else f"{package.name} {package.version}"


def _rank(entry: EntryPoint) -> tuple[bool, str, str]:
    package = package_of(entry)
    return package.split()[0] != OURS, package, entry.name


def _made_one(entry: EntryPoint, port: type[Any], make: Callable[[Any], Any], taken: Collection[str]) -> Any:
    """Raises whatever its code raises, and ValueError where it is not what it should be."""
    if entry.name in taken:
        raise ValueError("another package has taken this name")
    if len(taken) >= PLUGINS_MAX:
        raise ValueError(f"there are {PLUGINS_MAX} already")
    adapter = _complete(make(entry.load()), port)
    named = getattr(adapter, "kind" if port is WorkspaceKeeper else "name")
    if named != entry.name:
        raise ValueError(f"it calls itself {named!r}")
    return adapter


def _complete(adapter: Any, port: type[Any]) -> Any:
    missing = sorted(name for name in _asked_by(port) if not hasattr(adapter, name))
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}, which orchestrd {__version__} asks for")
    return adapter


def _asked_by(port: type[Any]) -> Iterator[str]:
    yield from (name for name in (*vars(port), *port.__annotations__) if not name.startswith("_"))


def _told(entry: EntryPoint, group: str, error: Exception) -> OrchestrdError:
    why = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
    return OrchestrdError(
        f"the {_kind(group)} {entry.name!r} of the package {package_of(entry)} is left out: {why}",
        code="broken_plugin",
        hint="orch doctor",
    )


def _not_installed(group: str) -> RefusedError:
    return RefusedError(
        f"this orchestrd has no {_kind(group)}s: it was installed before it had entry points, or copied without them",
        code="no_adapters",
        hint="pip install --force-reinstall orchestrd",
    )


def _kind(group: str) -> str:
    return group.partition(".")[2].removesuffix("s")

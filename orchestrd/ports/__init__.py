"""Floor 2, the ports: what the engine asks of the world, as Protocols. Adapters implement them, blind to each other.

A probe that fails raises nothing about any session: it returns `unknown`, or raises for the whole look, which the
prober turns into `unknown` for every run it covered.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from orchestrd.model.command import Command
from orchestrd.model.document import Document, Usage
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.event import Event
from orchestrd.model.ids import SessionId
from orchestrd.model.instant import Instant
from orchestrd.model.run import (
    Gathered,
    Look,
    Order,
    Run,
    Sweep,
    Wanted,
)
from orchestrd.model.session import Home, Session, Spec
from orchestrd.model.words import Receipt
from orchestrd.ports.agent import Agent as Agent
from orchestrd.ports.checkouts import Checkout as Checkout
from orchestrd.ports.checkouts import Checkouts as Checkouts
from orchestrd.ports.checkouts import WantedCheckout as WantedCheckout
from orchestrd.ports.command_runner import CommandEnd as CommandEnd
from orchestrd.ports.command_runner import CommandRunner as CommandRunner
from orchestrd.ports.command_runner import Tree as Tree
from orchestrd.ports.command_runner import Trees as Trees
from orchestrd.ports.forge import ChangeLook as ChangeLook
from orchestrd.ports.forge import Forge as Forge
from orchestrd.ports.forge import Merging as Merging
from orchestrd.ports.forge import WantedChange as WantedChange
from orchestrd.ports.notifier import Notifier as Notifier
from orchestrd.ports.service import Follower as Follower
from orchestrd.ports.service import Service as Service
from orchestrd.ports.worktrees import Worktrees as Worktrees


class Clock(Protocol):
    """The only way to learn what time it is. Waiting is the event loop's, so that tests can move it."""

    def now(self) -> Instant:
        """Read the three clocks."""
        ...


class ReadOnlyRecord(Struct, frozen=True, kw_only=True):
    """A record with a newer schema or an unknown word: shown, never stepped, never rewritten."""

    id: SessionId
    document: Document  # as much of it as could be read
    why: str


class Drift(Struct, frozen=True, kw_only=True):
    """What another hand did to a file of ours, as found by a scan; dealt with already, and still to be told."""

    session: SessionId | None
    replaced: Session | None  # a valid record: to be adopted by the next commit
    error: str | None  # why it was rejected instead
    path: str | None  # where the copy lies


class Scan(Struct, frozen=True, kw_only=True):
    """What the sessions directory holds that the last scan or commit did not know."""

    drifts: tuple[Drift, ...] = ()
    read_only: tuple[ReadOnlyRecord, ...] = ()  # new, or changed since they were last told of
    read_only_gone: tuple[SessionId, ...] = ()  # no longer there as read-only records


class Recovered(Struct, frozen=True, kw_only=True):
    """What the disk held at start, after the journal was repaired. The epoch has risen already."""

    home: Home
    sessions: tuple[Session, ...]  # as we committed them; those that another hand replaced meanwhile are drifts
    read_only: tuple[ReadOnlyRecord, ...]
    drifts: tuple[Drift, ...]
    tail: int  # number of the newest event


class Stored(Struct, frozen=True, kw_only=True):
    """One durable commit: the record as it stands on disk, and its new events with their numbers and journal lines.

    A line is one JSON object without the newline that ends it in the journal.
    """

    record: Session | Home
    events: tuple[Event, ...]
    lines: tuple[bytes, ...]


class Page(Struct, frozen=True, kw_only=True):
    """Journal lines after a cursor, without their newlines. `last` is the cursor to go on from.

    `gap` is the range of numbers, both ends included, that are no longer kept before the first line; or null.
    """

    lines: tuple[bytes, ...]
    last: int
    gap: tuple[int, int] | None = None


class Store(Protocol):
    """Durable records and the journal. Blocking: all calls come from the ledger's one thread, in order."""

    def recover(self, now: Instant) -> Recovered:
        """Take the lock, mend what a crash left, raise the epoch, read everything.

        Raises RefusedError (`already_running`, naming the pid) when another daemon holds the home.
        """
        ...

    def scan(self) -> Scan:
        """Look at the sessions directory again: one scandir and stat, parsing what changed.

        Raises TransientError when the directory cannot be listed: nothing is known then, and nothing has changed.
        """
        ...

    def commit(self, batch: Sequence[Session | Home]) -> list[Stored | OrchestrdError]:
        """Make records durable, all distinct, each with revision one above what is stored; one answer each, in order.

        Events with sequence 0 are numbered here; older ones are carried on by the store itself until the journal is
        safe. An error in place of an answer means: nothing of it is on disk. It is a ConflictError when the draft is
        not based on what is stored; the next scan tells if another hand changed the record meanwhile.
        Raises FaultError when the outcome cannot be known; the daemon must then exit and recover.
        """
        ...

    def sync(self) -> None:
        """Make the journal durable, so that records may forget their events."""
        ...

    def read(self, after: int, limit_bytes: int) -> Page:
        """Read journal lines with numbers above `after`, in order; may be called from another thread than the rest."""
        ...

    def archive(self, session: SessionId) -> None:
        """Move an ended session with all that belongs to it out of the way, into archive/."""
        ...

    def is_archived(self, session: SessionId) -> bool:
        """Tell whether the archive holds this session; may be called from another thread than the rest."""
        ...

    def find_archived(self, text: str) -> SessionId | None:
        """Find what the archive holds by its id, its name or the beginning of its id; from any thread, as above."""
        ...

    def quarantined(self) -> int:
        """Tell how many files lie in quarantine now."""
        ...

    def close(self) -> None:
        """Sync, and let go of the lock."""
        ...


class Rejected(Struct, frozen=True, kw_only=True):
    """A spooled entry that is no command of ours: why, and where it lies now."""

    why: str
    path: str | None


class Inbox(Protocol):
    """Commands that clients spooled while no daemon answered. Blocking: called from the ledger's thread."""

    def pending(self, after: str = "") -> tuple[str, ...]:
        """Name the entries that wait behind this one, in the order they were spooled, at most INBOX_FILES_MAX of them.

        Raises TransientError when the inbox cannot be listed.
        """
        ...

    def take(self, entry: str) -> Command | Rejected:
        """Read one entry. It stays until `done`; one that cannot be read is in quarantine when this returns."""
        ...

    def done(self, entry: str) -> None:
        """Forget an entry: what it asked for is committed or refused. Harmless when it is gone."""
        ...


class Attachments(Protocol):
    """What belongs to a session beside its record. Blocking: called from a thread.

    All raise TransientError, naming the file, when it cannot be written.
    """

    def write_secret(self, session: SessionId, environment: Mapping[str, str]) -> None:
        """Make the values of the session's environment durable in its 0600 file."""
        ...

    def write_prompt(self, session: SessionId, text: str) -> None:
        """Make the whole prompt durable."""
        ...

    def read_secret(self, session: SessionId) -> Mapping[str, str]:
        """Read back the values of the session's environment; empty where there are none."""
        ...

    def read_prompt(self, session: SessionId) -> str | None:
        """Read back the whole prompt; null where there is none."""
        ...

    def write_message(self, session: SessionId, digest: str, text: str) -> None:
        """Make the text of a large message durable; the same text once more is the same file."""
        ...

    def read_message(self, session: SessionId, digest: str) -> str | None:
        """Read it back; null where it is gone."""
        ...

    def forget_message(self, session: SessionId, digest: str) -> None:
        """Remove it; gone already is gone."""
        ...

    def sweep_messages(self, kept: Collection[tuple[SessionId, str]]) -> None:
        """Remove the texts of all messages but these."""
        ...

    def read_last_screen(self, session: SessionId, generation: int) -> str | None:
        """Give what the terminal of a run showed at its end; null where nobody kept it."""
        ...

    def forget(self, session: SessionId) -> None:
        """Remove secrets and prompt of a spawn that was refused for good."""
        ...

    def trim_log(self, session: SessionId, bytes_max: int) -> None:
        """Hold the session's output under a bound on disk: its head is given back, its offsets stay.

        Raises RefusedError (`log_unbounded`) where the file system cannot do that.
        """
        ...

    def trim_daemon_log(self, bytes_max: int) -> None:
        """Hold the daemon's own log under a bound. Raises the same."""
        ...


class Runtime(Protocol):
    """Where runs live. Handles survive a daemon restart; nothing here ends a run because the daemon ends."""

    name: str
    has_terminal: bool  # runs have a terminal: a person can attach to it, and an agent may draw on it

    async def launch(self, order: Order) -> str:
        """Start the run's launcher and return the handle; repeating it never starts the agent twice.

        Raises OrchestrdError when nothing was and nothing can be started.
        """
        ...

    async def probe(self, runs: Sequence[Run]) -> Sequence[Look]:
        """Look once at all these runs, bounded, one answer each in any order."""
        ...

    async def terminate(self, run: Run) -> bool:
        """Ask the run to end; true when it never ran and, its claim being taken now, never will."""
        ...

    async def kill(self, run: Run) -> Sweep:
        """Take the run's claim if it is free, kill everything that bears its mark, and look until nothing is left."""
        ...

    async def deliver(self, run: Run, text: str) -> tuple[Receipt, str | None]:
        """Type a text and a newline into the agent, never blocking; second, what went wrong."""
        ...

    async def press_enter(self, run: Run) -> None:
        """Type a newline alone, where the one behind a text was swallowed. Raises OrchestrdError when it cannot."""
        ...

    async def press_keys(self, run: Run, keys: Sequence[str]) -> None:
        """Press these keys in the run's terminal, by the names that tmux has for them, all or none.

        Raises RefusedError when none was pressed, another OrchestrdError when that is not known.
        """
        ...

    async def answer(self, run: Run, decision: str, reply: str) -> bool:
        """Give one line to whoever holds this decision in the run directory, and tell whether it was taken, in a while.

        Raises RefusedError (`not_asked`) when nobody holds it (any more): then nothing was given.
        """
        ...

    async def screen(self, run: Run, *, is_styled: bool = False) -> str | None:
        """Give what the run's terminal shows now, as plain text; null where it has none (any more).

        `is_styled`: with the escape sequences that say how it looks.
        """
        ...

    def on_change(self, nudge: Callable[[SessionId], None]) -> None:
        """Name whom to call, on the loop, when a run is worth a probe right now (its process ended)."""
        ...

    def forget(self, run: Run) -> None:
        """Let go of whatever is held for a run that is over."""
        ...

    async def close(self) -> None:
        """Let go of everything; runs live on."""
        ...


class Gatherer(Protocol):
    """Reads what agents write down themselves."""

    async def gather(self, wanted: Sequence[Wanted]) -> Sequence[Gathered]:
        """Read, bounded, one answer each in the same order; what cannot be read says nothing."""
        ...

    def forget(self, session: SessionId, generation: int) -> None:
        """Let go of whatever is remembered of a run that is over."""
        ...


class Meter(Protocol):
    """Looks at what runs take of the machine."""

    async def measure(self, runs: Sequence[Run]) -> Mapping[SessionId, Usage]:
        """Measure these runs, bounded, within about two seconds; what runs no more takes nothing."""
        ...


class WorkspaceKeeper(Protocol):
    """Makes and keeps the directories runs work in, one kind each."""

    kind: str

    async def prepare(self, session: SessionId, spec: Spec) -> None:
        """Make sure the workspace is there; repeatable. Raises OrchestrdError naming the cause and the next command."""
        ...

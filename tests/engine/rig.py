"""The engine on a bench: the real one, its disk in memory, its runs scripted, and a tester's hand on everything."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from typing import Any, TypeVar

from msgspec.structs import replace

from orchestrd.agents.shell import ShellAgent
from orchestrd.codec import encode_record
from orchestrd.core.layout import Layout
from orchestrd.engine.actor import Actor
from orchestrd.engine.adapters import Adapters
from orchestrd.engine.assembly import Engine
from orchestrd.engine.lifecycle import LifecycleHandle, LifecycleManager
from orchestrd.engine.presence import Settings
from orchestrd.model.command import Command, Spawn
from orchestrd.model.document import Document, SpawnRequest
from orchestrd.model.errors import FaultError, OrchestrdError, TransientError
from orchestrd.model.event import Event, EventType
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import RECORD_BYTES_MAX
from orchestrd.model.session import Home, Session, Spec
from orchestrd.model.words import State
from orchestrd.ports import Agent, Forge, Recovered, Runtime, Scan, Stored
from orchestrd.store.inbox import FileInbox, spool
from orchestrd.store.memory import HOME, MemoryDisk, MemoryStore
from orchestrd.testing.clocks import LoopClock, later
from orchestrd.testing.forge import ScriptedCheckouts
from orchestrd.testing.gatherer import ScriptedGatherer
from orchestrd.testing.history import decode_event
from orchestrd.testing.meter import ScriptedMeter
from orchestrd.testing.outside import ScriptedChannels, ScriptedRunner, ScriptedTrees
from orchestrd.testing.runtime import ScriptedRuntime
from orchestrd.testing.worktrees import ScriptedWorktrees
from orchestrd.testing.world import Script, World
from tests.documents import a_request

ID = SessionId("aaaaaaaa")
OTHER = SessionId("bbbbbbbb")
FULL = TransientError("cannot write the record: no space left on device", hint="free some space")
LONG_S = 1_000.0
LOOK_S = 0.001
T = TypeVar("T")
Rejects = Callable[[Session | Home], OrchestrdError | None]


def nothing(record: Session | Home) -> None:
    """Reject nothing."""


class BenchStore(MemoryStore):
    """A store that rejects what it is told to, and raises what it is told to; it counts its calls."""

    def __init__(self, disk: MemoryDisk | None = None) -> None:
        super().__init__(disk)
        self.rejects: Rejects = nothing
        self.raises: dict[str, Exception] = {}
        self.calls: list[str] = []
        self.batches: list[list[Session | Home]] = []

    def recover(self, now: Any) -> Recovered:
        self._call("recover")
        return super().recover(now)

    def scan(self) -> Scan:
        self._call("scan")
        return super().scan()

    def commit(self, batch: Sequence[Session | Home]) -> list[Stored | OrchestrdError]:
        self._call("commit")
        self.batches.append(list(batch))
        found = [self.rejects(record) for record in batch]
        answers = iter(super().commit([record for record, error in zip(batch, found, strict=True) if error is None]))
        return [next(answers) if error is None else error for error in found]

    def sync(self) -> None:
        self._call("sync")
        super().sync()

    def archive(self, session: SessionId) -> None:
        self._call("archive")
        super().archive(session)

    def close(self) -> None:
        self._call("close")
        super().close()

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if error := self.raises.get(name):
            raise error


class BenchClock(LoopClock):
    """A clock of a machine that can sleep: the loop does not notice, the boot-time clock does."""

    def sleep(self, seconds: float) -> None:
        """Let the machine sleep."""
        self._start = later(self._start, seconds)


class BenchAttachments:
    """Attachments in a dictionary."""

    def __init__(self) -> None:
        self.secrets: list[tuple[SessionId, dict[str, str]]] = []
        self.prompts: dict[SessionId, str] = {}
        self.messages: dict[tuple[SessionId, str], str] = {}
        self.trimmed: list[SessionId] = []
        self.bytes_max = 0  # that a log was last held under
        self.last_screens: dict[tuple[SessionId, int], str] = {}
        self.daemon_log_trims = 0
        self.error: OrchestrdError | None = None

    def write_secret(self, session: SessionId, environment: Mapping[str, str]) -> None:
        """See the port."""
        if self.error is not None:
            raise self.error
        self.secrets.append((session, dict(environment)))

    def write_prompt(self, session: SessionId, text: str) -> None:
        """See the port."""
        self.prompts[session] = text

    def forget(self, session: SessionId) -> None:
        """See the port."""
        self.secrets = [(owner, values) for owner, values in self.secrets if owner != session]
        self.prompts.pop(session, None)

    def read_secret(self, session: SessionId) -> Mapping[str, str]:
        """See the port."""
        return dict(next((values for owner, values in self.secrets if owner == session), {}))

    def read_prompt(self, session: SessionId) -> str | None:
        """See the port."""
        return self.prompts.get(session)

    def write_message(self, session: SessionId, digest: str, text: str) -> None:
        """See the port."""
        if self.error is not None:
            raise self.error
        self.messages[session, digest] = text

    def read_message(self, session: SessionId, digest: str) -> str | None:
        """See the port."""
        return self.messages.get((session, digest))

    def forget_message(self, session: SessionId, digest: str) -> None:
        """See the port."""
        self.messages.pop((session, digest), None)

    def sweep_messages(self, kept: Collection[tuple[SessionId, str]]) -> None:
        """See the port."""
        self.messages = {key: text for key, text in self.messages.items() if key in kept}

    def read_last_screen(self, session: SessionId, generation: int) -> str | None:
        """See the port."""
        return self.last_screens.get((session, generation))

    def trim_log(self, session: SessionId, bytes_max: int) -> None:
        """See the port."""
        if self.error is not None:
            raise self.error
        self.trimmed.append(session)
        self.bytes_max = bytes_max

    def trim_daemon_log(self, bytes_max: int) -> None:
        """See the port."""
        self.daemon_log_trims += 1


class BenchKeeper:
    """A workspace that is there unless it is told not to be."""

    kind = "none"
    error: Exception | None = None
    takes_s = 0.0

    async def prepare(self, session: SessionId, spec: Spec) -> None:
        """See the port."""
        await asyncio.sleep(self.takes_s)
        if self.error is not None:
            raise self.error


class Rig:
    """One engine, not started yet. What it says went wrong stands in `errors`."""

    def __init__(self, disk: MemoryDisk | None = None, *, world: World | None = None, **settings: Any) -> None:
        self.clock = BenchClock()
        self.scripts: dict[SessionId, Script] = {}
        self.world = world or World(self.clock, lambda order: self.scripts.get(order.run.session, Script()))
        self.runtime = ScriptedRuntime(self.world, "process")
        self.runtimes: dict[str, Runtime] = {"process": self.runtime}
        self.store = BenchStore(disk)
        self.layout = Layout(HOME)
        self.agents: dict[str, Agent] = {"shell": ShellAgent()}
        self.attachments = BenchAttachments()
        self.keeper = BenchKeeper()
        self.gatherer = ScriptedGatherer()
        self.worktrees = ScriptedWorktrees()
        self.checkouts = ScriptedCheckouts()
        self.trees = ScriptedTrees()
        self.forges: dict[str, Forge] = {}
        self.channels = ScriptedChannels()
        self.runner = ScriptedRunner()
        self.meter = ScriptedMeter()
        self.look_s = LOOK_S
        self.omitted: set[str] = set()  # parts of the engine whose place a test takes
        self.errors: list[tuple[str, BaseException | None]] = []
        self.faults: list[FaultError] = []
        self.settings = replace(Settings(interval_s=5.0, max_running=10, pid=4711, version="0.0"), **settings)

    def build(self) -> Engine:
        """Put the engine together."""
        adapters = Adapters(
            layout=self.layout,
            clock=self.clock,
            store=self.store,
            inbox=FileInbox(self.layout, self.store.disk),
            attachments=self.attachments,
            runtimes=self.runtimes,
            agents=self.agents,
            gatherer=self.gatherer,
            workspaces={"none": self.keeper, "worktree": self.keeper},
            worktrees=self.worktrees,
            checkouts=self.checkouts,
            trees=self.trees,
            forges=self.forges,
            make_notifier=self.channels.make,
            runner=self.runner,
            meter=self.meter,
            read_screen=lambda session: f"screen of {session}",
        )
        self.engine = Engine(adapters, self.settings, self.on_error, self.faults.append)
        self.engine.registry._actors = [part for part in self.engine.registry._actors if part.name not in self.omitted]
        self.service = self.engine.service
        self.mailboxes = self.service._mailboxes
        return self.engine

    def on_error(self, what: str, error: BaseException | None) -> None:
        """Note what went wrong."""
        self.errors.append((what, error))

    # ---- a hand on it

    async def spawn(self, session: str = ID, **changes: Any) -> Document:
        """Spawn a session and give its document."""
        told, _ = await self.service.spawn(request_of(session, **changes))
        return told

    async def run(self, session: str = ID, script: Script | None = None, **changes: Any) -> Session:
        """Spawn a session and wait until it runs."""
        if script is not None:
            self.scripts[SessionId(session)] = script
        await self.spawn(session, **changes)
        return await self.until(session, State.RUNNING)

    async def until(self, session: str, *states: State) -> Session:
        """Wait until a session stands in one of these states."""
        return await self.when(lambda: self.record(session) if self.state(session) in states else None)

    async def when(self, found: Callable[[], T | None]) -> T:
        """Wait until there is something to find, looking often."""
        async with asyncio.timeout(LONG_S):
            while not (value := found()):  # noqa: ASYNC110 - what is looked at tells nobody of its changes
                await asyncio.sleep(self.look_s)
        return value

    def record(self, session: str = ID) -> Session:
        """Give a session as the engine knows it: durable, and told to everyone."""
        return self.service._roster.require(SessionId(session))

    def state(self, session: str = ID) -> State | None:
        """Give its state, or null where there is no such session."""
        known = self.service._roster.get(SessionId(session))
        return known.state if known else None

    def events(self, *kinds: EventType, session: str | None = None) -> list[Event]:
        """Give the journal, or a choice of it."""
        events = [decode_event(line) for line in self.store.read(0, 1 << 30).lines]
        return [
            event
            for event in events
            if event is not None
            and (not kinds or event.type in kinds)
            and (session is None or event.session == session)
        ]

    def engine_part(self, name: str) -> Actor:
        """Find one part of the engine by its name."""
        return next(actor for actor in self.engine.registry._actors if actor.name == name)

    def prepare_home(self) -> None:
        """Make the directories of the home, as a client does that finds none."""
        for directory in self.layout.directories():
            self.store.disk.make_directory(directory)

    def spool_spawn(self, session: str = ID, at_ns: int = 0, **changes: Any) -> str:
        """Put a spawn into the inbox."""
        return self.spool(Spawn(session=SessionId(session), spec=request_of(session, **changes).spec), at_ns)

    def spool(self, command: Command, at_ns: int = 0) -> str:
        """Put a command into the inbox."""
        return spool(self.layout, command, at_ns, self.store.disk)

    def edit_as(self, session: str, record: Session) -> None:
        """Let another hand drop a record in, made after one of ours."""
        self.edit(replace(record, id=SessionId(session), events=(), effects=(), revision=1))

    def full_for(self, *sessions: str) -> ExitStack:
        """Let the disk be full for these sessions until this is closed."""
        rejects, stack = self.store.rejects, ExitStack()
        self.store.rejects = lambda record: FULL if isinstance(record, Session) and record.id in sessions else None
        stack.callback(lambda: setattr(self.store, "rejects", rejects))
        return stack

    def edit(self, record: Session) -> None:
        """Let another hand replace a record."""
        self.store.disk.write(self.layout.record(record.id), encode_record(record))

    def edit_unseen(self, record: Session) -> None:
        """Let another hand replace a record that no daemon looks at; the digest is still that of ours."""
        ours = json.loads(self.store.disk.read(self.layout.record(record.id), RECORD_BYTES_MAX))
        theirs = json.loads(encode_record(replace(record, events=()))) | {"digest": ours["digest"]}
        self.store.disk.write(self.layout.record(record.id), json.dumps(theirs).encode())

    async def home_is_told(self) -> None:
        """Let something happen to the home that is to be recorded."""
        await self.engine._home_events.tell(EventType.BREAKER_TRIPPED)

    def hang_the_ledger(self) -> None:
        """Let the disk answer nothing from now on."""

        async def never(*_: object) -> None:
            await asyncio.Event().wait()

        self.service._ledger.on_thread = never  # type: ignore[method-assign,assignment]  # what a dead disk looks like

    def inbox(self) -> tuple[str, ...]:
        """Name what waits in the inbox."""
        return FileInbox(self.layout, self.store.disk).pending()

    def said(self, text: str) -> bool:
        """Tell whether something that went wrong was said so."""
        return any(text in f"{what}: {error}" for what, error in self.errors)


def request_of(session: str = ID, **changes: Any) -> SpawnRequest:
    """Make a spawn request; what is changed is changed in its spec."""
    request = a_request(session)
    return replace(request, spec=replace(request.spec, **changes)) if changes else request


@asynccontextmanager
async def running(rig: Rig | None = None, **settings: Any) -> AsyncIterator[Rig]:
    """Start an engine, and stop it in the end."""
    rig = rig or Rig(**settings)
    rig.build()
    await rig.engine.start()
    try:
        yield rig
    finally:
        await rig.engine.stop()


def survivor(rig: Rig) -> Rig:
    """Give the next daemon, on the disk and in the world as they are now; the old one is to be left alone."""
    again = Rig(rig.store.disk.survivor(), world=rig.world)
    again.scripts = rig.scripts
    again.clock = rig.clock
    return again


__all__ = ["ID", "OTHER", "LifecycleHandle", "LifecycleManager", "Rig", "request_of", "running", "survivor"]

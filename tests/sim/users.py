"""The people of the simulation: they ask for random things at random times, and remember what they were promised."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable

from msgspec.structs import replace

from orchestrd.engine.service import EngineService
from orchestrd.model.command import Command, Kill, Revive, Send, Spawn, Stop
from orchestrd.model.document import SpawnRequest
from orchestrd.model.errors import FaultError, OrchestrdError
from orchestrd.model.event import Event, EventType
from orchestrd.model.ids import ID_ALPHABET, SessionId
from orchestrd.model.session import Session, Spec, Workspace
from orchestrd.model.words import Authority, Desired, Receipt, Until
from tests.sim.judge import Judge

SESSIONS_MAX = 14
AT_ONCE = 20  # spawns of the same id


class Promises:
    """What was accepted, and so must come true."""

    def __init__(self) -> None:
        self.specs: dict[SessionId, Spec] = {}
        self.stopped: dict[SessionId, int] = {}  # the newest generation whose stop or kill was accepted
        self.revived: dict[SessionId, int] = {}
        self.spooled: set[SessionId] = set()
        self.receipts: dict[tuple[SessionId, str], Receipt] = {}


class Users:
    """All of them; `promises` outlive the daemon that made them."""

    def __init__(self, chance: random.Random, promises: Promises, judge: Judge) -> None:
        self._chance = chance
        self._promises = promises
        self._must = judge.must
        self._messages = 0
        self._new: Counter[SessionId] = Counter()
        self._specs: dict[SessionId, Spec] = {}  # everything that was ever asked for
        self.is_heard = True  # false: their daemon is dead, and what still comes back is no answer

    # ---- with a daemon

    async def live(self, service: EngineService, pause_s: float) -> None:
        """Ask for one thing after another, for ever."""
        acts: list[Callable[[EngineService], Awaitable[None]]] = [
            self.spawn,
            self.spawn,
            self.spawn_at_once,
            self.spawn_another_under_a_taken_id,
            self.stop,
            self.kill,
            self.send,
            self.send,
            self.send_again,
            self.revive,
            self.look_around,
        ]
        while True:
            await asyncio.sleep(self._chance.expovariate(1 / pause_s))
            try:
                await self._chance.choice(acts)(service)
            except FaultError:
                await asyncio.Event().wait()  # this daemon is at its end
            except OrchestrdError as error:
                self._must(bool(error.code and error.message), f"an error that says nothing: {error!r}")

    async def spawn(self, service: EngineService) -> None:
        """Spawn a session."""
        if len(self._specs) < SESSIONS_MAX:
            await self._spawn(service, self._new_request())

    async def spawn_at_once(self, service: EngineService) -> None:
        """Spawn one session many times at once: it is new to exactly one of those who are answered."""
        if len(self._specs) >= SESSIONS_MAX:
            return
        request = self._new_request()
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._quietly(self._spawn(service, request)))
        self._must(self._new[request.id] <= 1, f"{request.id} was new {self._new[request.id]} times")

    async def spawn_another_under_a_taken_id(self, service: EngineService) -> None:
        """Spawn something else under an id that is taken."""
        if told := service.documents():
            taken = self._chance.choice(told).id
            request = replace(self._new_request(remember=False), id=taken)
            try:
                await service.spawn(request)
            except OrchestrdError as error:
                self._must(error.code != "invalid", f"{error.message}")
            else:
                self._must(not self.is_heard, f"another session was accepted under the id {taken}")

    async def stop(self, service: EngineService) -> None:
        """Stop one."""
        if (session := self._any()) is not None:
            grace_s = self._chance.choice((None, 0.0, 3.0))
            told = await service.stop(Stop(session=session, grace_s=grace_s))
            self._accepted(self._promises.stopped, session, told.generation)

    async def kill(self, service: EngineService) -> None:
        """Kill one."""
        if (session := self._any()) is not None:
            told = await service.stop(Kill(session=session))
            self._accepted(self._promises.stopped, session, told.generation)

    async def revive(self, service: EngineService) -> None:
        """Revive one."""
        if (session := self._any()) is not None:
            authority = self._chance.choice((Authority.USER, Authority.USER, Authority.AGENT))
            told = await service.revive(Revive(session=session, authority=authority))
            self._must(authority is Authority.USER or not self.is_heard, f"an agent revived {session}")
            self._accepted(self._promises.revived, session, told.generation)

    async def send(self, service: EngineService) -> None:
        """Send a message."""
        if (session := self._any()) is not None:
            self._messages += 1
            await self._send(service, session, f"m{self._messages}")

    async def send_again(self, service: EngineService) -> None:
        """Send a message that was sent before, twice at once."""
        if self._promises.receipts:
            session, message = self._chance.choice(sorted(self._promises.receipts))
            async with asyncio.TaskGroup() as group:
                for _ in range(2):
                    group.create_task(self._quietly(self._send(service, session, message)))

    async def look_around(self, service: EngineService) -> None:
        """Read everything there is to read."""
        for told in service.documents():
            self._must(service.document(told.id) == told, f"{told.id} is told in two ways")
            service.explain(told.id)
            service.nudge(told.id)
        service.facts()

    # ---- without one

    def spooled(self) -> Command:
        """Give a command for the inbox."""
        session = self._any()
        if session is not None and self._chance.random() < 0.6:
            return self._chance.choice((Stop(session=session), Kill(session=session)))
        request = self._new_request(names=("nobody", "nowhere"))
        return Spawn(session=request.id, spec=request.spec)

    def promised(self, command: Command) -> None:
        """Remember that a command lies durably in the inbox; a stop there is for whatever runs when it is read."""
        if isinstance(command, Spawn):
            self._promises.specs[command.session] = command.spec
            self._promises.spooled.add(command.session)

    # ---- what must have come true

    def check(self, records: dict[SessionId, Session], typed: dict[str, int]) -> None:
        """Check every promise against what is on disk."""
        for session, spec in self._promises.specs.items():
            self._must(session in records, f"{session} was accepted, and is nowhere")
            self._must(records[session].spec.argv == spec.argv, f"{session} is not what was accepted")
        for session, generation in self._promises.stopped.items():
            record = records[session]
            obeyed = record.generation > generation or record.desired is Desired.STOPPED or record.is_terminal
            self._must(obeyed, f"the stop of {session}.{generation} was accepted, and is forgotten")
        for session, generation in self._promises.revived.items():
            self._must(records[session].generation >= generation, f"{session} was revived, and is not")
        for (session, message), receipt in self._promises.receipts.items():
            self._check_message(records[session], message, receipt, typed.get(message, 0))

    def check_rejected(self, events: Iterable[Event]) -> None:
        """Check that nothing which was spooled behind its own spawn was rejected for want of it."""
        for event in events:
            for_want = event.type is EventType.COMMAND_REJECTED and "there is no session" in (event.error or "")
            self._must(not for_want or event.session not in self._promises.spooled, f"rejected: {event.error}")

    def _check_message(self, record: Session, message: str, receipt: Receipt, times: int) -> None:
        known = {m.id for m in record.messages} | {m.id for m in record.settled}
        self._must(message in known or len(record.settled) >= 32, f"message {message} is forgotten")
        if receipt in (Receipt.SUBMITTED, Receipt.TYPED):
            self._must(times == 1, f"message {message} is {receipt}, and was typed {times} times")
        if receipt is Receipt.REFUSED:
            self._must(times == 0, f"message {message} is refused, and was typed")

    # ---- one at a time

    async def _spawn(self, service: EngineService, request: SpawnRequest) -> None:
        told, is_new = await service.spawn(request)
        self._must(told.id == request.id, f"{request.id} was answered with {told.id}")
        if self.is_heard:
            self._promises.specs[request.id] = request.spec
            self._new[request.id] += is_new

    async def _send(self, service: EngineService, session: SessionId, message: str) -> None:
        reply = await service.send(Send(session=session, message=message, text=message))
        if not self.is_heard:
            return
        if reply.receipt is Receipt.REFUSED and (session, message) not in self._promises.receipts:
            return  # it was never accepted
        self._promises.receipts[session, message] = reply.receipt

    async def _quietly(self, work: Awaitable[None]) -> None:
        try:
            await work
        except OrchestrdError:
            return

    def _accepted(self, promises: dict[SessionId, int], session: SessionId, generation: int) -> None:
        if self.is_heard:
            promises[session] = max(generation, promises.get(session, 0))

    def _any(self) -> SessionId | None:
        return self._chance.choice(sorted(self._specs)) if self._specs else None

    def _new_request(self, *, remember: bool = True, names: tuple[str, str] | None = None) -> SpawnRequest:
        """Make up a session; with `names`, its agent or runtime may be one that no daemon knows."""
        agents, runtimes = (["shell"] * 8, ["scripted"] * 8)
        if names:
            agents, runtimes = [*agents, names[0]], [*runtimes, names[1]]
        session = SessionId("".join(self._chance.choice(ID_ALPHABET) for _ in range(8)))
        nonce = f"{self._chance.getrandbits(64):x}"
        spec = Spec(
            name=f"n-{session}",
            project="/p",
            agent=self._chance.choice(agents),
            runtime=self._chance.choice(runtimes),
            argv=("agent", nonce),
            workspace=Workspace(kind="none", path="/p"),
            nonce=nonce,
            grace_s=self._chance.choice((0.0, 5.0, 10.0)),
            until=self._chance.choice((Until.EXIT, Until.EXIT, Until.EXIT, Until.TURN, Until.VERIFY)),
            verify="make test",
        )
        if remember:
            self._specs[session] = spec
        return SpawnRequest(id=session, spec=spec, environment={"HOME": "/p"}, prompt="do it")

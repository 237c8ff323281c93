"""A scripted day in one home: what its user asks for, again and again where the daemon dies before it answers.

The user repeats each command until it is accepted, with the same id, as a client may; or spools it. What was answered
with a 2xx, or spooled, was accepted, and from then on it must not be lost. A subscriber follows all day by its cursor.
"""

import contextlib
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from orchestrd.client import calls
from orchestrd.client.blocking import Client
from orchestrd.client.calls import Call
from orchestrd.client.connection import Connection
from orchestrd.model.document import Document, SendRequest
from orchestrd.model.errors import OrchestrdError, RefusedError, TransientError, UnreachableError
from orchestrd.model.event import Event
from orchestrd.model.ids import SessionId
from orchestrd.model.words import TERMINAL, Receipt
from tests.acceptance import agents
from tests.acceptance.daemon import USER, Daemon, Home, event_of
from tests.acceptance.processes import until

T = TypeVar("T")

OPEN_MAX = 14  # sessions at a time: more than the lane admits, so that some wait
COMMAND_S = 60.0
AGAIN_S = 0.01
SIGNALS = ("SEGV", "KILL", "TERM", "USR1")
GRACE_S = 0.3


@dataclass
class Plan:
    """One session of the day: how it ends when it is left alone, and what was accepted for it."""

    session: SessionId
    kind: str
    code: int | None = None
    signal: str | None = None
    generations: int = 1
    ended_by_user: bool = False
    may_be_ended_by_user: bool = False  # a command for it was spooled, or never answered
    receipt: Receipt | None = None
    sent: set[str] = field(default_factory=set)  # signals that may have been sent to it

    @property
    def ends_by_itself(self) -> bool:
        return self.code is not None or self.signal is not None


@dataclass
class Day:
    """What happens in one home from morning to evening."""

    home: Home
    seed: int
    plans: dict[SessionId, Plan] = field(default_factory=dict)
    revisions: dict[str, int] = field(default_factory=dict)
    seen: list[Event] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    told: tuple[Document, ...] = ()  # the list, when it was last looked at
    runtime: str = "process"

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._is_over = threading.Event()
        self._evening = threading.Event()
        self._user = threading.Thread(target=self._guarded, args=(self._work,), name="user")
        self._subscriber = threading.Thread(target=self._guarded, args=(self._subscribe,), name="subscriber")

    def begin(self) -> None:
        self._user.start()
        self._subscriber.start()

    def close(self) -> None:
        """Let the user finish the command under way and begin nothing new."""
        self._evening.set()
        self._user.join(COMMAND_S)
        assert not self._user.is_alive(), "the user is still waiting for an answer"

    def end(self, newest: int) -> None:
        """Let the subscriber see everything up to the newest event, and go."""
        deadline = time.monotonic() + COMMAND_S
        while not (self.seen and self.seen[-1].sequence >= newest) and not self.failures:
            assert time.monotonic() < deadline, f"the subscriber stands at {self.seen[-1:]}, the journal at {newest}"
            time.sleep(AGAIN_S)
        self._is_over.set()

    def release(self) -> None:
        """Let everybody go; after a failure."""
        self._evening.set()
        self._is_over.set()
        for thread in (self._user, self._subscriber):
            if thread.ident is not None:
                thread.join(COMMAND_S)

    # ---- the user ----------------------------------------------------------------------------------------------------

    def spawn(self, kind: str) -> Plan:
        """Begin a session of a kind, and insist until it is accepted."""
        script, code, signal = self._role(kind)
        request = self.home.request(script, grace_s=GRACE_S, runtime=self.runtime)
        if not self._spooled(lambda client: client.spawn(request)):
            self._insist(calls.spawn(request))
        plan = self.plans[request.id] = Plan(request.id, kind, code, signal)
        return plan

    def _role(self, kind: str) -> tuple[str, int | None, str | None]:
        """Give the script of a kind, and the code or the signal it ends with when it is left alone."""
        roles: dict[str, Callable[[], tuple[str, int | None, str | None]]] = {
            "well": lambda: (agents.ends_with(0), 0, None),
            "fails": lambda: (agents.ends_with(code := self._chance.randrange(1, 256)), code, None),
            "dies": lambda: (agents.dies_of(name := self._chance.choice(SIGNALS)), None, f"SIG{name}"),
            "leaves": lambda: (agents.LEAVES_A_CHILD, 0, None),
            "asks": lambda: (agents.ASKS, None, None),
            "sleeps": lambda: (agents.SLEEPS, None, None),
            "stubborn": lambda: (agents.IGNORES_TERM, None, None),
            "steady": lambda: (agents.STEADY, None, None),
        }
        return roles[kind]()

    def _work(self) -> None:
        while not self._evening.is_set():
            self._act()
            time.sleep(self._chance.random() * 0.04)

    def _act(self) -> None:
        states = self._look()
        known = [plan for plan in self.plans.values() if plan.session in states]  # what is spooled is not known yet
        running = [plan for plan in known if states[plan.session] not in TERMINAL]
        acts: list[Callable[[], object]] = []
        if len(running) < OPEN_MAX:
            acts += [
                lambda: self.spawn(
                    self._chance.choice(("well", "fails", "dies", "leaves", "asks", "sleeps", "stubborn"))
                )
            ] * 4
        acts += [partial(self._answer, plan) for plan in running if plan.kind == "asks" and plan.receipt is None]
        acts += [partial(self._end, plan) for plan in running if plan.kind in ("sleeps", "stubborn")]
        ended = [plan for plan in known if plan.ends_by_itself and states[plan.session] in TERMINAL]
        acts += [lambda: self._revive(self._chance.choice(ended))] * bool(ended)
        if acts:
            self._chance.choice(acts)()

    def _look(self) -> dict[str, str]:
        """Read the list; no revision that was ever shown is taken back."""
        self.told = self._insist(calls.status(with_ended=True, project=None)).sessions
        for document in self.told:
            assert document.revision >= self.revisions.get(document.id, 0), f"taken back: {document}"
            self.revisions[document.id] = document.revision
        return {document.id: document.state for document in self.told}

    def _answer(self, plan: Plan) -> None:
        call = calls.send(plan.session, SendRequest(message="only", text="go"))
        plan.receipt = self._insist(call).receipt
        if plan.receipt is Receipt.REFUSED:
            plan.receipt = None

    def _end(self, plan: Plan) -> None:
        is_kill = self._chance.random() < 0.5
        if self._spooled(lambda client: client.kill(plan.session) if is_kill else client.stop(plan.session)):
            plan.may_be_ended_by_user = True
            return
        call = calls.kill(plan.session, USER) if is_kill else calls.stop(plan.session, USER, None)
        plan.may_be_ended_by_user = True
        with contextlib.suppress(RefusedError):  # it had ended: by an earlier command of ours
            self._insist(call)
            plan.ended_by_user = True

    def _revive(self, plan: Plan) -> None:
        with contextlib.suppress(RefusedError):  # an unanswered one has worked
            plan.generations = self._insist(calls.revive(plan.session, USER)).generation

    def _insist(self, call: Call[T]) -> T:
        """Repeat a command until it is answered, as any client may."""
        deadline = time.monotonic() + COMMAND_S
        while True:
            try:
                return self.home.ask(call)
            except OrchestrdError as error:
                is_passing = isinstance(error, UnreachableError | TransientError) or error.code == "stopped"
                if not is_passing or self._is_over.is_set() or time.monotonic() > deadline:
                    raise
            time.sleep(AGAIN_S)

    def _spooled(self, spool: Callable[[Client], object]) -> bool:
        """Now and then a command is spooled, with a daemon or without one."""
        if self._chance.random() > 0.2:
            return False
        try:
            spool(Client(self.home.layout.home, use_daemon=False))
        except RefusedError:
            return False  # the disk says that it has ended already
        return True

    # ---- the subscriber ----------------------------------------------------------------------------------------------

    def _subscribe(self) -> None:
        while not self._is_over.is_set():
            cursor = self.seen[-1].sequence if self.seen else 0
            call = calls.events(cursor, follow=True, sessions=(), types=())
            with contextlib.suppress(OrchestrdError), Connection(self.home.layout.socket) as connection:
                for line in connection.lines(call, time.monotonic() + 0.5):
                    self.seen.append(event_of(line))
            time.sleep(AGAIN_S)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - told by the test, on its own thread
            self.failures.append(error)


def wait_for_a_moment(daemon: Daemon, chance: random.Random, work_s: float) -> None:
    """Half of the moments lie in the recovery and what follows it, half in the day's work."""
    if chance.random() < 0.5:
        until(lambda: _has_the_home(daemon) or daemon.has_ended(), "the daemon takes its home")
        time.sleep(chance.random() * 0.08)
    else:
        daemon.until_it_answers()
        time.sleep(chance.random() * work_s)
    assert not daemon.has_ended(), daemon.words()


def _has_the_home(daemon: Daemon) -> bool:
    return Path(daemon.layout.lock).read_text(encoding="ascii").strip() == str(daemon.pid)

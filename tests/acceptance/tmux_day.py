"""A scripted day with terminals: 50 agents in tmux at a time that say, hear, report, fall, fork and do not listen.

Each writes down what it says and hears, and as its last act how it is going to end: by that the day is judged.
"""

import contextlib
import os
import random
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from orchestrd.client import calls
from orchestrd.core.launch import StartRecord
from orchestrd.model.document import SendRequest
from orchestrd.model.ids import SessionId
from orchestrd.model.words import TERMINAL, Receipt
from tests.acceptance import agents
from tests.acceptance.day import SIGNALS, Day, Plan
from tests.acceptance.processes import Identity, end, environment_of, is_alive

OPEN = 50  # sessions at a time
WAITING = 4  # so many more wait for a place
SPAWNED = 3  # one after the other
HEARD = 3  # lines that one who listens wants to hear
FLOOD = 20_000
KINDS = ("exits", "falls", "leaves", "deaf", "reports", "floods", "hears", "sleeps")
STRIKES = (signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM)
LINE = re.compile(rb"([a-z2-7]{8}:\d+):[0-9a-f]+ (\d+)\r?\n")

Role = tuple[str, int | None, str | None]


@dataclass
class TmuxDay(Day):
    """What happens in one home with terminals."""

    runtime: str = "tmux"
    most: int = 0  # sessions that were open at once
    typed: dict[SessionId, list[Receipt]] = field(default_factory=dict)  # what became of `text(1)`, `text(2)` ...
    buried: set[str] = field(default_factory=set)  # runs that were told to be over, and are
    visitor: "subprocess.Popen[bytes] | None" = None  # somebody who is attached, ...
    screen: int = -1  # ... and the other end of their terminal, at which nobody looks

    def _role(self, kind: str) -> Role:
        some, code = self._chance.randrange(1, 16), self._chance.choice((0, self._chance.randrange(1, 256)))
        name = self._chance.choice(SIGNALS)
        speech = agents.says(some, pause_s=0.5)
        roles: dict[str, Callable[[], Role]] = {
            "exits": lambda: (speech + agents.exits(code), code, None),
            "falls": lambda: (speech + agents.falls(name), None, f"SIG{name}"),
            "leaves": lambda: (speech + agents.LEAVES_TWO + agents.exits(code), code, None),
            "reports": lambda: (self._reports(some) + agents.exits(code), code, None),
            "floods": lambda: (agents.says(FLOOD, diary_each=100) + "sleep 1; " + agents.exits(code), code, None),
            "hears": lambda: (agents.hears(HEARD) + agents.says(3) + agents.exits(code), code, None),
            "deaf": lambda: (agents.DEAF + agents.says(10_000, pause_s=0.5), None, None),
            "sleeps": lambda: (agents.says(3) + "exec sleep 1000", None, None),
        }
        if kind not in roles:
            return super()._role(kind)
        script, planned_code, planned_signal = roles[kind]()
        return agents.BEGIN + script, planned_code, planned_signal

    def _reports(self, rounds: int) -> str:
        words = ("working", "waiting", "blocked", "working")
        return "".join(agents.report(words[number % 4]) + "sleep 0.3; " for number in range(rounds))

    def spawn_any(self) -> Plan:
        return self.spawn(self._chance.choice(KINDS))

    # ---- the user ----------------------------------------------------------------------------------------------------

    def _act(self) -> None:
        states = self._look()
        plans = [plan for plan in self.plans.values() if plan.kind != "steady" and plan.session in states]
        running = [plan for plan in plans if states[plan.session] not in TERMINAL]
        ended = [plan for plan in plans if states[plan.session] in TERMINAL]
        self.most = max(self.most, sum(state in ("starting", "running", "stopping") for state in states.values()))
        for _ in range(min(SPAWNED, OPEN + WAITING - len(running))):
            self.spawn_any()
        if ended and self._chance.random() < 0.2:
            self._revive(self._chance.choice(ended))
        self._chance.choice((self._tell_one, self._end_one, self._strike_one, self._meddle, self._visit))(running)

    def _look(self) -> dict[str, str]:
        """Nothing that is called ended lives."""
        states = super()._look()
        over = {f"{told.id}:{told.generation}" for told in self.told if told.state in TERMINAL} - self.buried
        if over:
            assert over.isdisjoint(self.living()), "called ended, and lives"
        self.buried |= over
        return states

    def living(self) -> Iterator[str]:
        """Name the runs of which something lives, but for a launcher that has recorded the end and is about to go."""
        for process in self.home.processes():
            run = environment_of(process.pid).get("ORCH_RUN", "").rpartition(":")[0]
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{process.pid}/cmdline").read_bytes()
                is_launcher = words.endswith(f"/{run.replace(':', '.')}\0".encode())
                if not is_launcher and is_alive(process):
                    yield run

    def _end(self, plan: Plan) -> None:
        plan.sent |= {"SIGTERM", "SIGKILL"}
        super()._end(plan)

    def _end_one(self, running: list[Plan]) -> None:
        """End one that does not end by itself, or now and then whoever it is."""
        endless = [plan for plan in running if plan.kind in ("deaf", "sleeps")]
        if found := running if self._chance.random() < 0.2 else endless:
            self._end(self._chance.choice(found))

    def _strike_one(self, running: list[Plan]) -> None:
        """Signal an agent behind everybody's back."""
        if not running:
            return
        plan = self._chance.choice(running)
        with contextlib.suppress(OSError):
            place = self.home.layout.run_directory(plan.session, plan.generations)
            agent = msgspec.json.decode(Path(place, "start.json").read_bytes(), type=StartRecord).agent
            number = self._chance.choice(STRIKES)
            plan.sent.add(number.name)
            plan.may_be_ended_by_user = True
            run = f"{plan.session}:{plan.generations}:"
            end(Identity(agent.pid, agent.started_ticks), lambda words: words["ORCH_RUN"].startswith(run), number)

    def _meddle(self, _: list[Plan]) -> None:
        """Do to a session what its owner may do: give it another name, scroll back in it, open a pane beside it."""
        with contextlib.suppress(subprocess.CalledProcessError, IndexError):  # it has just gone
            target = f"={self._chance.choice(self.home.tmux.sessions())}:"
            name = f"of-{self._chance.getrandbits(32)}"
            beside = ("split-window", "-d", "-t", target, "sleep", "0.5")
            acts = (("rename-session", "-t", target[:-1], name), ("copy-mode", "-t", target), beside)
            self.home.tmux.ask(*self._chance.choice(acts))

    def _visit(self, _: list[Plan]) -> None:
        """Leave the session that somebody is attached to, and attach to another: in a terminal that shows nothing."""
        self.leave()
        with contextlib.suppress(IndexError):
            session = self._chance.choice(self.home.tmux.sessions())
            screen, terminal = os.openpty()
            self.visitor = self.home.tmux.attach(session, terminal)
            os.close(terminal)
            self.screen = screen

    def leave(self) -> None:
        """Go without a word, as one does who closes the lid."""
        if self.visitor is not None:
            self.visitor.kill()
            self.visitor.wait()
            os.close(self.screen)
            self.visitor = None

    def _may_be_told(self, plan: Plan) -> bool:
        receipts = self.typed.get(plan.session, [])
        return len(receipts) < HEARD and set(receipts) <= {Receipt.TYPED} and not plan.sent

    def _tell_one(self, running: list[Plan]) -> None:
        listening = [plan for plan in running if plan.kind == "hears" and self._may_be_told(plan)]
        if listening:
            self._tell(self._chance.choice(listening))

    def _tell(self, plan: Plan) -> None:
        receipts = self.typed.setdefault(plan.session, [])
        request = SendRequest(
            message=f"{random.Random(self._chance.random()).getrandbits(64):x}", text=text(len(receipts) + 1)
        )
        receipt = self._insist(calls.send(plan.session, request)).receipt
        if receipt is not Receipt.REFUSED:
            receipts.append(receipt)


def text(number: int) -> str:
    """Give what is sent as the line of that number."""
    return f"line {number} of what there is to hear"

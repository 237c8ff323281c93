"""The agents of the day: they work in turns, push what they made, and stand before a dialog now and then.

What they do stands in the plan of the forge's world. An agent that is told something takes a turn on it; a lazy one
takes it, and pushes nothing.
"""

import asyncio
import random
from collections import Counter

from orchestrd.model.effect import EffectKind
from orchestrd.model.ids import SessionId
from orchestrd.model.run import Run
from orchestrd.model.session import Session
from orchestrd.ports import Clock, CommandEnd
from orchestrd.testing.world import RunKey, Script
from tests.sim.forge import ForgeWorld, Pull
from tests.sim.judge import Judge
from tests.sim.troubles import TroubledRuntime, Troubles
from tests.sim.world import SimWorld

KNOWN_S = 3.0  # a dialog that has stood for so long must be known to whoever looks right before typing


class DayWorld(SimWorld):
    """Runs whose agents work on branches of the forge."""

    def __init__(
        self, clock: Clock, seed: int, records: dict[SessionId, Session], judge: Judge, forge: ForgeWorld
    ) -> None:
        super().__init__(clock, seed, records, judge)
        self._script_of = lambda order: self._begin(order.run)
        self._seed = seed
        self._forge = forge
        self._judge = judge
        self._blocked_since: dict[RunKey, float] = {}
        self._turns: Counter[RunKey] = Counter()
        self.commands: set[tuple[SessionId, str]] = set()  # that were begun, by the effect
        self.told: Counter[tuple[SessionId, str]] = Counter()  # how often each message was typed

    def catch_up(self) -> None:
        """Let everything happen that was to happen by now."""
        self._forge.catch_up(self.clock.now().at.timestamp())

    def is_lazy(self, session: SessionId) -> bool:
        """Tell whether it pushes nothing that it was not begun for."""
        return random.Random(f"{self._seed} {session}").random() < 0.35

    # ---- what is done to a run

    def check_typing(self, run: Run) -> None:
        """Check that it may be typed into, by what is known and by what is so."""
        super().check_typing(run)
        since = self._blocked_since.get((run.session, run.generation))
        stood_s = 0.0 if since is None else self._forge.now_s - since
        self._must(stood_s < KNOWN_S, f"typed into a dialog of {run.session} that has stood for {stood_s:.0f} s")

    def count_typing(self, text: str) -> None:
        """Two attempts may say the same: what must not be repeated is the message."""

    def answer(self, run: Run) -> None:
        """Note which message this was, and let the agent take a turn on it."""
        record = self._records[run.session]
        typed = [one.message for one in record.effects if one.kind is EffectKind.DELIVER and one.attempted]
        self._must(len(typed) == 1, f"{run.session} is typed into for {typed}")
        key = run.session, str(typed[0])
        self.told[key] += 1
        self._must(self.told[key] == 1, f"message {key} was typed {self.told[key]} times")
        self._begin_turn((run.session, run.generation), is_lazy=self.is_lazy(run.session))

    def begin_command(self, session: SessionId) -> None:
        """Note that a command is begun: only one that stands in the record as attempted, and only once."""
        effects = self._records[session].effects
        begun = [(session, one.id) for one in effects if one.kind is EffectKind.RUN and one.attempted]
        self._must(len(begun) == 1, f"{session} has a command run for {begun}")
        self._must(begun[0] not in self.commands, f"the command of {begun[0]} is run again")
        self.commands.add(begun[0])

    # ---- turns

    def _begin(self, run: Run) -> Script:
        self._begin_turn((run.session, run.generation), is_lazy=False)
        return Script(starts_after_s=0.01, heeds_term_after_s=0.5)

    def _begin_turn(self, key: RunKey, *, is_lazy: bool) -> None:
        self._turns[key] += 1
        turn, chance = self._turns[key], self._forge.chance
        self._forge.later(1.0, lambda: self._says(key, "working", turn))
        begun_s = 1.0
        if chance.random() < 0.2:
            blocked_s = chance.uniform(5, 300)
            begun_s = blocked_s + chance.uniform(60, 1_800)
            self._forge.later(blocked_s, lambda: self._says(key, "blocked", turn))
            self._forge.later(begun_s, lambda: self._says(key, "working", turn))
        self._forge.later(begun_s + chance.uniform(30, 600), lambda: self._end_turn(key, turn, is_lazy=is_lazy))

    def _end_turn(self, key: RunKey, turn: int, *, is_lazy: bool) -> None:
        if not is_lazy and self._says(key, "waiting", turn, is_said=False):
            self._forge.push(self._pull(key[0]))
        self._says(key, "waiting", turn)

    def _pull(self, session: SessionId) -> Pull:
        return self._forge.branch(session, str(self._records[session].spec.workspace.branch))

    def _says(self, key: RunKey, word: str, turn: int, *, is_said: bool = True) -> bool:
        """Write a report down, if it lives and this turn goes on; true where it does."""
        now, run = self.clock.now(), self.runs.get(key)
        up_s = now.up_s - (now.at.timestamp() - self._forge.now_s)
        if run is None or run.boot != now.boot or run.end(up_s) is not None or self._turns[key] != turn:
            return False
        if is_said:
            run.lines.append((up_s, b'{"report":"%s"}' % word.encode()))
            self._blocked_since.pop(key, None)
            if word == "blocked":
                self._blocked_since[key] = self._forge.now_s
        return True


class DayRunner:
    """Runs the commands of reactions: each once, whatever becomes of the daemon that has begun it."""

    def __init__(self, world: DayWorld, chance: random.Random) -> None:
        self.is_dead = False
        self._day = world
        self._chance = chance

    async def run(self, session: Session, command: str) -> CommandEnd:
        """See the port."""
        if self.is_dead:
            await asyncio.Event().wait()
        self._day.begin_command(session.id)
        await asyncio.sleep(self._chance.uniform(1, 400))
        return CommandEnd(exit_code=self._chance.choice((0, 0, 1)), output="made")


class DayRuntime(TroubledRuntime):
    """A runtime that sees what has happened by now."""

    def __init__(self, world: DayWorld, name: str, chance: random.Random, troubles: Troubles) -> None:
        super().__init__(world, name, chance, troubles)
        self._day = world

    async def _answer(self) -> None:
        await super()._answer()
        self._day.catch_up()

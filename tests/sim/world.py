"""The world of the simulation: scripted agents that outlive every daemon, and know what must never be done to them."""

import random

from orchestrd.model.ids import SessionId
from orchestrd.model.run import Order, Run
from orchestrd.model.session import Session
from orchestrd.model.words import Activity, State
from orchestrd.ports import Clock
from orchestrd.testing.world import RunKey, Script, World
from tests.sim.judge import Judge

REPORTS = (b'{"report":"working"}', b'{"report":"waiting","text":"done"}', b'{"report":"blocked"}', b"not a report")


class SimWorld(World):
    """`records` is the disk's truth, kept by the checker: what is durable at this moment."""

    def __init__(self, clock: Clock, seed: int, records: dict[SessionId, Session], judge: Judge) -> None:
        super().__init__(clock, lambda order: script_of(seed, order.run))
        self._records = records
        self._must = judge.must
        self.typed: dict[str, int] = {}

    def launch(self, order: Order) -> None:
        """Check that this start was decided and is the only one, then start; a run that is claimed starts no more."""
        run, key = order.run, (order.run.session, order.run.generation)
        if key not in self.runs and key not in self.refused:
            record = self._records.get(run.session)
            self._must(record is not None, f"{run.session} is launched, and nothing of it is on disk")
            assert record is not None
            self._must(not record.is_terminal, f"{key} is launched after its end")
            self._must(record.generation == run.generation, f"{key} is launched, and is not the newest run")
            others = [other for other in self.running() if other[0] == run.session]
            self._must(not others, f"{key} is launched while {others} lives")
        super().launch(order)

    def check_typing(self, run: Run) -> None:
        """Check that it may be typed into this run now."""
        record = self._records[run.session]
        self._must(record.state is State.RUNNING, f"typed into {run.session}, which is {record.state}")
        self._must(record.ending is None, f"typed into {run.session}, which is being ended")
        self._must(
            record.activity in (Activity.UNKNOWN, Activity.WAITING), f"typed into a {record.activity} {run.session}"
        )

    def count_typing(self, text: str) -> None:
        """Check that this was typed once at most."""
        self.typed[text] = self.typed.get(text, 0) + 1
        self._must(self.typed[text] == 1, f"{text!r} was typed twice")

    def answer(self, run: Run) -> None:
        """Let the agent take its turn on what was typed: it works for a while, and waits again."""
        self.runs[run.session, run.generation].lines += [
            (self.now_s() + 0.5, b'{"report":"working"}'),
            (self.now_s() + 3.0, b'{"report":"waiting"}'),
        ]

    def check_ending(self, run: Run) -> None:
        """Check that someone decided to end this run."""
        record = self._records[run.session]
        decided = record.generation == run.generation and record.ending is not None
        self._must(decided or record.is_terminal, f"{run.session}.{run.generation} is ended, and nobody decided it")

    def is_alive(self, key: RunKey) -> bool:
        """Tell whether this run lives now."""
        return key in self.running()


def script_of(seed: int, run: Run) -> Script:
    """Write the script of one run; the same for the same seed, whoever launches it and when."""
    chance = random.Random(f"{seed} {run.session} {run.generation}")
    if chance.random() < 0.05:
        return Script(launch_error="no launcher")
    if chance.random() < 0.05:
        return Script(start_error="no such program")
    return Script(
        starts_after_s=chance.choice((0.0, 0.01, 1.0, 20.0, 29.0, 40.0, None)) if chance.random() < 0.2 else 0.01,
        exits_after_s=chance.choice((None, None, 0.0, 0.05, chance.uniform(1, 200))),
        exit_code=chance.choice((0, 0, 1, 7)),
        exit_signal=chance.choice((None, None, None, "SIGSEGV")),
        is_recorded=chance.random() < 0.85,
        reports=_reports(chance),
        heeds_term_after_s=chance.choice((0.0, 0.5, 9.0, 15.0, None)),
        kills_survived=chance.choice((0, 0, 0, 0, 1, 2, 3, 5)),
    )


def _reports(chance: random.Random) -> tuple[tuple[float, bytes], ...]:
    if chance.random() < 0.3:
        return ()
    times = sorted(chance.uniform(0, 150) for _ in range(chance.randint(1, 12)))
    return tuple((at, chance.choice(REPORTS)) for at in times)

"""What ledger and clocks do around `step`, in memory: a session's life as a list of turns that laws can judge."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from orchestrd.core.restart import owed_after_restart
from orchestrd.core.step import Outcome, step
from orchestrd.model.command import Input, Restarted, Spawn
from orchestrd.model.effect import Effect
from orchestrd.model.event import Event, EventType
from orchestrd.model.ids import SessionId
from orchestrd.model.instant import Instant
from orchestrd.model.observation import Evidence
from orchestrd.model.session import Session, Spec, Workspace
from orchestrd.model.words import Until

SESSION = SessionId("aaaaaaaa")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


WORKTREE = Workspace(kind="worktree", path="/worktrees/project/aaaaaaaa", branch="orch/aaaaaaaa")


def spec(until: Until = Until.EXIT, grace_s: float = 10.0) -> Spec:
    return Spec(
        name="s1",
        project="/project",
        agent="shell",
        runtime="process",
        argv=("true",),
        workspace=WORKTREE if until in (Until.PR_OPEN, Until.PR_MERGED) else Workspace(kind="none", path="/project"),
        nonce="n0nce",
        until=until,
        grace_s=grace_s,
        verify="make test" if until is Until.VERIFY else None,
    )


@dataclass(frozen=True)
class Taken:
    """One input that was taken (or put off), and what came of it."""

    before: Session | None
    evidence: Evidence
    input: Input
    now: Instant
    outcome: Outcome

    @property
    def after(self) -> Session:
        assert self.outcome.session is not None
        return self.outcome.session

    @property
    def moves(self) -> list[Event]:
        return [event for event in self.outcome.events if event.type is EventType.STATE_CHANGED]

    @property
    def is_commit(self) -> bool:
        return bool(self.outcome.events) or self.outcome.session != self.before


class Interpreter:
    """Applies inputs as the mailbox and the ledger will: one at a time, one revision a commit, put-off ones again."""

    def __init__(self) -> None:
        self.session: Session | None = None
        self.evidence = Evidence()
        self.now = Instant(at=NOON, boot="boot-1", up_s=1_000.0)
        self.history: list[Taken] = []

    def give(self, input_: Input) -> Taken:
        """Apply an input to its end; gives the last of the turns it took."""
        taken = self._turn(input_)
        while not taken.outcome.consumed:
            assert taken.moves, "an input that is put off must have moved the session, or it is put off for ever"
            taken = self._turn(input_)
        return taken

    def spawn(self, until: Until = Until.EXIT, grace_s: float = 10.0) -> None:
        self.give(Spawn(session=SESSION, spec=spec(until, grace_s)))

    def wait(self, seconds: float) -> None:
        self.now = replace(self.now, at=self.now.at + timedelta(seconds=seconds), up_s=self.now.up_s + seconds)

    def jump(self, seconds: float) -> None:
        """Set the wall clock; the boot-time clock does not care."""
        self.now = replace(self.now, at=self.now.at + timedelta(seconds=seconds))

    def reboot(self) -> None:
        number = int(self.now.boot.removeprefix("boot-"))
        self.now = replace(self.now, boot=f"boot-{number + 1}", up_s=5.0, at=self.now.at + timedelta(seconds=60))
        self.restart()

    def restart(self) -> None:
        """End the daemon and start another: what was only in memory is gone."""
        self.evidence = Evidence()
        for owed in owed_after_restart(self.record):
            self.give(owed)

    @property
    def record(self) -> Session:
        assert self.session is not None
        return self.session

    @property
    def events(self) -> list[Event]:
        return [event for taken in self.history for event in taken.outcome.events]

    @property
    def moves(self) -> list[Event]:
        return [event for event in self.events if event.type is EventType.STATE_CHANGED]

    @property
    def given_out(self) -> list[Effect]:
        return [effect for taken in self.history for effect in taken.outcome.effects]

    def _turn(self, input_: Input) -> Taken:
        outcome = step(self.session, self.evidence, input_, self.now)
        taken = Taken(before=self.session, evidence=self.evidence, input=input_, now=self.now, outcome=outcome)
        self.evidence = outcome.evidence
        if taken.is_commit:
            self.session = replace(taken.after, revision=taken.after.revision + 1)
            self.history.append(taken)
        elif not isinstance(input_, Restarted):
            self.history.append(taken)
        return taken


def generations(events: Iterable[Event]) -> Iterator[list[Event]]:
    """Split the moves of a session by generation."""
    moves = [event for event in events if event.type is EventType.STATE_CHANGED]
    for generation in sorted({event.generation or 0 for event in moves}):
        yield [event for event in moves if event.generation == generation]

"""Sessions to react to: one that runs in a worktree, with whatever is to be known of it; and reactions to it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from orchestrd.core.condition import all_of, parts_of
from orchestrd.core.reaction import Judgement, judge
from orchestrd.model.change import Checks, Review
from orchestrd.model.command import Attempted, Delivered, React
from orchestrd.model.decision import Decision
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.event import Event, EventType
from orchestrd.model.instant import Instant
from orchestrd.model.notice import Priority
from orchestrd.model.observation import ChangeTold
from orchestrd.model.reaction import Act, Condition, Episode, Reaction, Seen
from orchestrd.model.session import Session, Spec, Workspace
from orchestrd.model.words import Activity, Receipt
from tests.changes import CHANGE
from tests.core.interpreter import Interpreter
from tests.reports import a_report
from tests.sessions import a_session

NOON = Instant(at=datetime(2026, 11, 20, 12, tzinfo=UTC), boot="boot", up_s=1_000.0)

SPEC = Spec(
    name="work",
    project="/srv/project",
    agent="claude",
    runtime="tmux",
    argv=(),
    workspace=Workspace(kind="worktree", path="/srv/worktrees/abcdefgh", branch="orch/abcdefgh", base="main"),
    nonce="n",
)

CI_FAILED = Reaction(
    name="ci-failed", when=Condition(checks=(Checks.FAILING,)), act=Act.SEND, text="mend {checks}", attempts=2
)
NEEDS_INPUT = Reaction(
    name="needs-input", when=Condition(activity=(Activity.BLOCKED,)), act=Act.NOTIFY, priority=Priority.URGENT
)
READY = Reaction(name="ready", when=Condition(review=(Review.APPROVED,)), act=Act.MERGE, attempts=2)
FIRED, FAILED = EventType.REACTION_FIRED, EventType.REACTION_FAILED
ESCALATED, CLEARED = EventType.REACTION_ESCALATED, EventType.REACTION_CLEARED


def session_of(*, name: str = "work", **facts: Any) -> Session:
    """Make a session that runs, and of which this is known."""
    return replace(a_session(spec=replace(SPEC, name=name), handle="h"), **facts)


def holds(when: Condition, session: Session, seen: Seen, now: Instant) -> bool | None:
    """Tell whether a condition holds; null: nobody knows."""
    return all_of(parts_of(when, session, seen, now))


class Reacting(Interpreter):
    """The life of a session that is reacted to: what is seen of it, and what the reactor submits then."""

    def __init__(self, *reactions: Reaction, **facts: Any) -> None:
        super().__init__()
        self.now = NOON
        self.session = session_of(**facts)
        self.reactions = reactions
        self.seen = Seen()
        self._lines = 0

    def judged(self) -> Judgement:
        """Judge the first of its reactions, as it stands."""
        return judge(self.reactions[0], self.record, self.seen, self.now)

    def react(self) -> list[Event]:
        """Submit what is due, until nothing is; gives the events of it."""
        first = len(self.events)
        for reaction in self.reactions:
            for _ in range(4):
                if judge(reaction, self.record, self.seen, self.now).is_due:
                    self.give(React(reaction=reaction, seen=self.seen))
        return self.events[first:]

    def looks(self, activity: Activity | None = None, after_s: float = 5.0, decision: Decision | None = None) -> None:
        """Look at its run a little later, and find it doing this, or what it did before."""
        self.wait(after_s)
        if activity is not None:
            self._lines += 1
            told = a_report(activity, at=self.now.at, offset=self._lines, generation=self.record.generation)
            said = tuple(replace(word, decision=decision) for word in told.testimonies)
            self.give(replace(told, testimonies=said))
        self.seen = replace(self.seen, looked_at=self.now.at)

    def told(self, after_s: float = 15.0, **news: Any) -> None:
        """A forge tells of its change a little later: what it told before, but for this."""
        self.wait(after_s)
        self.give(ChangeTold(change=replace(self.record.change or CHANGE, **news)))
        self.seen = replace(self.seen, change_at=self.now.at)

    def types(self, receipt: Receipt = Receipt.SUBMITTED, error: str | None = None) -> bool:
        """Type what is to be typed, if anything is; the agent works then, and waits again."""
        effect = next((one for one in self.record.effects if one.kind is EffectKind.DELIVER), None)
        if effect is None:
            return False
        self.give(Attempted(effect=effect.id))
        self.give(Delivered(effect=effect.id, generation=effect.generation, receipt=receipt, error=error))
        return True

    def restart(self) -> None:
        """Another daemon has seen nothing yet."""
        super().restart()
        self.seen = Seen()

    @property
    def ledger(self) -> Episode:
        """Give the one entry of its ledger."""
        (episode,) = self.record.episodes
        return episode

    def in_flight(self, kind: EffectKind) -> list[Effect]:
        """Give its effects of a kind."""
        return [effect for effect in self.record.effects if effect.kind is kind]


def types_of(events: Iterable[Event]) -> list[EventType]:
    """Give the types of events, in order."""
    return [event.type for event in events]


def red(reaction: Reaction = CI_FAILED, **facts: Any) -> Reacting:
    """Begin a life whose checks have failed, while its agent waits."""
    life = Reacting(reaction, **facts)
    life.looks(Activity.WAITING)
    life.told(checks=Checks.FAILING)
    return life


def blocked(reaction: Reaction = NEEDS_INPUT, decision: Decision | None = None) -> Reacting:
    """Begin a life whose agent needs a decision."""
    life = Reacting(reaction)
    life.looks(Activity.BLOCKED, decision=decision)
    return life

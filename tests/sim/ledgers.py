"""What the journal of a day must say of reactions, held against what was truly typed and told."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from orchestrd.model.event import Event, EventType
from orchestrd.model.ids import SessionId
from orchestrd.model.instant import Instant
from orchestrd.model.reaction import Reaction
from orchestrd.model.session import Session
from orchestrd.model.words import Receipt
from orchestrd.ports import Recovered
from orchestrd.testing.history import decode_event
from tests.sim.checking import Checker
from tests.sim.judge import Judge

Key = tuple[SessionId, str]
DONE = frozenset({Receipt.SUBMITTED, Receipt.TYPED})


class DayChecker(Checker):
    """Counts the attempts that the ledger in a record has room for, commit by commit."""

    def allow(self, reactions: Iterable[Reaction]) -> None:
        """Say which budgets there are."""
        self._counted = 0  # the number of the newest event that was
        self._allowed = {reaction.name: reaction.attempts for reaction in reactions}
        self._made: Counter[tuple[SessionId, str, Instant, str]] = Counter()
        self._attempts: dict[Key, tuple[SessionId, str, Instant, str]] = {}

    def recovered(self, found: Recovered, journal: list[bytes]) -> None:
        """Count what had become durable when a daemon died, and nobody was answered."""
        super().recovered(found, journal)
        for line in journal[self._counted :]:
            event = decode_event(line)
            if event is not None and event.session in self.records:
                self._heed(self.records[event.session], event)

    def _stored(self, record: Session, events: Sequence[Event]) -> None:
        super()._stored(record, events)
        for event in events:
            self._heed(record, event)

    def _heed(self, record: Session, event: Event) -> None:
        self._counted = max(self._counted, event.sequence)
        if event.type is EventType.REACTION_FIRED:
            self._count(record, event)
        elif _came_to_nothing(event) and (budget := self._attempts.pop((record.id, str(event.message)), None)):
            self._made[budget] -= 1

    def _count(self, record: Session, event: Event) -> None:
        """Count an attempt for its key; one whose message was typed before there was news is over by then."""
        name = str(event.source)
        episode = next((one for one in record.episodes if one.reaction == name), None)
        self._must(episode is not None, f"{name} of {record.id} is done, and stands in no ledger")
        assert episode is not None
        budget = record.id, name, episode.since, episode.key
        self._attempts[record.id, str(event.message)] = budget
        self._made[budget] += 1
        made, allowed = self._made[budget], self._allowed[name]
        self._must(made <= allowed, f"{budget}: {made} attempts, and {allowed} are allowed")


def _came_to_nothing(event: Event) -> bool:
    is_unread = event.type is EventType.MESSAGE_SETTLED and event.receipt is Receipt.REFUSED
    return is_unread or event.type is EventType.REACTION_FAILED


def check_ledgers(
    events: Sequence[Event],
    typed: Mapping[Key, int],
    told: Mapping[str, int],
    judge: Judge,
) -> None:
    """Each attempt once, each message as its receipt says, each escalation once an episode, each notice told."""
    _check_attempts(events, judge)
    _check_messages(events, typed, judge)
    _check_escalations(events, judge)
    _check_notices(events, told, judge)


def _of(event: Event, name: str | None) -> Key:
    return SessionId(str(event.session)), str(name)


def _check_attempts(events: Sequence[Event], judge: Judge) -> None:
    fired = Counter(_of(event, event.message) for event in events if event.type is EventType.REACTION_FIRED)
    judge.must(all(times == 1 for times in fired.values()), f"attempts that were made twice: {fired}")


def _check_messages(events: Sequence[Event], typed: Mapping[Key, int], judge: Judge) -> None:
    settled: dict[Key, Receipt | None] = {}
    for event in events:
        if event.type is EventType.MESSAGE_SETTLED:
            key = _of(event, event.message)
            judge.must(key not in settled, f"{key} was settled twice")
            settled[key] = event.receipt
    for key, receipt in settled.items():
        times = typed.get(key, 0)
        judge.must(receipt not in DONE or times == 1, f"{key} is {receipt}, and was typed {times} times")
        judge.must(receipt is not Receipt.REFUSED or times == 0, f"{key} is refused, and was typed")
    judge.must(all(key in settled for key in typed), "something was typed that was never settled")


def _check_escalations(events: Sequence[Event], judge: Judge) -> None:
    escalated: set[Key] = set()
    for event in events:
        if event.type is EventType.REACTION_CLEARED:
            escalated.discard(_of(event, event.source))
        if event.type is EventType.REACTION_ESCALATED:
            key = _of(event, event.source)
            judge.must(key not in escalated, f"{key} was escalated twice in one episode")
            escalated.add(key)


def _check_notices(events: Sequence[Event], told: Mapping[str, int], judge: Judge) -> None:
    for event in events:
        if event.type is EventType.NOTICE_TOLD:
            judge.must(told.get(str(event.message), 0) >= 1, f"{event.message} was never told")

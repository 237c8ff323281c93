"""What claims are worth beside the truth: pure, over two lists of edges on one clock.

An edge says that from this moment on something is so, until the next one. Time is seconds of the wall clock. While an
agent comes up or goes down (`starting`, `leaving`) nothing is scored but that it is called neither dead nor blocked.

Invariants, held by tests: the seconds of a confusion add up to the seconds scored; claims that are late by d have
latencies of d; a claimer that repeats the truth is right all the time, and any other one is not.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

STARTING, LEAVING = "starting", "leaving"
BETWEEN = (STARTING, LEAVING)
STATES = ("working", "waiting", "blocked", "limited", "unknown", "ended")
TOLERANCE_S = 0.5  # around each true edge nothing is scored: no witness is instant
HARMFUL = ("ended", "blocked", "waiting")  # claims on which somebody acts: they are counted one by one

Seconds = Mapping[tuple[str, str], float]  # by truth and claim


class Edge(Struct, frozen=True):
    """From this moment on it is so."""

    at: float
    state: str


class Span(Struct, frozen=True):
    """It was so from the beginning to the end, in seconds."""

    begin: float
    end: float
    state: str

    @property
    def seconds(self) -> float:
        """How long that was."""
        return self.end - self.begin


class Seen(Struct, frozen=True):
    """One true edge, and how long it took until it was claimed: null when it was not, before the next true edge."""

    at: float
    before: str
    after: str
    latency_s: float | None


class FalseClaim(Struct, frozen=True):
    """A claim of what was not so, neither then nor within the tolerance of it."""

    at: float
    claimed: str
    truth: str


class Wrong(Struct, frozen=True):
    """The longest time without a break in which the claim was not the truth."""

    begin: float = 0.0
    seconds: float = 0.0
    truth: str = ""
    claimed: str = ""


class Score(Struct, frozen=True, kw_only=True):
    """What became of one session, or of many put together. `brief` edges were over before they could be scored."""

    confusion: Seconds
    seen: tuple[Seen, ...]
    false_claims: tuple[FalseClaim, ...]
    longest_wrong: Wrong
    brief: int = 0

    @property
    def scored_s(self) -> float:
        """How many seconds were scored."""
        return sum(self.confusion.values())

    @property
    def accuracy(self) -> float | None:
        """Which part of them was claimed as it was; null when there were none."""
        right = sum(seconds for (truth, claim), seconds in self.confusion.items() if truth == claim)
        return right / self.scored_s if self.scored_s else None

    @property
    def missed(self) -> int:
        """How many edges were never claimed."""
        return sum(seen.latency_s is None for seen in self.seen)

    def falsely(self, claimed: str) -> int:
        """How often this was claimed and was not so."""
        return sum(claim.claimed == claimed for claim in self.false_claims)


def score(truth: Sequence[Edge], claims: Sequence[Edge], until: float) -> Score:
    """Lay claims over the truth, up to a moment. Before the first claim nothing is known, which is a claim as well."""
    told = spans(truth, until)
    claimed = _from_the_first(spans(claims, until), told)
    scored = [span for span in told if span.state not in BETWEEN]
    return Score(
        confusion=_confusion(scored, claimed),
        seen=tuple(_seen(told, claimed)),
        false_claims=tuple(_false_claims(told, claimed)),
        longest_wrong=max(_wrongs(scored, claimed), key=lambda wrong: wrong.seconds, default=Wrong()),
        brief=sum(span.seconds < TOLERANCE_S for span in scored),
    )


def together(scores: Iterable[Score]) -> Score:
    """Put the scores of many sessions together."""
    taken = tuple(scores)
    confusion: dict[tuple[str, str], float] = {}
    for one in taken:
        for cell, seconds in one.confusion.items():
            confusion[cell] = confusion.get(cell, 0.0) + seconds
    return Score(
        confusion=confusion,
        seen=tuple(itertools.chain.from_iterable(one.seen for one in taken)),
        false_claims=tuple(itertools.chain.from_iterable(one.false_claims for one in taken)),
        longest_wrong=max((one.longest_wrong for one in taken), key=lambda wrong: wrong.seconds, default=Wrong()),
        brief=sum(one.brief for one in taken),
    )


def spans(edges: Sequence[Edge], until: float) -> list[Span]:
    """Give what was so for how long; of edges at one moment the last counts, and one that changes nothing is none."""
    last = {edge.at: edge.state for edge in sorted(edges, key=lambda edge: edge.at) if edge.at < until}
    held = [next(same) for _, same in itertools.groupby(last.items(), key=lambda edge: edge[1])]
    ends = [*(at for at, _ in held), until][1:]
    return [Span(at, end, state) for (at, state), end in zip(held, ends, strict=False)]


def percentile(seen: Sequence[Seen], share: float) -> float | None:
    """Give the latency that this share of edges does not exceed; null where that is an edge never claimed.

    A missed edge counts as later than any other, so that nothing gets better by being missed.
    """
    ordered = sorted(float("inf") if one.latency_s is None else one.latency_s for one in seen)
    if not ordered:
        return None
    at = ordered[min(len(ordered) - 1, int(len(ordered) * share))]
    return None if at == float("inf") else at


def by_kind(seen: Iterable[Seen]) -> dict[str, list[Seen]]:
    """Put edges of one kind together: `working → blocked`."""
    kinds: dict[str, list[Seen]] = {}
    for one in seen:
        kinds.setdefault(f"{one.before} → {one.after}", []).append(one)
    return dict(sorted(kinds.items()))


def _from_the_first(claimed: list[Span], told: Sequence[Span]) -> list[Span]:
    """Say `unknown` for the time between the first truth and the first claim."""
    if not told:
        return []
    begin, end = told[0].begin, told[-1].end
    first = claimed[0].begin if claimed else end
    return [Span(begin, first, "unknown"), *claimed] if begin < first else claimed


def _overlaps(one: Span, others: Iterable[Span]) -> Iterator[Span]:
    """Give the parts of other spans that lie within this one."""
    for other in others:
        begin, end = max(one.begin, other.begin), min(one.end, other.end)
        if begin < end:
            yield Span(begin, end, other.state)


def _confusion(scored: Sequence[Span], claimed: Sequence[Span]) -> Seconds:
    taken: dict[tuple[str, str], float] = {}
    for number, span in enumerate(scored):
        is_last = number == len(scored) - 1  # what ends there is the measurement, and no truth
        inner = Span(span.begin + TOLERANCE_S, span.end - (0 if is_last else TOLERANCE_S), span.state)
        for part in _overlaps(inner, claimed):
            cell = (span.state, part.state)
            taken[cell] = taken.get(cell, 0.0) + part.seconds
    return taken


def _seen(told: Sequence[Span], claimed: Sequence[Span]) -> Iterator[Seen]:
    """Match each true edge with the first claim of it; one that stands already, or came early, is in time.

    The end of a start is none: when the first request comes an agent has been at work for a while, and was called so.
    """
    for before, after in itertools.pairwise(told):
        claim = next((part for part in _overlaps(after, claimed) if part.state == after.state), None)
        is_one = before.state != STARTING and after.state not in BETWEEN
        if is_one and (claim is not None or after.seconds >= TOLERANCE_S):
            yield Seen(after.begin, before.state, after.state, None if claim is None else claim.begin - after.begin)


def _false_claims(told: Sequence[Span], claimed: Sequence[Span]) -> Iterator[FalseClaim]:
    for claim in claimed:
        about = Span(claim.begin - TOLERANCE_S, claim.begin + TOLERANCE_S, claim.state)
        truths = [part.state for part in _overlaps(about, told)]
        is_between = claim.state == "waiting" and not frozenset(BETWEEN).isdisjoint(truths)
        if claim.state in HARMFUL and truths and claim.state not in truths and not is_between:
            yield FalseClaim(claim.begin, claim.state, truths[-1])


def _wrongs(scored: Sequence[Span], claimed: Sequence[Span]) -> Iterator[Wrong]:
    """Give each time without a break in which claim and truth differ, whatever they are; nothing is left out."""
    begin = end = float("-inf")
    for span in scored:
        for part in _overlaps(span, claimed):
            if part.state != span.state:
                begin = begin if part.begin == end else part.begin
                end = part.end
                yield Wrong(begin, end - begin, span.state, part.state)

"""Whether there is any session at all for which a reaction could act: what it asks for and does, held together.

Theory. `PLACES` is every place in which a session can stand, found on the table of the machine, with what its agent may
be doing there. What a condition asks of a place is a row of `_ASKED`, what an act does one of `_DONE`: where it fits,
and why only there. A reaction for which no place is left never acts, whatever happens; the fewest rows that leave none
are what is wrong with it. Of what no row speaks (a forge, money, time) anything may be so, and it rules out nothing.

What is merged is merged by what its forge tells, in any place: `_MERGED` has the words that may stand for that.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import combinations
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from orchestrd.core.condition_words import asked_by
from orchestrd.core.machine import TABLE
from orchestrd.model.change import Checks, Mergeable, Pr, Review
from orchestrd.model.reaction import Act, Condition
from orchestrd.model.words import OCCUPYING, TERMINAL, Activity, Reason, State


class Place(Struct, frozen=True):
    """Where a session stands. `activity` is null where no agent runs."""

    state: State
    reason: Reason
    activity: Activity | None

    @property
    def has_ended(self) -> bool:
        """Tell whether it is over."""
        return self.state in TERMINAL

    @property
    def is_being_ended(self) -> bool:
        """Tell whether it is on its way to that."""
        return self.state is State.STOPPING or self.reason is Reason.KILL_FAILED

    @property
    def can_be_told(self) -> bool:
        """Tell whether anything may be said to its agent."""
        return self.state is State.RUNNING and self.activity not in (Activity.BLOCKED, Activity.LIMITED)


class Impossible(Struct, frozen=True):
    """Why a reaction never acts, and the keys of it that do not go together."""

    keys: tuple[str, ...]
    cause: str


class _Row(Struct, frozen=True):
    """Where one thing that is asked or done fits, and why only there, for people; the state speaks for itself."""

    fits: Callable[[Any, Place], bool]
    why: str = ""


class _Demand(Struct, frozen=True):
    """One row, as one reaction makes use of it."""

    key: str
    told: str
    why: str
    places: frozenset[Place]


PLACES: tuple[Place, ...] = tuple(
    Place(state, reason, activity)
    for state, reason in dict.fromkeys((edge.target.state, edge.target.reason) for edge in TABLE)
    for activity in (Activity if state in OCCUPYING else (None,))
)
_ASKED: Mapping[str, _Row] = {  # by the names of a condition
    "state": _Row(lambda words, place: place.state in words),
    "reason": _Row(lambda words, place: place.reason in words, "each state has reasons of its own"),
    "activity": _Row(lambda words, place: place.activity in words, "an agent does something only while it runs"),
    "silent_s": _Row(
        lambda _, place: place.activity not in (None, Activity.UNKNOWN), "silent is only an agent that runs and is seen"
    ),
    "unread_s": _Row(lambda _, place: not place.has_ended, "what has ended waits for no message"),
    "stuck": _Row(
        lambda is_asked, place: not is_asked or (place.state, place.activity) == (State.RUNNING, Activity.WORKING),
        "stuck is only an agent that runs and works",
    ),
    "all_ended": _Row(lambda is_asked, place: not is_asked or place.has_ended, "what is the last to end has ended"),
}
_DONE: Mapping[Act, _Row] = {
    Act.SEND: _Row(
        lambda _, place: place.can_be_told, "nothing is said to an agent that does not run, is blocked or at its limit"
    ),
    Act.STOP: _Row(
        lambda _, place: not (place.has_ended or place.is_being_ended),
        "what has ended, or is being ended, is not stopped",
    ),
    Act.REVIVE: _Row(lambda _, place: place.has_ended, "only what has ended is revived"),
}
_WORDS: Mapping[str, type[StrEnum]] = {"state": State, "activity": Activity, "reason": Reason}  # by those of a place
_MERGED: Mapping[str, Collection[StrEnum]] = {
    "pr": (Pr.OPEN,),
    "checks": (Checks.NONE, Checks.PASSING),
    "review": tuple(word for word in Review if word is not Review.UNKNOWN),
    "mergeable": (Mergeable.CLEAN, Mergeable.HELD_BACK),  # a rule may hold back others only
}


def impossible(when: Condition, act: Act) -> Impossible | None:
    """Say why a reaction can never act; null where it may."""
    if act is Act.MERGE and (unmergeable := next(_unmergeable(when), None)) is not None:
        return unmergeable
    demands = [*_asked(when), *_done(act)]
    for size in range(1, len(demands) + 1):
        for together in combinations(demands, size):
            if not frozenset.intersection(*(demand.places for demand in together)):
                return _conflict(together)
    return None


def _asked(when: Condition) -> Iterator[_Demand]:
    for name, row in _ASKED.items():
        value = getattr(when, name)
        if value is not None and value != ():
            told = asked_by(replace(Condition(), **{name: value}))
            yield _demand(f"when.{name.removesuffix('_s')}", told, row, value)


def _done(act: Act) -> Iterator[_Demand]:
    if act in _DONE:
        yield _demand("act", f"act {act}", _DONE[act], act)


def _demand(key: str, told: str, row: _Row, value: Any) -> _Demand:
    return _Demand(key, told, row.why, frozenset(place for place in PLACES if row.fits(value, place)))


def _conflict(together: Sequence[_Demand]) -> Impossible:
    told = " and ".join(demand.told for demand in together)
    mended = next(_mended(together), "take one of them out")
    cause = f"can never act: {told} never go together, for {together[-1].why}: {mended}"
    return Impossible(tuple(demand.key for demand in together), cause)


def _mended(together: Sequence[_Demand]) -> Iterator[str]:
    """Say for each key that takes words which of them would go with the others."""
    for name, words in _WORDS.items():
        others = [demand.places for demand in together if demand.key != f"when.{name}"]
        if len(others) < len(together):
            left = {getattr(place, name) for place in frozenset.intersection(*others)}
            if may_be := [word for word in words if word in left]:
                yield f"let '{name}' be {_either(may_be)}"


def _unmergeable(when: Condition) -> Iterator[Impossible]:
    for name, words in _MERGED.items():
        asked = getattr(when, name)
        if not set(asked) <= set(words):
            told = asked_by(replace(Condition(), **{name: tuple(word for word in asked if word not in words)}))
            cause = f"is to merge, and nothing is merged with {told}: let '{name}' be {_either(words)}"
            yield Impossible((f"when.{name}", "act"), cause)


def _either(words: Collection[StrEnum]) -> str:
    return " or ".join(f'"{word}"' for word in words)

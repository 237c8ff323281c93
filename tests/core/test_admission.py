"""The lane: never over its limit, no place left empty, first come first served."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrd.core.admission import admissible
from orchestrd.model.ids import SessionId
from orchestrd.model.session import Session
from orchestrd.model.words import OCCUPYING, State, Until
from tests.core.interpreter import NOON
from tests.core.strategies import Script

ANYONE = Script(Until.EXIT, ()).live().record


def a_session(name: str, state: State, scheduled_s: int, created_s: int = 0) -> Session:
    return replace(
        ANYONE,
        id=SessionId(name),
        state=state,
        created_at=NOON + timedelta(seconds=created_s),
        scheduled_at=NOON + timedelta(seconds=scheduled_s),
    )


crowds = st.lists(
    st.tuples(st.sampled_from(State), st.integers(0, 3), st.integers(0, 3), st.booleans()), max_size=12
).map(
    lambda rows: [
        (a_session(f"s{number}", state, scheduled, created), is_promised)
        for number, (state, scheduled, created, is_promised) in enumerate(rows)
    ]
)
limits = st.integers(min_value=0, max_value=6)


@given(crowds, limits)
def test_the_limit_holds_and_no_place_stays_empty_while_someone_waits(
    crowd: list[tuple[Session, bool]], limit: int
) -> None:
    sessions = [session for session, _ in crowd]
    promised = {session.id for session, is_promised in crowd if is_promised}

    admitted = admissible(sessions, promised, limit)

    coming = [s for s in sessions if s.state is State.SCHEDULED and s.id in promised]
    waiting = [s for s in sessions if s.state is State.SCHEDULED and s.id not in promised]
    taken = sum(session.state in OCCUPYING for session in sessions) + len(coming)
    assert len(admitted) == min(len(waiting), max(0, limit - taken))
    assert set(admitted) <= {session.id for session in waiting}


@given(crowds, limits)
def test_nobody_overtakes_who_came_first(crowd: list[tuple[Session, bool]], limit: int) -> None:
    sessions = {session.id: session for session, _ in crowd}

    admitted = admissible(sessions.values(), (), limit)

    passed_over = [s for s in sessions.values() if s.state is State.SCHEDULED and s.id not in admitted]
    for name in admitted:
        for other in passed_over:
            assert (sessions[name].scheduled_at, sessions[name].created_at) <= (other.scheduled_at, other.created_at)


@given(crowds, limits)
def test_the_order_in_which_sessions_are_listed_does_not_matter(crowd: list[tuple[Session, bool]], limit: int) -> None:
    sessions = [session for session, _ in crowd]

    assert admissible(sessions, (), limit) == admissible(reversed(sessions), (), limit)


def test_a_promise_holds_its_place_only_until_its_commit() -> None:
    waiting = a_session("late", State.SCHEDULED, 1)
    promised = [SessionId("early")]

    assert admissible([a_session("early", State.SCHEDULED, 0), waiting], promised, 1) == []
    assert admissible([a_session("early", State.STARTING, 0), waiting], promised, 1) == []
    assert admissible([a_session("early", State.STARTING, 0), waiting], promised, 2) == ["late"]
    assert admissible([a_session("early", State.CANCELLED, 0), waiting], promised, 1) == ["late"]

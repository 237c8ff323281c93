"""The laws of fusion: what holds for any words of any witnesses in any order, and stories with one lost edge each."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrd.agents.claude import ClaudeAgent
from orchestrd.core.evidence import LOOKED_AT, RECORD, judge
from orchestrd.core.step import step
from orchestrd.model.limits import LIMIT_TRUSTED_S, WITNESS_LAG_S
from orchestrd.model.observation import Reported, Testimony
from orchestrd.model.words import Activity, Until
from tests.core.interpreter import NOON
from tests.core.stories import Line, Story, stories
from tests.core.strategies import OPENING, Script

WORKING, WAITING, BLOCKED, LIMITED = Activity.WORKING, Activity.WAITING, Activity.BLOCKED, Activity.LIMITED
UNKNOWN = Activity.UNKNOWN
BOUND_S = 2.0
STORIES = stories()
LOST = [
    pytest.param(story, line, id=f"{story.title}, without {line}")
    for story in STORIES
    for line in story.words
    if not line.certain
]

HEARD = ("osc", "hook", "transcript", "plugin")
WITNESSES = (*sorted(LOOKED_AT), *HEARD)
observers, heard = st.sampled_from(WITNESSES), st.sampled_from(HEARD)
ranks = st.integers(min_value=0, max_value=7)
certain = st.sampled_from([WORKING, WAITING, BLOCKED])
leads = st.floats(min_value=0.01, max_value=5_000.0)
activities = st.sampled_from([WORKING, WAITING, BLOCKED, LIMITED])
trusts = st.sampled_from([None, 60.0])


@st.composite
def a_word(
    draw: st.DrawFn,
    who: st.SearchStrategy[str] = observers,
    what: st.SearchStrategy[Activity] = activities,
    trusted_s: st.SearchStrategy[float | None] = trusts,
) -> Testimony:
    return Testimony(
        observer=draw(who),
        allows=tuple(draw(st.lists(what, min_size=1, max_size=3, unique=True))),
        at=NOON + timedelta(seconds=draw(st.floats(min_value=0.0, max_value=120.0))),
        rank=draw(ranks),
        trusted_s=draw(trusted_s),
    )


def some(one: st.SearchStrategy[Testimony]) -> st.SearchStrategy[list[Testimony]]:
    return st.lists(one, min_size=1, max_size=6, unique_by=lambda said: said.observer)


@st.composite
def at_odds(draw: st.DrawFn, first: st.SearchStrategy[str] = observers) -> tuple[Testimony, Testimony]:
    """Two words of different witnesses that cannot both be true, the second not older than the first."""
    one = draw(first)
    other = draw(st.sampled_from([name for name in WITNESSES if name != one]))
    words = draw(st.permutations([WORKING, WAITING, BLOCKED]))
    lead = draw(leads)
    return (
        Testimony(observer=one, allows=tuple(words[: draw(st.sampled_from([1, 2]))]), at=NOON, rank=draw(ranks)),
        Testimony(observer=other, allows=tuple(words[2:]), at=NOON + later(lead), rank=draw(ranks)),
    )


def later(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


# ---- stories


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.title)
def test_with_every_word_said_the_truth_is_told(story: Story) -> None:
    assert [seen for seen in story.settled(None, BOUND_S) if seen[1] is not seen[2]] == []


@pytest.mark.parametrize(("story", "lost"), LOST)
def test_one_lost_edge_is_outlived_within_the_bound(story: Story, lost: Line) -> None:
    wrong = [seen for seen in story.settled(lost, BOUND_S) if seen[1] not in (seen[2], UNKNOWN)]
    is_unknown = any(believed is UNKNOWN for _, believed, _ in story.settled(lost, BOUND_S))

    assert wrong == []
    assert is_unknown is lost.alone


def test_the_stories_of_claude_in_its_terminal_are_told_in_the_order_of_its_adapter() -> None:
    named = {trust.observer for story in STORIES if story.agent == "claude" for trust in story.order}
    told = {story.order for story in STORIES if story.agent == "claude"}

    assert told == {tuple(trust for trust in ClaudeAgent.witnesses if trust.observer in named)}


# ---- laws


@given(some(a_word(what=st.sampled_from([WORKING, BLOCKED, LIMITED]))), leads)
def test_silence_is_never_waiting(said: list[Testimony], lead: float) -> None:
    found = judge(said, NOON + later(lead))

    assert found is None or found.activity is not WAITING


@given(some(a_word()), leads)
def test_blocked_needs_somebody_who_says_just_that(said: list[Testimony], lead: float) -> None:
    found = judge(said, NOON + later(lead))

    is_blocked = found is not None and found.activity is BLOCKED
    assert not is_blocked or any(word.allows == (BLOCKED,) for word in said)


@given(some(a_word(who=heard, trusted_s=st.just(60.0), what=certain)))
def test_when_nothing_is_fresh_nothing_is_known(said: list[Testimony]) -> None:
    assert judge(said, NOON + later(120.0 + 60.0 + 1.0)) is None


@given(a_word(who=heard, what=certain), st.sampled_from(sorted(LOOKED_AT)), ranks)
def test_what_was_heard_stands_while_somebody_looks_and_agrees(said: Testimony, observer: str, rank: int) -> None:
    seen = replace(said, observer=observer, rank=rank)

    alone, agreed = judge([said], NOON + later(10_000.0)), judge([said, seen], NOON + later(10_000.0))

    assert (alone is None) is (said.trusted_s is not None)
    assert agreed is not None


@given(at_odds(first=heard))
def test_an_edge_that_was_missed_is_told_by_whoever_hears_of_the_next_one(words: tuple[Testimony, Testimony]) -> None:
    _, fresh = words
    assert fresh.at is not None

    found = judge(words, fresh.at + later(WITNESS_LAG_S + 0.1))

    assert found is not None
    assert found.agreeing == (fresh.observer,)


@given(at_odds())
def test_of_one_moment_the_witness_of_higher_rank_is_believed(words: tuple[Testimony, Testimony]) -> None:
    believed, less = (replace(word, at=NOON, rank=rank) for rank, word in enumerate(words))

    found = judge([less, believed], NOON + later(9.0))

    assert found is not None
    assert (found.agreeing, found.overruled) == ((believed.observer,), (less.observer,))


@given(observers, st.none() | leads, leads)
def test_a_limit_is_over_when_it_ends_whoever_told_of_it(observer: str, ends: float | None, age: float) -> None:
    until = None if ends is None else NOON + later(ends)
    said = Testimony(observer=observer, allows=(LIMITED,), at=NOON, limited_until=until)

    now = NOON + later(age)  # which is whole microseconds

    found = judge([said], now)

    assert (found is not None) is (now < until if until is not None else now - NOON <= later(LIMIT_TRUSTED_S))
    assert found is None or found.limited_until == until


@given(some(a_word()), st.sampled_from([-1, 1]))
def test_evidence_of_another_generation_is_ignored(said: list[Testimony], other: int) -> None:
    life = Script(Until.EXIT, OPENING).live()
    fact = Reported(generation=life.record.generation + other, testimonies=tuple(said), hooks_offset=7)

    outcome = step(life.record, life.evidence, fact, life.now)

    assert (outcome.session, outcome.evidence, outcome.events) == (life.record, life.evidence, ())


@given(some(a_word()), leads)
def test_the_record_of_an_earlier_daemon_adds_nothing_to_what_is_seen(said: list[Testimony], lead: float) -> None:
    now = NOON + later(lead)
    record = Testimony(observer=RECORD, allows=(WORKING,), at=NOON - later(9.0), rank=99, trusted_s=10_000.0)

    without, with_record = judge(said, now), judge([*said, record], now)

    is_certain = without is not None and without.activity is not UNKNOWN
    assert not is_certain or (with_record and with_record.activity) is (without and without.activity)

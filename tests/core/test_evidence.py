"""What witnesses come to: the edges of real agents as a table of words, and the laws that hold for any words."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrd.core.evidence import LOOKED_AT, hear, judge, ranked, rule_of, was_heard
from orchestrd.model.agent import Trust
from orchestrd.model.limits import HEARD_PROMPTS_MAX, LIMIT_TRUSTED_S, WITNESS_LAG_S, WORKING_TRUSTED_S
from orchestrd.model.observation import Evidence, Testimony
from orchestrd.model.words import Activity

WORKING, WAITING, BLOCKED, LIMITED = Activity.WORKING, Activity.WAITING, Activity.BLOCKED, Activity.LIMITED
UNKNOWN = Activity.UNKNOWN
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
NOTHING = Evidence()
SPINNER, STAR = (WORKING, LIMITED), (WAITING, BLOCKED)
IDLE = (WAITING, BLOCKED, LIMITED)
ORDER = (
    Trust("session_file"),
    Trust("hook", WORKING_TRUSTED_S),
    Trust("report"),
    Trust("title"),
    Trust("transcript", WORKING_TRUSTED_S),
    Trust("screen"),
    Trust("record"),
)
OBSERVERS = tuple(trust.observer for trust in ORDER)


def said(
    observer: str, *allows: Activity, at: float = 0.0, text: str | None = None, prompt: str | None = None
) -> Testimony:
    """One word, `at` seconds after noon."""
    word = Testimony(observer=observer, allows=allows, at=NOON + timedelta(seconds=at), text=text, prompt=prompt)
    return ranked(word, ORDER)


def verdict(*testimonies: Testimony, now: float = 100.0) -> Activity | None:
    found = judge(testimonies, NOON + timedelta(seconds=now))
    return found.activity if found else None


@pytest.mark.parametrize(
    ("witnesses", "truth"),
    [
        ([said("hook", WORKING)], WORKING),
        ([said("title", *SPINNER)], WORKING),
        ([said("title", *STAR)], UNKNOWN),
        ([said("title", *STAR), said("hook", BLOCKED)], BLOCKED),
        ([said("title", *STAR), said("transcript", WAITING)], WAITING),
        ([said("transcript", WORKING, BLOCKED)], UNKNOWN),
        ([said("transcript", WORKING, BLOCKED), said("title", *SPINNER)], WORKING),
        ([said("transcript", WORKING, BLOCKED), said("title", *STAR)], UNKNOWN),
        ([said("title", *SPINNER), said("screen", LIMITED)], LIMITED),
        ([said("session_file", WORKING), said("title", *SPINNER), said("screen", LIMITED)], WORKING),
        ([said("session_file", WAITING, LIMITED)], WAITING),
        ([said("session_file", WAITING, LIMITED), said("hook", LIMITED)], LIMITED),
        ([said("session_file", WAITING, LIMITED), said("title", *STAR)], WAITING),
    ],
)
def test_words_narrow_each_other_down(witnesses: list[Testimony], truth: Activity) -> None:
    assert verdict(*witnesses) is truth


@pytest.mark.parametrize(
    ("edge", "witnesses", "truth"),
    [
        ("a Stop hook was lost", [said("hook", WORKING, at=0), said("session_file", WAITING, at=60)], WAITING),
        ("and nobody else looks", [said("hook", WORKING, at=0), said("title", *STAR, at=60)], UNKNOWN),
        ("the state file is frozen", [said("session_file", WAITING, at=0), said("title", *SPINNER, at=60)], WORKING),
        ("an interrupt has no hook", [said("hook", WORKING, at=0), said("transcript", WAITING, at=5)], WAITING),
        ("an answered dialog has no hook", [said("hook", BLOCKED, at=0), said("session_file", WORKING, at=9)], WORKING),
        ("a hook is late", [said("session_file", WAITING, at=5), said("hook", WORKING, at=5.3)], WAITING),
        (
            "a limit is not what all else leaves",
            [said("session_file", WORKING, LIMITED), said("title", *IDLE)],
            WORKING,
        ),
        (
            "nor does it keep a frozen file",
            [said("session_file", WORKING, LIMITED), said("title", *IDLE, at=9)],
            UNKNOWN,
        ),
        ("the record is old", [said("record", WORKING, at=0), said("session_file", WAITING, at=60)], WAITING),
        ("the record is all there is to tell", [said("record", BLOCKED), said("title", *STAR, at=60)], BLOCKED),
    ],
)
def test_an_edge_that_a_witness_has_missed_is_told_by_another(
    edge: str, witnesses: list[Testimony], truth: Activity
) -> None:
    assert verdict(*witnesses) is truth, edge
    assert verdict(*reversed(witnesses)) is truth, f"{edge}, heard the other way round"


def test_of_two_words_on_one_edge_one_may_be_late_but_not_for_long() -> None:
    idle, spinner = said("session_file", WAITING, at=5), said("title", *SPINNER, at=5.05)

    assert verdict(idle, spinner, now=5 + WITNESS_LAG_S) is WAITING
    assert verdict(idle, spinner, now=6.1 + WITNESS_LAG_S) is WORKING


def test_a_turn_that_was_only_heard_to_begin_is_not_believed_for_ever() -> None:
    begun = said("hook", WORKING)

    assert verdict(begun, now=WORKING_TRUSTED_S) is WORKING
    assert verdict(begun, now=WORKING_TRUSTED_S + 1) is None
    assert verdict(begun, said("title", *SPINNER, at=-50), now=WORKING_TRUSTED_S + 1) is WORKING


def test_a_limit_is_not_believed_for_ever_for_nobody_tells_of_its_end() -> None:
    limit, idle = said("hook", LIMITED), said("session_file", WAITING, LIMITED)

    assert verdict(limit, idle, now=LIMIT_TRUSTED_S) is LIMITED
    assert verdict(limit, idle, now=LIMIT_TRUSTED_S + 1) is WAITING


def test_while_a_message_is_typed_only_newer_words_count() -> None:
    typed = NOON + timedelta(seconds=10)
    idle, busy = said("session_file", WAITING, at=0), said("hook", WORKING, at=10)

    assert judge([idle], NOON, after=typed) is None
    found = judge([idle, busy], NOON, after=typed)
    assert found is not None
    assert found.activity is WORKING


def test_a_verdict_says_who_agrees_since_when_and_who_does_not() -> None:
    words = [
        said("hook", BLOCKED, at=3, text="Bash: make"),
        said("session_file", BLOCKED, at=2, text="permission prompt"),
        said("title", *STAR, at=4),
        said("transcript", WORKING, at=0),
    ]

    found = judge(words, NOON)

    assert found is not None
    assert (found.activity, found.source, found.text) == (BLOCKED, "session_file", "Bash: make")
    assert found.at == NOON + timedelta(seconds=2)
    assert (found.agreeing, found.overruled) == (("session_file", "hook", "title"), ("transcript",))


@pytest.mark.parametrize(
    ("witnesses", "rule"),
    [
        ([said("hook", WORKING)], "hook said working, the newest word there is"),
        ([said("hook", WORKING), said("title", *SPINNER)], "hook, title agree on working"),
        ([said("title", *STAR)], "title cannot tell what exactly it is, and nobody else can"),
        (
            [said("hook", WORKING), said("session_file", WAITING, at=60)],
            "session_file said waiting, the newest word there is; older, or of lower rank: hook",
        ),
    ],
)
def test_a_verdict_can_be_explained(witnesses: list[Testimony], rule: str) -> None:
    found = judge(witnesses, NOON)

    assert found is not None
    assert rule_of(found) == rule


def test_what_a_record_told_people_stands_while_it_is_agreed_with() -> None:
    found = judge([said("record", WAITING, text="all done"), said("session_file", WAITING)], NOON)

    assert found is not None
    assert (found.source, found.text) == ("session_file", "all done")


def test_only_the_last_word_of_a_witness_counts_and_one_that_falls_silent_is_none() -> None:
    evidence = hear(hear(NOTHING, said("hook", WORKING), NOON), said("hook", WAITING, at=5), NOON)

    assert [word.allows for word in evidence.testimonies] == [(WAITING,)]
    assert hear(evidence, said("hook"), NOON).testimonies == ()


@pytest.mark.parametrize(
    ("later", "text"),
    [
        (said("hook", BLOCKED, at=6), "asks for permission: Bash: make"),
        (said("hook", BLOCKED, at=6, text="asks: which?"), "asks: which?"),
        (said("hook", WORKING, BLOCKED, at=6), None),
        (said("report", BLOCKED, at=6), None),
        (replace(said("hook", BLOCKED, at=6), is_turn_over=True), None),
    ],
)
def test_a_word_that_repeats_the_one_before_and_tells_less_takes_no_text_away(
    later: Testimony, text: str | None
) -> None:
    first = said("hook", BLOCKED, text="asks for permission: Bash: make")

    evidence = hear(hear(NOTHING, first, NOON), later, NOON + timedelta(seconds=6))

    assert evidence.testimonies[-1] == replace(later, text=text)


def test_what_is_looked_at_tells_all_that_is_to_be_seen() -> None:
    first, later = said("screen", BLOCKED, text="has a dialog open"), said("screen", BLOCKED, at=6)

    evidence = hear(hear(NOTHING, first, NOON), later, NOON + timedelta(seconds=6))

    assert evidence.testimonies == (later,)


def test_what_was_overtaken_is_not_believed_again_when_the_newer_word_is_taken_back() -> None:
    evidence = hear(hear(NOTHING, said("hook", BLOCKED), NOON), said("title", *SPINNER, at=5), NOON)

    evidence = hear(evidence, said("title", *STAR, at=10), NOON)

    assert verdict(*evidence.testimonies) is UNKNOWN


def test_a_word_without_a_time_is_of_the_look() -> None:
    evidence = hear(NOTHING, Testimony(observer="title", allows=SPINNER), NOON)

    assert evidence.testimonies[0].at == NOON


def test_a_prompt_is_heard_however_it_was_wrapped_and_behind_a_draft() -> None:
    evidence = hear(NOTHING, said("hook", WORKING, at=5, prompt="a draft fix\n  the   build\n"), NOON)

    assert was_heard(evidence, "fix the build", NOON)
    assert was_heard(evidence, "fix\nthe build ", NOON + timedelta(seconds=5))
    assert not was_heard(evidence, "fix the build", NOON + timedelta(seconds=6))
    assert not was_heard(evidence, "fix the", NOON)


def test_a_few_prompts_are_remembered_and_no_more() -> None:
    evidence = NOTHING
    for number in range(HEARD_PROMPTS_MAX + 1):
        evidence = hear(evidence, said("hook", WORKING, prompt=f"prompt {number}"), NOON)

    assert not was_heard(evidence, "prompt 0", NOON)
    assert len(evidence.prompts) == HEARD_PROMPTS_MAX


words = st.builds(
    lambda observer, allows, at: said(observer, *allows, at=at),
    st.sampled_from(OBSERVERS),
    st.lists(st.sampled_from([WORKING, WAITING, BLOCKED, LIMITED]), min_size=1, max_size=3, unique=True),
    st.floats(min_value=0.0, max_value=30.0),
)
some_words = st.lists(words, min_size=1, max_size=6, unique_by=lambda word: word.observer)


@given(some_words)
def test_the_order_in_which_words_are_heard_does_not_matter(testimonies: list[Testimony]) -> None:
    shuffled = sorted(testimonies, key=lambda word: word.observer)

    one, other = judge(testimonies, NOON), judge(shuffled, NOON)
    assert one is not None
    assert other is not None
    assert (one.activity, one.agreeing, one.at) == (other.activity, other.agreeing, other.at)


@given(some_words)
def test_a_verdict_is_never_more_than_everyone_who_is_believed_allows(testimonies: list[Testimony]) -> None:
    found = judge(testimonies, NOON)

    assert found is not None
    believed = [word for word in testimonies if word.observer in found.agreeing]
    assert found.activity is UNKNOWN or all(found.activity in word.allows for word in believed)
    assert {*found.agreeing, *found.overruled} == {word.observer for word in testimonies}


@given(some_words, st.sampled_from(sorted(LOOKED_AT)), st.sampled_from([WORKING, WAITING, BLOCKED]))
def test_who_looks_and_sees_one_thing_only_is_believed_over_everything_older(
    testimonies: list[Testimony], observer: str, activity: Activity
) -> None:
    newest = said(observer, activity, at=30.0 + 2 * WITNESS_LAG_S)
    others = [word for word in testimonies if word.observer != observer]

    assert verdict(*others, newest) is activity


def test_nobody_says_anything_and_nothing_is_concluded() -> None:
    assert judge([], NOON) is None


def farewell(observer: str, at: float) -> Testimony:
    return replace(said(observer, at=at), is_farewell=True)


def heard(*testimonies: Testimony) -> Activity | None:
    evidence = NOTHING
    for word in testimonies:
        evidence = hear(evidence, word, NOON + timedelta(seconds=100))
    return verdict(*evidence.testimonies)


def test_what_an_agent_said_before_it_left_counts_no_more_even_if_it_comes_late() -> None:
    assert heard(said("transcript", WAITING, at=1), said("hook", WAITING, at=2), farewell("hook", 9)) is None
    assert heard(farewell("hook", 9), said("transcript", WAITING, at=8)) is None


def test_what_is_seen_after_an_agent_has_left_counts_and_so_does_what_it_says_when_it_is_back() -> None:
    assert heard(said("hook", WAITING, at=2), said("screen", BLOCKED, at=3), farewell("hook", 9)) is BLOCKED
    assert heard(said("hook", WAITING, at=2), farewell("title", 9), said("hook", WORKING, at=10)) is WORKING

"""Conditions: what each asks, in words, and that nobody's not knowing is ever taken for an answer."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrd.core.condition import Part, all_of, in_words, parts_of, speaks_of_change, what_holds
from orchestrd.model.change import Change, Checks, Mergeable, Pr, Remark, Review
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.limits import CHANGE_TRUSTED_S
from orchestrd.model.reaction import Condition, Seen
from orchestrd.model.session import Message, Session, Workspace
from orchestrd.model.spending import Spending, Spent, Tokens
from orchestrd.model.verification import Verification
from orchestrd.model.words import Activity, Authority, Reason, State, Until
from tests.changes import CHANGE
from tests.core.reacting import NOON, holds, session_of

AGO = NOON.at - timedelta(minutes=10)
ALL_SEEN = Seen(looked_at=NOON.at, change_at=NOON.at)
REMARK = Remark(id="t1", author="ann", text="why?")


def _message(key: str = "m", **about: Any) -> Message:
    return Message(**{"id": key, "text": "x", "authority": Authority.USER, "awaits_turn": True, **about})


def _verification(generation: int = 1, exit_code: int = 0) -> Verification:
    return Verification(generation=generation, turn_over_at=NOON.at, at=NOON.at, exit_code=exit_code, is_clean=True)


@pytest.mark.parametrize(
    ("when", "facts", "is_so", "told"),
    [
        (Condition(state=(State.RUNNING,)), {}, True, "it is running"),
        (Condition(state=(State.LOST, State.FAILED)), {}, False, "it is running"),
        (Condition(reason=(Reason.STARTED,)), {}, True, "the reason is: started"),
        (Condition(until=(Until.TURN,)), {}, False, "its goal is exit"),
        (Condition(agent=("claude", "codex")), {}, True, "its agent is claude"),
        (Condition(activity=(Activity.BLOCKED,)), {"activity": Activity.BLOCKED}, True, "it needs a decision"),
        (Condition(activity=(Activity.BLOCKED,)), {"activity": Activity.WORKING}, False, "it is working"),
        (Condition(activity=(Activity.BLOCKED,)), {}, None, "nobody knows what it is doing"),
        (Condition(activity=(Activity.UNKNOWN,)), {}, True, "nobody knows what it is doing"),
        (Condition(activity=(Activity.UNKNOWN,)), {"state": State.FAILED}, False, "its agent does not run"),
        (Condition(activity=(Activity.WAITING,)), {"state": State.PENDING}, False, "its agent does not run"),
        (Condition(stuck=True), {"stuck_since": AGO}, True, "nothing has come of its work for 10m"),
        (Condition(stuck=False), {"stuck_since": AGO}, False, "nothing has come of its work for 10m"),
        (Condition(stuck=True), {}, False, "it is not stuck"),
        (Condition(stuck=True), {"stuck_since": AGO, "state": State.FAILED}, False, "it is not stuck"),
        (
            Condition(silent_s=600.0),
            {"activity": Activity.WAITING, "activity_since": AGO},
            True,
            "it has done nothing else for 10m",
        ),
        (
            Condition(silent_s=601.0),
            {"activity": Activity.WAITING, "activity_since": AGO},
            False,
            "it has done nothing else for 10m",
        ),
        (Condition(silent_s=60.0), {"activity_since": AGO}, None, "nobody knows what it is doing"),
        (Condition(silent_s=60.0), {"activity": Activity.WAITING}, None, "nobody knows what it is doing"),
        (Condition(silent_s=60.0), {"state": State.COMPLETED}, False, "its agent does not run"),
        (Condition(unread_s=60.0), {}, False, "no message to it waits"),
        (Condition(unread_s=60.0), {"messages": (_message(),)}, False, "no message to it waits"),
        (
            Condition(unread_s=60.0),
            {"messages": (_message(at=AGO),)},
            True,
            "a message to it has not been typed for 10m",
        ),
        (
            Condition(unread_s=60.0),
            {
                "messages": (_message(at=AGO),),
                "effects": (Effect(id="1", kind=EffectKind.DELIVER, generation=1, attempted=True, message="m"),),
            },
            False,
            "no message to it waits",
        ),
        (
            Condition(unread_s=60.0),
            {"messages": (_message("resume.1.5", at=AGO, authority=Authority.DAEMON),)},
            False,
            "no message to it waits",
        ),
        (Condition(age_s=600.0), {"created_at": AGO}, True, "it was begun 10m ago"),
        (
            Condition(age_s=600.0),
            {"created_at": AGO, "ended_at": AGO + timedelta(minutes=1), "state": State.FAILED},
            False,
            "it lasted 1m",
        ),
        (Condition(cost_usd=1.0), {}, None, "nobody tells what it has cost"),
        (Condition(cost_usd=1.0), {"spending": Spending(cost_usd=1.0)}, True, "it has cost $1.00"),
        (Condition(tokens=5), {}, None, "nobody tells how many tokens it has cost"),
        (
            Condition(tokens=5),
            {"spending": Spending(tokens=Tokens(input=2, output=2), newest=(Spent(key="a", tokens=Tokens()),))},
            False,
            "it has cost 4 tokens",
        ),
        (Condition(verified=True), {}, None, "nothing has verified its work yet"),
        (Condition(verified=True), {"verification": _verification(2)}, None, "nothing has verified its work yet"),
        (Condition(verified=True), {"verification": _verification()}, True, "its verification is green"),
        (Condition(verified=False), {"verification": _verification(1, 1)}, True, "its verification is red"),
        (Condition(all_ended=True), {}, False, "it is not the last of all to end"),
        (Condition(all_ended=False), {}, True, "it is not the last of all to end"),
        (Condition(pr=(Pr.OPEN,)), {}, None, "its forge has not told of it since the daemon started"),
        (Condition(pr=(Pr.OPEN,)), {"change": CHANGE}, True, "its pull request is open"),
        (Condition(pr=(Pr.MERGED,)), {"change": CHANGE}, False, "its pull request is open"),
        (
            Condition(checks=(Checks.FAILING,)),
            {"change": replace(CHANGE, checks=Checks.PENDING)},
            None,
            "its checks are still running",
        ),
        (
            Condition(checks=(Checks.PENDING,)),
            {"change": replace(CHANGE, checks=Checks.PENDING)},
            True,
            "its checks are still running",
        ),
        (
            Condition(checks=(Checks.FAILING,)),
            {"change": replace(CHANGE, checks=Checks.FAILING, pr=Pr.MERGED)},
            False,
            "its pull request is merged",
        ),
        (Condition(review=(Review.APPROVED,)), {"change": CHANGE}, False, "nobody has reviewed it"),
        (Condition(mergeable=(Mergeable.CLEAN,)), {"change": CHANGE}, True, "it can be merged"),
        (Condition(remarks=True), {"change": CHANGE}, False, "nothing that its reviewers said is open"),
        (Condition(remarks=False), {"change": CHANGE}, True, "nothing that its reviewers said is open"),
        (
            Condition(remarks=True),
            {"change": replace(CHANGE, remarks=(REMARK,))},
            True,
            "remarks of its reviewers are not settled",
        ),
        (
            Condition(remarks=True),
            {"change": replace(CHANGE, remarks=None)},
            None,
            "nobody knows what its reviewers have said",
        ),
        (Condition(remarks=True), {}, None, "its forge has not told of it since the daemon started"),
    ],
)
def test_each_thing_that_is_asked_has_one_of_three_answers_and_a_sentence(
    when: Condition, facts: dict[str, Any], told: str, *, is_so: bool | None
) -> None:
    (part,) = parts_of(when, session_of(**facts), ALL_SEEN, NOON)

    assert (part.is_so, part.told) == (is_so, told)
    assert holds(when, session_of(**facts), ALL_SEEN, NOON) is is_so
    assert in_words((part,)) == told


def test_the_last_of_all_to_end_is_the_one_that_is_said_to_be_and_has_ended() -> None:
    last = replace(ALL_SEEN, is_last=True)

    answers = [
        holds(Condition(all_ended=True), session_of(state=state), last, NOON) for state in (State.FAILED, State.RUNNING)
    ]

    assert answers == [True, False]


@pytest.mark.parametrize(
    ("when", "facts"),
    [
        (Condition(state=(State.RUNNING,)), {}),
        (Condition(activity=(Activity.BLOCKED,)), {"activity": Activity.BLOCKED}),
        (Condition(stuck=True), {"stuck_since": AGO}),
        (Condition(silent_s=1.0), {"activity": Activity.WAITING, "activity_since": AGO}),
        (Condition(cost_usd=1.0), {"spending": Spending(cost_usd=2.0)}),
        (Condition(checks=(Checks.PASSING,)), {"change": CHANGE}),
        (Condition(remarks=False), {"change": CHANGE}),
    ],
)
def test_what_no_look_of_this_daemon_has_shown_is_not_known(when: Condition, facts: dict[str, Any]) -> None:
    assert holds(when, session_of(**facts), ALL_SEEN, NOON) is True
    assert holds(when, session_of(**facts), Seen(), NOON) is None


def test_what_only_time_can_change_says_when() -> None:
    session = session_of(activity=Activity.WAITING, activity_since=AGO, created_at=AGO)

    parts = parts_of(Condition(silent_s=660.0, age_s=700.0), session, ALL_SEEN, NOON)

    assert [part.in_s for part in parts] == [60.0, 100.0]


def test_what_asks_nothing_never_holds() -> None:
    assert holds(Condition(), session_of(), ALL_SEEN, NOON) is False
    assert in_words(()) == "it asks about nothing"
    assert what_holds(Condition(), session_of(), NOON) == "it asks about nothing"


def test_several_things_are_said_together() -> None:
    when = Condition(state=(State.RUNNING,), checks=(Checks.PASSING,), all_ended=False)

    assert what_holds(when, session_of(change=CHANGE), NOON) == (
        "it is running and it is not the last of all to end and its checks are passing"
    )


def test_only_what_asks_a_forge_speaks_of_the_change() -> None:
    assert speaks_of_change(Condition(remarks=False))
    assert speaks_of_change(Condition(pr=(Pr.OPEN,)))
    assert not speaks_of_change(Condition(stuck=True, age_s=1.0))


@given(st.lists(st.sampled_from([True, False, None]), max_size=6))
def test_one_that_is_not_so_decides_and_else_one_that_nobody_knows(answers: list[bool | None]) -> None:
    together = all_of([Part(answer, "x") for answer in answers])

    if False in answers or not answers:
        assert together is False
    else:
        assert together is (None if None in answers else True)


words = st.fixed_dictionaries(
    {},
    optional={
        "state": st.lists(st.sampled_from(State), max_size=2).map(tuple),
        "activity": st.lists(st.sampled_from(Activity), max_size=2).map(tuple),
        "pr": st.lists(st.sampled_from(Pr), max_size=2).map(tuple),
        "checks": st.lists(st.sampled_from(Checks), max_size=2).map(tuple),
        "review": st.lists(st.sampled_from(Review), max_size=2).map(tuple),
        "mergeable": st.lists(st.sampled_from(Mergeable), max_size=2).map(tuple),
        "remarks": st.booleans(),
        "stuck": st.booleans(),
        "verified": st.booleans(),
        "silent_s": st.floats(0, 1e6),
        "unread_s": st.floats(0, 1e6),
        "age_s": st.floats(0, 1e6),
        "cost_usd": st.floats(0, 1e6),
        "tokens": st.integers(0, 10**9),
        "all_ended": st.booleans(),
    },
)
sessions: st.SearchStrategy[Session] = st.builds(
    session_of,
    state=st.sampled_from(State),
    activity=st.sampled_from(Activity),
    activity_since=st.sampled_from([None, AGO]),
    stuck_since=st.sampled_from([None, AGO]),
    ended_at=st.sampled_from([None, NOON.at]),
    change=st.none()
    | st.builds(
        Change,
        forge=st.just("f"),
        repository=st.just("r"),
        branch=st.just("b"),
        pr=st.sampled_from(Pr),
        checks=st.sampled_from(Checks),
        review=st.sampled_from(Review),
        mergeable=st.sampled_from(Mergeable),
        remarks=st.sampled_from([None, (), (REMARK,)]),
    ),
)


@given(
    words,
    sessions,
    st.builds(Seen, looked_at=st.sampled_from([None, NOON.at]), change_at=st.sampled_from([None, NOON.at])),
)
def test_what_is_known_with_less_is_known_with_more(asked: dict[str, Any], session: Session, seen: Seen) -> None:
    when = Condition(**asked)

    less, more = holds(when, session, seen, NOON), holds(when, session, ALL_SEEN, NOON)

    assert less in (None, more)
    assert what_holds(when, session, NOON)


@pytest.mark.parametrize(
    ("state", "kind", "told"),
    [
        (State.RUNNING, "none", "it works in no worktree, so no forge is asked"),
        (State.COMPLETED, "worktree", "it has ended without a pull request, so no forge is asked"),
    ],
)
def test_of_what_no_forge_is_asked_none_is_waited_for(state: State, kind: str, told: str) -> None:
    session = session_of(state=state)
    there = replace(session, spec=replace(session.spec, workspace=Workspace(kind=kind, path="/w")))

    assert in_words(parts_of(Condition(pr=(Pr.OPEN,)), there, Seen(looked_at=NOON.at), NOON)) == told


def test_of_what_has_ended_it_is_said_that_its_forge_is_not_asked_any_more() -> None:
    merged = session_of(state=State.COMPLETED, change=replace(CHANGE, pr=Pr.MERGED))

    told = in_words(parts_of(Condition(pr=(Pr.OPEN,)), merged, Seen(looked_at=NOON.at), NOON))

    assert told == "it has ended, so its forge is not asked about it any more"


@pytest.mark.parametrize(
    ("verified", "told"),
    [
        ("0000001", "its verification is green"),
        ("0000002", "the newest commit of its pull request has not been verified"),
    ],
)
def test_a_verification_says_nothing_of_another_commit_of_its_pull_request(verified: str, told: str) -> None:
    change = replace(CHANGE, pr=Pr.OPEN, head="0000001")
    session = session_of(change=change, verification=replace(_verification(), head=verified))
    seen = Seen(looked_at=NOON.at, change_at=NOON.at)

    part, _ = parts_of(Condition(verified=True, pr=(Pr.OPEN,)), session, seen, NOON)

    assert (part.is_so, part.told) == (True if verified == change.head else None, told)


def test_that_one_that_has_ended_is_merged_stays_so_however_long_ago_it_was_told() -> None:
    merged = session_of(state=State.COMPLETED, change=replace(CHANGE, pr=Pr.MERGED))
    seen = Seen(change_at=NOON.at - timedelta(seconds=2 * CHANGE_TRUSTED_S))

    (part,) = parts_of(Condition(pr=(Pr.MERGED,)), merged, seen, NOON)

    assert part == Part(True, "its pull request is merged")


def test_what_keeps_several_things_from_being_known_is_said_once() -> None:
    when = Condition(pr=(Pr.OPEN,), checks=(Checks.FAILING,))

    told = in_words(parts_of(when, session_of(change=CHANGE), Seen(looked_at=NOON.at), NOON))

    assert told == "its forge has not told of it since the daemon started"

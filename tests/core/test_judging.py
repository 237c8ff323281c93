"""Reactions in words, and what all of them come to for one session."""

import pytest
from msgspec.structs import replace

from orchestrd.core.judging import judged, judged_record, known_reaction
from orchestrd.core.reaction import Kind
from orchestrd.model.change import Checks, Pr
from orchestrd.model.reaction import Act, Condition, MergeMethod, Reaction, Seen
from orchestrd.model.words import Activity, Reason, State
from tests.changes import CHANGE
from tests.core.reacting import NOON as NOW
from tests.core.reacting import session_of

FAILING = Reaction(name="ci-failed", when=Condition(pr=(Pr.OPEN,), checks=(Checks.FAILING,)), act=Act.SEND)
WAITING = Reaction(name="idle", when=Condition(activity=(Activity.WAITING,)), act=Act.NOTIFY)


@pytest.mark.parametrize(
    ("when", "asked"),
    [
        (Condition(), "nothing"),
        (Condition(pr=(Pr.DRAFT, Pr.OPEN), checks=(Checks.FAILING,)), "pr draft or open, checks failing"),
        (Condition(state=(State.FAILED,), reason=(Reason.SIGNAL,)), "state failed, reason signal"),
        (
            Condition(silent_s=900.0, unread_s=60.0, age_s=86_400.0),
            "silent for 15m, a message unread for 1m, begun 1d ago",
        ),
        (Condition(remarks=True, stuck=True, verified=False), "remarks that are not settled, stuck, found wanting by"),
        (Condition(remarks=False, stuck=False, verified=True), "no remarks that are not settled, not stuck, verified"),
        (Condition(cost_usd=20.0, tokens=7, all_ended=True), "a cost of $20, 7 tokens, the last of all to end"),
    ],
)
def test_a_condition_is_told_in_words(when: Condition, asked: str) -> None:
    told = known_reaction(Reaction(name="mine", when=when, act=Act.NOTIFY), ["/f:2", "/f:2", "/f:3"])

    assert told.asked.startswith(asked)
    assert told.origins == ("/f:2", "/f:3")


def test_how_long_a_condition_must_hold_first_is_told_with_it() -> None:
    told = known_reaction(replace(WAITING, after_s=90.0))

    assert told.asked == "activity waiting, lasting 1m30s"


@pytest.mark.parametrize(
    ("act", "agent", "done"),
    [
        (Act.NOTIFY, "", "notify (info)"),
        (Act.MERGE, "", "merge (squash)"),
        (Act.SPAWN, "claude", "spawn (claude)"),
        (Act.SPAWN, "", "spawn"),
        (Act.SEND, "", "send"),
    ],
)
def test_what_is_done_is_told_in_words(act: Act, agent: str, done: str) -> None:
    reaction = Reaction(name="mine", when=Condition(), act=act, agent=agent, method=MergeMethod.SQUASH)

    assert known_reaction(reaction).done == done


def test_each_reaction_is_judged_as_the_daemon_would() -> None:
    session = session_of(activity=Activity.WAITING, change=replace(CHANGE, checks=Checks.FAILING))

    told = judged((FAILING, WAITING), session, Seen(looked_at=NOW.at, change_at=NOW.at), NOW, is_recorded=False)
    unseen = judged((FAILING, WAITING), session, Seen(), NOW, is_recorded=False)

    assert [(one.reaction.name, one.kind) for one in told.judged] == [("ci-failed", Kind.FIRE), ("idle", Kind.FIRE)]
    assert [one.kind for one in unseen.judged] == [Kind.UNKNOWN, Kind.UNKNOWN]
    assert (told.session, told.at, told.judged[0].key) == (session.id, NOW.at, "c1")


def test_a_record_alone_is_taken_as_if_it_had_just_been_seen() -> None:
    told = judged_record((WAITING,), session_of(activity=Activity.WAITING), NOW, is_last=False)

    assert (told.is_recorded, told.judged[0].kind) == (True, Kind.FIRE)

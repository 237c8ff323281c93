"""Reactions that can never act are told from all others: none is refused that any life of a session could meet."""

import pytest
from hypothesis import given

from orchestrd.core.machine import TABLE
from orchestrd.core.possible import PLACES, impossible
from orchestrd.core.reaction import Kind, judge
from orchestrd.model.change import Checks, Mergeable, Pr, Review
from orchestrd.model.instant import Instant
from orchestrd.model.reaction import Act, Condition, Reaction, Seen
from orchestrd.model.session import Session
from orchestrd.model.words import OCCUPYING, Activity, Reason, State
from tests.core.stands import stands
from tests.core.strategies import Script, scripts

SPOKEN_TO = "nothing is said to an agent that does not run, is blocked or at its limit"
ENDED = "what has ended, or is being ended, is not stopped"
NEVER = "never go together, for"
MORE: tuple[Condition, ...] = (
    Condition(),
    Condition(silent_s=0.0),
    Condition(unread_s=0.0),
    Condition(stuck=True),
    Condition(stuck=False),
    Condition(all_ended=True),
    Condition(all_ended=False),
)


def test_a_session_stands_where_the_machine_leads_and_does_something_only_while_it_runs() -> None:
    assert {(place.state, place.reason) for place in PLACES} == {
        (edge.target.state, edge.target.reason) for edge in TABLE
    }
    assert all((place.activity is not None) == (place.state in OCCUPYING) for place in PLACES)


def _judged_possible(session: Session, now: Instant) -> None:
    """Whatever would be done to it where it stands now is possible."""
    seen = Seen(looked_at=now.at, change_at=now.at, is_last=True)
    activity = (session.activity,) if session.state in OCCUPYING else ()
    for more in MORE:
        asked = {name: getattr(more, name) for name in ("silent_s", "unread_s", "stuck", "all_ended")}
        when = Condition(state=(session.state,), reason=(session.reason,), activity=activity, **asked)
        for act in (Act.SEND, Act.NOTIFY, Act.STOP, Act.REVIVE, Act.RUN, Act.SPAWN):
            judgement = judge(Reaction(name="mine", when=when, act=act), session, seen, now)
            assert judgement.kind is not Kind.FIRE or impossible(when, act) is None


@given(scripts)
def test_what_a_reaction_would_do_in_any_life_is_possible(script: Script) -> None:
    for taken in script.live().history:
        _judged_possible(taken.after, taken.now)


def test_what_a_reaction_would_do_at_any_stand_is_possible() -> None:
    for _, life in stands():
        _judged_possible(life.record, life.now)


@pytest.mark.parametrize(
    ("when", "act", "keys", "cause"),
    [
        (
            Condition(state=(State.COMPLETED,)),
            Act.SEND,
            ("when.state", "act"),
            f"state completed and act send {NEVER} {SPOKEN_TO}: let 'state' be \"running\"",
        ),
        (
            Condition(activity=(Activity.BLOCKED, Activity.LIMITED), checks=(Checks.FAILING,)),
            Act.SEND,
            ("when.activity", "act"),
            (
                f"activity blocked or limited and act send {NEVER} {SPOKEN_TO}: let 'activity' be"
                ' "working" or "waiting" or "unknown"'
            ),
        ),
        (
            Condition(state=(State.RUNNING, State.LOST)),
            Act.REVIVE,
            ("when.state", "act"),
            (
                f"state running or lost and act revive {NEVER} only what has ended is revived: let 'state' be"
                ' "completed" or "failed" or "cancelled"'
            ),
        ),
        (
            Condition(silent_s=60.0),
            Act.REVIVE,
            ("when.silent", "act"),
            f"silent for 1m and act revive {NEVER} only what has ended is revived: take one of them out",
        ),
        (
            Condition(reason=(Reason.EXITED,), agent=("claude",)),
            Act.STOP,
            ("when.reason", "act"),
            (
                f'reason exited and act stop {NEVER} {ENDED}: let \'reason\' be "accepted" or "revived" or'
                ' "queued" or "admitted" or "started" or "recovered" or "contact_lost"'
            ),
        ),
        (
            Condition(state=(State.LOST,), reason=(Reason.KILL_FAILED,)),
            Act.STOP,
            ("when.reason", "act"),
            (
                f"reason kill_failed and act stop {NEVER} {ENDED}: let 'reason' be \"accepted\" or"
                ' "revived" or "queued" or "admitted" or "started" or "recovered" or "contact_lost"'
            ),
        ),
        (
            Condition(state=(State.COMPLETED,), activity=(Activity.WAITING,)),
            Act.NOTIFY,
            ("when.state", "when.activity"),
            (
                f"state completed and activity waiting {NEVER} an agent does something only while it runs:"
                ' let \'state\' be "starting" or "running" or "stopping" or "lost"'
            ),
        ),
        (
            Condition(state=(State.RUNNING,), reason=(Reason.EXIT_CODE,)),
            Act.NOTIFY,
            ("when.state", "when.reason"),
            (
                f"state running and reason exit_code {NEVER} each state has reasons of its own: let 'state'"
                ' be "failed"'
            ),
        ),
        (
            Condition(stuck=True, activity=(Activity.WAITING,)),
            Act.RUN,
            ("when.activity", "when.stuck"),
            (
                f"activity waiting and stuck {NEVER} stuck is only an agent that runs and works: let"
                " 'activity' be \"working\""
            ),
        ),
        (
            Condition(silent_s=60.0, activity=(Activity.UNKNOWN,)),
            Act.NOTIFY,
            ("when.activity", "when.silent"),
            (
                f"activity unknown and silent for 1m {NEVER} silent is only an agent that runs and is seen:"
                ' let \'activity\' be "working" or "waiting" or "blocked" or "limited"'
            ),
        ),
        (
            Condition(unread_s=60.0, all_ended=True),
            Act.NOTIFY,
            ("when.unread", "when.all_ended"),
            (
                f"a message unread for 1m and the last of all to end {NEVER} what is the last to end has"
                " ended: take one of them out"
            ),
        ),
        (
            Condition(activity=(Activity.WAITING,), all_ended=True),
            Act.NOTIFY,
            ("when.activity", "when.all_ended"),
            (
                f"activity waiting and the last of all to end {NEVER} what is the last to end has ended: take one of"
                " them out"
            ),
        ),
        (
            Condition(reason=(Reason.STARTED, Reason.EXIT_CODE), silent_s=60.0),
            Act.REVIVE,
            ("when.silent", "act"),
            f"silent for 1m and act revive {NEVER} only what has ended is revived: take one of them out",
        ),
    ],
)
def test_what_never_goes_together_is_named_with_what_would(
    when: Condition, act: Act, keys: tuple[str, ...], cause: str
) -> None:
    found = impossible(when, act)

    assert found is not None
    assert (found.keys, found.cause) == (keys, f"can never act: {cause}")


@pytest.mark.parametrize(
    ("when", "key", "cause"),
    [
        (Condition(pr=(Pr.DRAFT, Pr.OPEN)), "pr", "pr draft: let 'pr' be \"open\""),
        (
            Condition(checks=(Checks.PASSING, Checks.FAILING, Checks.PENDING)),
            "checks",
            'checks failing or pending: let \'checks\' be "none" or "passing"',
        ),
        (
            Condition(pr=(Pr.OPEN,), mergeable=(Mergeable.CONFLICTING,)),
            "mergeable",
            'mergeable conflicting: let \'mergeable\' be "clean" or "held_back"',
        ),
        (
            Condition(review=(Review.UNKNOWN,)),
            "review",
            'review unknown: let \'review\' be "none" or "required" or "approved" or "changes_requested"',
        ),
    ],
)
def test_nothing_is_merged_by_words_that_keep_it_from_being_merged(when: Condition, key: str, cause: str) -> None:
    found = impossible(when, Act.MERGE)

    assert found is not None
    assert (found.keys, found.cause) == ((f"when.{key}", "act"), f"is to merge, and nothing is merged with {cause}")
    assert impossible(when, Act.NOTIFY) is None


@pytest.mark.parametrize(
    ("when", "act"),
    [
        (Condition(state=(State.RUNNING,)), Act.MERGE),  # the rest is required of itself
        (Condition(state=(State.COMPLETED,), pr=(Pr.OPEN,), checks=(Checks.NONE,)), Act.MERGE),
        (Condition(state=(State.COMPLETED, State.RUNNING), activity=(Activity.WAITING,)), Act.SEND),
        (Condition(activity=(Activity.WORKING,), stuck=True, silent_s=60.0), Act.SEND),
        (Condition(reason=(Reason.EXIT_CODE, Reason.STARTED)), Act.REVIVE),
        (Condition(state=(State.PENDING,), age_s=600.0), Act.STOP),
        (Condition(stuck=False, all_ended=False, state=(State.FAILED,)), Act.SPAWN),
    ],
)
def test_what_could_be_so_is_possible(when: Condition, act: Act) -> None:
    assert impossible(when, act) is None

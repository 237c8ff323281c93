"""What is to come of reactions: said once each, and never that somebody is told who is not."""

from msgspec.structs import replace

from orchestrd.core.coming import to_come, with_waits, without_daemon
from orchestrd.core.judging import judged
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.reaction import Act, Condition, Episode, Reaction, Seen
from orchestrd.model.reaction_document import JudgedSession
from orchestrd.model.session import Session
from orchestrd.model.words import Activity, State
from tests.core.reacting import NOON, session_of

RUNS = Reaction(name="runs", when=Condition(state=(State.RUNNING,)), act=Act.NOTIFY, after_s=30.0)
OFF = replace(RUNS, name="off", is_on=False)
SAID = Reaction(name="said", when=Condition(activity=(Activity.BLOCKED,)), act=Act.SEND)
BEGUN = Episode(reaction="runs", key="1", since=NOON, key_since=NOON, attempts=1, tries=1, in_flight="1.1")
NOTIFY = Effect(id="1.1", kind=EffectKind.NOTIFY, generation=1)


def told_of(session: Session) -> JudgedSession:
    return judged((RUNS, OFF, SAID), session, Seen(looked_at=NOON.at), NOON, is_recorded=False)


def test_what_waits_for_its_time_or_is_held_is_to_come() -> None:
    session = session_of(activity=Activity.BLOCKED)

    assert to_come(told_of(session), session) == (
        "reaction runs: it is running; attempt 1 of 1 is made in 30s, once that has lasted 30s",
        "reaction said: it needs a decision; nothing is said to an agent that is blocked",
    )


def test_what_is_under_way_stands_among_the_effects_already() -> None:
    session = session_of(effects=(NOTIFY,), episodes=(BEGUN,))

    assert to_come(told_of(session), session) == ()


def test_an_attempt_that_waits_says_what_for() -> None:
    told = told_of(session_of(effects=(NOTIFY,), episodes=(BEGUN, replace(BEGUN, reaction="off", in_flight=None))))

    waits = [one.why for one in with_waits(told, {"1.1": "it waits"}).judged]

    assert waits[:2] == ["it is running; its newest attempt is still under way; it waits", "it is switched off"]
    assert with_waits(told, {}) == told


def test_where_no_daemon_runs_notices_wait_for_one_and_nothing_else_is_said_to() -> None:
    merge = Effect(id="1.2", kind=EffectKind.MERGE, generation=1)

    assert without_daemon(session_of(effects=(NOTIFY, merge))) == {"1.1": "it waits for a daemon"}

"""Inputs that wait together become one commit, as far as one commit may go."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrd.core.combine import combine
from orchestrd.model.command import Input, Replaced, Send
from orchestrd.model.event import EventType
from orchestrd.model.observation import Exited, Sighted
from orchestrd.model.words import Liveness, State, Until
from tests.core import strategies
from tests.core.interpreter import NOON
from tests.core.strategies import OPENING, Script, completed, scripts


@given(scripts, st.lists(strategies.inputs, max_size=8))
def test_a_commit_goes_up_to_the_first_change_of_state(script: Script, waiting: list[Input]) -> None:
    life = script.live()
    inputs = [completed(input_, life.record) for input_ in waiting]

    combined = combine(life.record, life.evidence, inputs, life.now)

    told = combined.draft.events if combined.draft else ()
    moves = [event for event in told if event.type is EventType.STATE_CHANGED]
    assert len(moves) <= 1
    assert len(combined.replies) == len(inputs) or moves
    assert combined.replies or moves or not inputs


@given(scripts, st.lists(strategies.facts, max_size=6))
def test_facts_of_one_commit_are_the_same_as_facts_of_many(script: Script, waiting: list[Input]) -> None:
    together, apart = script.live(), script.live()
    inputs = [completed(input_, together.record) for input_ in waiting]

    rest = list(inputs)
    while rest:
        combined = combine(together.session, together.evidence, rest, together.now)
        together.session = combined.draft or together.session
        together.evidence = combined.evidence
        rest = rest[len(combined.replies) :]
    for input_ in inputs:
        apart.give(input_)

    assert together.session is not None
    assert together.record.state is apart.record.state
    assert together.record.messages == apart.record.messages
    assert together.evidence == apart.evidence


def test_an_exit_that_implies_the_start_takes_two_commits() -> None:
    life = Script(Until.EXIT, OPENING[:2]).live()
    proof = Exited(generation=1, observer="process", exit_code=0, exit_signal=None, at=NOON)

    first = combine(life.record, life.evidence, [proof], life.now)
    second = combine(first.draft, first.evidence, [proof], life.now)

    assert (first.draft and first.draft.state, first.replies) == (State.RUNNING, ())
    assert (second.draft and second.draft.state, second.replies) == (State.COMPLETED, (None,))


def test_what_changes_nothing_is_not_committed() -> None:
    life = Script(Until.EXIT, OPENING).live()
    seen = Sighted(generation=1, observer="process", verdict=Liveness.ALIVE)

    assert combine(life.record, life.evidence, [], life.now).draft is None
    assert combine(life.record, life.evidence, [seen], life.now).draft is None
    assert combine(None, life.evidence, [seen], life.now).draft is None


def test_what_another_hand_put_on_disk_begins_a_commit_of_its_own() -> None:
    life = Script(Until.EXIT, OPENING).live()
    send = Send(session=life.record.id, message="m", text="go on")

    combined = combine(life.record, life.evidence, [send, Replaced(record=life.record), send], life.now)

    assert combined.replies == (None,)
    assert combined.draft
    assert [message.id for message in combined.draft.messages] == ["m"]

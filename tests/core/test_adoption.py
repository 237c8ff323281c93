"""Taking over a record that another hand has put in place of ours."""

from hypothesis import given
from msgspec.structs import replace

from orchestrd.core.adoption import adopted, takes_run, unproven
from orchestrd.core.step import step
from orchestrd.model.command import Replaced
from orchestrd.model.event import EventType
from orchestrd.model.observation import Evidence
from orchestrd.model.words import OCCUPYING, Reason, State
from orchestrd.testing.history import fold, standing_of
from tests.core.strategies import Script, scripts


@given(scripts, scripts)
def test_the_fold_goes_on_to_give_the_record_through_an_outside_edit(ours: Script, theirs: Script) -> None:
    mine, other = ours.live(), theirs.live().record

    record, events = adopted(other, mine.record, mine.now)

    assert fold(events, fold(mine.events)) == standing_of(record)
    assert fold(events) == standing_of(record)


@given(scripts, scripts)
def test_an_adopted_record_brings_no_event_numbers_and_no_effect_id_of_ours_again(ours: Script, theirs: Script) -> None:
    mine, other = ours.live(), theirs.live()
    found = replace(other.record, events=tuple(other.events))

    record, events = adopted(found, mine.record, mine.now)

    assert record.events == ()
    assert record.effects_made >= max(mine.record.effects_made, other.record.effects_made)
    assert replace(record, effects_made=found.effects_made, events=found.events) == found
    assert [event.revision for event in events] == [found.revision + 1]


@given(scripts)
def test_a_record_that_is_new_to_us_is_adopted_from_nothing(theirs: Script) -> None:
    other = theirs.live()

    outcome = step(None, Evidence(), Replaced(record=other.record), other.now)

    assert outcome.session == replace(other.record, events=())
    assert [(event.type, event.from_) for event in outcome.events] == [(EventType.RECORD_REPLACED, None)]


@given(scripts, scripts)
def test_what_was_observed_of_the_old_record_is_forgotten_with_it(ours: Script, theirs: Script) -> None:
    mine, other = ours.live(), theirs.live()

    outcome = step(mine.record, mine.evidence, Replaced(record=other.record), mine.now)

    assert outcome.evidence == Evidence()
    assert [event.from_ for event in outcome.events] == [State(mine.record.state)]


@given(scripts, scripts)
def test_an_edit_that_leaves_a_session_its_run_is_none_that_takes_it(ours: Script, theirs: Script) -> None:
    mine, other = ours.live().record, theirs.live().record

    has_run, keeps_run = mine.state in OCCUPYING, other.state in OCCUPYING and other.generation == mine.generation

    assert takes_run(other, mine) is (has_run and not keeps_run)
    assert not takes_run(mine, mine)


@given(scripts)
def test_an_end_that_is_only_claimed_is_a_lost_session_and_nothing_else_is(theirs: Script) -> None:
    record = theirs.live().record

    believed = unproven(record)

    if record.is_terminal:
        assert (believed.state, believed.reason, believed.ended_at) == (State.LOST, Reason.CONTACT_LOST, None)
        assert believed.started_at is not None
    else:
        assert believed == record

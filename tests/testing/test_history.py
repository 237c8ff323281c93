"""Replaying the events of a session."""

import msgspec
import pytest
from msgspec.structs import replace

from orchestrd.model.event import void
from orchestrd.model.words import Activity, Liveness, Reason, State, Until
from orchestrd.testing.history import Standing, fold, standing_of
from tests.core.strategies import OPENING, Script, say

LIFE = Script(Until.EXIT, (*OPENING, say(Activity.WORKING))).live()


def test_events_come_to_where_the_session_stands() -> None:
    assert fold(LIFE.events) == Standing(
        generation=1,
        state=State.RUNNING,
        reason=Reason.STARTED,
        liveness=Liveness.ALIVE,
        activity=Activity.WORKING,
    )


def test_a_replay_can_be_taken_up_anywhere() -> None:
    first, rest = LIFE.events[:3], LIFE.events[3:]

    assert fold(rest, fold(first)) == fold(LIFE.events) == standing_of(LIFE.record)


def test_nothing_comes_of_nothing() -> None:
    assert fold([]) is None
    assert fold([void(1)]) is None


def test_a_change_of_an_axis_before_the_session_is_known_is_nothing_yet() -> None:
    assert fold(LIFE.events[-2:]) is None


def test_numbers_that_mean_nothing_change_nothing() -> None:
    assert fold([*LIFE.events, void(9)]) == fold(LIFE.events)


def test_a_word_of_a_newer_version_is_not_guessed_at() -> None:
    with pytest.raises(msgspec.ValidationError, match="suspended"):
        fold([replace(LIFE.events[0], to="suspended")])

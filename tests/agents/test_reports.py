"""Moments as agents write them down."""

from datetime import UTC, datetime

import pytest

from orchestrd.agents.reports import written_time


@pytest.mark.parametrize("text", ["2026-03-01T10:00:00Z", "2026-03-01T12:00:00+02:00"])
def test_a_moment_with_its_zone_is_read(text: str) -> None:
    assert written_time(text) == datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "soon", "2026-03-01T10:00:00", "0001-01-01T00:00:00Z"])
def test_what_no_clock_has_shown_is_no_moment(text: str) -> None:
    assert written_time(text) is None

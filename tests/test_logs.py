"""What the daemon logs is one JSON object a line, or text for people where someone looks."""

import io
import json
import sys
from collections.abc import Iterator

import pytest
import structlog

from orchestrd.logs import configure, log_error
from orchestrd.model.errors import TransientError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_an_expected_error_is_a_warning_with_its_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    configure()

    log_error("tick", TransientError("the disk is full"))

    line = json.loads(stream.getvalue())
    assert (line["level"], line["what"], line["error"]) == ("warning", "tick", "the disk is full")
    assert line["timestamp"].endswith("Z")


def test_an_unexpected_one_is_an_error_with_its_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    configure()

    log_error("probe", _broken())

    line = json.loads(stream.getvalue())
    assert line["level"] == "error"
    assert "ZeroDivisionError: division by zero" in line["exception"]


def test_the_end_of_what_went_wrong_is_told_by_the_same_name(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    configure()

    log_error("commits", None)

    line = json.loads(stream.getvalue())
    assert (line["level"], line["event"], line["what"]) == ("info", "over", "commits")


def test_on_a_terminal_it_is_text_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    configure()

    log_error("probe", _broken())

    assert "ZeroDivisionError" in stream.getvalue()
    with pytest.raises(json.JSONDecodeError):
        json.loads(stream.getvalue())


def _broken() -> Exception:
    with pytest.raises(ZeroDivisionError) as caught:
        _ = 1 / 0
    return caught.value

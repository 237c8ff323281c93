"""The demo's claims can fail: each check on evidence that bears it out, and on evidence that does not."""

from typing import Any

import pytest

from orchestrd_cli import exits
from orchestrd_cli.demo import checks, tour
from orchestrd_cli.demo.checks import Check

DOCUMENTS: list[Any] = [
    {"id": "aaaaaaaa", "name": "good", "state": "completed", "exit_code": 0},
    {"id": "bbbbbbbb", "name": "bad", "state": "failed", "exit_code": 7},
]


def _event(sequence: int, session: str | None = None, to: str | None = None) -> dict[str, Any]:
    return {"sequence": sequence, "session": session, "type": "state_changed" if to else "daemon_started", "to": to}


EVENTS = [
    _event(1),
    _event(2, "aaaaaaaa", "running"),
    _event(3, "aaaaaaaa", "completed"),
    _event(4, "bbbbbbbb", "failed"),
]


def _document(**changes: object) -> dict[str, object]:
    told = {"name": "bad", "state": "running", "generation": 1, "liveness": "alive", "activity": "waiting"}
    return told | {"activity_text": "which?"} | changes


@pytest.mark.parametrize(
    "check",
    [
        checks.numbered_without_a_gap(EVENTS),
        checks.one_end_each(EVENTS, DOCUMENTS),
        checks.true_ends(DOCUMENTS, {"good": ("completed", 0), "bad": ("failed", 7)}),
        checks.started_once({"good": 1, "bad": 1}),
        checks.untouched({"bad": 12}, {"bad": True}),
        checks.nothing_missed([1, 2, 3, 4], EVENTS),
        checks.same_verdict(_document(), _document(revision=2)),
        checks.typed_once(["1", "blue"], ("1", "blue")),
        checks.preserved("painted\n", "painted\n", "refs/a"),
    ],
    ids=lambda check: check.claim,
)
def test_what_holds_is_proved(check: Check) -> None:
    assert check.holds, check.seen


@pytest.mark.parametrize(
    "check",
    [
        checks.numbered_without_a_gap([]),
        checks.numbered_without_a_gap(EVENTS[1:]),
        checks.numbered_without_a_gap([EVENTS[0], EVENTS[2]]),
        checks.numbered_without_a_gap([EVENTS[0], EVENTS[0]]),
        checks.one_end_each(EVENTS[:3], DOCUMENTS),
        checks.one_end_each([*EVENTS, _event(5, "aaaaaaaa", "failed")], DOCUMENTS),
        checks.one_end_each(EVENTS, []),
        checks.true_ends(DOCUMENTS, {"good": ("completed", 0), "bad": ("failed", 8)}),
        checks.true_ends(DOCUMENTS[:1], {"good": ("completed", 0), "bad": ("failed", 7)}),
        checks.started_once({"good": 1, "bad": 2}),
        checks.started_once({}),
        checks.untouched({"bad": 12}, {"bad": False}),
        checks.untouched({}, {}),
        checks.nothing_missed([1, 2, 4], EVENTS),
        checks.nothing_missed([1, 2, 2, 3, 4], EVENTS),
        checks.same_verdict(_document(), _document(activity="unknown")),
        checks.same_verdict(_document(), _document(generation=2)),
        checks.same_verdict(_document(liveness=None), _document(liveness=None)),
        checks.typed_once(["blue", "1"], ("1", "blue")),
        checks.typed_once(["1", "blue", "blue"], ("1", "blue")),
        checks.typed_once([], ("1", "blue")),
        checks.preserved("", "painted\n", "refs/a"),
    ],
)
def test_what_does_not_hold_is_not_proved(check: Check) -> None:
    assert not check.holds


def test_the_closing_line_names_what_was_proved(capsys: pytest.CaptureFixture[str]) -> None:
    code = tour.closing_line(
        [Check(claim="a thing", holds=True, seen="it"), Check(claim="another", holds=True, seen="it")], 7
    )

    assert code == exits.OK
    assert capsys.readouterr().out.splitlines()[-1] == "Proved in 7 s, through a kill -9: a thing, another."


def test_the_closing_line_names_what_was_not(capsys: pytest.CaptureFixture[str]) -> None:
    code = tour.closing_line(
        [Check(claim="a thing", holds=True, seen="it"), Check(claim="another", holds=False, seen="")], 7
    )

    assert code == exits.FAILED
    assert capsys.readouterr().out.splitlines()[-1] == "Not proved: another."

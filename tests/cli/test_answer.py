"""`orch answer`: what is asked, what can be answered, and what became of an answer."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from orchestrd.model.document import AnswerReply
from orchestrd.model.ids import SessionId
from orchestrd.model.words import Receipt
from orchestrd_cli import deciding, exits
from tests.cli.fake_daemon import FakeDaemon, Result, whole
from tests.cli.told import tells_of
from tests.decisions import held
from tests.documents import a_document

Orch = Callable[..., Result]
ATTACH: dict[str, Any] = {"attach": ("orch", "attach", "abcdefgh")}
BLOCKED: dict[str, Any] = {"activity": "blocked", "activity_text": "asks: touch sold", **ATTACH}
NOBODY = (
    "nobody can answer it from outside, for it has no terminal; see what it says, or end it by orch stop abcdefgh: "
    "orch logs abcdefgh"
)


def asks(daemon: FakeDaemon, receipt: Receipt = Receipt.SUBMITTED, error: str | None = None, **changes: Any) -> None:
    told = a_document(**{**BLOCKED, "decision": held(), **changes})
    tells_of(daemon, told)
    reply = AnswerReply(
        session=told.id,
        decision="d1",
        choice="allow",
        number=1,
        label="Yes",
        asked="touch sold\nin one go",
        receipt=receipt,
        error=error,
        hint="orch show abcdefgh" if error else "",
    )
    for ref in ("fix", "abcdefgh"):
        daemon.answers(f"/v1/sessions/{ref}/answer", whole(msgspec.json.encode(reply)))


@pytest.mark.parametrize("option", [("-m", "no"), ("--decision", "d1")])
def test_what_goes_along_with_a_choice_is_nothing_without_one(
    daemon: FakeDaemon, orch: Orch, option: tuple[str, str]
) -> None:
    asks(daemon)

    done = orch("answer", "fix", *option)

    assert done.code == exits.USAGE
    assert done.err == "orch: an answer needs one of the choices\n  try: orch answer fix\n"


def test_what_is_asked_is_shown_with_numbered_choices(daemon: FakeDaemon, orch: Orch) -> None:
    asks(daemon, decision=held(text="Bash: rm -r\x1b[2J build\ndescription: Clean"))

    done = orch("answer", "fix")

    assert done.code == 0
    assert done.out == (
        "abcdefgh  fix-login  asks for permission\n"
        "\n"
        "  Bash: rm -r\\x1b[2J build\n"
        "  description: Clean\n"
        "\n"
        "   1  allow  Yes\n"
        "   2  deny   No (--message TEXT)\n"
        "   3  other  Something else (--message TEXT)\n"
        "answer: orch answer abcdefgh CHOICE\n"
    )


@pytest.mark.parametrize(
    ("changes", "last"),
    [
        (
            {"decision": replace(held(), choices=())},
            "only a person at its terminal can answer it: orch attach abcdefgh",
        ),
        ({"decision": None}, "only a person at its terminal can answer it: orch attach abcdefgh"),
        ({"decision": None, "attach": None}, NOBODY),
        ({"decision": replace(held(), choices=()), "attach": None}, NOBODY),
    ],
)
def test_who_else_can_answer_is_said(daemon: FakeDaemon, orch: Orch, changes: dict[str, Any], last: str) -> None:
    asks(daemon, **changes)

    done = orch("answer", "fix")

    assert done.out.splitlines()[-1] == last
    assert "touch sold" in done.out


@pytest.mark.parametrize("words", [("answer", "fix"), ("answer", "fix", "1"), ("answer", "fix", "--json")])
def test_what_is_not_asked_is_refused(daemon: FakeDaemon, orch: Orch, words: tuple[str, ...]) -> None:
    asks(daemon, activity="working", decision=None)

    done = orch(*words)

    assert done.code == exits.REFUSED
    assert "session abcdefgh waits for no decision: it is running (started), working" in done.err
    assert "orch show abcdefgh" in done.err


def test_a_program_is_given_the_decision_as_it_stands(daemon: FakeDaemon, orch: Orch) -> None:
    asks(daemon)

    done = orch("answer", "fix", "--json")

    assert json.loads(done.out)["id"] == "d1"
    assert [choice["key"] for choice in json.loads(done.out)["choices"]] == ["allow", "deny", "other"]


@pytest.mark.parametrize("choice", ["1", "allow"])
def test_an_answer_goes_to_the_decision_that_is_asked_now(daemon: FakeDaemon, orch: Orch, choice: str) -> None:
    asks(daemon)

    done = orch("answer", "fix", choice)

    assert (done.code, done.out, done.err) == (0, 'abcdefgh  submitted: 1 allow, to "touch sold"\n', "")
    assert daemon.requests[-1].startswith("POST /v1/sessions/abcdefgh/answer ")


def test_a_decision_that_is_named_is_answered_without_a_look(daemon: FakeDaemon, orch: Orch) -> None:
    asks(daemon)

    done = orch("answer", "fix", "deny", "--decision", "d1", "--message", "not now")

    assert done.code == 0
    assert [request.split()[0] for request in daemon.requests] == ["POST"]


@pytest.mark.parametrize(
    ("receipt", "error", "code", "out", "err"),
    [
        (Receipt.REFUSED, "it is gone", 4, "", "orch: it is gone\n  try: orch show abcdefgh\n"),
        (
            Receipt.UNKNOWN,
            "nobody saw it",
            1,
            'abcdefgh  unknown: nobody saw it: 1 allow, to "touch sold"\n',
            "",
        ),
        (Receipt.QUEUED, None, 1, 'abcdefgh  unknown: it is still being given: 1 allow, to "touch sold"\n', ""),
    ],
)
def test_each_receipt_has_its_sentence_and_its_code(
    daemon: FakeDaemon, orch: Orch, *, receipt: Receipt, error: str | None, code: int, out: str, err: str
) -> None:
    asks(daemon, receipt, error)

    done = orch("answer", "fix", "allow")

    assert (done.code, done.out, done.err) == (code, out, err)


@pytest.mark.parametrize(
    ("choice", "number", "asked", "out"),
    [
        ("1", 1, "Is it trusted?", 'submitted: 1 Yes\\x1b[2J, to "Is it trusted?"'),
        ("k", 2, "Is it trusted?", 'submitted: 2 k, to "Is it trusted?"'),
        ("allow", None, None, "submitted"),
    ],
)
def test_what_was_answered_with_what_is_said_in_one_line(
    daemon: FakeDaemon, orch: Orch, *, choice: str, number: int | None, asked: str | None, out: str
) -> None:
    asks(daemon)
    reply = AnswerReply(
        session=SessionId("abcdefgh"),
        decision="d1",
        choice=choice,
        number=number,
        label="Yes\x1b[2J",
        asked=asked,
        receipt=Receipt.SUBMITTED,
    )
    daemon.answers("/v1/sessions/abcdefgh/answer", whole(msgspec.json.encode(reply)))

    done = orch("answer", "fix", "1")

    assert done.out == f"abcdefgh  {out}\n"


def test_in_a_terminal_the_line_is_cut_to_its_width(
    daemon: FakeDaemon, orch: Orch, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks(daemon)
    monkeypatch.setattr(deciding, "is_terminal", lambda: True)
    monkeypatch.setattr(deciding, "size", lambda: (32, 10))

    done = orch("answer", "fix", "1")

    assert done.out == "abcdefgh  submitted: 1 allow, t…\n"


def test_a_program_reads_the_receipt_and_nothing_beside_it(daemon: FakeDaemon, orch: Orch) -> None:
    asks(daemon, Receipt.REFUSED, "it is gone")

    done = orch("answer", "fix", "allow", "--json")

    assert (done.code, done.err) == (exits.REFUSED, "")
    assert json.loads(done.out)["receipt"] == "refused"


def test_a_session_that_asks_nothing_that_can_be_answered_is_for_a_person(daemon: FakeDaemon, orch: Orch) -> None:
    asks(daemon, decision=None)

    done = orch("answer", "fix", "1")

    assert done.code == exits.REFUSED
    assert done.err == (
        "orch: session abcdefgh: only a person at its terminal can answer it\n  try: orch attach abcdefgh\n"
    )


def test_without_a_terminal_it_is_not_even_for_a_person(daemon: FakeDaemon, orch: Orch) -> None:
    asks(daemon, decision=None, attach=None)

    done = orch("answer", "fix", "1")

    assert (
        done.err
        == f"orch: session abcdefgh: {NOBODY.removesuffix(': orch logs abcdefgh')}\n  try: orch logs abcdefgh\n"
    )

"""Errors of every kind meet one table of exit codes, and one form."""

import errno
import sys
from collections.abc import Callable

import msgspec
import pytest

from orchestrd.model import errors
from orchestrd.model.errors import OrchestrdError
from orchestrd_cli import exits, failures, fast
from tests.cli.fake_daemon import Result


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.UsageError, exits.USAGE),
        (errors.NotFoundError, exits.NOT_FOUND),
        (errors.RefusedError, exits.REFUSED),
        (errors.ConflictError, exits.REFUSED),
        (errors.UnreachableError, exits.UNREACHABLE),
        (errors.TimedOutError, exits.TIMED_OUT),
        (errors.TransientError, exits.FAILED),
        (errors.FaultError, exits.FAILED),
        (OrchestrdError, exits.FAILED),
    ],
)
def test_each_error_has_its_exit_code(kind: type[OrchestrdError], code: int) -> None:
    assert failures.exit_code_of(kind("no")) == code


def test_the_table_is_the_documented_one() -> None:
    documented = (
        exits.OK,
        exits.FAILED,
        exits.USAGE,
        exits.NOT_FOUND,
        exits.REFUSED,
        exits.UNREACHABLE,
        exits.TIMED_OUT,
    )

    assert documented == (0, 1, 2, 3, 4, 5, 6)
    assert (exits.INTERRUPTED, exits.PIPE_CLOSED) == (130, 141)


def test_a_person_reads_what_why_and_the_next_command(capfd: pytest.CaptureFixture[str]) -> None:
    failures.tell(errors.NotFoundError("there is no session 'x\x1b[2J'", hint="orch status"), as_json=False)

    assert capfd.readouterr() == ("", "orch: there is no session 'x\\x1b[2J'\n  try: orch status\n")


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        (["stop", "a", "--grace", "5"], "orch stop ac --grace 5"),
        (["send", "a", "do it"], "orch send ac 'do it'"),
        (["send", "a", "x" * 100], "orch show ac"),
        (["events", "--session=a"], "orch show ac"),
    ],
)
def test_the_way_out_of_an_ambiguous_word_is_the_same_line_with_an_id(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, typed: list[str], hint: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["orch", *typed])
    error = errors.UsageError("'a' means 2 sessions", code="ambiguous", hint="orch show ac", candidates=("ac", "ab"))

    failures.tell(error, as_json=False)

    assert capfd.readouterr().err == f"orch: 'a' means 2 sessions\n  try: {hint}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("send", "fix", "\udcff\udcfebad"), r"'\udcff\udcfebad' is not valid UTF-8: convert it first"),
        (("send", "fix", "--key", "\udcff", "go on"), r"'\udcff' is not valid UTF-8: convert it first"),
        (("answer", "fix", "1", "--decision", "d", "-m", "a\udcff"), r"'a\udcff' is not valid UTF-8: convert it first"),
        (("notify", "\udcff"), r"'\udcff' is not valid UTF-8: convert it first"),
        (("notify", "-c", "\udcff", "hello"), r"'\udcff' is not valid UTF-8: convert it first"),
        (("clean", "\udcff"), r"'\udcff' is not valid UTF-8: convert it first"),
        (("notify", "x" * 60 + "\udcff"), f"'{'x' * 20}\\udcff' is not valid UTF-8: convert it first"),
    ],
)
def test_a_word_that_is_no_utf_8_is_refused_by_whatever_verb_would_send_it(
    orch: Callable[..., Result], words: tuple[str, ...], said: str
) -> None:
    done = orch(*words)

    assert (done.code, done.out) == (exits.USAGE, "")
    assert done.err.startswith(f"orch: {said}\n  try: orch ")


@pytest.mark.parametrize(
    ("typed", "hint", "told"),
    [
        (["stop", "fix", "--grace", "-1"], "", "orch stop --help"),
        (["send", "fix", ""], "orch --help", "orch send --help"),
        (["--json", "stop", "fix"], "", "orch stop --help"),
        (["stop", "fix"], "orch show fix", "orch show fix"),
        (["spam"], "orch --help", "orch --help"),
        (["help", "stop"], "orch --help", "orch --help"),
        ([], "", "orch --help"),
    ],
)
def test_what_makes_no_sense_is_explained_by_the_help_of_its_verb(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, typed: list[str], hint: str, told: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["orch", *typed])

    failures.tell(errors.UsageError("no", hint=hint), as_json=False)

    assert capfd.readouterr().err == f"orch: no\n  try: {told}\n"


def test_a_program_reads_a_problem_document(capfd: pytest.CaptureFixture[str]) -> None:
    error = errors.UsageError("'a' means 2 sessions", code="ambiguous", hint="orch show ab", candidates=("ab", "ac"))

    failures.tell(error, as_json=True)

    out, err = capfd.readouterr()
    told = msgspec.json.decode(err)
    assert out == ""
    assert (told["code"], told["detail"], told["candidates"]) == ("ambiguous", "'a' means 2 sessions", ["ab", "ac"])


def test_a_file_that_the_system_refuses_is_named_with_who_looks_into_it(
    orch: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: list[str]) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", "/h/home.json")

    monkeypatch.setattr(fast, "run", refused)

    done = orch("status")

    assert (done.code, done.out) == (exits.FAILED, "")
    assert done.err == "orch: Permission denied: '/h/home.json'\n  try: orch doctor\n"

"""A caller whose streams are closed or full: what is done is told all the same, and in a sentence."""

import os
import re
import subprocess
from collections.abc import Iterator

import pytest

from orchestrd.model.limits import MESSAGE_BYTES_MAX
from tests.acceptance.command_line import ORCH, PATIENCE_S, Done, Shell

CLOSED = ">&-"
FULL = ">/dev/full"
UNWRITABLE = {CLOSED: "stdout cannot be written: Bad file descriptor", FULL: "stdout cannot be written: No space left"}


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    typed = Shell(tmp_path_factory.mktemp("streams"))
    typed.start()
    typed.spawn("sleep 600", name="long")
    typed.until("long", "running")
    yield typed
    typed.clear()


def _typed(shell: Shell, redirection: str, *words: str) -> Done:
    """Type a command line behind which a redirection of sh stands."""
    done = subprocess.run(
        ["sh", "-c", f'"$@" {redirection}', "sh", *ORCH, *words],
        cwd=shell.place,
        env=shell.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return Done(code=done.returncode, out=done.stdout, err=done.stderr)


@pytest.mark.parametrize("stdout", [CLOSED, FULL])
def test_a_spawn_that_cannot_be_told_of_on_stdout_says_that_it_was_accepted(shell: Shell, stdout: str) -> None:
    before = {told.id for told in shell.client.status(with_ended=True).sessions}

    done = _typed(shell, stdout, "spawn", "--runtime", "process", "--name", "once", "--", "true")

    (session,) = {told.id for told in shell.client.status(with_ended=True).sessions} - before
    assert done.code == 1
    assert done.err.startswith(f"orch: session {session} was accepted, but {UNWRITABLE[stdout]}")
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "deed"),
    [
        (("send", "--json"), "the message to session {} is submitted"),
        (("stop",), "the stop of session {} was accepted"),
        (("kill", "--json"), "the kill of session {} was accepted"),
    ],
)
def test_what_was_done_is_said_where_stdout_is_full(shell: Shell, words: tuple[str, ...], deed: str) -> None:
    session = shell.spawn("trap '' TERM; orch report waiting; read x; while :; do sleep 1; done")
    shell.until(session, "waiting")

    done = _typed(shell, FULL, *words, session, *(("hello",) if "send" in words else ()))

    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"orch: {deed.format(session)}, but {UNWRITABLE[FULL]}")


def test_what_was_done_is_said_where_nobody_reads_stdout(shell: Shell) -> None:
    reader, writer = os.pipe()
    os.close(reader)

    with os.fdopen(writer) as stdout:
        done = subprocess.run(
            [*ORCH, "spawn", "--runtime", "process", "--json", "--", "true"],
            cwd=shell.place,
            env=shell.environment,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 141
    assert re.fullmatch(r"orch: session \w{8} was accepted, but nobody reads stdout\n", done.stderr)


@pytest.mark.parametrize("stdout", [CLOSED, FULL])
@pytest.mark.parametrize("words", [("status",), ("status", "--json"), ("events",), ("show", "long"), ("--version",)])
def test_what_cannot_be_shown_is_said(shell: Shell, stdout: str, words: tuple[str, ...]) -> None:
    done = _typed(shell, stdout, *words)

    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"orch: {UNWRITABLE[stdout]}")
    assert len(done.err.splitlines()) == 1


def test_help_that_cannot_be_shown_is_said(shell: Shell) -> None:
    done = _typed(shell, FULL, "spawn", "--help")

    assert (done.code, len(done.err.splitlines())) == (1, 1)


def test_nothing_is_said_where_stderr_takes_nothing(shell: Shell) -> None:
    assert _typed(shell, "2>&-", "show", "nobody").code == 3
    assert _typed(shell, "2>/dev/full", "show", "nobody").code == 3


@pytest.mark.parametrize(
    "words", [("send", "long", "-"), ("spawn", "--runtime", "process", "--prompt-file", "-", "--", "true")]
)
def test_a_closed_stdin_is_told_in_a_sentence(shell: Shell, words: tuple[str, ...]) -> None:
    done = _typed(shell, "<&-", *words)

    assert (done.code, done.out) == (2, "")
    assert "cannot be read: Bad file descriptor" in done.err
    assert "Traceback" not in done.err


def test_a_message_that_is_too_large_is_not_read_to_its_end(shell: Shell) -> None:
    done = shell.orch("send", "long", "-", stdin="ä" * MESSAGE_BYTES_MAX)

    assert done.code == 2
    assert "the message on stdin has more than 1,048,576 bytes" in done.err

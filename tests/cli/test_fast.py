"""The verbs that are run all day: what they import, what they ask, what they write, and when they decline."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrd import __version__
from orchestrd_cli import exits, fast, terminal
from tests.cli.fake_daemon import FakeDaemon, Result, chunked, spawn_orch, whole

HEAVY = (
    "typer",
    "rich",
    "pydantic",
    "structlog",
    "asyncio",
    "msgspec",
    "json",
    "re",
    "typing",
    "pathlib",
    "socket",
    "collections",
    "contextlib",
    "httpx",
)
Orch = Callable[..., Result]


@pytest.mark.parametrize(
    "words",
    [
        ("--version",),
        ("status",),
        ("status", "--json"),
        ("show", "fix"),
        ("events", "--since", "0"),
        ("report", "working"),
        ("completion", "bash"),
        ("__complete", "stop", ""),
    ],
)
def test_the_fast_verbs_import_nothing_that_costs(daemon: FakeDaemon, words: tuple[str, ...]) -> None:
    daemon.answers("/v1/status", whole(b"table\n"))
    daemon.answers("/v1/sessions/fix", whole(b"page\n"))
    daemon.answers("/v1/events", chunked(b"     1  line\n"))
    daemon.answers("/v1/candidates", whole(b"fix\twaiting\n"))
    program = (
        "import sys; from orchestrd_cli.main import main; code = main();"
        "print(code, *sorted(sys.modules), file=sys.stderr)"
    )

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {program}", *words],
        env={"ORCH_HOME": str(daemon.home)},
        capture_output=True,
        text=True,
        check=True,
    )

    code, *modules = done.stderr.splitlines()[-1].split()
    assert code == "0"
    assert set(HEAVY).intersection(modules) == set()


def test_following_imports_nothing_that_costs(daemon: FakeDaemon) -> None:
    daemon.answers("/v1/events", chunked(b"     1  line\n"), chunked())
    program = (
        "import sys; from orchestrd_cli.main import main; code = main();"
        "print(code, *sorted(sys.modules), file=sys.stderr)"
    )
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {program}", "events", "-f"],
        env={"ORCH_HOME": str(daemon.home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()

    process.send_signal(signal.SIGINT)

    _, said = process.communicate()
    code, *modules = said.decode().splitlines()[-1].split()
    assert code == str(exits.INTERRUPTED)
    assert set(HEAVY).intersection(modules) == set()


def test_version_says_which_orchestrd_this_is(orch: Orch) -> None:
    assert orch("--version").out == f"orchestrd {__version__}\n"


def test_status_writes_the_table_as_the_daemon_drew_it(daemon: FakeDaemon, orch: Orch) -> None:
    daemon.answers("/v1/status", whole("ID  NAME\nabc  grün\n".encode()))

    done = orch("status", "--all")

    assert (done.code, done.out, done.err) == (exits.OK, "ID  NAME\nabc  grün\n", "")
    assert daemon.requests[0].startswith("GET /v1/status?all=1 HTTP/1.1\r\n")
    assert "Accept: text/plain" in daemon.requests[0]


def test_a_terminal_gets_its_width_and_its_colours(
    daemon: FakeDaemon, orch: Orch, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.answers("/v1/status", whole(b"table\n"))
    monkeypatch.setattr(terminal, "size", lambda: (80, 24))
    monkeypatch.setattr(terminal, "wants_colour", lambda: True)

    orch("ls")

    assert daemon.requests[0].startswith("GET /v1/status?width=80&colour=1 ")


def test_status_as_json_is_the_daemons_own(daemon: FakeDaemon, orch: Orch) -> None:
    daemon.answers("/v1/status", whole(b'{"daemon":null,"sessions":[],"hidden":0}'))

    done = orch("status", "--json")

    assert json.loads(done.out) == {"daemon": None, "sessions": [], "hidden": 0}
    assert done.out.endswith("\n")


@pytest.mark.parametrize(
    ("words", "path", "form"),
    [
        (("show", "a b"), "/v1/sessions/a%20b", "text/plain"),
        (("explain", "a b"), "/v1/sessions/a%20b/explain", "text/plain"),
        (("show", "--json", "a b"), "/v1/sessions/a%20b", "application/json"),
        (("explain", "a b", "--json"), "/v1/sessions/a%20b/explain", "application/json"),
    ],
)
def test_a_page_is_written_as_the_daemon_drew_it(
    daemon: FakeDaemon, orch: Orch, words: tuple[str, ...], path: str, form: str
) -> None:
    daemon.answers(path, whole(b"page"))

    done = orch(*words)

    assert (done.code, done.out, done.err) == (exits.OK, "page\n" if "--json" in words else "page", "")
    assert f"Accept: {form}\r\n" in daemon.requests[0]


def test_a_page_that_is_refused_is_told_by_the_full_command_line(daemon: FakeDaemon, orch: Orch) -> None:
    error = b'{"title":"no","status":404,"code":"not_found","detail":"there is no session \'abc\'"}'
    daemon.answers("/v1/health", whole(b'{"pid":1,"epoch":1,"sequence":0}'))
    daemon.answers("/v1/sessions/abc", whole(error, status="404 Not Found"))

    done = orch("show", "abc")

    assert (done.code, done.out) == (exits.NOT_FOUND, "")
    assert "there is no session 'abc'" in done.err


def test_a_daemon_of_another_version_is_told_of_once(daemon: FakeDaemon, orch: Orch) -> None:
    daemon.answers("/v1/status", whole(b"table\n", "orch-version: 0.0.1"))

    done = orch("status")

    assert done.out == "table\n"
    assert (
        done.err == f"orch: the daemon is version 0.0.1, this is {__version__}: orch daemon restart (sessions go on)\n"
    )


def test_a_socket_in_a_deep_home_is_reached(tmp_path: Path, orch: Orch, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    short = tmp_path / "s"
    deep.mkdir(parents=True)
    short.symlink_to(deep)
    fake = FakeDaemon(short)
    fake.answers("/v1/status", whole(b"deep\n"))
    fake.start()
    monkeypatch.setenv("ORCH_HOME", str(deep))

    done = orch("status")

    fake.stop()
    assert done.out == "deep\n"


def test_events_are_written_line_by_line_however_they_are_cut(daemon: FakeDaemon, orch: Orch) -> None:
    daemon.answers("/v1/events", chunked(b'{"sequence":1}\n{"seq', b'uence":2}\n'))

    done = orch("events", "--json")

    assert done.out == '{"sequence":1}\n{"sequence":2}\n'
    assert daemon.requests[0].startswith("GET /v1/events?follow=0 ")
    assert "Accept: application/x-ndjson" in daemon.requests[0]


def test_the_filters_reach_the_daemon_safely(daemon: FakeDaemon, orch: Orch) -> None:
    daemon.answers("/v1/events", chunked())

    orch("events", "--since=7", "--session", "a&b,c", "--session", "d", "--type", "state_changed")

    assert "?since=7&session=a%26b%2Cc&session=d&type=state_changed&follow=0 " in daemon.requests[0]


def test_an_answer_that_was_cut_off_is_no_success(daemon: FakeDaemon, orch: Orch) -> None:
    daemon.answers("/v1/events", chunked(b"     4  one\n     5  two\n     6  ha", ends=False))

    done = orch("events")

    assert done.code == exits.UNREACHABLE
    assert done.out == "     4  one\n     5  two\n"
    assert done.err == ("orch: the daemon went away before the end of the events\n  try: orch events --since 5\n")


def test_a_follower_goes_on_with_the_next_daemon_after_the_last_whole_line(daemon: FakeDaemon) -> None:
    daemon.answers(
        "/v1/events",
        chunked(b'{"sequence":1,"at":null}\n{"sequence":2,"at":null}\n{"sequ', headers=("orch-cursor: 0",), ends=False),
        chunked(b'{"sequence":3,"at":null}\n'),
        chunked(),
    )
    process = spawn_orch(daemon.home, "events", "-f", "--json", stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None

    lines = [process.stdout.readline() for _ in range(3)]
    process.send_signal(signal.SIGINT)

    assert lines == [b'{"sequence":1,"at":null}\n', b'{"sequence":2,"at":null}\n', b'{"sequence":3,"at":null}\n']
    assert process.wait() == exits.INTERRUPTED
    assert set(process.stderr.read().decode().splitlines()) == {
        "orch: the daemon has gone; waiting for the next one (Ctrl-C to leave)"
    }
    process.stdout.close()
    process.stderr.close()
    assert "?follow=1 " in daemon.requests[0]
    assert "since=2" in daemon.requests[1]


def test_a_reader_that_goes_away_ends_it_quietly(daemon: FakeDaemon) -> None:
    daemon.answers("/v1/events", chunked(*[b"line\n" * 1000] * 100))
    process = spawn_orch(daemon.home, "events", stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None

    process.stdout.close()

    assert process.wait() == exits.PIPE_CLOSED
    assert process.stderr.read() == b""
    process.stderr.close()


@pytest.mark.parametrize(
    "words",
    [
        ("status", "--help"),
        ("status", "--frobnicate"),
        ("status", "extra"),
        ("status", "--json=1"),
        ("events", "--since"),
        ("show",),
        ("show", "abc", "def"),
        ("show", "-x"),
        ("show", "a/b"),
        ("explain", ""),
        ("screen", "abc"),
        ("report", "--help"),
        (),
    ],
)
def test_what_is_not_understood_is_left_to_the_full_command_line(daemon: FakeDaemon, words: tuple[str, ...]) -> None:
    assert fast.run(list(words)) is None
    assert daemon.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"\0" * 100_000,
        whole(b"{}", status="404 Not Found"),
        whole(b"x" * 10).removesuffix(b"xxx"),
        chunked(b"x", ends=False),
    ],
)
def test_an_answer_that_is_none_is_left_to_the_full_command_line(
    daemon: FakeDaemon, capfd: pytest.CaptureFixture[str], answer: bytes
) -> None:
    daemon.answers("/v1/status", answer)

    assert fast.run(["status"]) is None
    assert capfd.readouterr() == ("", "")


def test_no_daemon_is_left_to_the_full_command_line(home: Path) -> None:
    assert fast.run(["status"]) is None


def test_a_full_disk_behind_stdout_is_said(daemon: FakeDaemon) -> None:
    daemon.answers("/v1/status", whole(b"table\n"))
    with Path("/dev/full").open("wb") as full:
        process = spawn_orch(daemon.home, "status", stdout=full.fileno())
        assert process.stderr is not None

        said = process.stderr.read()

    assert process.wait() == exits.FAILED
    assert said == b"orch: stdout cannot be written: No space left on device\n"
    process.stderr.close()


def test_watching_redraws_when_something_has_changed(daemon: FakeDaemon) -> None:
    daemon.answers("/v1/status", whole(b"one\n"), whole(b"one\n"), whole(b"two\n"))
    process = spawn_orch(daemon.home, "status", "-w", stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None

    lines = [process.stdout.readline() for _ in range(3)]
    process.send_signal(signal.SIGINT)

    assert lines == [b"one\n", b"\n", b"two\n"]
    assert process.wait() == exits.INTERRUPTED
    process.stdout.close()
    process.stderr.close()

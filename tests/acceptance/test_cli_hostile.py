"""What a hostile or clumsy caller types: a clear error or a session, and the others go on."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrd_cli.main import main
from tests.acceptance.command_line import Done, Shell
from tests.acceptance.processes import until


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """One home for all of them, with a session that must not notice."""
    typed = Shell(tmp_path_factory.mktemp("hostile"))
    typed.start()
    typed.spawn("sleep 600", name="bystander")
    typed.until("bystander", "running")
    yield typed
    assert typed.show("bystander").state == "running"
    assert typed.show("bystander").generation == 1
    typed.clear()


Orch = Callable[..., Done]


@pytest.fixture
def orch(shell: Shell, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Orch:
    """Type at the same shell without starting an interpreter for each line."""
    for name, value in shell.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(shell.place)

    def call(*words: str | bytes) -> Done:
        monkeypatch.setattr(sys, "argv", ["orch", *map(os.fsdecode, words)])
        code = main()
        captured = capfd.readouterr()
        return Done(code=code, out=captured.out, err=captured.err)

    return call


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "a\nb", "\x1b[2J", "x" * 10_240, "-rf", "", " ", ".hidden", "a/b", "\u202eevil", b"\xff\xfe"],
    ids=["path", "newline", "escape", "10kB", "dash", "empty", "space", "dot", "slash", "bidi", "no-utf8"],
)
def test_a_name_that_cannot_be_one_is_refused_in_one_sentence(orch: Orch, name: str | bytes) -> None:
    given = b"--name=" + (name if isinstance(name, bytes) else name.encode())

    done = orch("spawn", given, "--", "true")

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("orch: the name ")
    assert len(done.err.splitlines()) == 2
    assert done.err.isascii() or done.err.replace("\n", "").isprintable()
    assert len(done.err) < 400


def test_an_emoji_is_a_name(shell: Shell) -> None:
    assert shell.orch("spawn", "--wait", "--name", "👩‍💻 fix", "--", "true").code == 0
    assert shell.orch("show", "--json", "👩‍💻 fix").json["state"] == "completed"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["show", "../../../etc/passwd"], 3),
        (["show", "%2e%2e/x"], 3),
        (["show", ""], 3),
        (["show", "-x"], 2),
        (["show", "\x1b]0;x\x07"], 3),
        (["show", "a b?c=d#e"], 3),
        (["show", "x" * 10_240], 3),
        (["logs", "nobody"], 3),
        (["send", "nobody", "x"], 3),
        (["wait", "bystander", "--for", "nonsense"], 2),
        (["wait", "bystander", "--timeout", "-1"], 2),
        (["wait", "bystander", "--timeout", "nan"], 2),
        (["wait"], 2),
        (["events", "--since", "-1"], 2),
        (["events", "--since", "x"], 2),
        (["events", "--since", str(10**30)], 2),
        (["events", "--type", "nonsense"], 2),
        (["events", "--session", "nobody"], 3),
        (["spawn"], 2),
        (["spawn", "true"], 2),
        (["spawn", "two", "words", "--", "true"], 2),
        (["spawn", "--"], 2),
        (["spawn", "--dir", "/nonexistent", "--", "true"], 2),
        (["spawn", "--env", "NOT_SET_HERE", "--", "true"], 2),
        (["spawn", "--env", "A=B", "--", "true"], 2),
        (["spawn", "--env", "ORCH_HOME", "--", "true"], 2),
        (["spawn", "--grace", "-1", "--", "true"], 2),
        (["spawn", "--grace", "nan", "--", "true"], 2),
        (["spawn", "--workspace", "vm", "--", "true"], 2),
        (["spawn", "--copy", "../x", "--", "true"], 2),
        (["spawn", "--until", "never", "--", "true"], 2),
        (["spawn", "--timeout", "1", "--", "true"], 2),
        (["spawn", "--prompt-file", "/nonexistent", "--", "true"], 2),
        (["spawn", "text", "--prompt-file", "-", "--", "true"], 2),
        (["stop", "bystander", "--grace", "1e9"], 2),
        (["frobnicate"], 2),
        (["daemon"], 2),
        (["daemon", "start", "--interval", "x"], 2),
    ],
    ids=lambda value: " ".join(value)[:40].encode("unicode_escape").decode() if isinstance(value, list) else str(value),
)
def test_nonsense_has_its_exit_code_and_says_what_why_and_what_next(orch: Orch, words: list[str], code: int) -> None:
    done = orch(*words)

    assert (done.code, done.out) == (code, "")
    assert "Traceback" not in done.err
    assert done.err
    assert all(line.isprintable() for line in done.err.splitlines())


def test_an_error_as_json_is_a_problem_document_on_stderr(shell: Shell) -> None:
    done = shell.orch("show", "nobody", "--json")

    assert (done.code, done.out) == (3, "")
    assert (done.error["code"], done.error["hint"]) == ("not_found", "orch status --all")


@pytest.mark.parametrize("data", [b"\xff\xfe", b"a\0b", b"x" * (17 * 1024 * 1024)], ids=["latin", "nul", "17MB"])
def test_a_prompt_that_is_no_text_or_too_large_is_refused(shell: Shell, data: bytes) -> None:
    done = shell.orch("spawn", "--prompt-file", "-", "--", "true", stdin=data)

    assert (done.code, done.out) == (2, "")
    assert "prompt" in done.err


def test_an_argument_that_is_no_text_is_refused(shell: Shell) -> None:
    done = shell.orch("spawn", "--", "cat", b"\xff")

    assert (done.code, done.out) == (2, "")
    assert "UTF-8" in done.err


def test_what_an_agent_prints_or_reports_does_not_command_the_table(shell: Shell) -> None:
    session = shell.spawn("orch report waiting \"$(printf '\\033]0;x\\007\\033[2J')\"; read x")
    shell.until(session, "waiting")

    for words in (["status"], ["show", session], ["explain", session], ["events", "--session", session]):
        assert "\x1b" not in shell.orch(*words).out


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("zzzzzzza", lambda path: path.write_bytes(b"")),
        ("zzzzzzzb", lambda path: path.write_bytes(b'{"schema": 1, "id"')),
        ("zzzzzzzc", lambda path: path.write_bytes(os.urandom(4096))),
        ("zzzzzzzd", lambda path: path.mkdir()),
        ("zzzzzzze", os.mkfifo),
        ("zzzzzzzf", lambda path: path.symlink_to("/etc/passwd")),
        ("zzzzzzzz", lambda path: path.write_bytes(b'{"schema": 99, "id": "zzzzzzzz"}')),
        ("zzzzzzzh", lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), 100 * 1024 * 1024)),
    ],
    ids=["empty", "truncated", "binary", "directory", "fifo", "symlink", "future", "100MB"],
)
def test_a_foreign_file_among_the_records_hides_no_session(
    orch: Orch, shell: Shell, name: str, make: Callable[[Path], object]
) -> None:
    make(Path(shell.layout.sessions) / f"{name}.json")

    status = orch("status", "--json")
    spawned = orch("spawn", "--wait", "--", "true")

    assert status.code == spawned.code == 0
    assert "bystander" in {told["name"] for told in status.json["sessions"]}


def test_half_a_request_and_a_hundred_connections_keep_nobody_out(shell: Shell) -> None:
    idle = [socket.socket(socket.AF_UNIX) for _ in range(100)]
    for connection in idle:
        connection.connect(shell.layout.socket)
        connection.send(b"GET /v1/sta")

    done = shell.orch("status", "--json")

    assert (done.code, done.json["daemon"]["pid"]) == (0, shell.daemon_pid())
    for connection in idle:
        connection.close()


def test_an_interrupted_wait_exits_130_and_the_session_goes_on(shell: Shell) -> None:
    session = shell.spawn("sleep 600")
    with shell.going_on("spawn", "--wait", "--", "sleep", "600") as waiting:
        assert waiting.stderr is not None
        said = waiting.stderr.readline()
        waiting.send_signal(signal.SIGINT)
        out, err = waiting.communicate(timeout=30)

    assert b"Ctrl-C leaves it running" in said
    assert (waiting.returncode, out, err) == (130, b"", b"")
    assert shell.show(session).state in ("starting", "running")


def test_a_reader_that_leaves_early_ends_it_quietly(shell: Shell) -> None:
    session = shell.ended("yes | head -c 1000000")

    with shell.going_on("logs", session) as printing:
        assert printing.stdout is not None
        printing.stdout.readline()
        printing.stdout.close()
        until(lambda: printing.poll() is not None, "it has noticed")
        assert printing.stderr is not None

        assert (printing.returncode, printing.stderr.read()) == (141, b"")


def test_no_daemon_is_started_from_inside_a_session(tmp_path: Path) -> None:
    elsewhere = Shell(tmp_path)
    try:
        done = elsewhere.orch("daemon", "start", ORCH_RUN="abcdefgh:1:nonce", ORCH_SESSION="abcdefgh")

        assert done.code == 5
        assert "inside a session" in done.err
    finally:
        elsewhere.clear()


def test_a_home_deeper_than_a_socket_address_works(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    shell = Shell(deep)
    try:
        assert shell.orch("spawn", "--wait", "--", "true").code == 0
        assert subprocess.run(["test", "-S", shell.layout.socket], check=False).returncode == 0
        assert shell.orch("status", "--all").out.splitlines()[-1].startswith("daemon ")
    finally:
        shell.clear()

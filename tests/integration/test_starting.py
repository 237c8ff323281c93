"""A daemon started by a client: it is its own, takes nothing along, and where it does not start the client says why."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrd.client import Client, spawn_request, starting
from orchestrd.model.errors import UnreachableError
from tests.processes import is_alive

GONE_S = 10.0


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "home"
    yield home
    daemon = Client(str(home)).status().daemon
    if daemon is not None:
        os.kill(daemon.pid, signal.SIGTERM)
        _wait_until_gone(daemon.pid)


def _wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + GONE_S
    while is_alive(pid):
        assert time.monotonic() < deadline, f"daemon {pid} does not go"
        time.sleep(0.01)


def test_a_command_starts_the_daemon_and_a_session_runs_to_its_end(home: Path, tmp_path: Path) -> None:
    notices: list[str] = []
    client = Client(str(home), notice=notices.append)

    taken = client.spawn(spawn_request(argv=["sh", "-c", "exit 3"], runtime="process", directory=str(tmp_path)))
    (waited,) = client.wait([taken.document.id], timeout_s=30)

    assert (taken.is_spooled, notices) == (False, ["orch: starting the daemon"])
    assert (waited.is_met, waited.document.state, waited.document.exit_code) == (False, "failed", 3)
    assert client.ensure_daemon() is False


def test_what_was_spooled_is_taken_in_by_the_next_daemon(home: Path, tmp_path: Path) -> None:
    request = spawn_request(argv=["true"], runtime="process", directory=str(tmp_path))
    Client(str(home), use_daemon=False).spawn(request)
    client = Client(str(home))

    client.ensure_daemon(interval_s=0.5)
    (waited,) = client.wait([request.id], timeout_s=30)

    assert waited.is_met
    assert client.spawn(request).document.id == request.id
    status = client.status(with_ended=True)
    assert len(status.sessions) == 1
    assert status.daemon is not None
    assert status.daemon.interval_s == 0.5


def test_the_daemon_holds_nothing_of_its_caller_s(home: Path, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    program = f"from orchestrd.client import Client; Client({str(home)!r}).ensure_daemon()"

    caller = subprocess.Popen(
        [sys.executable, "-c", program], stdout=writer, stderr=writer, pass_fds=[writer], cwd=tmp_path
    )
    os.close(writer)
    said = os.read(reader, 4096)  # ends only when nobody holds the pipe any more
    os.close(reader)

    daemon = Client(str(home)).status().daemon
    assert (caller.wait(), said) == (0, b"")
    assert daemon is not None
    assert os.getsid(daemon.pid) == daemon.pid
    assert Path(f"/proc/{daemon.pid}/cwd").readlink() == home
    assert Path(f"/proc/{daemon.pid}/fd/0").readlink() == Path("/dev/null")
    assert Path(f"/proc/{daemon.pid}/fd/2").readlink() == home / "logs" / "daemon.log"


def test_the_daemon_bears_no_mark_of_a_run(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCH_SESSION", "abcdefgh")
    monkeypatch.setenv("ORCH_RUN_DIR", "/nowhere")
    client = Client(str(home))

    client.ensure_daemon()

    daemon = client.status().daemon
    assert daemon is not None
    environment = Path(f"/proc/{daemon.pid}/environ").read_bytes()
    assert b"ORCH_SESSION" not in environment
    assert b"ORCH_RUN" not in environment


def test_inside_a_run_no_daemon_is_started(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCH_RUN", "abcdefgh:1:nonce")

    with pytest.raises(UnreachableError) as refused:
        Client(str(home)).ensure_daemon()

    assert refused.value.code == "in_a_run"
    assert not home.exists()


def test_a_daemon_that_ends_at_once_is_quoted(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "sessions").write_text("")  # nothing can be kept there

    with pytest.raises(UnreachableError) as refused:
        Client(str(home)).ensure_daemon()

    assert refused.value.code == "not_started"
    assert "ended with code" in refused.value.message
    assert "sessions" in refused.value.message


def test_a_daemon_that_ends_at_once_leads_to_its_own_next_command(home: Path) -> None:
    layout = Client(str(home)).layout
    Path(layout.socket).mkdir(parents=True)

    with pytest.raises(UnreachableError) as refused:
        Client(str(home)).ensure_daemon()

    assert refused.value.message == f"the daemon ended with code 1: cannot make {layout.socket}: Is a directory"
    assert refused.value.hint == f"ls -ld {layout.socket}"


def test_a_daemon_that_ends_without_a_word_leads_to_a_checkup(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")

    with pytest.raises(UnreachableError) as refused:
        Client(str(home)).ensure_daemon()

    assert (refused.value.message, refused.value.hint) == (
        "the daemon ended with code 1 and said nothing",
        "orch doctor",
    )


def test_a_daemon_that_never_answers_is_waited_for_only_so_long(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "DAEMON_START_S", 0.0)
    client = Client(str(home))
    monkeypatch.setattr(client, "answers", lambda: False)

    with pytest.raises(UnreachableError, match="did not answer within 0 s"):
        client.ensure_daemon()

    monkeypatch.undo()
    Client(str(home)).ensure_daemon()  # it was only late; so that it can be stopped


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(UnreachableError) as refused:
        Client(str(tmp_path / "file" / "home")).ensure_daemon()

    assert (refused.value.code, refused.value.hint) == ("not_started", "orch doctor")
    assert refused.value.message == f"the daemon cannot be started: {tmp_path}/file/home: Not a directory"

"""One daemon per home: two starts at once, and whatever a dead daemon, or another hand, has left behind."""

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrd.model.limits import API_STOP_S
from tests.acceptance import agents
from tests.acceptance.daemon import Daemon, Home
from tests.acceptance.processes import is_alive, until

DOUBLE_STARTS = 50
REFUSED = 4


def _one_of(first: Daemon, second: Daemon) -> Daemon:
    """Give the one that lives, once the other has ended."""
    until(lambda: first.has_ended() or second.has_ended(), "one of two daemons gives way")
    return second if first.has_ended() else first


@pytest.mark.timeout(180)
def test_of_two_daemons_at_once_exactly_one_lives_and_the_other_names_it(home: Home) -> None:
    for _ in range(DOUBLE_STARTS):
        first, second = home.begin(is_measured=False), home.begin(is_measured=False)
        winner = _one_of(first, second)
        loser = second if winner is first else first
        winner.until_it_answers()

        assert loser.process.returncode == REFUSED
        assert f"pid {winner.pid}" in loser.words()
        assert not winner.has_ended()
        assert home.facts().pid == winner.pid

        winner.kill()  # the next pair finds what it has left

    last = home.start()
    assert last.stop() == 0
    assert home.record_of_home().epoch == DOUBLE_STARTS + 1


def test_a_second_daemon_is_refused_however_busy_or_hidden_the_first_one_is(home: Home) -> None:
    first = home.start()
    Path(home.layout.socket).unlink()
    first.process.send_signal(signal.SIGSTOP)

    second = home.begin()
    code = second.process.wait(15)
    first.process.send_signal(signal.SIGCONT)

    assert code == REFUSED
    assert f"pid {first.pid}" in second.words()


@pytest.mark.parametrize("content", ["", "1\n", "99999999\n", "not a pid\n" * 1_000])
def test_a_stale_lock_file_stops_nobody(home: Home, content: str) -> None:
    home.start().kill()
    Path(home.layout.lock).write_text(content)

    daemon = home.start()

    assert Path(home.layout.lock).read_text() == f"{daemon.pid}\n"


def test_a_lock_that_leads_elsewhere_is_refused_in_one_sentence_and_what_it_leads_to_is_not_touched(home: Home) -> None:
    home.start().kill()
    elsewhere = home.place / "elsewhere"
    elsewhere.write_text("precious")
    Path(home.layout.lock).unlink()
    Path(home.layout.lock).symlink_to(elsewhere)

    daemon = home.begin()
    code = daemon.process.wait(15)

    assert code == 1
    assert "run/lock" in daemon.words()
    assert "Traceback" not in daemon.words()
    assert elsewhere.read_text() == "precious"


def _a_socket_that_nobody_holds(path: Path, elsewhere: Path) -> None:
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))


def _a_symlink(path: Path, elsewhere: Path) -> None:
    path.symlink_to(elsewhere)


def _a_dangling_symlink(path: Path, elsewhere: Path) -> None:
    path.symlink_to("/nowhere/at/all")


def _a_plain_file(path: Path, elsewhere: Path) -> None:
    path.write_text("not a socket")


def _a_fifo(path: Path, elsewhere: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    "put",
    [_a_socket_that_nobody_holds, _a_symlink, _a_dangling_symlink, _a_plain_file, _a_fifo],
    ids=lambda put: put.__name__,
)
def test_whatever_lies_in_the_place_of_the_socket_never_stops_a_start(
    home: Home, put: Callable[[Path, Path], None]
) -> None:
    home.start().kill()
    elsewhere = home.place / "elsewhere"
    elsewhere.write_text("precious")
    Path(home.layout.socket).unlink()
    put(Path(home.layout.socket), elsewhere)

    daemon = home.start()

    assert Path(home.layout.socket).is_socket()
    assert not Path(home.layout.socket).is_symlink()
    assert elsewhere.read_text() == "precious"
    assert daemon.answers()


@pytest.mark.parametrize("name", ["daemon.sock", "nudge"])
def test_a_directory_in_the_place_of_socket_or_fifo_is_refused_in_one_sentence(home: Home, name: str) -> None:
    home.start().kill()
    place = Path(home.layout.run) / name
    place.unlink()
    (place / "full").mkdir(parents=True)

    daemon = home.begin()
    code = daemon.process.wait(15)

    assert code == 1
    assert f"orchestrd: cannot make {place}: Is a directory\ntry: " in daemon.words()
    assert "Traceback" not in daemon.words()


def test_agents_run_on_through_a_graceful_stop_and_are_adopted_untouched(home: Home) -> None:
    daemon = home.start()
    steady = home.spawn(agents.STEADY)
    until(lambda: home.mark(steady), "the agent has begun")
    before = home.reach(steady, "running")
    processes = list(home.processes())

    assert daemon.stop() == 0
    assert all(map(is_alive, processes))

    home.start()
    after = home.show(steady)

    assert (after.state, after.generation, after.started_at) == ("running", before.generation, before.started_at)
    assert all(map(is_alive, processes))
    assert home.mark(f"{steady}.touched") == []
    assert len(home.mark(steady)) == 1


def test_a_second_signal_stops_the_daemon_at_once_and_its_agents_run_on(home: Home) -> None:
    daemon = home.start()
    steady = home.spawn(agents.STEADY)
    until(lambda: home.mark(steady), "the agent has begun")
    home.reach(steady, "running")
    with socket.socket(socket.AF_UNIX) as slow:  # a graceful stop gives its request time
        slow.connect(home.layout.socket)
        slow.sendall(b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        assert daemon.answers()  # so the half request has been read

        daemon.process.send_signal(signal.SIGTERM)
        until(lambda: not daemon.answers(), "it is stopping")
        assert not daemon.has_ended()
        daemon.process.send_signal(signal.SIGTERM)
        code = daemon.process.wait(API_STOP_S / 2)

    assert code == 1
    home.start()
    assert home.show(steady).state == "running"
    assert home.mark(f"{steady}.touched") == []

"""Hostile peers on the socket: garbage, halves, crowds, other users; the others are answered all the while."""

import os
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from orchestrd.client import calls
from orchestrd.model.limits import CONNECTIONS_MAX
from tests.acceptance import agents
from tests.acceptance.daemon import Home
from tests.acceptance.processes import until

GET = b"GET /v1/version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
QUICK_S = 2.0  # an answer on a busy machine; without the hostile ones it takes milliseconds


@contextmanager
def _connected(home: Home) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(20)
        connection.connect(home.layout.socket)
        yield connection


def _all_of(connection: socket.socket) -> bytes:
    parts = []
    with suppress(ConnectionResetError):
        while part := connection.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


def _said_to(home: Home, data: bytes) -> bytes:
    with _connected(home) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        return _all_of(connection)


def test_garbage_is_refused_and_nobody_notices(home: Home, seed: int) -> None:
    daemon = home.start()
    chance = random.Random(seed)
    garbage = [chance.randbytes(chance.randrange(1, 4_096)) for _ in range(100)]
    garbage += [
        b"GET /" + b"a" * (1 << 20) + b" HTTP/1.1\r\n\r\n",
        b"\r\n" * 10_000,
        b"\x16\x03\x01\x02\x00",
        b"*1\r\n$4\r\nPING\r\n",
    ]
    garbage += [b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"]
    garbage += [b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"]
    garbage += [b"GET /v1/version HTTP/1.1\r\n" + b"X: y\r\n" * 100_000 + b"\r\n"]

    for data in garbage:
        said = _said_to(home, data)
        assert said == b"" or said.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")), (data[:60], said[:60])
        assert not said.startswith(b"HTTP/1.1 500"), data[:60]

    home.ask(calls.health())
    assert "request_failed" not in daemon.words()
    assert "Traceback" not in daemon.words()


def test_a_writer_of_one_byte_at_a_time_is_answered_like_any_other(home: Home) -> None:
    home.start()

    with _connected(home) as connection:
        for byte in GET:
            connection.send(bytes([byte]))
        said = _all_of(connection)

    assert said.startswith(b"HTTP/1.1 200")


def test_a_peer_that_has_shut_its_end_is_answered(home: Home) -> None:
    home.start()

    assert _said_to(home, GET).startswith(b"HTTP/1.1 200")


def test_a_hundred_idle_connections_and_half_requests_hinder_nobody_and_are_closed_in_time(home: Home) -> None:
    daemon = home.start()
    before = daemon.descriptors()
    halves = [b"", b"G", GET[:-2], b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"]

    with ExitStack() as crowd:
        connections = [crowd.enter_context(_connected(home)) for _ in range(100)]
        for number, connection in enumerate(connections):
            connection.sendall(halves[number % len(halves)])
        session = home.spawn(agents.ends_with(0))
        assert home.until_over(session)[session].state == "completed"
        home.ask(calls.health())

        assert {_all_of(connection)[:12] for connection in connections} == {b"HTTP/1.1 408"}
    until(lambda: daemon.descriptors() <= before, "nothing of them is left")


def test_one_connection_too_many_is_told_so_and_a_place_that_is_free_again_is_taken(home: Home) -> None:
    home.start()

    with ExitStack() as crowd:
        for _ in range(CONNECTIONS_MAX):
            crowd.enter_context(_connected(home))
        with _connected(home) as last:
            said = _all_of(last)
        assert said.startswith(b"HTTP/1.1 503")
        assert b"too_many_connections" in said

    until(lambda: _said_to(home, GET).startswith(b"HTTP/1.1 200"), "others are answered again")


def test_peers_that_vanish_in_the_middle_leave_nothing_behind(home: Home) -> None:
    daemon = home.start()
    before = daemon.descriptors()

    for data in (b"", GET[:20], GET, b"GET /v1/events?since=0 HTTP/1.1\r\nHost: x\r\n\r\n") * 30:
        with _connected(home) as connection:
            connection.sendall(data)

    until(lambda: daemon.descriptors() <= before, "nothing of them is left")
    assert "Traceback" not in daemon.words()


_STRANGER = """
import os, socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.settimeout(10)
try:
    connection.connect(sys.argv[1])
    print(connection.recv(4096))
except PermissionError:
    print("kept out")
"""


def _as_a_stranger(home: Home) -> str:
    asked = subprocess.run(
        [*NOBODY, sys.executable, "-ISc", _STRANGER, home.layout.socket],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    return asked.stdout + asked.stderr


def _may_be_entered(path: Path) -> None:
    """Open the way to a path for everybody."""
    for place in (path, *path.parents):
        mode = place.stat().st_mode
        if not mode & 0o001:
            place.chmod(mode | 0o005)


def test_another_user_is_kept_out_by_the_modes_and_without_them_by_the_daemon(home: Home) -> None:
    if os.geteuid() != 0 or subprocess.run([*NOBODY, sys.executable, "-ISc", ""], check=False).returncode:
        pytest.skip("not root, or another user may not run this Python")
    home.start()
    _may_be_entered(home.place)

    assert "kept out" in _as_a_stranger(home)

    _may_be_entered(Path(home.layout.run))
    Path(home.layout.socket).chmod(0o666)

    assert "HTTP/1.1 403" in _as_a_stranger(home)
    assert "forbidden" in _as_a_stranger(home)
    home.ask(calls.health())

"""A subscriber that never reads costs the others nothing: neither time nor the daemon's memory, nor its own events."""

import socket
from datetime import UTC, datetime

from orchestrd.client.wire import Receiver
from orchestrd.core.choice import head_of
from orchestrd.model.event import Event
from tests.acceptance import agents
from tests.acceptance.daemon import Home

DEAF = 8
AGENTS = 4
ROUNDS = 700
LATE_S = 10.0  # a loaded machine takes a while; who waits for the deaf waits for ever
GROWTH_BYTES_MAX = 24 * 1024 * 1024
FOLLOW = b"GET /v1/events?since=0 HTTP/1.1\r\nHost: x\r\nAccept: application/x-ndjson\r\n\r\n"


def _deaf(home: Home) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.connect(home.layout.socket)
    connection.sendall(FOLLOW)
    return connection


def _sequences(connection: socket.socket, newest: int) -> list[int]:
    """Read all that was kept for one who never read."""
    receiver, held, found = Receiver(), b"", list[int]()
    connection.settimeout(10)
    while not found or found[-1] < newest:
        *whole, held = (held + receiver.feed(connection.recv(1 << 16))).split(b"\n")
        found += [head_of(line).cursor for line in whole]
    return found


def _delay_s(event: Event) -> float:
    assert event.at is not None
    return (datetime.now(UTC) - event.at).total_seconds()


def test_subscribers_that_never_read_cost_the_others_nothing_and_miss_nothing_themselves(home: Home) -> None:
    daemon = home.start(is_measured=False)
    deaf = [_deaf(home) for _ in range(DEAF)]
    before = daemon.resident_bytes()
    talking = {home.spawn(agents.chatters(ROUNDS)) for _ in range(AGENTS)}

    delays: list[float] = []
    newest = 0
    for event in home.follow(0, within_s=60):
        newest += 1
        assert event.sequence == newest
        delays.append(_delay_s(event) if event.session in talking else 0.0)
        if event.to == "completed":
            talking.discard(event.session)
        if not talking:
            break

    size = sum(path.stat().st_size for path in home.segments())
    assert size > 1024 * 1024, "that would fit into the buffers of the sockets"
    assert max(delays) < LATE_S
    assert daemon.resident_bytes() - before < GROWTH_BYTES_MAX
    for connection in deaf:
        assert _sequences(connection, newest)[:newest] == list(range(1, newest + 1))  # and what came of the last end
        connection.close()


def test_a_stop_does_not_wait_for_those_who_never_read(home: Home) -> None:
    daemon = home.start()
    deaf = [_deaf(home) for _ in range(DEAF)]
    home.spawn(agents.chatters(ROUNDS))
    home.until_over()

    assert daemon.stop() == 0
    for connection in deaf:
        connection.close()

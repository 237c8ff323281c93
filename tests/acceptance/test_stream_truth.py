"""The event stream tells the truth: what it tells is on disk already, and who comes back misses nothing."""

import contextlib
import random
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from orchestrd.client.blocking import Client
from orchestrd.client.wire import Receiver
from orchestrd.model.errors import TimedOutError
from orchestrd.model.event import Event
from orchestrd.model.words import TERMINAL
from tests.acceptance import agents
from tests.acceptance.daemon import Home, event_of
from tests.acceptance.processes import until

SESSIONS = 24
KILLS = 8


def _revision_on_disk(home: Home, event: Event) -> int:
    return home.record(event.session).revision if event.session and event.generation else home.record_of_home().revision


def test_on_every_event_the_disk_is_at_least_at_that_revision(home: Home) -> None:
    home.start()
    scripts = (agents.ends_with(0), agents.ends_with(9), agents.dies_of("KILL"), agents.chatters(40, 10))
    open_ = {home.spawn(scripts[number % len(scripts)]) for number in range(SESSIONS)}

    seen = 0
    for event in home.follow(0, within_s=60):
        seen += 1
        assert event.sequence == seen
        assert event.revision is not None
        assert _revision_on_disk(home, event) >= event.revision, event
        if event.to in TERMINAL:
            open_.discard(event.session)
        if not open_:
            break

    assert seen > SESSIONS * 5


def _sse(home: Home, cursor: int, events_max: int) -> Iterator[tuple[int, bytes]]:
    """Follow as a browser would, from Last-Event-ID on; hang up after some events, in the middle of whatever comes."""
    head = f"GET /v1/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nLast-Event-ID: {cursor}\r\n\r\n"
    receiver, held = Receiver(), b""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(0.3)
        connection.connect(home.layout.socket)
        connection.sendall(head.encode())
        while events_max > 0 and (data := connection.recv(4_096)):
            *whole, held = (held + receiver.feed(data)).split(b"\n\n")
            events_max -= len(whole)
            for block in whole:
                number, line = block.removeprefix(b"id: ").split(b"\ndata: ")
                yield int(number), line


class Reader(threading.Thread):
    """Comes and goes at random moments, with the cursor of what it has seen."""

    def __init__(self, home: Home, seed: int) -> None:
        super().__init__(name="reader")
        self._home = home
        self._chance = random.Random(seed)
        self.is_done = threading.Event()
        self.seen: list[Event] = []

    def run(self) -> None:
        while not self.is_done.is_set():
            cursor = self.seen[-1].sequence if self.seen else 0
            for number, line in _sse(self._home, cursor, self._chance.randrange(1, 30)):
                self.seen.append(event_of(line))
                assert self.seen[-1].sequence == number
            time.sleep(self._chance.random() * 0.02)


@pytest.mark.timeout(120)
def test_a_reader_that_comes_back_with_its_cursor_misses_nothing_and_sees_nothing_twice(home: Home, seed: int) -> None:
    chance = random.Random(seed)
    daemon = home.start(is_measured=False)
    readers = [Reader(home, seed + number) for number in range(3)]
    for reader in readers:
        reader.start()

    for _ in range(KILLS):
        for _ in range(3):
            home.spawn(agents.chatters(20, 10))
        time.sleep(chance.random() * 0.3)
        daemon.kill()
        daemon = home.start(is_measured=False)
    home.until_over()
    newest = home.facts().sequence
    try:
        until(lambda: all(reader.seen and reader.seen[-1].sequence >= newest for reader in readers), "all was seen")
    finally:
        for reader in readers:
            reader.is_done.set()
            reader.join(5)

    for reader in readers:
        assert reader.seen == home.journal()


class Follower(threading.Thread):
    """Follows as `orch events -f` does, over any number of daemons, until it has seen enough."""

    def __init__(self, home: Home) -> None:
        super().__init__(name="follower")
        self._home = home
        self.newest: int | None = None
        self.seen: list[Event] = []

    def run(self) -> None:
        with contextlib.suppress(TimedOutError):
            for line in Client(self._home.layout.home).events(0, follow=True, timeout_s=60):
                self.seen.append(event_of(line))
                if self.newest is not None and self.seen[-1].sequence >= self.newest:
                    return


@pytest.mark.timeout(120)
def test_the_client_follows_from_one_daemon_to_the_next(home: Home) -> None:
    daemon = home.start(is_measured=False)
    follower = Follower(home)
    follower.start()

    for _ in range(3):
        home.spawn(agents.ends_with(0))
        daemon.kill()
        daemon = home.start(is_measured=False)
    home.until_over()
    follower.newest = home.facts().sequence + 2
    home.until_over(home.spawn(agents.ends_with(0)))
    follower.join(15)

    assert not follower.is_alive()
    assert follower.seen == home.journal()[: len(follower.seen)]
    assert len(follower.seen) >= follower.newest

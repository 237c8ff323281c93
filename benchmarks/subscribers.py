"""Readers of the event stream: plain sockets, so that what is timed is the daemon and not a client."""

import select
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any, Self

import msgspec

from orchestrd.client.wire import Receiver
from orchestrd.endpoint import Address

RECEIVE_BYTES = 256 * 1024
SILENCE_S = 20.0  # a stream that says nothing for that long will not say it

Event = dict[str, Any]


class Subscriber:
    """One reader that follows from now on, and notes when each event arrived, on the clock of `time.perf_counter`."""

    def __init__(self, path: str, *, since: int | None = None) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._receiver = Receiver()
        self._held = b""
        target = "/v1/events?follow=1" + ("" if since is None else f"&since={since}")
        with Address(path) as address:
            self.socket.connect(address)
        self.socket.sendall(f"GET {target} HTTP/1.1\r\nHost: orch\r\nAccept: application/x-ndjson\r\n\r\n".encode())

    def __enter__(self) -> Self:
        self._until_open()
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def fileno(self) -> int:
        """Let a selector wait for it."""
        return self.socket.fileno()

    def receive(self) -> bytes:
        """Read what has come; whole lines and the beginning of another. Raises ConnectionError at the end."""
        return self._receiver.feed(self.socket.recv(RECEIVE_BYTES))

    def lines(self, within_s: float) -> list[bytes]:
        """Give the lines that have come, or that come within this time. Raises OrchestrdError at the end."""
        if select.select([self.socket], [], [], within_s)[0]:
            self._held += self.receive()
        *whole, self._held = self._held.split(b"\n")
        return whole

    def until(self, is_enough: Callable[[Event], bool]) -> float:
        """Read events until one is enough, and give the time at which it arrived. Raises TimeoutError."""
        while True:
            if not select.select([self.socket], [], [], SILENCE_S)[0]:
                raise TimeoutError("the event that was waited for did not come")
            data, arrived = self.receive(), time.perf_counter()
            *lines, self._held = (self._held + data).split(b"\n")
            enough = [is_enough(msgspec.json.decode(line)) for line in lines]  # each has to be seen
            if any(enough):
                return arrived

    def until_all(self, sessions: Iterable[str], state: str) -> float:
        """Read until each of these sessions has come to this state; gives when the last one did."""
        missing = set(sessions)

        def is_last(event: Event) -> bool:
            if event["type"] == "state_changed" and event["to"] == state:
                missing.discard(event["session"])
            return not missing

        return self.until(is_last)

    def _until_open(self) -> None:
        """Wait for the head of the answer: from then on nothing is missed."""
        while not self._receiver.status:
            self._held += self.receive()

"""What the daemon claims of a session, and when a subscriber heard it: the edge that counts is the one that arrived.

The daemon may be killed in between: the stream is taken up again behind the last event that was heard, so a claim that
nobody could hear meanwhile is as late as it was.
"""

import contextlib
import threading
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from msgspec import Struct

from benchmarks.subscribers import Subscriber
from benchmarks.truth.scoring import Edge
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.event import Event, EventType
from orchestrd.model.words import TERMINAL, Liveness, State
from orchestrd.testing.history import Standing, decode_event, fold

LOOK_S = 0.02
AGAIN_S = 0.05  # between attempts to reach a daemon that is being restarted
CLAIMING = (State.STARTING, State.RUNNING, State.STOPPING)  # in which the activity is what a person reads
ENDED, UNKNOWN = "ended", "unknown"


class Heard(Struct, frozen=True):
    """One event, and the moment it arrived by the wall clock in seconds."""

    at: float
    event: Event

    def line(self) -> str:
        """Write it for a person."""
        said = [str(self.event.type), self.event.to or "", str(self.event.source or ""), self.event.text or ""]
        return f"{self.at:.3f} " + " ".join(word for word in said if word)


class Listener:
    """A subscriber from the beginning of a home on. Used as a context manager."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._heard: list[Heard] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="listener", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def of(self, session: str) -> list[Heard]:
        """Give what was heard of one session so far."""
        return [heard for heard in list(self._heard) if heard.event.session == session]

    def _follow(self) -> None:
        while not self._is_over.is_set():
            with contextlib.suppress(OSError, OrchestrdError):
                self._follow_one_daemon()
            self._is_over.wait(AGAIN_S)

    def _follow_one_daemon(self) -> None:
        since = self._heard[-1].event.sequence if self._heard else 0
        with Subscriber(self._socket, since=since) as subscriber:
            while not self._is_over.is_set():
                self._take(subscriber.lines(LOOK_S))

    def _take(self, lines: Iterable[bytes]) -> None:
        at = time.time()
        self._heard.extend(Heard(at, event) for line in lines if (event := decode_event(line)) is not None)


def claims_of(heard: Iterable[Heard]) -> list[Edge]:
    """Tell what was claimed of one session since when, in the words of the score."""
    standing: Standing | None = None
    edges: list[Edge] = []
    for one in heard:
        standing = fold([one.event], standing)
        if standing is not None:
            edges.append(Edge(one.at, _claim(standing)))
    return edges


def receipts_of(heard: Iterable[Heard]) -> dict[str, str]:
    """Tell what became of each message that was settled, by its id."""
    settled = (one.event for one in heard if one.event.type is EventType.MESSAGE_SETTLED)
    return {event.message: str(event.receipt) for event in settled if event.message is not None}


def _claim(standing: Standing) -> str:
    if standing.state in TERMINAL or standing.liveness is Liveness.DEAD:
        return ENDED
    return str(standing.activity) if standing.state in CLAIMING else UNKNOWN

"""What an agent is doing, as it happens: edges, in memory and on disk.

The log is JSON lines, each written as soon as it is true and flushed, so that whoever scores claims can read it while
it grows, and what a killed model has written stays. `at` is in seconds of the wall clock:

    {"at": 1795254311.17, "truth": "working", "why": "request 1"}    for every request, be it an edge or not
    {"at": 1795254311.17, "heard": "Count the apples"}               for every text of the user, once
"""

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import msgspec
from msgspec import Struct

from orchestrd.model.limits import STANDIN_EDGES_MAX
from orchestrd.testing.model.moves import Truth


class Edge(Struct, frozen=True):
    """A moment at which the truth changed, by the wall clock in seconds, and what made it so."""

    at: float
    truth: Truth
    why: str = ""


class TruthLog:
    """What was told until now; only what changes something is an edge. Many threads may tell."""

    def __init__(self, path: Path | None = None) -> None:
        self.edges: deque[Edge] = deque(maxlen=STANDIN_EDGES_MAX)
        self._file = None if path is None else path.open("ab", buffering=0)
        self._changed = threading.Condition()
        self.tell("waiting", "nothing was asked yet")

    def close(self) -> None:
        """Write nothing more."""
        with self._changed:
            if self._file is not None:
                self._file.close()
                self._file = None

    @property
    def truth(self) -> Truth:
        """What the agent is doing now."""
        return self.edges[-1].truth

    def tell(self, truth: Truth, why: str, at: float | None = None) -> None:
        """Note what is so since a moment, now when none is given; time does not run backwards."""
        with self._changed:
            now = time.time() if at is None else at
            edge = Edge(max(now, self.edges[-1].at) if self.edges else now, truth, why)
            if not self.edges or truth != self.truth:
                self.edges.append(edge)
            self._write(msgspec.to_builtins(edge))
            self._changed.notify_all()

    def hear(self, text: str) -> None:
        """Note what the user has said."""
        with self._changed:
            self._write({"at": time.time(), "heard": text})

    def wait_for(self, is_so: Callable[[], bool], within_s: float) -> bool:
        """Wait until something is so that changes with what is told; gives whether it is."""
        with self._changed:
            return self._changed.wait_for(is_so, within_s)

    def _write(self, line: dict[str, object]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(line).encode() + b"\n")


def read_truth(path: Path) -> list[Edge]:
    """Read the edges in a log, of ours or of another model; a last line without an end is still being written."""
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    told = [msgspec.json.decode(line, type=Edge) for line in whole.splitlines() if b'"truth"' in line]
    return [next(same) for _, same in groupby(told, key=lambda edge: edge.truth)]

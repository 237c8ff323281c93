"""The models that know the truth: our stand-in in this process, or any other one behind a URL that keeps a log of it.

A model from outside is asked as the agents ask: it answers one agent at a time, and plays the scenario that is named in
its URL where that holds `{scenario}`. Its log is that of `orchestrd/testing/model/truth.py`, and may also hold what it
has heard from the user: {"at": ..., "heard": "the text"}.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, get_args

import msgspec
from msgspec import Struct

from benchmarks.truth.scoring import Edge
from orchestrd.testing.model import Scenario, StandIn, Truth

KNOWN = frozenset(get_args(Truth))


class Model(Protocol):
    """What a play asks of a model."""

    @property
    def url(self) -> str:
        """Where the agent finds it."""
        ...

    def edges(self) -> list[Edge]:
        """Give what was true since when, as far as the model knows."""
        ...

    def heard(self) -> list[str]:
        """Give what the user has said to the agent, as the conversation tells."""
        ...

    def asked_times(self) -> int:
        """Tell how many requests of the agent's own work have come."""
        ...

    def decided(self, truth: str) -> None:
        """Hear what a person has just made true."""
        ...

    def release(self) -> None:
        """Let go of what is held."""
        ...


Models = Callable[[Scenario], AbstractContextManager[Model]]


@contextlib.contextmanager
def of_ours(scenario: Scenario) -> Iterator[Model]:
    """Start a stand-in of our own for one play."""
    with StandIn(scenario) as model:
        yield _Ours(model)


def from_outside(url: str, log: Path) -> Models:
    """Take the model behind a URL, whose truth stands in a log. Each play reads what is new in it."""

    @contextlib.contextmanager
    def one(scenario: Scenario) -> Iterator[Model]:
        yield _Foreign(url.replace("{scenario}", scenario.name), log)

    return one


class _Ours:
    def __init__(self, model: StandIn) -> None:
        self._model = model
        self.url = model.url

    def edges(self) -> list[Edge]:
        return [Edge(edge.at, edge.truth) for edge in self._model.edges]

    def heard(self) -> list[str]:
        return self._model.heard

    def asked_times(self) -> int:
        return self._model.asked_times

    def decided(self, truth: str) -> None:
        if truth in KNOWN:
            self._model.decided(msgspec.convert(truth, Truth))

    def release(self) -> None:
        self._model.release()


class _Line(Struct):
    at: float
    truth: str | None = None
    heard: str | None = None


class _Foreign:
    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        self._log = log
        self._begin = len(self._lines())

    def edges(self) -> list[Edge]:
        return [Edge(line.at, line.truth) for line in self._new() if line.truth is not None]

    def heard(self) -> list[str]:
        return [line.heard for line in self._new() if line.heard is not None]

    def asked_times(self) -> int:
        """Count the lines that say `working`: it says so of every request."""
        return sum(line.truth == "working" for line in self._new())

    def decided(self, truth: str) -> None:
        """Keep it to ourselves: the log is the model's."""

    def release(self) -> None:
        raise NotImplementedError("a model from outside holds nothing that we could release: let it hold for a time")

    def _new(self) -> list[_Line]:
        return [msgspec.json.decode(line, type=_Line) for line in self._lines()[self._begin :]]

    def _lines(self) -> list[bytes]:
        whole, _, _ = self._log.read_bytes().rpartition(b"\n")
        return whole.splitlines()

"""The model of one agent: takes its requests one by one, does what its script says, and knows what that makes true.

What no model can know, a person's decision in a dialog or an agent that was killed, whoever drives the agent tells with
`decided`.
"""

import os
import select
import socket
import threading
import weakref
from collections import deque
from pathlib import Path
from typing import Self

from orchestrd.model.limits import STANDIN_HELD_S, STANDIN_REQUESTS_MAX, STANDIN_STEPS_MAX
from orchestrd.testing.model.moves import Answer, Delegate, Move, Truth
from orchestrd.testing.model.replying import Reply, reply_of_subagent, reply_that_waits, reply_to
from orchestrd.testing.model.scenario import Scenario
from orchestrd.testing.model.server import Server
from orchestrd.testing.model.truth import Edge, TruthLog
from orchestrd.testing.model.writing import Asked, Json

PATIENCE_S = 30.0
RELEASES_MAX = 1_000


class StandIn:
    """A model that answers as soon as it is made. Used as a context manager."""

    def __init__(self, scenario: Scenario | None = None, *, log: Path | None = None, port: int = 0) -> None:
        self.requests: deque[Json] = deque(maxlen=STANDIN_REQUESTS_MAX)  # the newest of the agent's own work, in order
        self.asked_times = 0
        self._last: Asked | None = None
        self._script: deque[Move] = deque(scenario.moves if scenario else ())
        self._delegated: deque[Delegate] = deque(maxlen=STANDIN_STEPS_MAX)  # what subagents were given to do
        self._taking = threading.Lock()  # one request at a time, though a subagent asks beside its agent
        self._log = TruthLog(log)
        self._released = os.eventfd(0, os.EFD_SEMAPHORE)
        weakref.finalize(self, os.close, self._released)  # whoever is held may look at it even after the end
        self._server = Server(self, port)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop answering, and let go of whoever is held."""
        self._server.close()
        os.eventfd_write(self._released, RELEASES_MAX)
        self._log.close()

    @property
    def url(self) -> str:
        """Where it answers: http://127.0.0.1:PORT."""
        return self._server.url

    # ---- what a driver says and asks ---------------------------------------------------------------------------------

    def script(self, *moves: Move) -> None:
        """Add what the model does with the next requests."""
        self._script.extend(moves)

    def release(self) -> None:
        """Let what is held go on: one answer, or one stall."""
        os.eventfd_write(self._released, 1)

    def decided(self, truth: Truth, why: str = "a person has decided") -> None:
        """Tell what is so since now that no request tells: the tool runs (`working`), or the turn is over."""
        self._log.tell(truth, why)

    @property
    def truth(self) -> Truth:
        """What the agent is doing now."""
        return self._log.truth

    @property
    def edges(self) -> list[Edge]:
        """How it came to that."""
        return list(self._log.edges)

    @property
    def heard(self) -> list[str]:
        """What the user has typed, as the agent's last request tells the conversation."""
        return [] if self._last is None else list(self._last.said)

    def wait_until(self, truth: Truth, *, request: int = 0, within_s: float = PATIENCE_S) -> Edge:
        """Wait until this is the truth and so many requests have come; gives the edge. Raises TimeoutError."""
        if not self._log.wait_for(lambda: self.truth == truth and self.asked_times >= request, within_s):
            told = f"{self.edges}, {self.asked_times} requests, heard {self.heard}"
            raise TimeoutError(f"not {truth} after {request} requests in {within_s:g} s: {told}")
        return self._log.edges[-1]

    # ---- what its server does ----------------------------------------------------------------------------------------

    def take(self, request: Json, asked: Asked, at: float) -> Reply:
        """Take a request of the agent's work, which began at a moment, and give what becomes of it."""
        with self._taking:
            self.requests.append(request)
            self.asked_times += 1
            self._log.tell("working", f"request {self.asked_times}", at)
            part = next((part for part in self._delegated if part.prompt in asked.said), None)
            return self._next(asked) if part is None else reply_of_subagent(self.asked_times, part)

    def _next(self, asked: Asked) -> Reply:
        self._hear(asked)
        if asked.spawned:
            return reply_that_waits(self.asked_times, asked.spawned)
        move = self._script.popleft() if self._script else Answer()
        if isinstance(move, Delegate):
            self._delegated.append(move)
        return reply_to(asked, self.asked_times, move)

    def _hear(self, asked: Asked) -> None:
        known = () if self._last is None else self._last.said
        is_grown = asked.said[: len(known)] == known  # else the conversation is another one, or was made shorter
        for text in asked.said[len(known) :] if is_grown else asked.said:
            self._log.hear(text)
        self._last = asked

    def is_released(self, connection: socket.socket, hold_s: float) -> bool:
        """Hold an answer, and tell whether the agent has waited as well."""
        held = [connection.fileno(), self._released]
        readable, _, _ = select.select(held, [], [], min(hold_s, STANDIN_HELD_S))
        if self._released in readable:
            os.eventfd_read(self._released)
            return True
        return not readable

    def is_left(self) -> None:
        """Take note that the agent no longer listens: somebody has interrupted it, or it has ended."""
        self._log.tell("waiting", "the agent has closed the connection")

    def is_sent(self, reply: Reply) -> None:
        """Follow the truth from what is sent."""
        self._log.tell(reply.truth, f"{reply.why} to request {reply.number}")

"""A model on loopback that does what a test's script says, and knows the truth: what its agent is doing, since when.

One stand-in is for one agent. Each request of the agent's own work takes the next move of the script; without one the
model says "Done.". The truth follows from what was sent: nobody has to look at the agent for it. What no model can
know, a person's decision in a dialog, the test tells with `decided`.
"""

import contextlib
import json
import os
import select
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from msgspec import Struct

from tests.standin import messages
from tests.standin.moves import Answer, CutStream, Move, Refusal, ToolUse, Truth, truth_after

PATIENCE_S = 30.0
HELD_S = 300.0  # nothing is held longer, even by a test that forgot to release it
HELD_MAX = 1_000
BEGINNING = "Let me see.\n\n"  # whole lines are shown as they come
TITLE = '{"title": "Work on the shop"}'  # for whoever asks on the side


class Edge(Struct, frozen=True):
    """A moment at which the truth changed, by the wall clock in seconds."""

    at: float
    truth: Truth


class StandIn:
    """The model of one agent, and its server. Used as a context manager."""

    def __init__(self) -> None:
        self.edges: list[Edge] = [Edge(time.time(), "waiting")]
        self.requests: list[messages.Json] = []  # the agent's own work, in order
        self._script: deque[Move] = deque()
        self._changed = threading.Condition()
        self._released = os.eventfd(0, os.EFD_SEMAPHORE)
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="stand-in", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop answering, and let go of whoever is held."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        os.eventfd_write(self._released, HELD_MAX)

    @property
    def url(self) -> str:
        """Where it answers: http://127.0.0.1:PORT."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    # ---- what a test says and asks -----------------------------------------------------------------------------------

    def script(self, *moves: Move) -> None:
        """Add what the model does with the next requests."""
        with self._changed:
            self._script.extend(moves)

    def release(self) -> None:
        """Let what is held go on: one answer, or one stall."""
        os.eventfd_write(self._released, 1)

    def decided(self, truth: Truth) -> None:
        """Tell what a person has just decided in a dialog: the tool runs (`working`), or the turn is over."""
        self._is_now(truth)

    @property
    def truth(self) -> Truth:
        """What the agent is doing now."""
        return self.edges[-1].truth

    @property
    def heard(self) -> list[str]:
        """What the user has typed, as the agent's last request tells the conversation."""
        return messages.texts_of_user(self.requests[-1]) if self.requests else []

    def wait_until(self, truth: Truth, *, request: int = 0, within_s: float = PATIENCE_S) -> Edge:
        """Wait until this is the truth and so many requests have come; gives the edge."""
        with self._changed:
            self._changed.wait_for(lambda: self.truth == truth and len(self.requests) >= request, within_s)
            told = f"{self.edges}, {len(self.requests)} requests, heard {self.heard}"
            assert self.truth == truth and len(self.requests) >= request, f"not {truth} in {within_s:g} s: {told}"  # noqa: PT018
            return self.edges[-1]

    # ---- what its server does ----------------------------------------------------------------------------------------

    def next_move(self, request: messages.Json) -> tuple[Move, int]:
        """Take a request of the agent's work; gives what to do, and its ordinal."""
        with self._changed:
            self.requests.append(request)
            self._is_now("working")
            return (self._script.popleft() if self._script else Answer()), len(self.requests)

    def is_released(self, connection: socket.socket) -> bool:
        """Wait for the test, and tell whether the agent has waited as well: an interrupt closes the connection."""
        readable, _, _ = select.select([connection.fileno(), self._released], [], [], HELD_S)
        if self._released not in readable:
            self._is_now("waiting")
            return False
        os.eventfd_read(self._released)
        return True

    def has_sent(self, move: Move) -> None:
        """Follow the truth from what was sent."""
        self._is_now(truth_after(move))

    def _is_now(self, truth: Truth) -> None:
        with self._changed:
            if truth != self.truth:
                self.edges.append(Edge(time.time(), truth))
            self._changed.notify_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, model: StandIn) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.model = model

    def handle_error(self, request: object, client_address: object) -> None:
        """Take a connection that was reset for what it is: an agent was ended."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    """One connection of the agent."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        """Say nothing: the test tells what it needs to know."""

    def do_HEAD(self) -> None:
        self._say_whole(200, {})

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with contextlib.suppress(ConnectionError):  # the agent was ended
            if "count_tokens" in self.path:
                self._say_whole(200, {"input_tokens": 10})
            elif messages.is_turn(request):
                self._act(request)
            else:
                self._answer(request, Answer(text=TITLE), 0)

    def _act(self, request: messages.Json) -> None:
        model = self.server.model
        move, number = model.next_move(request)
        match move:
            case Refusal():
                self._refuse(move)
            case CutStream():
                self._say_chunks(messages.opening(request["model"], number))
                self.connection.shutdown(socket.SHUT_RDWR)
            case Answer(is_held=True):
                if not self._answer_late(request, move, number):
                    return
            case _:
                self._answer(request, move, number)
        model.has_sent(move)

    def _refuse(self, move: Refusal) -> None:
        headers = {} if move.retry_after_s is None else {"retry-after": str(move.retry_after_s)}
        self._say_whole(move.status, messages.refusal(move), headers)

    def _answer(self, request: messages.Json, move: Answer | ToolUse, number: int) -> None:
        block = messages.text_block(move.text) if isinstance(move, Answer) else messages.tool_block(move, number)
        if not request.get("stream"):
            self._say_whole(200, messages.whole(block, request["model"], number))
            return
        self._say_chunks(messages.opening(request["model"], number))
        self._say_chunks(messages.closing(block))
        self._say_chunks_end()

    def _answer_late(self, request: messages.Json, move: Answer, number: int) -> bool:
        self._say_chunks(messages.opening(request["model"], number))
        if not move.is_silent:
            self._say_chunks(messages.first_words(BEGINNING))
        if not self.server.model.is_released(self.connection):
            self.close_connection = True
            return False
        self._say_chunks(messages.closing(messages.text_block(move.text), is_begun=not move.is_silent))
        self._say_chunks_end()
        return True

    # ---- bytes -------------------------------------------------------------------------------------------------------

    def _say_whole(self, status: int, body: messages.Json, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self._end_with(json.dumps(body).encode())

    def _end_with(self, body: bytes) -> None:
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _say_chunks(self, events: Iterable[bytes]) -> None:
        if not self._is_streaming:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self._is_streaming = True
        for event in events:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))

    def _say_chunks_end(self) -> None:
        self.wfile.write(b"0\r\n\r\n")
        self._is_streaming = False

    _is_streaming = False

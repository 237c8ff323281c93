"""The HTTP around a model: one thread for each connection of its agent, on loopback only."""

import contextlib
import json
import socket
import time
from http.server import BaseHTTPRequestHandler
from typing import Protocol

import msgspec
from msgspec import Struct

from orchestrd.model.limits import STANDIN_BODY_BYTES_MAX
from orchestrd.testing.loopback import LoopbackServer
from orchestrd.testing.model.anthropic import Messages
from orchestrd.testing.model.completions import Completions
from orchestrd.testing.model.gemini import Gemini
from orchestrd.testing.model.moves import UNTIL_RELEASED, Cut, Hang, Move, Refusal, Truth
from orchestrd.testing.model.replying import Reply
from orchestrd.testing.model.responses import Responses
from orchestrd.testing.model.writing import Api, Asked, Call, Json, Whole, Writer

APIS: tuple[Api, ...] = (Messages(), Responses(), Completions(), Gemini())
BEGINNING = "Let me see.\n\n"  # whole lines are shown as they come
MODELS: Json = {"object": "list", "data": [{"id": "stand-in", "object": "model", "owned_by": "nobody"}], "models": []}


NOT_FOUND = Whole(404, {"error": {"code": 404, "message": "There is no such thing here.", "type": "not_found_error"}})


class _Told(Struct, frozen=True, forbid_unknown_fields=True):
    truth: Truth
    why: str = "told by whoever drives the agent"


class Model(Protocol):
    """What decides; see `StandIn`."""

    @property
    def truth(self) -> Truth: ...
    def decided(self, truth: Truth, why: str) -> None: ...
    def release(self) -> None: ...
    def take(self, request: Json, asked: Asked, at: float) -> Reply: ...
    def is_released(self, connection: socket.socket, hold_s: float) -> bool: ...
    def is_sent(self, reply: Reply) -> None: ...
    def is_left(self) -> None: ...


class Server(LoopbackServer):
    """A server that answers until it is closed."""

    def __init__(self, model: Model, port: int) -> None:
        super().__init__(_Handler, "stand-in model", port)
        self.model = model
        self.begin()


class _Handler(BaseHTTPRequestHandler):
    """One connection of the agent."""

    protocol_version = "HTTP/1.1"
    server: Server
    _began_at = 0.0
    _is_streaming = False

    def log_message(self, *_: object) -> None:
        """Say nothing: the log of the truth tells what there is to know."""

    def parse_request(self) -> bool:
        self._began_at = time.time()  # the first line has just come
        return super().parse_request()

    def do_HEAD(self) -> None:
        self._say(Whole(200, {}))

    def do_GET(self) -> None:
        if self._path == "/truth":
            self._say(Whole(200, {"truth": self.server.model.truth}))
        else:
            self._say(Whole(200, MODELS) if self._path.endswith("/models") else NOT_FOUND)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        if length > STANDIN_BODY_BYTES_MAX:
            self.close_connection = True
            self._say(Whole(413, {"error": "too long"}))
            return
        try:
            self._route(json.loads(self.rfile.read(length) or b"{}"))
        except ConnectionError:
            self.close_connection = True
        except (json.JSONDecodeError, msgspec.ValidationError) as error:
            self._say(Whole(400, {"error": {"message": str(error), "type": "invalid_request_error"}}))

    def _route(self, request: Json) -> None:
        model = self.server.model
        match self._path:
            case "/truth":
                told = msgspec.convert(request, _Told)
                model.decided(told.truth, told.why)
                self._say(Whole(200, {"truth": model.truth}))
            case "/release":
                model.release()
                self._say(Whole(200, {}))
            case _:
                api = next((api for api in APIS if api.takes(self._path)), None)
                self._say(NOT_FOUND) if api is None else self._take(api, request)

    @property
    def _path(self) -> str:
        return self.path.partition("?")[0]

    # ---- one request -------------------------------------------------------------------------------------------------

    def _take(self, api: Api, request: Json) -> None:
        asked = api.asked(self._path, request)
        if asked.purpose == "count":
            self._say(Whole(200, api.count()))
        elif asked.purpose == "side":
            self._write(api.writer(asked, 0), asked.aside, is_streamed=asked.is_streamed)
        else:
            self._act(api, asked, self.server.model.take(request, asked, self._began_at))

    def _act(self, api: Api, asked: Asked, reply: Reply) -> None:
        writer = api.writer(asked, reply.number)
        if not self._is_held_out(writer, asked, reply.move):
            self.close_connection = True
            self.server.model.is_left()
            return
        self.server.model.is_sent(reply)  # first: an agent is faster than whoever tells of it
        match reply.move:
            case Refusal():
                self._refuse(api.refusal(reply.move, time.time(), is_streamed=asked.is_streamed))
            case Cut():
                self._say_chunk(writer.begin() + (b"" if reply.move.is_silent else writer.say(BEGINNING)))
                self.connection.shutdown(socket.SHUT_RDWR)
            case Hang():
                self.close_connection = True
            case _:
                self._write(writer, reply.content, is_streamed=asked.is_streamed)

    def _is_held_out(self, writer: Writer, asked: Asked, move: Move) -> bool:
        """Think aloud where that is possible, and tell whether somebody still listens after that."""
        hold_s = UNTIL_RELEASED if isinstance(move, Hang) else move.hold_s
        if not hold_s:
            return True
        with contextlib.suppress(ConnectionError):
            if asked.is_streamed and not isinstance(move, Refusal | Hang):
                self._say_chunk(writer.begin() + (b"" if move.is_silent else writer.say(BEGINNING)))
            return self.server.model.is_released(self.connection, hold_s)
        return False

    def _refuse(self, refusal: Whole | bytes) -> None:
        if isinstance(refusal, bytes):
            self._say_chunk(refusal, is_last=True)
        else:
            self._say(refusal)

    def _write(self, writer: Writer, content: str | Call, *, is_streamed: bool) -> None:
        begun = b"" if self._is_streaming else writer.begin()
        done = writer.say(content) if isinstance(content, str) else writer.call(content)
        if not is_streamed:
            self._say(Whole(200, writer.body()))
            return
        self._say_chunk(begun + done + writer.end(), is_last=True)

    # ---- bytes -------------------------------------------------------------------------------------------------------

    def _say(self, whole: Whole) -> None:
        body = json.dumps(whole.body).encode()
        self.send_response(whole.status)
        for name, value in whole.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _say_chunk(self, content: bytes, *, is_last: bool = False) -> None:
        if not self._is_streaming:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
        self._is_streaming = not is_last
        chunk = b"%x\r\n%b\r\n" % (len(content), content) if content else b""
        self.wfile.write(chunk + (b"0\r\n\r\n" if is_last else b""))  # at once: some hang up after the last event

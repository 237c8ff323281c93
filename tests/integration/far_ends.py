"""The far ends of channels: a server on loopback and programs that write down what they are told."""

import json
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from msgspec.structs import replace

from orchestrd.clock import SystemClock
from orchestrd.core.layout import Layout
from orchestrd.model.notice_settings import ChannelSettings
from orchestrd.notifiers.context import NotifierContext
from orchestrd.ports import Notifier
from orchestrd.testing.contracts.notifier import Arrived
from orchestrd.testing.loopback import LoopbackServer

SECRET = "s3cret-token-3f8a"
CLOCK = SystemClock()
HANGS = 0  # in the place of a status

# Writes its arguments, its stdin and its environment as one line of JSON; then does as the file `mode` says.
PROGRAM = """#!{python} -IS
import json, os, sys, time
here = os.path.dirname(os.path.abspath(__file__))
mode = open(here + "/mode").read()
told = {{"argv": sys.argv[1:], "stdin": sys.stdin.read(), "environ": dict(os.environ), "pid": os.getpid()}}
with open(here + "/told.new", "w") as file:
    file.write(json.dumps(told))
os.rename(here + "/told.new", here + f"/told.{{time.monotonic_ns():020}}")
if mode == "hangs":
    time.sleep(300)
if mode == "fails":
    print("first\\n\\x1b[31mno such screen\\x1b[0m", file=sys.stderr)
    sys.exit(3)
"""


@dataclass(frozen=True)
class Posted:
    """One request, as a server got it."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class Server(LoopbackServer):
    """Answers every POST with `status`, and keeps it."""

    def __init__(self) -> None:
        super().__init__(_Handler, "far end")
        self.status = 200
        self.headers: dict[str, str] = {}
        self.posted: list[Posted] = []
        self.released = threading.Event()
        self.address = f"127.0.0.1:{self.server_port}"
        self.begin()

    def close(self) -> None:
        self.released.set()
        super().close()


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.posted.append(Posted(self.path, dict(self.headers), body))
        if self.server.status == HANGS:
            self.server.released.wait(60.0)
            return
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def a_context(place: Path, settings: ChannelSettings, **environ: str) -> NotifierContext:
    return NotifierContext(
        name="phone",
        settings=settings,
        layout=Layout(str(place)),
        clock=CLOCK,
        environ={"PATH": os.defpath, "HOME": str(place), **environ},
        on_error=lambda what, error: None,
    )


class ServerStage:
    """A channel that ends at a server."""

    def __init__(
        self, make: Callable[[Server], Notifier], read: Callable[[Posted], Arrived], secret: str | None = SECRET
    ) -> None:
        self.server = Server()
        self.secret = secret
        self.notifier = make(self.server)
        self._read = read

    def arrived(self) -> Sequence[Arrived]:
        return [self._read(posted) for posted in self.server.posted]

    def break_down(self) -> None:
        self.server.status = 503

    def mend(self) -> None:
        self.server.status = 200
        self.server.released.set()

    def hang(self) -> None:
        self.server.status = HANGS
        self.server.released.clear()


@dataclass(frozen=True)
class Told:
    """What a program was told, as it says."""

    argv: list[str]
    stdin: str
    environ: dict[str, str]
    pid: int


class ProgramStage:
    """A channel that ends at a program `name`, which stands in a directory of its own."""

    secret = None

    def __init__(
        self,
        place: Path,
        name: str,
        settings: ChannelSettings,
        make: Callable[[NotifierContext], Notifier],
        read: Callable[[Told], Arrived],
        **environ: str,
    ) -> None:
        self.place = place / "bin"
        self.place.mkdir()
        program = self.place / name
        program.write_text(PROGRAM.format(python=sys.executable))
        program.chmod(0o700)
        self._mode("works")
        path = f"{self.place}:{os.environ['PATH']}"
        context = a_context(place, settings, **environ)
        self.notifier = make(replace(context, environ={**context.environ, "PATH": path}))
        self._read = read

    def told(self) -> list[Told]:
        return [Told(**json.loads(path.read_text())) for path in sorted(self.place.glob("told.[0-9]*"))]

    def arrived(self) -> Sequence[Arrived]:
        return [self._read(told) for told in self.told()]

    def break_down(self) -> None:
        self._mode("fails")

    def mend(self) -> None:
        self._mode("works")

    def hang(self) -> None:
        self._mode("hangs")

    def _mode(self, mode: str) -> None:
        (self.place / "mode").write_text(mode)

"""The fake on a loopback socket, for programs: our daemon, and agents that open pull requests with curl."""

import threading
from http.server import BaseHTTPRequestHandler

from orchestrd.testing.github.fake import FakeGitHub
from orchestrd.testing.github.http import Request
from orchestrd.testing.loopback import LoopbackServer

BODY_BYTES_MAX = 1024 * 1024


class GitHubServer(LoopbackServer):
    """A server that answers until it is closed. Used as a context manager."""

    def __init__(self, fake: FakeGitHub) -> None:
        super().__init__(_Handler, "github")
        self.fake = fake
        self.lock = threading.Lock()  # one request at a time changes the state
        fake.base_url = self.url
        self.begin()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: GitHubServer

    def log_message(self, *_: object) -> None:
        """Say nothing: the fake remembers what was asked."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def _answer(self) -> None:
        length = min(int(self.headers.get("Content-Length", 0)), BODY_BYTES_MAX)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(method=self.command, target=self.path, headers=headers, body=self.rfile.read(length))
        with self.server.lock:
            response = self.server.fake.take(request)
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

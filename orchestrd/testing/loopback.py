"""A server on loopback for a stand-in: on a thread of its own, and one for each connection, until it is closed."""

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOOK_S = 0.05  # how often it looks whether it was closed


class LoopbackServer(ThreadingHTTPServer):
    """Answers from `begin` to `close`, or to the end of a `with`; a subclass holds what its handlers ask."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, handler: type[BaseHTTPRequestHandler], name: str, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(LOOK_S,), name=name, daemon=True)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def begin(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self.shutdown()
        self.server_close()
        self._thread.join()

    def __exit__(self, *_: object) -> None:
        self.close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Take a connection that was reset for what it is: whoever asked was ended."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

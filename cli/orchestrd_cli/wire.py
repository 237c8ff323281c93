"""One GET to the daemon over its unix socket, with next to no imports: `_socket` and enough of HTTP/1.1.

Invariant: an answer that was cut off is never taken for whole; that is what chunks are asked for and counted.
"""

import _socket
import os

from orchestrd.endpoint import Address
from orchestrd.model.limits import LOOK_ANSWER_S

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
HEAD_BYTES_MAX = 64 * 1024
PIECE_BYTES = 64 * 1024


class CutOff(Exception):
    """The daemon was not there, or went away before the end of its answer."""


class Silent(CutOff):
    """The daemon is there and does not answer."""


class Answer:
    """The answer to one GET: status and headers are there, the body comes as it is read."""

    def __init__(self, socket_path: str, target: str, accept: str, answer_s: float | None = None) -> None:
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
        self._buffer = b""
        try:
            self._socket.settimeout(answer_s or LOOK_ANSWER_S)
            with Address(socket_path) as address:
                self._socket.connect(address)
            request = f"GET {target} HTTP/1.1\r\nHost: orch\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
            self._socket.sendall(request.encode())
            head, *lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        except OSError as error:
            self._socket.close()
            raise _failure(error) from error
        self.status = int(head[9:12]) if head[9:12].isdigit() else 0
        self._headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)

    def header(self, name: str) -> str | None:
        """Give a header's value by its lower-case name."""
        return self._headers.get(name)

    def body(self) -> bytes:
        """Read all of it."""
        return b"".join(self.pieces())

    def pieces(self, *, patient: bool = False) -> "Iterator[bytes]":
        """Read it as it comes; `patient`: a stream may be silent for as long as it likes."""
        if patient:
            self._socket.settimeout(None)
        try:
            if self.header("transfer-encoding") == "chunked":
                while size := int(self._until(b"\r\n").split(b";")[0], 16):
                    yield self._exactly(size + 2)[:-2]
            else:
                yield self._exactly(int(self.header("content-length") or 0))
        except (OSError, ValueError) as error:
            raise _failure(error) from error

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _until(self, end: bytes) -> bytes:
        while end not in self._buffer:
            if len(self._buffer) > HEAD_BYTES_MAX:
                raise OSError("this is no HTTP")
            self._receive()
        found, _, self._buffer = self._buffer.partition(end)
        return found

    def _exactly(self, size: int) -> bytes:
        pieces, missing = [self._buffer], size - len(self._buffer)
        while missing > 0:
            pieces.append(self._received())
            missing -= len(pieces[-1])
        whole = b"".join(pieces)
        self._buffer = whole[size:]
        return whole[:size]

    def _receive(self) -> None:
        self._buffer += self._received()

    def _received(self) -> bytes:
        piece = self._socket.recv(PIECE_BYTES)
        if not piece:
            raise ConnectionResetError("the answer was cut off")
        return piece


def quoted(value: str) -> str:
    """Write a value so that it can stand in an address."""
    return "".join(chr(byte) if byte in UNRESERVED else f"%{byte:02X}" for byte in os.fsencode(value))


def _failure(error: Exception) -> CutOff:
    return Silent() if isinstance(error, TimeoutError | BlockingIOError) else CutOff()

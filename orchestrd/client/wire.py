"""HTTP/1.1 as a client speaks it to the daemon, without I/O: bytes of a request out, bytes of its answer in.

One request per connection. An answer that was cut off is never taken for whole: it has a length, or chunks with an end.
"""

from orchestrd.model.errors import OrchestrdError, UnreachableError
from orchestrd.model.limits import ANSWER_BYTES_MAX

HEAD_BYTES_MAX = 64 * 1024
CUT_OFF = "cut_off"  # the code of an answer without its end: what was asked for may have happened
VERSION_HEADER = "orch-version"
_HEAD_END = b"\r\n\r\n"
_LINE_END = b"\r\n"


def request_bytes(method: str, target: str, headers: tuple[tuple[str, str], ...], body: bytes | None) -> bytes:
    """Write one request; `target` and headers are ASCII already."""
    lines = [f"{method} {target} HTTP/1.1", "Host: orchestrd", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + (body or b"")


class Receiver:
    """Takes an answer in, piece by piece. `status` is 0 and `headers` are empty until the head is there."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.is_complete = False
        self._buffer = b""
        self._left: int | None = None  # bytes of the body still to come; null: it comes in chunks

    def feed(self, data: bytes) -> bytes:
        """Take what was read and give what it adds to the body.

        Raises UnreachableError (`cut_off`) when nothing was read and the answer is not complete, OrchestrdError
        (`no_http`) when it is none.
        """
        if not data and not self.is_complete:
            raise UnreachableError(
                "the daemon went away before the end of its answer", code=CUT_OFF, hint="orch daemon status"
            )
        self._buffer += data
        if not self.status and not self._read_head():
            return b""
        return self._read_chunks() if self._left is None else self._read_length(self._left)

    def _read_head(self) -> bool:
        head, end, rest = self._buffer.partition(_HEAD_END)
        if not end:
            if len(head) > HEAD_BYTES_MAX:
                raise _no_http()
            return False
        status_line, *lines = head.decode("latin-1").split("\r\n")
        if not (status_line.startswith("HTTP/1.") and status_line[9:12].isdigit()):
            raise _no_http()
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self._buffer = rest
        self.status = int(status_line[9:12])
        if self.headers.get("transfer-encoding") != "chunked":
            self._left = _size(self.headers.get("content-length", "0"), base=10)
        return True

    def _read_length(self, left: int) -> bytes:
        piece, self._buffer = self._buffer[:left], self._buffer[left:]
        self._left = left - len(piece)
        self.is_complete = self._left == 0
        return piece

    def _read_chunks(self) -> bytes:
        pieces = []
        while not self.is_complete:
            line, end, rest = self._buffer.partition(_LINE_END)
            size = _size(line.decode("latin-1"), base=16) if end else 0
            if not end or len(rest) < size + len(_LINE_END):
                break
            pieces.append(rest[:size])
            self._buffer = rest[size + len(_LINE_END) :]
            self.is_complete = size == 0
        return b"".join(pieces)


def _size(text: str, *, base: int) -> int:
    try:
        size = int(text, base)
    except ValueError as error:
        raise _no_http() from error
    if not 0 <= size <= ANSWER_BYTES_MAX:
        raise _no_http()
    return size


def _no_http() -> OrchestrdError:
    return OrchestrdError("what answers on the socket is no orchestrd", code="no_http", hint="orch daemon restart")

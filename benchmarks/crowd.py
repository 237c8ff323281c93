"""Many readers of one stream in one process, each a plain socket. They count lines; what these say is not looked at."""

import selectors
import socket
import time

HEAD_END = b"\r\n\r\n"
RECEIVE_BYTES = 256 * 1024
SILENCE_S = 20.0  # a stream that says nothing for that long will not say it


class Crowd:
    """Readers that have asked for the same and get the same."""

    def __init__(self, path: str, number: int, request: str = "") -> None:
        self._selector = selectors.DefaultSelector()
        self._lines = [0] * number  # that each has got beyond those that were waited for
        self._readers = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(number)]
        for index, reader in enumerate(self._readers):
            reader.connect(path)
            reader.sendall(request.encode())
            self._selector.register(reader, selectors.EVENT_READ, index)
        for index, reader in enumerate(self._readers):  # nothing is missed from the head of the answer on
            self._lines[index] = _lines_behind_head(reader)

    def close(self) -> None:
        """Hang up."""
        for reader in self._readers:
            reader.close()
        self._selector.close()

    def take(self, lines: int) -> list[float]:
        """Read until each has this many lines more; gives when each had them. Raises TimeoutError."""
        self._lines = [count - lines for count in self._lines]
        arrivals = [time.perf_counter() for count in self._lines if count >= 0]
        while len(arrivals) < len(self._readers):
            ready = self._selector.select(SILENCE_S)
            if not ready:
                raise TimeoutError("the events that were waited for did not come")
            arrivals += [time.perf_counter() for key, _ in ready if self._has_last(key.data)]
        return arrivals

    def _has_last(self, index: int) -> bool:
        """Read what is there for one; tell whether it has its last line now."""
        before = self._lines[index]
        self._lines[index] += _lines_in(self._readers[index].recv(RECEIVE_BYTES))
        return before < 0 <= self._lines[index]


def _lines_behind_head(reader: socket.socket) -> int:
    """Wait for the head of the answer; gives the lines that came with it."""
    held = b""
    while HEAD_END not in held:
        held += reader.recv(RECEIVE_BYTES)
    return _lines_in(held.partition(HEAD_END)[2])


def _lines_in(data: bytes) -> int:
    """Count the ends of lines; those of the transfer encoding have a carriage return before them."""
    return data.count(b"\n") - data.count(b"\r")

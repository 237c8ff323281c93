"""One call to the daemon over its unix socket, blocking: connect, send, receive, within bounds of time."""

import socket
import time
from collections.abc import Iterator
from typing import Self, TypeVar

from orchestrd.client.calls import OK, Call, Lines
from orchestrd.client.wire import VERSION_HEADER, Receiver
from orchestrd.endpoint import Address, supervisor_behind
from orchestrd.model.errors import OrchestrdError, TimedOutError, UnreachableError
from orchestrd.model.limits import ANSWER_BYTES_MAX, ANSWER_S

T = TypeVar("T")

RECEIVE_BYTES = 256 * 1024
UNRESPONSIVE = "unresponsive"  # the code of a daemon that is there, and hangs


class Connection:
    """One connection for one call, good inside its `with` block.

    Raises UnreachableError when nobody answers, `unresponsive` when it takes longer than `answer_s`.
    """

    def __init__(self, path: str, answer_s: float = ANSWER_S) -> None:
        self._path = path
        self._answer_s = answer_s
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._receiver = Receiver()
        self._is_patient = False

    def __enter__(self) -> Self:
        try:
            self._socket.settimeout(self._answer_s)
            with Address(self._path) as address:
                self._socket.connect(address)
        except OSError as error:
            self._socket.close()
            raise unreachable(self._path, error, self._answer_s) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    @property
    def version(self) -> str | None:
        """The version of the orchestrd that has answered."""
        return self._receiver.headers.get(VERSION_HEADER)

    def ask(self, call: Call[T]) -> T:
        """Make one call and read the whole answer. Raises what the daemon raised."""
        self._send(call)
        body = bytearray()
        while not self._receiver.is_complete:
            body += self._receiver.feed(self._receive())
            check_size(len(body))
        return call.read(self._receiver.status, bytes(body))

    def lines(self, call: Call[bytes], deadline: float | None = None) -> Iterator[bytes]:
        """Make a call whose answer is lines and give them as they come, whole ones only.

        `deadline` is on the monotonic clock; without one it waits for as long as it takes. Raises TimedOutError.
        """
        self._send(call)
        lines = Lines()
        self._receiver = lines.receiver
        while not self._receiver.is_complete:
            if self._receiver.status in OK:
                self._wait_until(deadline)
            yield from lines.feed(self._receive())

    def _send(self, call: Call[T]) -> None:
        try:
            self._socket.sendall(call.request())
        except ConnectionError:
            return  # it may have said why before it hung up
        except OSError as error:
            raise self._unreachable(error) from error

    def _receive(self) -> bytes:
        try:
            return self._socket.recv(RECEIVE_BYTES)
        except TimeoutError as error:
            if self._is_patient:
                raise TimedOutError("the time given is over, and nothing more has happened") from error
            raise self._unreachable(error) from error
        except OSError:
            return b""  # reset is one way to go away

    def _unreachable(self, error: OSError) -> UnreachableError:
        return unreachable(self._path, error, self._answer_s, supervisor_behind(self._socket))

    def _wait_until(self, deadline: float | None) -> None:
        left_s = None if deadline is None else deadline - time.monotonic()  # noqa: TID251 - no loop here
        if left_s is not None and left_s <= 0:
            raise TimedOutError("the time given is over")
        self._is_patient = True
        self._socket.settimeout(left_s)


def check_size(size: int) -> None:
    """Raise OrchestrdError for an answer larger than anything a client takes."""
    if size > ANSWER_BYTES_MAX:
        raise OrchestrdError(f"the daemon's answer is larger than {ANSWER_BYTES_MAX} bytes", code="too_large")


def unreachable(path: str, error: OSError, answer_s: float, supervisor: int | None = None) -> UnreachableError:
    """Say that no daemon answers, and whether one is there at all; `supervisor` is the pid of who starts one."""
    if not isinstance(error, TimeoutError | BlockingIOError):  # the latter: too many stand in line already
        return UnreachableError(f"no daemon answers on {path}: {error.strerror or error}", hint="orch daemon start")
    if supervisor is None:
        said, hint = f"the daemon does not answer within {answer_s:g} s", "orch daemon restart"
    else:
        said = f"systemd (pid {supervisor}) listens for the daemon, and that does not answer within {answer_s:g} s"
        hint = "orch daemon status"
    return UnreachableError(said, code=UNRESPONSIVE, hint=hint)

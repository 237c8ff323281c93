"""The process of a control client: started so that it dies with us, found again where an earlier one did not.

Blocking, and cheap. Invariant: what is killed as a stray bears the very command line that only a daemon of this home
starts, belongs to our user, and was attached to our server when that was asked.
"""

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from orchestrd.runtimes import tether
from orchestrd.runtimes.processes import take_hold


class ControlProcess(Struct, frozen=True, kw_only=True):
    """A client that runs, as a child of this process, and our end of its standard streams."""

    pid: int
    channel: socket.socket

    def await_answer(self, within_s: float) -> None:
        """Wait until the server has taken it in, by which it says something, and leave that to be read.

        Raises OSError where it does not, and ends it then.
        """
        try:
            self.channel.settimeout(within_s)
            if not self.channel.recv(1, socket.MSG_PEEK):
                raise ConnectionError("the tmux server did not take the control client in")
        except OSError:
            self.channel.close()
            self.end()
            raise

    def is_alive(self) -> bool:
        """Tell whether it runs; what has ended may be reaped, or not yet."""
        with contextlib.suppress(ChildProcessError):
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        return False

    def end(self) -> None:
        """End it, and reap it."""
        os.kill(self.pid, signal.SIGKILL)  # not reaped yet, it is nobody else
        os.waitpid(self.pid, 0)


def start_control(argv: list[str], environment: Mapping[str, str]) -> ControlProcess:
    """Start a client. On a thread that outlives it: the kernel takes the thread for its parent. Raises OSError."""
    ours, theirs = socket.socketpair()
    with theirs, contextlib.ExitStack() as undo:
        undo.callback(ours.close)
        pid = _spawn(argv, environment, theirs.fileno())
        undo.pop_all()
    return ControlProcess(pid=pid, channel=ours)


def _spawn(argv: list[str], environment: Mapping[str, str], stream: int) -> int:
    python = os.path.realpath(sys.executable)
    return os.posix_spawn(
        python,
        [python, "-IS", tether.__file__, str(os.getpid()), *argv],
        environment,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, stream, 0),
            (os.POSIX_SPAWN_DUP2, stream, 1),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ],
        setsigmask=(),
        setsigdef=[signal.SIGPIPE],
    )


def end_strays(clients: Iterable[int], argv: list[str]) -> int:
    """End those of these clients that an earlier daemon of this home has started like this; give how many."""
    return sum(_end_if_stray(pid, argv[1:]) for pid in clients)


def _end_if_stray(pid: int, wanted: list[str]) -> bool:
    hold = take_hold(pid)
    if hold is None:
        return False
    try:
        is_stray = _arguments(pid) == wanted and Path(f"/proc/{pid}").stat().st_uid == os.geteuid()
        if is_stray and not hold.has_ended():
            hold.send(signal.SIGKILL)
    except OSError:  # it ended, or is not ours to know
        return False
    finally:
        hold.close()
    return is_stray


def _arguments(pid: int) -> list[str]:
    """Give what a program was started with, but for its own name."""
    return [os.fsdecode(word) for word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1:-1]]

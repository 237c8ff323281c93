"""The pidfds that are held, few per run: they tell of an end the moment it happens, and cost a tick nothing.

One epoll holds them all: the loop has one reader, and asking for ends is one system call, however many runs there are.
A launcher that this daemon has started is its child: it is reaped here, by its pidfd, so nobody else's is touched.

Invariants:
- The maps belong to the owner (for launchers the loop): it alone changes them, and so they always agree. The runtime's
  thread hands over what it adds, and reads.
- A pidfd is closed exactly once, by the owner, and only after nothing can tell of it any more.
"""

import collections
import contextlib
import os
import select

from orchestrd.model.ids import SessionId

RunKey = tuple[SessionId, int]  # session and generation


class Watchlist:
    """Which runs are known to live, because a verified process of theirs is held and has not ended."""

    def __init__(self) -> None:
        self._epoll = select.epoll() if hasattr(os, "pidfd_open") else None
        self._held: dict[int, RunKey | None] = {}  # pidfd to its run, null when that is over
        self._of: dict[RunKey, set[int]] = {}  # the same, the other way round
        self._added: collections.deque[tuple[RunKey, int]] = collections.deque()  # by the thread, for the loop to take
        self._children: set[int] = set()  # children that could not be held: reaped when ends are asked for

    def __len__(self) -> int:
        """Count what is held."""
        return len(self._held) + len(self._added)

    def add(self, key: RunKey, pidfd: int) -> None:
        """Watch a process of a run, by a pidfd that belongs to the watchlist from now on. On any thread."""
        assert self._epoll is not None
        self._epoll.register(pidfd, select.EPOLLIN)  # first: what cannot be watched must not be taken for alive
        self._added.append((key, pidfd))

    def add_child(self, pid: int) -> None:
        """Remember a child without a pidfd, to reap it."""
        self._children.add(pid)

    def holds(self, key: RunKey) -> bool:
        """Tell whether a process of the run is held and was alive when ends were last asked for. On any thread."""
        return key in self._of

    def ended(self) -> list[RunKey]:
        """Ask which held processes have ended since; each is told of once, reaped and let go."""
        self._reap_unheld()
        if self._epoll is None:
            return []
        self._take_added()
        over = [pidfd for pidfd, _ in self._epoll.poll(0) if pidfd in self._held]  # else it is told of again
        keys = [self._let_go(pidfd) for pidfd in over]
        return [key for key in keys if key is not None]

    def forget(self, key: RunKey) -> None:
        """Tell no more of this run; what is left of it is still reaped."""
        self._take_added()
        for pidfd in self._of.pop(key, ()):
            self._held[pidfd] = None

    def fileno(self) -> int | None:
        """Give what becomes readable when `ended` has something to tell; null where there are no pidfds."""
        return None if self._epoll is None else self._epoll.fileno()

    def close(self) -> None:
        """Let go of everything."""
        self._take_added()
        for pidfd in tuple(self._held):
            os.close(pidfd)
        self._held.clear()
        self._of.clear()
        if self._epoll is not None:
            self._epoll.close()

    def _take_added(self) -> None:
        while self._added:
            key, pidfd = self._added.popleft()
            self._held[pidfd] = key
            self._of.setdefault(key, set()).add(pidfd)

    def _let_go(self, pidfd: int) -> RunKey | None:
        assert self._epoll is not None
        self._epoll.unregister(pidfd)
        key = self._held.pop(pidfd)
        if key is not None:
            self._of[key].discard(pidfd)
            if not self._of[key]:
                del self._of[key]
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG)
        os.close(pidfd)
        return key

    def _reap_unheld(self) -> None:
        for pid in tuple(self._children):
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG)[0] == 0:
                    continue
            self._children.discard(pid)

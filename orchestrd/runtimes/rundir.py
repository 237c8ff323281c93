"""One run directory as the daemon uses it: what it writes for the launcher, and the records it reads back.

Invariant: whatever the run's own processes may have put there, reading is bounded and never blocks: only regular files
are read, no link is followed, and what is not a whole record counts as absent.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from orchestrd.core.launch import (
    CLAIM,
    EXIT,
    HOOKS,
    MESSAGES,
    ORDER,
    SETUP_FAILED,
    START,
    STDIN,
    ClaimRecord,
    ExitRecord,
    StartRecord,
    decode_record,
    encode_order,
)
from orchestrd.core.lines import whole_lines
from orchestrd.model.limits import HOOK_LINE_BYTES_MAX, HOOKS_READ_BYTES_MAX, RUN_RECORD_BYTES_MAX
from orchestrd.model.run import Order
from orchestrd.runtimes.launcher import take_claim

T = TypeVar("T")

KILL = "kill"  # who takes a claim so that nobody can

_READING = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


class RunDirectory:
    """The directory of one run. Everything here blocks, and raises OSError as the file system does."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.stdin = f"{path}/{STDIN}"

    def write_order(self, order: Order) -> None:
        """Write the order, whole; writing it again for another try changes nothing.

        It is for this boot only, so it need not outlive a power cut: who launches again after one writes it anew. The
        claim must, for it is what says that the agent may have run: who takes it makes it durable.

        hooks.jsonl is made here, private: left to the hooks it would have whatever mode the umask of the agent gives.
        What the agent is to find beside it is there before the order, and so before the agent.
        """
        self._make()
        with self._place() as place:
            os.close(os.open(HOOKS, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600, dir_fd=place))
        for name, content in (*order.files, (ORDER, encode_order(order))):
            self._replace(name, content)

    def has_order(self) -> bool:
        """Tell whether a launch has got as far as its order, and so a launcher may have been started."""
        return os.path.lexists(f"{self.path}/{ORDER}")

    def take_claim(self) -> bool:
        """Take the run's only start, so that no launcher ever can; false when it is taken already."""
        self._make()
        with self._place() as place:
            return take_claim(place, KILL)

    def has_claim(self) -> bool:
        """Tell whether the run's only start is taken, by whomever."""
        return os.path.lexists(f"{self.path}/{CLAIM}")

    def is_refused(self) -> bool:
        """Tell whether the run never ran and never will, because a kill or a stop was first."""
        claim = self.claim()
        return claim is not None and claim.by == KILL

    def claim(self) -> ClaimRecord | None:
        """Read who took the run's start; null when nobody has, or it cannot be read (yet)."""
        return self._record(CLAIM, ClaimRecord)

    def start(self) -> StartRecord | None:
        """Read the start record."""
        return self._record(START, StartRecord)

    def exit(self) -> ExitRecord | None:
        """Read the exit record, and whether the code in it is that of a setup command."""
        record = self._record(EXIT, ExitRecord)
        if record is None or not os.path.lexists(f"{self.path}/{SETUP_FAILED}"):
            return record
        return replace(record, setup_failed=True)

    def hook_lines(self, offset: int) -> tuple[tuple[bytes, ...], int]:
        """Read the whole lines that hooks.jsonl holds after `offset`, and where to go on from.

        At most HOOKS_READ_BYTES_MAX at a time. A line over HOOK_LINE_BYTES_MAX is skipped. The file only grows: one
        that was cut says nothing new until it is longer again.
        """
        if self._hooks_size() <= offset:
            return (), offset
        before = min(offset, 1)  # one byte back: it tells whether the last read ended inside a line too long to hold
        data = self._read(HOOKS, HOOKS_READ_BYTES_MAX + before, offset - before) or b""
        return whole_lines(data, before, offset, read_max=HOOKS_READ_BYTES_MAX, line_max=HOOK_LINE_BYTES_MAX)

    def leave_message(self, text: str) -> str | None:
        """Put a message where the host of the run takes it, whole; give its name, or null where the run has no host."""
        try:
            place = os.open(f"{self.path}/{MESSAGES}", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        name = os.urandom(8).hex()
        try:
            file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=place)
            with open(file, "wb") as message:  # noqa: PTH123 - a descriptor, not a path
                message.write(text.encode("utf-8", "replace"))
        finally:
            os.close(place)
        return name

    def take_back_message(self, name: str) -> None:
        """Take a message away whose name was not typed."""
        Path(self.path, MESSAGES, name).unlink(missing_ok=True)

    def _make(self) -> None:
        with contextlib.suppress(FileExistsError):
            Path(self.path).mkdir(0o700)

    def _replace(self, name: str, content: bytes) -> None:
        """Make a private file appear whole."""
        temporary = Path(self.path, f"{name}.tmp")
        temporary.unlink(missing_ok=True)
        temporary.touch(0o600, exist_ok=False)
        temporary.write_bytes(content)
        temporary.replace(f"{self.path}/{name}")

    def _hooks_size(self) -> int:
        """Ask for the size alone: the only system call that a run costs while nothing happens in it."""
        try:
            found = os.lstat(f"{self.path}/{HOOKS}")
        except FileNotFoundError:
            return 0
        return found.st_size if stat.S_ISREG(found.st_mode) else 0

    def _record(self, name: str, kind: type[T]) -> T | None:
        data = self._read(name, RUN_RECORD_BYTES_MAX, 0)
        return None if data is None else decode_record(data, kind)

    def _read(self, name: str, size: int, offset: int) -> bytes | None:
        try:
            file = os.open(f"{self.path}/{name}", _READING)
        except FileNotFoundError:
            return None
        try:
            return os.pread(file, size, offset) if stat.S_ISREG(os.fstat(file).st_mode) else None
        finally:
            os.close(file)

    @contextlib.contextmanager
    def _place(self) -> Iterator[int]:
        place = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield place
        finally:
            os.close(place)

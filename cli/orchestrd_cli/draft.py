"""A draft of a file: it takes the file's place only while that is what the draft was begun from, and has one editor.

Beside the draft lies its base: what the file held when the draft was begun. The base is locked for as long as an edit
goes on, for many editors put another file into the draft's place, and a lock on that would be lost. Both are gone once
the draft is taken; one that was not taken stays, with its base, and the next edit goes on with it.
"""

import fcntl
import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from orchestrd.model.errors import OrchestrdError, RefusedError
from orchestrd.model.limits import DRAFTS_ASIDE_MAX
from orchestrd_cli import holder

LOCK_TRIES = 8  # each lost only if another edit has just ended


class Draft:
    """The draft of one file, while nobody else edits it."""

    def __init__(self, file: Path, base: int) -> None:
        self.path = _draft_of(file)
        self.aside: Path | None = None  # where a draft lies now that was begun from something else
        self._file = file
        self._base = base
        self._begun: bytes | None = None  # null where it goes on with what was not taken last time

    @property
    def is_left(self) -> bool:
        """Tell whether it was not taken last time, and is gone on with."""
        return self._begun is None

    def begin(self, template: bytes) -> None:
        """Go on with what was not taken, if the file is as it was; else begin with the file, or with the template."""
        if self.path.exists():
            if not self._has_changed():
                return
            self.aside = self._put_aside()
        held = _held(self._file)
        os.ftruncate(self._base, 0)
        os.pwrite(self._base, held, 0)
        self._begun = held if self._file.exists() else template
        _create(self.path, self._begun)
        if self._file.exists():
            shutil.copymode(self._file, self.path)

    def content(self) -> bytes:
        """Give what it holds now."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError as error:
            raise OrchestrdError(f"{self.path} is gone: nothing is changed", hint="orch config edit") from error

    def is_as_begun(self) -> bool:
        """Tell whether nothing was edited since it was begun."""
        return self._begun is not None and self.content() == self._begun

    def adds_nothing(self) -> bool:
        """Tell whether the file holds the same; or has changed while nothing was edited."""
        if self._file.exists() and self.content() == _held(self._file):
            return True
        return self.is_as_begun() and self._has_changed()

    def take(self) -> None:
        """Put it into the file's place. Raises RefusedError (`changed`) where that has changed meanwhile."""
        if self._has_changed():
            raise RefusedError(
                f"{self._file} has changed meanwhile and stays so; what was edited is kept in {self.path}",
                code="changed",
                hint=shlex.join(["diff", str(self._file), str(self.path)]),
            )
        self.path.replace(self._file)

    def _has_changed(self) -> bool:
        return os.pread(self._base, os.fstat(self._base).st_size, 0) != _held(self._file)

    def _put_aside(self) -> Path:
        for number in range(1, DRAFTS_ASIDE_MAX + 1):
            aside = Path(f"{self.path}.{number}")
            with suppress(FileExistsError):
                _create(aside, self.path.read_bytes())
                self.path.unlink()
                return aside
        raise RefusedError(
            f"{self.path} was begun from something else, and {DRAFTS_ASIDE_MAX} such drafts are kept already",
            hint=shlex.join(["ls", "-l", str(self.path.parent)]),
        )


@contextmanager
def begun(file: Path, template: bytes) -> Iterator[Draft]:
    """Begin a draft of a file, or go on with it; what nobody has edited is removed at the end.

    Raises RefusedError (`being_edited`) where another edit goes on, OrchestrdError where nothing can be written.
    """
    base = Path(f"{_draft_of(file)}.base")
    with _held_to_be_writable(file):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = _locked(base, file)
    try:
        draft = Draft(file, descriptor)
        with _held_to_be_writable(file):
            draft.begin(template)
        yield draft
    finally:
        with suppress(OrchestrdError, OSError):
            if draft.is_as_begun():
                draft.path.unlink()
        if not draft.path.exists():
            base.unlink(missing_ok=True)
        os.close(descriptor)


def _locked(base: Path, file: Path) -> int:
    for _ in range(LOCK_TRIES):
        descriptor = os.open(base, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise _being_edited(base, file) from None
        with suppress(FileNotFoundError):
            if os.path.samestat(base.stat(), os.fstat(descriptor)):
                return descriptor
        os.close(descriptor)  # the edit that had it has ended, and taken it away
    raise _being_edited(base, file)


def _being_edited(base: Path, file: Path) -> RefusedError:
    """Name who does, where the kernel says so."""
    pid = ""
    with suppress(OSError):
        pid = next(iter(holder.lockers(str(base))), "")
    return RefusedError(
        f"{file} is being edited by another `orch config edit`{f' (pid {pid})' if pid else ''}",
        code="being_edited",
        hint=f"ps -fp {pid}" if pid else "ps -f",
    )


def _draft_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.draft")


def _held(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""


def _create(path: Path, content: bytes) -> None:
    path.touch(mode=0o600, exist_ok=False)
    try:
        path.write_bytes(content)
    except OSError:  # the half of it is nothing to go on with
        path.unlink()
        raise


@contextmanager
def _held_to_be_writable(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OrchestrdError(
            f"{_draft_of(file)} cannot be written: {error.strerror}", hint=f"ls -ld {shlex.quote(str(file.parent))}"
        ) from error

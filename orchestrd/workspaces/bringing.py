"""What a fresh worktree gets from the project beside its commit: files copied and linked that no commit holds.

Invariant: no link is followed out of the project, nothing is written outside the worktree, and what lies in the
worktree already stays as it is. Blocking: called on a thread, which `is_off` tells to give up.
"""

import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrd.model.errors import NotFoundError, RefusedError, TransientError

FICLONE = 0x40049409  # ioctl of Linux: the copy shares its blocks with the source until one of them is written

Step = tuple[str, Path]  # a path from the root of project and worktree alike, and the thing in the project


class Bringer:
    """Brings things of one project into one worktree.

    `spared` is a folder that is never copied: our own home may lie within the project, and the worktree in it.
    """

    def __init__(self, project: str, worktree: str, *, spared: str, is_off: Callable[[], bool]) -> None:
        self._project = Path(project)
        self._worktree = Path(worktree)
        self._spared = os.path.relpath(Path(spared).resolve(), self._project.resolve())
        self._is_off = is_off

    def bring(self, *, included: Iterable[str], copied: Iterable[str], linked: Iterable[str]) -> None:
        """Link and copy what was asked for, and copy what `.worktreeinclude` names.

        Raises NotFoundError (`no_file`) or RefusedError (`outside`) for what was asked for, TransientError
        (`not_brought`) naming what could not be read or written.
        """
        for path in linked:
            self._link(path, self._asked_for(path))
        for path in copied:
            self._copy(path, self._asked_for(path))
        for path in included:  # git names nothing that lies behind a link
            self._copy(path, self._project / path)

    def _asked_for(self, path: str) -> Path:
        source = self._project / path
        if not (source.exists() or source.is_symlink()):
            raise NotFoundError(
                f"{path!r} is not in {self._project} and cannot be brought into the worktree",
                code="no_file",
                hint=f"ls {self._project}",
            )
        if self._project.resolve() not in source.resolve().parents:
            raise RefusedError(f"{path!r} leads out of the project {self._project}", code="outside")
        return source

    def _link(self, path: str, source: Path) -> None:
        with _naming(source):
            if self._has_place_for(path):
                (self._worktree / path).symlink_to(source)

    def _copy(self, path: str, source: Path) -> None:
        with _naming(source):
            for place, found in self._steps(path, source):
                if self._is_off():
                    raise TransientError(f"copying {source} took too long", code="workspace_late")
                with _naming(found):
                    self._copy_one(place, found)

    def _steps(self, path: str, source: Path) -> Iterator[Step]:
        """Give the thing itself and all that is below it, a folder before what is in it."""
        if f"{path}/".startswith(f"{self._spared}/"):
            return
        yield path, source
        if source.is_symlink() or not source.is_dir():
            return
        for directory, folders, files in os.walk(source, onerror=_raise):
            within = Path(directory).relative_to(self._project)
            folders[:] = [name for name in folders if str(within / name) != self._spared]
            for name in (*folders, *files):
                yield str(within / name), Path(directory, name)

    def _copy_one(self, path: str, source: Path) -> None:
        """Copy one file, link or folder without its content; devices, sockets and pipes are left out.

        So is what makes a folder a worktree: with it the copy would be that very worktree, to git, a second time.
        """
        target = self._worktree / path
        mode = source.lstat().st_mode
        if not self._has_place_for(path) or (source.name == ".git" and stat.S_ISREG(mode)):
            return
        if stat.S_ISLNK(mode):
            target.symlink_to(source.readlink())
        elif stat.S_ISDIR(mode):
            target.mkdir()
            target.chmod(stat.S_IMODE(mode) | stat.S_IRWXU)  # or nothing could be put into it
        elif stat.S_ISREG(mode):
            with source.open("rb") as taken, target.open("xb") as made:
                if not _share(taken.fileno(), made.fileno()):
                    shutil.copyfileobj(taken, made)
            shutil.copystat(source, target)

    def _has_place_for(self, path: str) -> bool:
        """Make the folders above; false where the thing is there already, or a file or a link bars the way to it."""
        above = self._worktree
        *folders, name = path.split("/")
        for folder in folders:
            above /= folder
            if above.is_symlink() or above.is_file():
                return False
            above.mkdir(exist_ok=True)
        return not ((above / name).exists() or (above / name).is_symlink())


def _share(source: int, target: int) -> bool:
    """Make the target share the blocks of the source, where the file system can."""
    try:
        from fcntl import ioctl  # noqa: PLC0415 - not everywhere

        ioctl(target, FICLONE, source)
    except (ImportError, OSError):
        return False
    return True


@contextmanager
def _naming(source: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TransientError(
            f"{source} could not be brought into the worktree: {error.strerror}", code="not_brought"
        ) from error


def _raise(error: OSError) -> None:
    raise error

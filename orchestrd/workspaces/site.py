"""Where one worktree lies, as it is found on disk. Blocking: called on a thread.

Invariant: nothing is removed here but what lies in the folder of the unfinished, where nobody but the keeper puts
anything, and a folder that holds no work: it is empty, or has nothing in it but git's own pointer.
"""

import os
import shutil
from pathlib import Path
from shlex import quote

from orchestrd.core.worktree import MAKING, READY_MARK, making_path
from orchestrd.model.errors import RefusedError
from orchestrd.model.ids import SessionId
from orchestrd.workspaces.locating import Obstructed
from orchestrd.workspaces.walking import refuse_mounts

POINTER = ".git"  # in a linked worktree a file: `gitdir: <administration>`
POINTER_BYTES_MAX = 8_192


class Site:
    """The place of one session's worktree, and the one where it is made before it goes there."""

    def __init__(self, root: str, session: SessionId, path: str) -> None:
        self.path = Path(path)
        self.making = Path(making_path(root, session))
        self._root = Path(root)
        self._session = session

    def refuse_foreign(self) -> None:
        """Raise RefusedError (`outside`) where it is not this session's own place below the root, links resolved."""
        folder, root = self.path.parent.resolve(), self._root.resolve()
        is_elsewhere = self.path.name != self._session or folder.parent != root or folder.name == MAKING
        if is_elsewhere or self.making.parent.resolve() != root / MAKING:
            raise RefusedError(
                f"{self.path} is not the place of the worktree of {self._session}: that lies right below a folder of"
                f" {self._root}",
                code="outside",
                hint=f"ls -l {quote(str(self._root))}",
            )

    def is_ready(self) -> bool:
        """Tell whether the worktree is there and finished; from then on it belongs to its agent."""
        administration = _administration_of(self.path)
        return administration is not None and (administration / READY_MARK).exists()

    def repository(self) -> str | None:
        """Name the repository that the worktree in this place belongs to; null where there is none."""
        administration = _administration_of(self.path)
        return str(administration.parent.parent.resolve()) if administration else None

    def is_taken(self) -> bool:
        """Tell whether something is there; a folder that holds no work is taken away first."""
        if self.path.is_symlink() or not self.path.is_dir():
            return self.path.is_symlink() or self.path.exists()
        held = {entry.name for entry in self.path.iterdir()}
        if held - {POINTER} or (self.path / POINTER).is_dir():
            return True
        (self.path / POINTER).unlink(missing_ok=True)
        self.path.rmdir()
        return False

    def begin(self) -> None:
        """Make the folders above both places, and take away what an earlier attempt has left."""
        self.discard()
        for folder in (self._root, self.making.parent, self.path.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def known_to(self, common: str) -> list[str]:
        """Name the worktrees of this name that the repository remembers: git calls one after its directory."""
        return [administration.name for administration in Path(common, "worktrees").glob(f"{self._session}*")]

    def discard(self) -> None:
        """Take the unfinished worktree away, if there is one; links in it are not followed, and mounts refused."""
        if self.making.is_symlink() or self.making.is_file():
            self.making.unlink()
        elif self.making.exists():
            try:
                refuse_mounts(str(self.making))
            except Obstructed as error:
                obstacle = error.obstacle
                raise RefusedError(f"{self.making}: {obstacle.why}", code="outside", hint=obstacle.hint) from error
            shutil.rmtree(self.making)

    def settle(self) -> None:
        """Put the worktree in its place; an empty folder above it may have been tidied away meanwhile."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.making.rename(self.path)

    def register(self) -> None:
        """Tell the repository where this worktree is now.

        `git worktree repair` would set every other one right too, and so take the worktrees of a project away from it
        for the sake of a copy of that project.
        """
        administration = self._administration()
        told = administration / "gitdir.new"
        told.write_bytes(os.fsencode(f"{os.path.realpath(self.path)}/{POINTER}\n"))
        told.replace(administration / "gitdir")

    def is_settled(self) -> bool:
        """Tell whether it has taken its place."""
        return self.path.exists() and not self.making.exists()

    def finish(self) -> None:
        """Remember that nothing is left to be done; git's lock, which kept it from being pruned, goes."""
        administration = self._administration()
        (administration / READY_MARK).touch()
        (administration / "locked").unlink(missing_ok=True)

    def enter(self, subdirectory: str | None) -> None:
        """Make sure of the directory within it that the run begins in."""
        if subdirectory is not None:
            (self.path / subdirectory).mkdir(parents=True, exist_ok=True)

    def _administration(self) -> Path:
        administration = _administration_of(self.path)
        if administration is None:
            raise FileNotFoundError(None, "it has gone again", str(self.path))
        return administration


def _administration_of(worktree: Path) -> Path | None:
    """Read where git keeps what it knows of a worktree; null where that cannot be said."""
    try:
        with (worktree / POINTER).open("rb") as file:
            word, _, place = os.fsdecode(file.read(POINTER_BYTES_MAX)).rstrip("\n").partition(": ")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    return worktree / place if word == "gitdir" else None

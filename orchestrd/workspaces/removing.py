"""Removing a worktree that was looked at, without a moment in which a crash could lose what nobody has seen.

In its place -> aside, and looked at once more -> named as gone -> forgotten by its repository -> deleted. Each step
is one rename or can be repeated. What lies aside is put back by whoever finds it; what is named as gone has been
verified after nobody could reach it by its path any more, and only that is ever deleted.

Invariant: nothing is followed out of the worktree, and nothing that was not stamped is deleted.
"""

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from shlex import quote

import psutil

from orchestrd.model.worktree import Place
from orchestrd.workspaces.locating import GONE, LEAVING, Located, Obstructed, aside
from orchestrd.workspaces.surveying import stamped_walk
from orchestrd.workspaces.walking import refuse_mounts


def set_aside(located: Located, stamp: str) -> bool:
    """Take a worktree out of its place for good, if it is still as it was stamped; else put it back. Blocking."""
    leaving, gone = aside(located.place, LEAVING), aside(located.place, GONE)
    refuse_users(located.path)
    os.rename(located.path, leaving)
    try:
        refuse_users(leaving)
        _, found = stamped_walk(located, leaving)
        is_same = found == stamp
    except BaseException:
        os.rename(leaving, located.path)
        raise
    os.rename(leaving, gone if is_same else located.path)
    return is_same


def put_back(place: Place, leaving: str) -> None:
    """Undo half a removal. Raises Obstructed where something else has taken the place."""
    if os.path.lexists(place.path):
        raise Obstructed(
            f"it lies in {leaving}, and its place has been taken", f"ls -la {quote(place.path)} {quote(leaving)}"
        )
    os.rename(leaving, place.path)


def refuse_users(path: str) -> None:
    """Raise Obstructed where a program, or a person at a shell, works in there, or holds a file of it open to write."""
    real = os.path.realpath(path)
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if any(f"{place}/".startswith(f"{real}/") for place in _places_of(process)):
                who = f"process {process.pid} ({process.name()})"
                raise Obstructed(f"{who} works in it", f"ps -o pid,ppid,args -p {process.pid}")


def _places_of(process: psutil.Process) -> list[str]:
    """Give where a process may write without having to find the way there: its working directory, and open files."""
    return [process.cwd(), *(file.path for file in process.open_files() if getattr(file, "mode", "") != "r")]


def delete(gone: str, is_called_off: Callable[[], bool]) -> None:
    """Delete what is named as gone; a link is deleted, and not what it leads to. Blocking.

    Raises Obstructed where it leads out of there itself, and OSError.
    """
    if os.path.islink(gone):
        raise Obstructed(f"{gone} is a symbolic link, which is not followed", f"ls -l {quote(gone)}")
    refuse_mounts(gone)
    _open_up(gone)
    for _, folders, files, descriptor in os.fwalk(gone, topdown=False):
        if is_called_off():
            return
        for name in files:
            os.unlink(name, dir_fd=descriptor)
        for name in folders:
            is_folder = stat.S_ISDIR(os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode)
            (os.rmdir if is_folder else os.unlink)(name, dir_fd=descriptor)
    os.rmdir(gone)


def delete_empty(directory: str) -> bool:
    """Delete a directory with nothing in it; any other stays."""
    try:
        os.rmdir(directory)
    except OSError:
        return False
    return True


def _open_up(gone: str) -> None:
    """Make every folder writable, for nothing can be deleted from one that is not; on this file system only."""
    device = os.lstat(gone).st_dev
    os.chmod(gone, stat.S_IRWXU)
    for path, folders, _, descriptor in os.fwalk(gone):
        for name in folders:
            folder = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            if folder.st_dev != device:
                raise OSError(errno.EXDEV, "another file system is mounted there", f"{path}/{name}")
            if stat.S_ISDIR(folder.st_mode) and folder.st_mode & stat.S_IRWXU != stat.S_IRWXU:
                os.chmod(name, stat.S_IRWXU, dir_fd=descriptor)

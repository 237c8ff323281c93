"""Keeping a session's output within its bound while the agent writes on and readers hold offsets.

Past the bound the head of the file is given back to the disk as a hole: offsets stay, nothing newer is touched, and the
agent's descriptor does not notice. Readers skip holes.
"""

import contextlib
import ctypes
import errno
import os

from orchestrd.model.errors import RefusedError, TransientError

_KEEP_SIZE = 0x01
_PUNCH_HOLE = 0x02
_BLOCK_BYTES = 4_096  # only whole blocks are given back
_UNABLE = frozenset({errno.EOPNOTSUPP, errno.ENOSYS, errno.ENODEV})


def trim(path: str, bytes_max: int) -> None:
    """Give back the head of a log, down to `bytes_max` and a part of a block; one that is not there is short enough.

    Raises RefusedError (`log_unbounded`) where the file system cannot make holes, TransientError when it fails to.
    """
    try:
        if os.lstat(path).st_size <= bytes_max:
            return
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return
    except OSError as error:
        raise TransientError(f"cannot trim {path}: {error.strerror}", hint=f"ls -l {path}") from error
    try:
        _trim(path, descriptor, bytes_max)
    finally:
        os.close(descriptor)


def _trim(path: str, descriptor: int, bytes_max: int) -> None:
    end = (os.fstat(descriptor).st_size - bytes_max) // _BLOCK_BYTES * _BLOCK_BYTES
    if end <= _data_start(descriptor):
        return
    failure = _punch(descriptor, end)
    if failure in _UNABLE:
        raise RefusedError(
            f"{path} is past {bytes_max} bytes and its file system cannot make holes: it grows on",
            code="log_unbounded",
            hint="put the home on ext4, xfs, btrfs or tmpfs",
        )
    if failure:
        raise TransientError(f"cannot trim {path}: {os.strerror(failure)}", hint=f"ls -l {path}")


def _data_start(descriptor: int) -> int:
    with contextlib.suppress(OSError):  # a file system that knows no holes has none
        return os.lseek(descriptor, 0, os.SEEK_DATA)
    return 0


def _punch(descriptor: int, end: int) -> int:
    """Make a hole from the start of the file to `end`; gives the errno, zero when it is done."""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        fallocate = libc.fallocate64
    except AttributeError:
        return errno.ENOSYS
    done: int = fallocate(descriptor, _PUNCH_HOLE | _KEEP_SIZE, ctypes.c_int64(0), ctypes.c_int64(end))
    return ctypes.get_errno() if done else 0

"""Room on the disks that the home and the worktrees lie on: bytes and inodes."""

import os
from collections.abc import Iterator
from shlex import quote

from msgspec import Struct

from orchestrd.model.finding import Finding
from orchestrd.model.limits import DISK_BYTES_LOW, DISK_BYTES_MIN, INODES_LOW, INODES_MIN
from orchestrd.render import size
from orchestrd_cli.doctor.subject import Subject, Surroundings, fail, ok, warn


class Room(Struct, frozen=True, kw_only=True):
    """What is free where a path lies, for who asks. `inodes` is 0 where the file system counts none."""

    path: str
    bytes: int
    bytes_free: int
    inodes: int
    inodes_free: int
    is_read_only: bool = False


def look(surroundings: Surroundings) -> tuple[Room, ...]:
    """Measure the home's file system, and that of the worktrees where it is another."""
    places = {os.stat(path).st_dev: path for path in map(_existing, _paths(surroundings))}  # noqa: PTH116 - strings
    return tuple(_room(path) for path in places.values())


def judge(rooms: tuple[Room, ...]) -> Iterator[Finding]:
    """Judge each file system."""
    for room in rooms:
        yield from _judge(room)


def _judge(room: Room) -> Iterator[Finding]:
    free = f"{size(room.bytes_free)} free of {size(room.bytes)} where {room.path} lies"
    clean = "orch clean --dry-run"
    if room.is_read_only:
        yield fail("disk", f"{room.path} is mounted read-only", "nothing can be accepted", f"findmnt -T {room.path}")
    elif room.bytes_free < DISK_BYTES_MIN:  # a clean may need a daemon, and that some room
        cause = "new sessions and messages are refused once it is full"
        yield fail("disk", f"only {free}", cause, f"du -xhd1 {quote(room.path)}")
    elif room.bytes_free < DISK_BYTES_LOW:
        yield warn("disk", f"only {free}", "agents fill that quickly; worktrees of ended sessions take room", clean)
    elif room.inodes and room.inodes_free < INODES_LOW:
        level = fail if room.inodes_free < INODES_MIN else warn
        cause = "a disk without them takes no new file, however much room it has"
        yield level("disk", f"only {room.inodes_free:,} inodes free", cause, f"df -i {quote(room.path)}")
    else:
        yield ok("disk", free)


def _paths(surroundings: Surroundings) -> tuple[str, str]:
    """Give the worktrees first: where both lie on one file system, the home stands for it."""
    return surroundings.layout.worktrees, surroundings.layout.home


def _existing(path: str) -> str:
    """Give the nearest directory above that is there already."""
    while not os.path.exists(path):  # noqa: PTH110 - as above
        path = os.path.dirname(path)  # noqa: PTH120 - as above
    return path


def _room(path: str) -> Room:
    found = os.statvfs(path)
    return Room(
        path=path,
        bytes=found.f_blocks * found.f_frsize,
        bytes_free=found.f_bavail * found.f_frsize,
        inodes=found.f_files,
        inodes_free=found.f_favail,
        is_read_only=bool(found.f_flag & os.ST_RDONLY),
    )


SUBJECT = Subject(name="disk", look=look, judge=judge)

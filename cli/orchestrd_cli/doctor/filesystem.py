"""The kind of file system the home lies on: whether what is synced there is kept, and a lock holds."""

import os
from collections.abc import Iterator, Sequence

import psutil
from msgspec import Struct

from orchestrd.model.finding import Finding
from orchestrd_cli.doctor.subject import Subject, Surroundings, ok, warn

SUBJECT_NAME = "file system"
MOVE = "export ORCH_HOME=DIRECTORY_ON_A_LOCAL_DISK"
IN_MEMORY = frozenset({"tmpfs", "ramfs", "devtmpfs", "rootfs"})
LAYERS = frozenset({"overlay", "overlayfs", "aufs", "unionfs"})
FAR_AWAY = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "lustre", "gpfs", "davfs"}
    | {"9p", "virtiofs", "vboxsf", "prl_fs", "drvfs", "afpfs", "webdav"}
)
UNSYNCED = frozenset({"nobarrier", "barrier=0", "volatile"})  # options by which a sync does not reach the disk


class Mount(Struct, frozen=True, kw_only=True):
    """One line of the mount table."""

    point: str
    kind: str
    options: frozenset[str] = frozenset()


class Facts(Struct, frozen=True, kw_only=True):
    """Where the home really lies, and what is mounted, in the order it was."""

    home: str
    mounts: tuple[Mount, ...]


def look(surroundings: Surroundings) -> Facts:
    """Read the mount table; no file system is touched by that, so none can hang."""
    mounts = (
        Mount(point=found.mountpoint, kind=found.fstype, options=frozenset(found.opts.split(",")))
        for found in psutil.disk_partitions(all=True)
    )
    return Facts(home=os.path.realpath(surroundings.layout.home), mounts=tuple(mounts))


def judge(facts: Facts) -> Iterator[Finding]:
    """Judge the file system that the home lies on."""
    mount = mount_of(facts.home, facts.mounts)
    if mount is None:
        yield warn(SUBJECT_NAME, f"nobody says what {facts.home} lies on", next_=f"findmnt -T {facts.home}")
        return
    where = f"{mount.kind} at {mount.point}"
    if mount.kind in IN_MEMORY:
        yield warn(SUBJECT_NAME, f"{where} is memory", "after a reboot every session and its record are gone", MOVE)
    elif unsynced := sorted(mount.options & UNSYNCED):
        cause = "what was accepted may be lost with the power"
        yield warn(SUBJECT_NAME, f"{where} is mounted with {unsynced[0]}: nothing is truly synced", cause, MOVE)
    elif mount.kind in LAYERS:
        yield warn(SUBJECT_NAME, f"{where} is a layer of a container", "it is gone with the container", MOVE)
    elif mount.kind in FAR_AWAY:
        cause = "what is synced there is the server's word, a lock may not hold, and a lost network stops everything"
        yield warn(SUBJECT_NAME, f"{where} is on the network, or on another machine", cause, MOVE)
    elif mount.kind.startswith("fuse"):
        cause = "what a sync means there, and whether a lock holds, is that program's own affair"
        yield warn(SUBJECT_NAME, f"{where} is served by a program", cause, MOVE)
    else:
        yield ok(SUBJECT_NAME, where)


def mount_of(path: str, mounts: Sequence[Mount]) -> Mount | None:
    """Find what a path lies on: the deepest mount above it, of several in one place the newest."""
    above = [mount for mount in mounts if f"{path}/".startswith(f"{mount.point.rstrip('/')}/")]
    return max(reversed(above), key=lambda mount: len(mount.point), default=None)


SUBJECT = Subject(name=SUBJECT_NAME, look=look, judge=judge)

"""The bare operations that ours is measured beside: the system calls that it cannot do without, and nothing else."""

import os
import select
import subprocess
import time
from collections.abc import Sequence

from benchmarks.homes import SLEEP
from benchmarks.measuring import MILLISECONDS

READ_BYTES = 64 * 1024  # more than any record here
READABLE_S = 10.0


def stat_all(directory: str) -> None:
    """List a directory and stat what is in it."""
    with os.scandir(directory) as entries:
        for entry in entries:
            entry.stat(follow_symlinks=False)


def read_file(path: str) -> bytes:
    """Read a small file in the fewest calls."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, READ_BYTES)
    finally:
        os.close(descriptor)


def write_durably(directory: str, contents: Sequence[bytes]) -> None:
    """Write files beside their places, sync each, give them their names, and sync the directory once."""
    for number, content in enumerate(contents):
        descriptor = os.open(f"{directory}/.{number}.tmp", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    for number in range(len(contents)):
        os.rename(f"{directory}/.{number}.tmp", f"{directory}/{number}")  # noqa: PTH104 - the call, not what wraps it
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def deaths(number: int) -> float:
    """Kill processes of our own; milliseconds until the kernel has told of each through its pidfd."""
    processes = [subprocess.Popen(SLEEP) for _ in range(number)]
    pidfds = [os.pidfd_open(process.pid) for process in processes]
    begun = time.perf_counter()
    for process in processes:
        process.kill()
    for pidfd in pidfds:
        select.select([pidfd], [], [], READABLE_S)
    took = (time.perf_counter() - begun) * MILLISECONDS
    for process, pidfd in zip(processes, pidfds, strict=True):
        process.wait()
        os.close(pidfd)
    return took


def starts(number: int, argv: Sequence[str]) -> float:
    """Start processes that last; milliseconds until all have been started. They are ended again."""
    begun = time.perf_counter()
    processes = [subprocess.Popen(argv, stdin=subprocess.DEVNULL) for _ in range(number)]
    took = (time.perf_counter() - begun) * MILLISECONDS
    for process in processes:
        process.kill()
    for process in processes:
        process.wait()
    return took


def courses(number: int, argv: Sequence[str]) -> float:
    """Start processes that end by themselves, all at once; milliseconds until all have ended."""
    begun = time.perf_counter()
    processes = [subprocess.Popen(argv, stdin=subprocess.DEVNULL) for _ in range(number)]
    for process in processes:
        process.wait()
    return (time.perf_counter() - begun) * MILLISECONDS

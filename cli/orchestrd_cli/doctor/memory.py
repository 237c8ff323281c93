"""Memory that is free for more agents."""

from collections.abc import Iterator

import psutil
from msgspec import Struct

from orchestrd.model.finding import Finding
from orchestrd.model.limits import MEMORY_BYTES_LOW, MEMORY_BYTES_MIN
from orchestrd.render import size
from orchestrd_cli.doctor.subject import Subject, Surroundings, fail, ok, warn


class Memory(Struct, frozen=True, kw_only=True):
    """Bytes of the machine, and of these what programs could still get without swapping."""

    total: int
    available: int


def look(_: Surroundings) -> Memory:
    """Ask the kernel."""
    found = psutil.virtual_memory()
    return Memory(total=found.total, available=found.available)


def judge(memory: Memory) -> Iterator[Finding]:
    """Judge whether one more agent fits."""
    free = f"{size(memory.available)} free of {size(memory.total)}"
    what_next = "ps -eo pid,rss,args --sort=-rss | head"
    if memory.available < MEMORY_BYTES_MIN:
        yield fail("memory", f"only {free}", "the kernel will soon kill a program to get some", what_next)
    elif memory.available < MEMORY_BYTES_LOW:
        cause = "a coding agent takes one to two GiB: one more may have the kernel kill another"
        yield warn("memory", f"only {free}", cause, what_next)
    else:
        yield ok("memory", free)


SUBJECT = Subject(name="memory", look=look, judge=judge)

"""A whole checkup: every subject on a thread of its own, so that one which hangs or breaks is itself a finding.

A thread that hangs in the kernel is left behind: it ends with the process, and nobody waits for it.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from threading import Thread
from typing import Any

from msgspec.structs import replace

from orchestrd import __version__
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.finding import Checkup, Finding, Mended
from orchestrd.model.limits import EXAMINED_S
from orchestrd_cli.doctor import (
    agents,
    channels,
    clients,
    config,
    daemon,
    disk,
    filesystem,
    forge,
    home,
    homes,
    hooks,
    leftovers,
    memory,
    processes,
    quarantine,
    records,
    service,
    terminals,
    tools,
    worktrees,
)
from orchestrd_cli.doctor.subject import Examined, Subject, Surroundings, fail

SUBJECTS: tuple[Subject[Any], ...] = (
    *tools.SUBJECTS,
    agents.SUBJECT,
    home.SUBJECT,
    filesystem.SUBJECT,
    disk.SUBJECT,
    memory.SUBJECT,
    config.SUBJECT,
    channels.SUBJECT,
    service.SUBJECT,
    daemon.SUBJECT,
    forge.SUBJECT,
    homes.SUBJECT,
    records.SUBJECT,
    quarantine.SUBJECT,
    hooks.SUBJECT,
    processes.SUBJECT,
    terminals.SUBJECT,
    clients.SUBJECT,
    worktrees.SUBJECT,
    leftovers.SUBJECT,
)


def checkup(surroundings: Surroundings, *, fix: bool, subjects: Sequence[Subject[Any]] = SUBJECTS) -> Checkup:
    """Look at everything; where it is to be mended, mend what can lose nothing, and look again."""
    examined = examine(subjects, surroundings)
    mended = tuple(_mended(subjects, examined)) if fix else ()
    if mended:
        examined = examine(subjects, surroundings)
    return Checkup(
        home=_as_text(surroundings.layout.home),
        version=__version__,
        findings=tuple(_as_texts(finding) for one in examined for finding in one.findings),
        mended=mended,
    )


def examine(subjects: Iterable[Subject[Any]], surroundings: Surroundings) -> list[Examined]:
    """Have all subjects looked at side by side, and give what was found within EXAMINED_S, in their order."""
    begun = [(subject.name, _begin(subject, surroundings)) for subject in subjects]
    deadline = _clock() + EXAMINED_S
    return [_outcome(name, future, deadline) for name, future in begun]


def _begin(subject: Subject[Any], surroundings: Surroundings) -> "Future[Examined]":
    future: Future[Examined] = Future()

    def look() -> None:
        try:
            future.set_result(subject.examine(surroundings))
        except Exception as error:  # noqa: BLE001 - the border of a subject: whatever it is, the others go on
            future.set_exception(error)

    Thread(target=look, name=f"look at {subject.name}", daemon=True).start()
    return future


def _outcome(name: str, future: "Future[Examined]", deadline: float) -> Examined:
    try:
        return future.result(max(0.0, deadline - _clock()))
    except Exception as error:  # noqa: BLE001 - as above
        hangs = not future.done()
        return Examined(findings=(_hangs(name) if hangs else _broke(name, error),))


def _hangs(name: str) -> Finding:
    return fail(name, f"no answer within {EXAMINED_S:g} s", "a disk, a network or a program does not answer", "dmesg")


def _broke(name: str, error: Exception) -> Finding:
    if isinstance(error, OrchestrdError):
        return fail(name, f"cannot be looked at: {error.message}", next_=error.hint)
    if isinstance(error, OSError) and error.filename:
        path = error.filename if isinstance(error.filename, str) else repr(error.filename)
        return fail(name, f"cannot be looked at: {path}: {error.strerror}", next_=f"ls -ld {path}")
    return fail(name, f"cannot be looked at: {type(error).__name__}: {error}")


def _mended(subjects: Iterable[Subject[Any]], examined: Iterable[Examined]) -> Iterator[Mended]:
    for subject, one in zip(subjects, examined, strict=True):
        try:
            for told in one.mend():
                yield Mended(subject=subject.name, told=_as_text(told))
        except OSError as error:
            yield Mended(subject=subject.name, told=_as_text(f"could not be mended: {error}"))


def _as_texts(finding: Finding) -> Finding:
    texts = {name: _as_text(getattr(finding, name)) for name in ("subject", "told", "cause", "next")}
    return replace(finding, **texts)


def _as_text(text: str) -> str:
    """Write out what is no text in the name of a file; JSON could not carry it."""
    return text.encode("utf-8", "backslashreplace").decode()


def _clock() -> float:
    return time.monotonic()  # noqa: TID251 - a command line has no loop and no injected clock

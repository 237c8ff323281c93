"""Running a program that tells somebody: with arguments and no shell, in a process group of its own, bounded in time.

Invariant: when `run` ends, the program has ended, or was killed with all of its group; also where nobody waits for it
any more. What it reads and what it says go through files, so that no pipe can hold it or us.
"""

import asyncio
import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from tempfile import TemporaryFile

from msgspec import Struct

from orchestrd.core.fencing import cleaned
from orchestrd.model.limits import ERROR_CHARS_MAX, NOTIFY_ANSWER_S, PROGRAM_LOOK_S
from orchestrd.notifiers.failing import failed
from orchestrd.notifiers.threads import on_own_thread


class _Ended(Struct, frozen=True, kw_only=True):
    """How it ended: its exit code, as Popen has it, null where it was called off; and the end of what it said."""

    code: int | None
    said: str


async def run(channel: str, argv: Sequence[str], environ: Mapping[str, str], given: bytes = b"", *, hint: str) -> None:
    """Run it with `given` on its stdin; `hint` is for where it ran and failed.

    Raises TransientError (`channel_failed`) unless it ends with 0.
    """
    try:
        ended = await _ended(argv, environ, given)
    except OSError as error:
        raise failed(channel, f"{argv[0]} cannot be run: {error.strerror}", _looking_for(argv[0])) from None
    if ended.code != 0:
        raise failed(channel, f"{argv[0]} {_how_it_ended(ended)}", hint)


def _looking_for(program: str) -> str:
    return f"{'ls -l' if '/' in program else 'command -v'} {shlex.quote(program)}"


def _how_it_ended(ended: _Ended) -> str:
    """Say how it failed, with the last line that it has said."""
    if ended.code is None:
        return f"was not done after {NOTIFY_ANSWER_S:.0f} seconds and was killed"
    how = f"ended with {ended.code}" if ended.code > 0 else f"was ended by signal {-ended.code}"
    last = next((line for line in reversed(cleaned(ended.said).splitlines()) if line.strip()), "")
    return f"{how}: {last.strip()}" if last else how


async def _ended(argv: Sequence[str], environ: Mapping[str, str], given: bytes) -> _Ended:
    called_off = threading.Event()
    running = on_own_thread(partial(_run, argv, environ, given, called_off), ends=True)
    try:
        async with asyncio.timeout(NOTIFY_ANSWER_S):
            return await asyncio.shield(running)
    except TimeoutError:
        called_off.set()
        return await asyncio.shield(running)
    finally:
        called_off.set()


def _run(argv: Sequence[str], environ: Mapping[str, str], given: bytes, called_off: threading.Event) -> _Ended:
    with TemporaryFile() as stdin, TemporaryFile() as stderr:
        stdin.write(given)
        stdin.seek(0)
        process = subprocess.Popen(
            argv,
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            cwd="/",
            env=dict(environ),
            start_new_session=True,
        )
        with process:
            code = _wait(process, called_off)
        stderr.seek(max(0, stderr.seek(0, os.SEEK_END) - ERROR_CHARS_MAX))
        return _Ended(code=code, said=stderr.read(ERROR_CHARS_MAX).decode("utf-8", "replace"))


def _wait(process: "subprocess.Popen[bytes]", called_off: threading.Event) -> int | None:
    while not called_off.is_set():
        with suppress(subprocess.TimeoutExpired):
            return process.wait(PROGRAM_LOOK_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # it is not reaped yet, so the number is its own
    process.wait()
    return None

"""Running git for the daemon: off the loop, bounded in time, output and number, and never alone with a repository.

Invariant: when a call returns, however it does, the git it started has ended, with everything that one started; first
by SIGTERM, on which git removes its own locks and what it had half made. How git is called stands in
`orchestrd.core.repository`.
"""

import asyncio
import os
import re
import select
import selectors
import signal
import subprocess
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from weakref import WeakValueDictionary

from msgspec import Struct

from orchestrd.core.complaints import told
from orchestrd.core.repository import git_argv, git_environment
from orchestrd.model.errors import NotFoundError, RefusedError, TransientError
from orchestrd.model.limits import (
    GIT_AT_ONCE_MAX,
    GIT_END_S,
    GIT_LOCK_LOOK_S,
    GIT_LOCK_LOOKS,
    GIT_OUTPUT_BYTES_MAX,
    GIT_S,
)

PIPE_BYTES = 64 * 1024
_LOCKED = re.compile(r"\.lock': File exists|could not lock .*: File exists")


class Answer(Struct, frozen=True, kw_only=True):
    """What one git said: its exit code (minus the signal that ended it), its output, and its words on stderr."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """The output as text, without the newline at its end; a path that is no UTF-8 survives `os.fsencode`."""
        return os.fsdecode(self.out).removesuffix("\n")

    @property
    def fields(self) -> list[str]:
        """The output of `-z`: the words between the NULs."""
        return os.fsdecode(self.out).split("\0")[:-1]

    @property
    def is_locked_out(self) -> bool:
        """Tell whether another program held a lock of the repository at that moment."""
        return self.code != 0 and _LOCKED.search(self.err) is not None


class Git:
    """Calls git, a bounded number at once; and holds, per repository, the lock under which it is changed."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self._threads = ThreadPoolExecutor(GIT_AT_ONCE_MAX, thread_name_prefix="git")
        self._places = asyncio.Semaphore(GIT_AT_ONCE_MAX)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def alone(self, repository: str) -> asyncio.Lock:
        """Give the lock of a repository (its common directory), to be held while its refs or worktrees are changed."""
        return self._locks.setdefault(repository, asyncio.Lock())

    async def ask(
        self,
        directory: str,
        *arguments: str,
        limit_s: float = GIT_S,
        given: bytes = b"",
        environment: Mapping[str, str] | None = None,
    ) -> Answer:
        """Run git there, with `given` on its stdin and `environment` beside the usual; any exit code is an answer.

        Raises TransientError (`git_late`) after `limit_s`, NotFoundError (`no_git`) where there is no git, and
        RefusedError (`git_output`) when it says more than GIT_OUTPUT_BYTES_MAX.
        """
        surroundings = {**git_environment(self._environ), **(environment or {})}
        child = _Child(git_argv(directory, *arguments), surroundings, given)
        async with self._places:
            running = asyncio.get_running_loop().run_in_executor(self._threads, child.run)
            try:
                async with asyncio.timeout(limit_s):
                    return await asyncio.shield(running)
            except TimeoutError:
                raise TransientError(
                    f"git {arguments[0]} in {directory} was not done after {limit_s:g} s and was ended", code="git_late"
                ) from None
            finally:
                await _end(child, running)

    async def must(
        self,
        directory: str,
        *arguments: str,
        limit_s: float = GIT_S,
        given: bytes = b"",
        environment: Mapping[str, str] | None = None,
    ) -> Answer:
        """Run git where nothing but success will do.

        While another program holds a lock of the repository it is tried again, for a bounded time. Raises what `ask`
        does, and an OrchestrdError with git's words (`git_failed`) or what they mean (see `complaints`).
        """
        ask = partial(self.ask, directory, *arguments, limit_s=limit_s, given=given, environment=environment)
        answer = await ask()
        for _ in range(GIT_LOCK_LOOKS if answer.is_locked_out else 0):
            await asyncio.sleep(GIT_LOCK_LOOK_S)
            answer = await ask()
            if not answer.is_locked_out:
                break
        if answer.code != 0:
            raise told(directory, arguments[0], answer.err, answer.code)
        return answer


async def _end(child: "_Child", running: "asyncio.Future[Answer]") -> None:
    """See to it that the call is over, also when nobody waits for it any more."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if running.done():
            break
        child.signal(number)
        await asyncio.wait([running], timeout=GIT_END_S)
    if running.done() and not running.cancelled():
        running.exception()  # it was raised to who awaited it, or nobody did


class _Child:
    """One git with a process group of its own, run on a thread and signalled from the loop."""

    def __init__(self, argv: list[str], environment: dict[str, str], given: bytes) -> None:
        self._argv = argv
        self._environment = environment
        self._given = given
        self._mutex = threading.Lock()  # a signal is sent only while the process is certain not to be reaped
        self._process: subprocess.Popen[bytes] | None = None
        self._is_over = False

    def run(self) -> Answer:
        process = self._start()
        out, err = bytearray(), bytearray()
        with process:
            _converse(process, self._given, out, err)
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            with self._mutex:
                self._is_over = True
                code = process.wait()
        if len(out) > GIT_OUTPUT_BYTES_MAX:
            raise RefusedError(f"{' '.join(self._argv)[:200]} says too much to be taken in", code="git_output")
        return Answer(code=code, out=bytes(out), err=err.decode("utf-8", "replace"))

    def signal(self, number: int) -> None:
        """Signal the whole group; before the start it means that there will be none."""
        with self._mutex:
            if self._process is None:
                self._is_over = True
            elif not self._is_over:
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, number)

    def _start(self) -> "subprocess.Popen[bytes]":
        with self._mutex:
            if self._is_over:
                raise TransientError("git was called off before it began", code="git_late")
            try:
                self._process = subprocess.Popen(
                    self._argv,
                    stdin=subprocess.PIPE if self._given else subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    cwd="/",
                    env=self._environment,
                    start_new_session=True,  # no terminal to ask on, and one group to end
                )
            except FileNotFoundError:
                raise NotFoundError("there is no git on the PATH of the daemon", code="no_git") from None
            except OSError as error:
                raise TransientError(f"git cannot be started: {error.strerror}", code="git_failed") from error
        return self._process


def _converse(process: "subprocess.Popen[bytes]", given: bytes, out: bytearray, err: bytearray) -> None:
    """Write what is given, and read until both ends are closed; what is past the bound is let go."""
    assert process.stdout is not None
    assert process.stderr is not None
    left = memoryview(given)
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, out)
        selector.register(process.stderr, selectors.EVENT_READ, err)
        if process.stdin is not None:
            selector.register(process.stdin, selectors.EVENT_WRITE)
        while selector.get_map():
            for key, _ in selector.select():
                if key.fileobj is process.stdin:
                    left = _written(key.fd, left)
                    if not left:
                        selector.unregister(key.fileobj)
                        process.stdin.close()
                elif not (chunk := os.read(key.fd, PIPE_BYTES)):
                    selector.unregister(key.fileobj)
                elif len(key.data) <= GIT_OUTPUT_BYTES_MAX:
                    key.data.extend(chunk)


def _written(pipe: int, left: memoryview) -> memoryview:
    """Write as much as the pipe is sure to take; a reader that wants no more has had enough."""
    try:
        return left[os.write(pipe, left[: select.PIPE_BUF]) :]
    except BrokenPipeError:
        return left[:0]

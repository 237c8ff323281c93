"""Running commands for the daemon in the workspaces of sessions: verifications and reactions, a few at a time.

Invariant: when a call is over, however it is, the command has ended with all that it has started. Between it and the
daemon stands a keeper (`keeper.py`), which adopts what the command abandons and ends it all when it is told to, or when
the daemon is gone. Everything bears the mark of the session's run, so that a kill of the run finds it as well.

The environment is what the session was given, and nothing of the daemon's own.
"""

import asyncio
import os
import select
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from orchestrd.core.fencing import cleaned, tail
from orchestrd.core.layout import Layout
from orchestrd.core.running import run_of
from orchestrd.model.limits import (
    COMMAND_END_S,
    COMMAND_LOOK_S,
    COMMAND_OUTPUT_CHARS_MAX,
    COMMAND_S,
    COMMANDS_AT_ONCE_MAX,
)
from orchestrd.model.session import Session
from orchestrd.ports import Attachments
from orchestrd.ports.command_runner import CommandEnd
from orchestrd.runtimes import keeper, launcher

PIPE_BYTES = 64 * 1024
KEPT_BYTES = 8 * COMMAND_OUTPUT_CHARS_MAX  # four bytes a character at most, and as much that is cleaned away


class KeptCommands:
    """Runs commands, each on a thread of its own and under a keeper. Implements `ports.CommandRunner`."""

    def __init__(self, layout: Layout, attachments: Attachments, *, limit_s: float = COMMAND_S) -> None:
        self._layout = layout
        self._attachments = attachments
        self._limit_s = limit_s
        self._threads = ThreadPoolExecutor(COMMANDS_AT_ONCE_MAX, thread_name_prefix="command")
        self._places = asyncio.Semaphore(COMMANDS_AT_ONCE_MAX)

    async def run(self, session: Session, command: str) -> CommandEnd:
        """Run a command to its end. The wait for a place is no part of its time."""
        async with self._places:
            environment = await asyncio.to_thread(self._environment, session)
            kept = _Kept(session.spec.workspace.directory, command, environment)
            running = asyncio.get_running_loop().run_in_executor(self._threads, kept.run)
            try:
                async with asyncio.timeout(self._limit_s):
                    return await asyncio.shield(running)
            except TimeoutError:
                await _end(kept, running)
                return CommandEnd(
                    output=kept.output, error=f"it had not ended after {self._limit_s:g} s, and was ended"
                )
            finally:
                await _end(kept, running)

    def _environment(self, session: Session) -> dict[str, str]:
        return {
            **self._attachments.read_secret(session.id),
            "ORCH_HOME": self._layout.home,
            "ORCH_SESSION": session.id,
            "ORCH_RUN": run_of(session).mark,
            "ORCH_RUN_DIR": self._layout.run_directory(session.id, session.generation),
        }


async def _end(kept: "_Kept", running: "asyncio.Future[CommandEnd]") -> None:
    """See to it that the call is over, also when nobody waits for it any more."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if running.done():
            break
        kept.signal(number)
        await asyncio.wait([running], timeout=COMMAND_END_S)
    if running.done() and not running.cancelled():
        running.exception()  # it was raised to who awaited it, or nobody did


class _Kept:
    """One command under its keeper, run on a thread and signalled from the loop."""

    def __init__(self, directory: str, command: str, environment: dict[str, str]) -> None:
        self._directory = directory
        self._command = command
        self._environment = environment
        self._mutex = threading.Lock()  # a signal is sent only while the process is certain not to be reaped
        self._process: subprocess.Popen[bytes] | None = None
        self._is_over = False
        self._written = bytearray()

    @property
    def output(self) -> str:
        """The end of what it has written so far."""
        return tail(cleaned(bytes(self._written).decode("utf-8", "replace")), COMMAND_OUTPUT_CHARS_MAX)

    def run(self) -> CommandEnd:
        """Run it, and say how it ended."""
        try:
            process = self._start()
        except (OSError, ValueError) as error:
            return CommandEnd(
                error=f"it cannot be run in {self._directory}: {getattr(error, 'strerror', None) or error}"
            )
        if process is None:
            return CommandEnd(error="it was called off before it began")
        with process:
            self._read(process)
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            with self._mutex:
                self._is_over = True
                code = process.wait()
        if code < 0:
            return CommandEnd(output=self.output, error=f"it was ended by {launcher.signal_name(-code)}")
        return CommandEnd(exit_code=code, output=self.output)

    def signal(self, number: int) -> None:
        """Signal the keeper; before the start it means that there will be none."""
        with self._mutex:
            if self._process is None:
                self._is_over = True
            elif not self._is_over:
                with suppress(ProcessLookupError):
                    os.kill(self._process.pid, number)

    def _start(self) -> "subprocess.Popen[bytes] | None":
        with self._mutex:
            if self._is_over:
                return None
            self._process = subprocess.Popen(
                [os.path.realpath(sys.executable), "-IS", keeper.__file__, str(os.getpid()), self._command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=self._directory,
                env=self._environment,
                start_new_session=True,
            )
            return self._process

    def _read(self, process: "subprocess.Popen[bytes]") -> None:
        """Read to the end of the output, or of the process: what runs as another user may hold the pipe for ever."""
        assert process.stdout is not None
        pipe = process.stdout.fileno()
        waiting = select.poll()
        waiting.register(pipe, select.POLLIN)
        while True:
            if not waiting.poll(1_000 * COMMAND_LOOK_S):
                if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                    return
            elif not (chunk := os.read(pipe, PIPE_BYTES)):
                return
            else:
                self._written += chunk
                del self._written[:-KEPT_BYTES]

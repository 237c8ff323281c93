"""Asking a tmux server: libtmux, but with a deadline, an environment of its own, and never a server nobody asked for.

libtmux runs one process a command and waits for it without end, with the environment it finds. Here each is ended at
its deadline, and gets a few plain names of our environment: what a server is started with, everything in it inherits,
and anybody can read.

A server is started in a scope of its own where systemd gives one, and no end of the daemon's service reaches it.

A server that gave no answer is not asked again for a moment by those who would wait no longer than that, so that what
waits behind one question does not wait as long again.
"""

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

import libtmux
from libtmux.common import tmux_cmd

from orchestrd.core.tmux import VERSION_MIN
from orchestrd.model.errors import RefusedError
from orchestrd.model.limits import SCOPE_S, SOCKET_PATH_BYTES_MAX, TMUX_ANSWER_S, TMUX_DEAF_S, TMUX_LAUNCH_S
from orchestrd.ports import Clock
from orchestrd.runtimes.blocking import InDoubtError
from orchestrd.runtimes.scopes import Scope, Scopes

PASSED_ON = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "SHELL", "TZ", "USER")
OURS_ALONE = ("-u", "-N", "-f/dev/null")  # UTF-8; start no server; no configuration of the user's


class TmuxError(OSError):
    """What tmux said in place of doing what it was asked for."""


class Answer(tmux_cmd):
    """What a command of tmux gave, in the shape in which libtmux knows it."""

    def __init__(self, command: list[str], found: "subprocess.CompletedProcess[bytes]") -> None:
        self.cmd = command
        self.returncode = found.returncode
        self.stdout = found.stdout.decode("utf-8", "replace").split("\n")
        self.stderr = [line for line in found.stderr.decode("utf-8", "replace").split("\n") if line]


class TmuxCommand(libtmux.Server):
    """The server behind one socket. Blocking; raises OSError: TmuxError, or InDoubtError when no answer came."""

    def __init__(self, socket: str, clock: Clock, scopes: Scopes | None) -> None:
        super().__init__(socket_path=socket)
        self.socket = socket
        self.environment = clean_environment(os.environ)
        self._clock = clock
        self._scopes = scopes
        self._deaf_until_s = self._deaf_for_s = 0.0
        self._fit: set[str] = set()  # paths of tmux whose version was looked at

    def found(self) -> str:
        """Give the path of tmux. Raises RefusedError naming what stands in the way of using it here."""
        if (found := shutil.which("tmux")) is None:
            raise _no_tmux("the daemon finds no tmux on its PATH", "install the package tmux")
        if (size := len(os.fsencode(self.socket))) > SOCKET_PATH_BYTES_MAX:
            said = f"the address of the tmux server has {size} bytes, and the kernel takes {SOCKET_PATH_BYTES_MAX}"
            raise _no_tmux(f"{said}: {self.socket}", "a shorter ORCH_HOME")
        if found not in self._fit:
            _require_version(found, self._run([found, "-V"], TMUX_ANSWER_S, None, self.environment).stdout.decode())
            self._fit.add(found)
        return found

    def cmd(self, cmd: str, *args: Any, target: str | int | None = None) -> Answer:  # type: ignore[override] # as theirs
        """Run one command; whatever libtmux does, it does by this."""
        return self.ask(cmd, *(() if target is None else ("-t", str(target))), *map(str, args))

    def ask(self, *command: str, within_s: float = TMUX_ANSWER_S, stdin: bytes | None = None) -> Answer:
        """Run a command, or several with ";" between them, in a server that runs."""
        return self._answer([self.found(), *OURS_ALONE, f"-S{self.socket}", *command], within_s, stdin)

    def begin(self, *command: str) -> Answer:
        """Do the same, and start a server where none runs; what has failed in a scope is done again without."""
        argv = [self.found(), *(flag for flag in OURS_ALONE if flag != "-N"), f"-S{self.socket}", *command]
        scope = self._scopes.of_tmux_server() if self._scopes else None
        if self._scopes is None or scope is None:
            return self._answer(argv, TMUX_LAUNCH_S)
        with contextlib.suppress(OSError):
            return self._answer(argv, SCOPE_S, scope=scope)
        answer = self._answer(argv, TMUX_LAUNCH_S)
        self._scopes.failed("systemd-run has not started the tmux server")  # for without it there is one
        return answer

    def _answer(
        self, argv: list[str], within_s: float, stdin: bytes | None = None, scope: Scope | None = None
    ) -> Answer:
        if scope is not None:
            argv = [*scope.words, *argv]
        environment = {**self.environment, **dict(scope.environment if scope else ())}
        answer = Answer(argv, self._run(argv, within_s, stdin, environment))
        if answer.returncode != 0:
            raise TmuxError("; ".join(answer.stderr) or f"tmux failed with {answer.returncode}")
        return answer

    def _run(
        self, argv: list[str], within_s: float, stdin: bytes | None, environment: Mapping[str, str]
    ) -> "subprocess.CompletedProcess[bytes]":
        if within_s <= self._deaf_for_s and self._clock.now().up_s < self._deaf_until_s:
            raise InDoubtError("the tmux server did not answer a moment ago")
        given: dict[str, Any] = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
        try:
            return subprocess.run(
                argv, check=False, capture_output=True, timeout=within_s, env=environment, cwd="/", **given
            )
        except subprocess.TimeoutExpired:
            self._deaf_until_s, self._deaf_for_s = self._clock.now().up_s + TMUX_DEAF_S, within_s
            raise InDoubtError(f"the tmux server gave no answer within {within_s:g} s") from None


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Choose what tmux may know of an environment; it speaks UTF-8 whatever that says."""
    passed_on = {name: environ[name] for name in PASSED_ON if name in environ}
    spoken = passed_on.get("LC_ALL") or passed_on.get("LC_CTYPE") or passed_on.get("LANG") or ""
    if "UTF-8" not in spoken.upper().replace("UTF8", "UTF-8"):
        passed_on.pop("LC_ALL", None)
        passed_on["LC_CTYPE"] = "C.UTF-8"
    return {"PATH": os.defpath, "TERM": "dumb", **passed_on}


def _require_version(found: str, said: str) -> None:
    """Refuse a version that lacks what we ask of it; one that does not say a number is newer than any."""
    number = re.search(r"(\d+)\.(\d+)", said)
    if number is not None and (int(number[1]), int(number[2])) < VERSION_MIN:
        raise _no_tmux(f"{found} is {said.strip()}, and 3.2 is the oldest that will do", "install a newer tmux")


def _no_tmux(said: str, advice: str) -> RefusedError:
    return RefusedError(said, code="no_tmux", hint=f"{advice}, or orch spawn --runtime process")

"""Completion in the shells themselves: each in a terminal of its own, with keys pressed; those not here skip."""

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.fake_daemon import FakeDaemon, whole

PATIENCE_S = 20.0
STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
CLEAR = "\x15"  # Ctrl-u
SESSIONS = "fix\twaiting 5m, shop: which branch?\nfix:login\tworking 1m, shop\ntwo words\tworking 2m, shop\n"
SETUP = {
    "bash": (["--noprofile", "--rcfile", "{rc}", "-i"], "source <(orch completion bash)\nbind 'set bell-style none'\n"),
    "zsh": (["-f", "-i"], "autoload -Uz compinit; compinit -u -D; source <(orch completion zsh)\n"),
    "fish": (["--no-config", "-i"], "orch completion fish | source\n"),
}


class Terminal:
    """A shell in a terminal of 100 columns, in front of which a person types."""

    def __init__(self, argv: list[str], environment: dict[str, str]) -> None:
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.execvpe(argv[0], argv, environment)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        self._seen = ""

    def types(self, keys: str, shows: str) -> str:
        """Press keys and wait until this is shown; gives all that was shown since."""
        self._seen = ""
        os.write(self._terminal, keys.encode())
        until = time.monotonic() + PATIENCE_S
        while shows not in self._seen:
            assert time.monotonic() < until, f"{shows!r} was never shown, but {self._seen!r}"
            if select.select([self._terminal], [], [], 0.1)[0]:
                self._seen = STYLE.sub("", self._seen + os.read(self._terminal, 65_536).decode("utf-8", "replace"))
        return self._seen

    def close(self) -> None:
        os.close(self._terminal)
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


@pytest.fixture
def daemon(shallow: Path) -> Iterator[FakeDaemon]:
    fake = FakeDaemon(shallow)
    fake.answers("/v1/candidates", whole(SESSIONS.encode()))
    fake.start()
    yield fake
    fake.stop()


def _environment(home: Path, place: Path) -> dict[str, str]:
    (place / "orch").write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m orchestrd_cli "$@"\n')
    (place / "orch").chmod(0o700)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ORCH_", "LC_", "XDG_"))}
    return kept | {
        "ORCH_HOME": str(home),
        "PATH": f"{place}:{os.environ['PATH']}",
        "HOME": str(place),
        "TERM": "xterm",
        "LANG": "C.UTF-8",
        "PS1": "$ ",
        "INPUTRC": "/dev/null",
    }


@pytest.fixture(params=list(SETUP))
def shell(request: pytest.FixtureRequest, daemon: FakeDaemon, tmp_path: Path) -> Iterator[Terminal]:
    name = request.param
    if shutil.which(name) is None:
        pytest.skip(f"there is no {name} here")
    words, setup = SETUP[name]
    rc = tmp_path / "rc"
    rc.write_text(setup if name == "bash" else "")
    terminal = Terminal([name, *(word.format(rc=rc) for word in words)], _environment(daemon.home, tmp_path))
    if name != "bash":
        terminal.types(setup.replace("\n", "\r"), "complet")
    terminal.types("echo re''ady\r", "ready")
    yield terminal
    terminal.close()


def test_verbs_options_values_and_sessions_are_completed(shell: Terminal) -> None:
    shell.types("orch stat\t", "status ")
    shell.types(CLEAR + "orch daemon rest\t", "restart ")
    shell.types(CLEAR + "orch events --fol\t", "--follow ")
    shell.types(CLEAR + "orch spawn --until=t\t", "--until=turn")
    shell.types(CLEAR + "orch stop fix:\t", "fix:login ")
    shell.types(CLEAR + "orch stop two\t", "two\\ words ")


def test_what_a_session_does_is_listed_beside_its_name(shell: Terminal) -> None:
    listed = shell.types("orch stop \t\t", "which branch?")

    assert "waiting 5m" in listed


def test_a_command_and_files_are_the_shells_own(shell: Terminal) -> None:
    shell.types("orch spawn --dir /us\t", "/usr/")
    shell.types(CLEAR + "orch spawn -- mkfif\t", "mkfifo")


@pytest.mark.parametrize("shell_name", ["bash", "zsh"])
def test_the_script_is_one_that_its_shell_can_read(shell_name: str) -> None:
    if shutil.which(shell_name) is None:
        pytest.skip(f"there is no {shell_name} here")
    script = subprocess.run(
        [sys.executable, "-P", "-m", "orchestrd_cli", "completion", shell_name], capture_output=True, check=True
    )

    subprocess.run([shell_name, "-n"], input=script.stdout, check=True)


def test_a_tab_takes_less_than_a_blink(daemon: FakeDaemon, tmp_path: Path) -> None:
    times = []
    for _ in range(5):
        begun = time.monotonic()
        subprocess.run(
            ["orch", "__complete", "stop", ""],
            env=_environment(daemon.home, tmp_path),
            check=True,
            capture_output=True,
        )
        times.append(time.monotonic() - begun)

    assert min(times) < 0.1

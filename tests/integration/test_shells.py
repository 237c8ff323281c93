"""Completion in the shells themselves: each in a terminal of its own, with keys pressed; those not here skip."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.fake_daemon import FakeDaemon, whole
from tests.terminals import Terminal

CLEAR = "\x15"  # Ctrl-u
SESSIONS = "fix\twaiting 5m, shop: which branch?\nfix:login\tworking 1m, shop\ntwo words\tworking 2m, shop\n"
SETUP = {
    "bash": (["--noprofile", "--rcfile", "{rc}", "-i"], "source <(orch completion bash)\nbind 'set bell-style none'\n"),
    "zsh": (["-f", "-i"], "autoload -Uz compinit; compinit -u -D; source <(orch completion zsh)\n"),
    "fish": (["--no-config", "-i"], "orch completion fish | source\n"),
}


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

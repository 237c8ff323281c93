"""Asking programs of systemd: found, missing, deaf or without a manager to ask."""

import os
from pathlib import Path

import pytest

from orchestrd.client import systemd
from orchestrd.client.systemd import Unit
from orchestrd.model.errors import RefusedError, TimedOutError

NO_BUS = "echo 'Failed to connect to bus: No medium found' >&2; exit 1"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the place of the only program on the PATH: systemctl, written by the test."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path / "systemctl"


def _write(program: Path, script: str) -> None:
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_an_answer_has_what_was_said_and_how_it_ended(program: Path) -> None:
    _write(program, 'echo "$@"; echo oops >&2; exit 3')

    assert systemd.systemctl("is-active", "x") == (3, "--user is-active x\n", "oops\n")


def test_properties_are_given_by_name(program: Path) -> None:
    _write(program, 'echo "A=1"; echo "B=x=y"')

    assert Unit("/tmp/home").properties("A", "B") == {"A": "1", "B": "x=y"}


def test_where_the_program_is_missing_that_is_said(program: Path) -> None:
    with pytest.raises(RefusedError, match="there is no systemctl") as refused:
        systemd.systemctl("show")

    assert refused.value.code == "no_systemd"


@pytest.mark.parametrize(
    ("is_booted", "why", "hint"),
    [
        (False, "systemd does not run this machine", "orch daemon start"),
        (True, "you have no user manager of systemd that answers", "sudo loginctl enable-linger me"),
    ],
)
def test_where_no_manager_answers_the_next_command_fits_the_machine(
    program: Path, monkeypatch: pytest.MonkeyPatch, *, is_booted: bool, why: str, hint: str
) -> None:
    _write(program, NO_BUS)
    monkeypatch.setenv("USER", "me")
    monkeypatch.setattr(systemd, "BOOTED", program.parent if is_booted else program.parent / "nothing")

    with pytest.raises(RefusedError, match=f"{why}: Failed to connect to bus: No medium found") as refused:
        systemd.systemctl("show")

    assert refused.value.hint == hint


def test_one_that_hangs_is_not_waited_for(program: Path) -> None:
    _write(program, "exec /bin/sleep 60")

    with pytest.raises(TimedOutError, match=r"within 0\.2 s: systemctl --user start x"):
        systemd.systemctl("start", "x", answer_s=0.2)


def test_a_home_is_systemds_only_where_it_is_installed_and_a_manager_answers(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    unit = Unit(str(tmp_path / "home"))
    _write(program, "exit 0")
    before = systemd.unit_of(unit.home)
    Path(unit.directory).mkdir(parents=True)
    Path(unit.file(unit.service)).touch()

    installed = systemd.unit_of(unit.home)
    _write(program, NO_BUS)
    unanswered = systemd.unit_of(unit.home)

    assert before is None
    assert installed is not None
    assert unanswered is None


def test_a_shell_that_was_not_told_where_the_manager_is_looks_in_the_usual_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = tmp_path / str(os.getuid())
    usual.mkdir()
    monkeypatch.setattr(systemd, "RUNTIME_DIRECTORIES", tmp_path)

    assert systemd.environment({})["XDG_RUNTIME_DIR"] == str(usual)
    assert systemd.environment({"XDG_RUNTIME_DIR": "/else"})["XDG_RUNTIME_DIR"] == "/else"

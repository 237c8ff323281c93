"""The demo, as a newcomer runs it: it proves what it says, and leaves nothing behind."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.command_line import ORCH
from tests.acceptance.processes import bearing, until

CLAIMED = (
    "true ends",
    "one end each",
    "no gap in the events",
    "nothing started twice",
    "no agent touched",
    "the same verdict",
    "nothing typed into a dialog",
    "work preserved",
    "no event missed",
)
OF_GIT = "work preserved"


@pytest.fixture
def room(shallow: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory for the temporary files of the demo alone."""
    room = shallow / "tmp"
    room.mkdir()
    monkeypatch.setenv("TMPDIR", str(room))
    yield room
    assert list(room.iterdir()) == []
    assert list(bearing(lambda environment: environment.get("ORCH_HOME", "").startswith(str(room)))) == []
    assert [line for line in _command_lines() if os.fsencode(room) in line] == []


@pytest.mark.parametrize(
    "lacking", [(), ("tmux",), ("git",), ("tmux", "git")], ids=lambda lacking: " and ".join(lacking) or "nothing"
)
def test_the_demo_proves_what_it_says_whatever_the_machine_lacks(
    lacking: tuple[str, ...], room: Path, shallow: Path
) -> None:
    environment = {**os.environ, "PATH": _path_without(lacking, shallow / "bin")}

    done = subprocess.run([*ORCH, "demo"], capture_output=True, timeout=120, text=True, env=environment, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    has_git = shutil.which("git", path=environment["PATH"])
    closing = done.stdout.splitlines()[-1]
    assert closing.startswith("Proved in ")
    assert closing.endswith(f": {', '.join(claim for claim in CLAIMED if has_git or claim != OF_GIT)}.")
    assert ("here is no git" in done.stdout) == (not has_git)
    assert ("$ orch screen asks" in done.stdout) == ("There is no tmux" not in done.stdout)
    assert "tmux" not in lacking or "There is no tmux: the sessions have no screen here" in done.stdout


def test_nothing_of_what_the_user_has_set_holds_in_the_demo(room: Path, shallow: Path) -> None:
    (shallow / "orchestrd").mkdir()
    touch = f'["touch", "{shallow}/told"]'
    (shallow / "orchestrd" / "config.toml").write_text(f'[channels.mine]\nkind = "command"\ncommand = {touch}\n')
    environment = {**os.environ, "XDG_CONFIG_HOME": str(shallow)}

    subprocess.run([*ORCH, "demo"], capture_output=True, timeout=120, env=environment, check=True)

    assert not (shallow / "told").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_cleans_up(room: Path, number: signal.Signals) -> None:
    with subprocess.Popen([*ORCH, "demo"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if line.startswith("$ orch wait asks"):
                break
        demo.send_signal(number)
        demo.stdout.read()

    assert demo.wait(30) == 130
    until(lambda: not list(room.iterdir()), "its directory is gone")


def _path_without(lacking: tuple[str, ...], place: Path) -> str:
    """Make a PATH on which these programs are not, and all the others are."""
    place.mkdir()
    for directory in filter(os.path.isdir, os.environ["PATH"].split(os.pathsep)):
        for program in Path(directory).iterdir():
            if program.name not in lacking and not (place / program.name).is_symlink():
                (place / program.name).symlink_to(program.absolute())
    return str(place) if lacking else os.environ["PATH"]


def _command_lines() -> Iterator[bytes]:
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            yield (place / "cmdline").read_bytes()

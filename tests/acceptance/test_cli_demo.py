"""The demo, as a newcomer runs it: it proves what it says, and leaves nothing behind."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.command_line import ORCH
from tests.acceptance.processes import bearing, until


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory for temporary files of its own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield tmp_path
    assert list(tmp_path.iterdir()) == []
    assert list(bearing(lambda environment: environment.get("ORCH_HOME", "").startswith(str(tmp_path)))) == []


def test_the_demo_proves_what_it_says(room: Path) -> None:
    done = subprocess.run([*ORCH, "demo"], capture_output=True, timeout=120, text=True, env=os.environ, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    closing = done.stdout.splitlines()[-1]
    assert closing.startswith("Proved in ")
    assert closing.endswith(
        ": true ends, one end each, no gap in the events, nothing started twice, no agent touched, no event missed."
    )


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

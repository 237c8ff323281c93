"""The benchmarks as a program. No figure is looked at: how long something takes is no assertion of a test."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.tmux_stage import needs_tmux


@pytest.mark.parametrize("family", ["rereads", pytest.param("sweeps", marks=needs_tmux)])
def test_one_family_alone_is_measured_and_reported(shallow: Path, family: str) -> None:
    figures = shallow / "figures.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", family, "--json", str(figures)]

    ended = subprocess.run(
        command, env={**os.environ, "TMPDIR": str(shallow)}, capture_output=True, text=True, timeout=60, check=True
    )

    told = json.loads(figures.read_text())
    assert {row["family"] for row in told["rows"]} == {family}
    assert all(row["what"] in ended.stdout and row["ratio"] > 0 for row in told["rows"])
    assert [path.name for path in shallow.iterdir()] == ["figures.json"]  # nothing is left behind, ...
    assert [line for line in _command_lines() if os.fsencode(shallow) in line] == []  # ... and nobody


def _command_lines() -> Iterator[bytes]:
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            yield (place / "cmdline").read_bytes()

"""The benchmarks as a program. No figure is looked at: how long something takes is no assertion of a test."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.tracing import traced
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
    assert all(row["what"] in ended.stdout and row["ours"]["median"] > 0 for row in told["rows"])
    assert all(row["ratio"] > 0 for row in told["rows"] if row["peer"])  # one that is not installed is named
    assert [path.name for path in shallow.iterdir()] == ["figures.json"]  # nothing is left behind, ...
    assert [line for line in _command_lines() if os.fsencode(shallow) in line] == []  # ... and nobody


@pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace")
def test_forks_and_fsyncs_are_counted_and_threads_are_no_forks(tmp_path: Path) -> None:
    busy = """import os, subprocess, sys, threading
sys.stdin.readline()
threading.Thread(target=subprocess.run, args=(["true"],)).start()
os.fsync(os.open(sys.argv[1], os.O_RDONLY))
[subprocess.run(["true"]) for _ in range(2)]"""
    argv = [sys.executable, "-c", busy, str(tmp_path)]

    with subprocess.Popen(argv, stdin=subprocess.PIPE) as process, traced(process.pid, tmp_path) as calls:
        process.communicate(b"now\n", timeout=30)

    assert (calls.forks, calls.syncs) == (3, 1)


def _command_lines() -> Iterator[bytes]:
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            yield (place / "cmdline").read_bytes()

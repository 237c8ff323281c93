"""The benchmarks as a program. No figure is looked at: how long something takes is no assertion of a test."""

import json
import os
import subprocess
import sys
from pathlib import Path


def test_one_family_alone_is_measured_and_reported(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", "rereads", "--json", str(figures)]

    ended = subprocess.run(
        command, env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, text=True, timeout=60, check=True
    )

    told = json.loads(figures.read_text())
    assert {row["family"] for row in told["rows"]} == {"rereads"}
    assert all(row["what"] in ended.stdout and row["ratio"] > 0 for row in told["rows"])
    assert [path.name for path in tmp_path.iterdir()] == ["figures.json"]  # nothing is left behind

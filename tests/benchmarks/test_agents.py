"""The table of the agents that are installed, and whatever else names a version of one."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from benchmarks.agents import installed
from benchmarks.agents.installed import PINNED, PLACE, program, why_missing

ROOT = Path(__file__).resolve().parents[2]


def test_aider_is_pinned_to_one_version() -> None:
    locked = (ROOT / "benchmarks" / "agents" / "aider.txt").read_text()

    assert f"aider-chat=={PINNED['aider']}" in locked.splitlines()


def test_make_installs_every_agent_of_the_table_in_its_version() -> None:
    stamps = {f".venv/agents/{name}/.stamp-{version}" for name, version in PINNED.items()}

    plain = {"PATH": os.environ["PATH"]}  # the make that runs the tests has no say in this one
    planned = subprocess.run(
        ["make", "--dry-run", "--always-make", "agents"],
        cwd=ROOT,
        env=plain,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert stamps == set(re.findall(r"touch (\.venv/agents/\S+)", planned.replace(";", " ")))


def test_a_version_that_is_named_has_a_place_of_its_own() -> None:
    assert program("claude") == PLACE / "claude" / "claude"
    assert program("claude", "latest") == PLACE / "claude-latest" / "claude"


def test_an_agent_that_is_not_there_is_missed_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "PLACE", tmp_path)

    assert "gemini is not installed" in str(why_missing("gemini"))

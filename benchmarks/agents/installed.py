"""Where `make agents` has put the real agents: each in an environment of its own, under its own name.

Which ones there are, and in which versions, stands in `versions.toml` and nowhere else.
"""

import os
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path

PLACE = Path(__file__).resolve().parents[2] / ".venv" / "agents"
PINNED: Mapping[str, str] = tomllib.loads(Path(__file__).with_name("versions.toml").read_text())


def program(name: str, version: str | None = None) -> Path:
    """Give where an agent is, installed or not: the pinned one, or one that `make agents VERSION=` was told."""
    return PLACE / (f"{name}-{version}" if version else name) / name


def why_missing(name: str, version: str | None = None) -> str | None:
    """Say why a real agent cannot be run in a terminal here, or null when it can."""
    if not program(name, version).exists():
        return f"{name} is not installed, and `make agents` says why (it needs npm and the registries)"
    return None if shutil.which("tmux") else "there is no tmux"


def version_of(program: Path) -> str:
    """Ask a program for its version; it may leave something in its home, so it is given one of its own."""
    with tempfile.TemporaryDirectory() as home:
        environment = {"HOME": home, "PATH": os.environ["PATH"]}
        asked = subprocess.run([program, "--version"], check=True, capture_output=True, text=True, env=environment)
    return next(word for word in asked.stdout.split() if word[0].isdigit())

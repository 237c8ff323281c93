"""Real repositories to try the keepers on, untouched by whatever the machine's own git is set to."""

import os
import subprocess
from pathlib import Path

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


def git(place: Path, *words: str) -> str:
    """Run git there as the user would, and give what it prints."""
    done = subprocess.run(
        ["git", *words], cwd=place, env=ENVIRONMENT, capture_output=True, check=True, text=True, timeout=30
    )
    return done.stdout.removesuffix("\n")


def a_repository(place: Path, *, files: dict[str, str] | None = None) -> Path:
    """Make a repository with one commit on `main`."""
    place.mkdir(parents=True)
    git(place, "init", "-q", "-b", "main")
    write(place, {"README": "hello\n", "src/app.py": "print(1)\n"} if files is None else files)
    git(place, "add", "-A")
    git(place, "commit", "-q", "--allow-empty", "-m", "first")
    return place


def write(place: Path, files: dict[str, str]) -> None:
    """Write files, with their directories."""
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)

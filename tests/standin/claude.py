"""Claude Code as the tests meet it: where it is installed, and homes of its own in which it talks to a stand-in."""

import contextlib
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from benchmarks.agents.installed import program, why_missing
from tests.acceptance.processes import until

CLAUDE = program("claude")
KEY = "sk-ant-api03-a-key-for-the-stand-in-model-only"  # no service knows it

PATIENCE_S = 20.0

Json = dict[str, Any]


def needs(*agents: str) -> pytest.MarkDecorator:
    """Mark a test that drives real agents: it is skipped, and says why, where one of them cannot be run."""
    reasons = [reason for reason in map(why_missing, agents) if reason]
    return pytest.mark.skipif(bool(reasons), reason="; ".join(reasons))


needs_claude = needs("claude")


class ClaudeHome(Struct, frozen=True):
    """A home directory in which nothing but Claude Code's own file stands."""

    path: Path
    url: str

    def prepare(
        self, *repositories: Path, is_onboarded: bool = True, knows_key: bool = True, **more: object
    ) -> "ClaudeHome":
        """Write what a user has answered before: each answer that is left out is a dialog at the start."""
        (self.path / "tmp").mkdir(parents=True, exist_ok=True)
        told: Json = {"projects": {str(place): {"hasTrustDialogAccepted": True} for place in repositories}, **more}
        if is_onboarded:
            told |= {"hasCompletedOnboarding": True, "theme": "dark"}
        if knows_key:
            told["customApiKeyResponses"] = {"approved": [KEY[-20:]], "rejected": []}
        (self.path / ".claude.json").write_text(json.dumps(told))
        return self

    def write_settings(self, **settings: object) -> None:
        """Write the user's own settings."""
        (self.path / ".claude").mkdir(exist_ok=True)
        (self.path / ".claude" / "settings.json").write_text(json.dumps(settings))

    def environment(self, **more: str) -> dict[str, str]:
        """Give the whole environment to run it with: offline, and speaking to the stand-in."""
        return {
            "HOME": str(self.path),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "TERM": "tmux-256color",
            "CLAUDE_CODE_TMPDIR": str(self.path / "tmp"),
            "ANTHROPIC_BASE_URL": self.url,
            "ANTHROPIC_API_KEY": KEY,
            **OFFLINE,
            **more,
        }

    def sessions(self) -> list[Json]:
        """Read the file that each running process keeps about itself; one that is being written anew is left out."""
        told: list[Json] = []
        for path in sorted((self.path / ".claude" / "sessions").glob("*.json")):
            with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
                told.append(json.loads(path.read_bytes()))
        return told

    def until(self, status: str) -> Json:
        """Wait until the one process here says that it is so: idle, busy, waiting. Before `idle` keys get lost."""
        told: list[Json] = []

        def is_so() -> bool:
            told[:] = self.sessions()
            return [session.get("status") for session in told] == [status]

        until(is_so, f"Claude Code says {status}", within_s=PATIENCE_S)
        return told[0]

    def transcripts(self) -> list[Path]:
        return sorted((self.path / ".claude" / "projects").glob("*/*.jsonl"))


OFFLINE: Mapping[str, str] = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_TELEMETRY": "1",
}


def make_repository(place: Path) -> Path:
    """Make a repository with one commit, that knows nobody's configuration."""
    place.mkdir(parents=True)
    (place / "README.md").write_text("# The shop\n")
    nobody = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false")
    plain = {"PATH": os.environ["PATH"], "HOME": str(place.parent), "GIT_CONFIG_NOSYSTEM": "1"}
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), (*nobody, "commit", "-q", "-m", "Open the shop")):
        subprocess.run(["git", *words], cwd=place, env=plain, check=True)
    return place

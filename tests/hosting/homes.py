"""Homes in which the real agents talk to a stand-in model."""

import os
from pathlib import Path

from tests.standin.claude import ClaudeHome

CODEX = """\
model = "gpt-5-codex"
model_provider = "standin"
[model_providers.standin]
name = "standin"
base_url = "{url}/v1"
wire_api = "responses"
env_key = "STANDIN_KEY"
request_max_retries = 2
stream_max_retries = 2
"""


def claude_environment(place: Path, url: str) -> dict[str, str]:
    """Give the environment of a Claude Code that was used before."""
    return ClaudeHome(place, url).prepare(place / "shop").environment()


def codex_environment(place: Path, url: str) -> dict[str, str]:
    """Give the environment of a Codex that is set up to ask the stand-in."""
    (place / ".codex").mkdir(exist_ok=True)
    (place / ".codex" / "config.toml").write_text(CODEX.format(url=url))
    return {"HOME": str(place), "PATH": os.environ["PATH"], "STANDIN_KEY": "a-key"}

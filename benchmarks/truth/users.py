"""Users of the real agents: a home directory in which each has answered what its agent asks at first, and no more.

Nothing reaches beyond loopback: all agents are told to stay offline, and that their model is the stand-in. No service
knows any of the keys. What a scenario wants to be different stands in its table `settings`.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

KEY = "sk-ant-api03-a-key-for-the-stand-in-model-only"
MODEL = "stand-in"
STATUS_LINE = "echo '3 of 5 apples · main · do you want to proceed?'"  # what a user may well have below the box

Json = dict[str, Any]
Wishes = Mapping[str, object]


class User(Struct, frozen=True, kw_only=True):
    """Who uses an agent: the home, the repository, and where the model answers."""

    home: Path
    repository: Path
    url: str
    wishes: Wishes


class Settled(Struct, frozen=True):
    """What comes of it: the environment that is the agent's own, and arguments for its command line."""

    environment: Mapping[str, str]
    arguments: tuple[str, ...] = ()


def settle(agent: str, user: User) -> Settled:
    """Write what the agent finds in the home of its user. `agent` is its name, or one of `HOSTED`."""
    (user.home / "tmp").mkdir(parents=True, exist_ok=True)
    settled = SETTLED[agent](user)
    basics = {"HOME": str(user.home), "TMPDIR": str(user.home / "tmp"), "PATH": os.environ["PATH"]}
    basics |= {"LANG": "C.UTF-8", "SHELL": "/bin/sh"}
    return Settled({**basics, **settled.environment}, settled.arguments)


def _claude(user: User) -> Settled:
    told = {
        "projects": {str(user.repository): {"hasTrustDialogAccepted": True}},
        "hasCompletedOnboarding": True,
        "theme": "dark",
        "customApiKeyResponses": {"approved": [KEY[-20:]], "rejected": []},
    }
    _write(user.home / ".claude.json", told)
    if user.wishes.get("status_line"):
        _write(user.home / ".claude" / "settings.json", {"statusLine": {"type": "command", "command": STATUS_LINE}})
    return Settled(
        {
            "ANTHROPIC_BASE_URL": user.url,
            "ANTHROPIC_API_KEY": KEY,
            "CLAUDE_CODE_TMPDIR": str(user.home / "tmp"),
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_TELEMETRY": "1",
        }
    )


def _codex(user: User) -> Settled:
    lines = [
        f'model = "{MODEL}"',
        'model_provider = "stand-in"',
        "check_for_update_on_startup = false",
        'model_reasoning_effort = "low"',
        "[analytics]",
        "enabled = false",
        "[model_providers.stand-in]",
        'name = "stand-in"',
        f'base_url = "{user.url}/v1"',
        'wire_api = "responses"',
        'env_key = "OPENAI_API_KEY"',
        f'[projects."{user.repository}"]',
        'trust_level = "trusted"',
        *(["[tui]", 'status_line = ["current-dir", "git-branch"]'] if user.wishes.get("status_line") else []),
    ]
    _write(user.home / ".codex" / "config.toml", "\n".join(lines) + "\n")
    return Settled({"OPENAI_API_KEY": KEY})


def _opencode(user: User) -> Settled:
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "stand-in",
        "options": {"baseURL": f"{user.url}/v1", "apiKey": KEY},
        "models": {MODEL: {"name": MODEL, "limit": {"context": 200_000, "output": 8_000}}},
    }
    told = {
        "$schema": "https://opencode.ai/config.json",
        "autoupdate": False,
        "share": "disabled",
        "model": f"stand-in/{MODEL}",
        "small_model": f"stand-in/{MODEL}",
        "provider": {"stand-in": provider},
        "permission": {"bash": "ask", "edit": "ask"},
    }
    place = user.home / ".config" / "opencode"
    _write(place / "opencode.json", told)
    # What it would fetch at its first start, for plugins written in TypeScript: offline it tries that for a minute.
    (place / "node_modules").mkdir()
    fetched = {"dependencies": {"@opencode-ai/plugin": "*"}}
    _write(place / "package.json", fetched)
    _write(place / "package-lock.json", {"lockfileVersion": 3, "packages": {"": fetched}})
    offline = ("OPENCODE_DISABLE_AUTOUPDATE", "OPENCODE_DISABLE_MODELS_FETCH", "OPENCODE_DISABLE_LSP_DOWNLOAD")
    return Settled(dict.fromkeys(offline, "1"))


def _gemini(user: User) -> Settled:
    told: Json = {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "general": {"disableAutoUpdate": True, "disableUpdateNag": True, "enableAutoUpdate": False},
        "privacy": {"usageStatisticsEnabled": False},
        "telemetry": {"enabled": False},
        "ide": {"hasSeenNudge": True},
    }
    if user.wishes.get("status_line"):
        told["ui"] = {"footer": {"items": ["git-branch", "model-name"]}, "hideTips": True}
    _write(user.home / ".gemini" / "settings.json", told)
    _write(user.home / ".gemini" / "trustedFolders.json", {str(user.repository): "TRUST_FOLDER"})
    return Settled({"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": user.url})


def _aider(user: User) -> Settled:
    """Tell it what it would else ask the internet for, and of a format in which it runs commands."""
    format_ = {"edit_format": "diff", "use_repo_map": False, "examples_as_sys_msg": True, "reminder": "sys"}
    _write(user.home / ".aider.model.settings.yml", [{"name": f"openai/{MODEL}", **format_}])
    limits = {"max_input_tokens": 200_000, "max_output_tokens": 8_000, "litellm_provider": "openai", "mode": "chat"}
    _write(user.home / ".aider.model.metadata.json", {f"openai/{MODEL}": limits})
    off = ("CHECK_UPDATE", "SHOW_RELEASE_NOTES", "SHOW_MODEL_WARNINGS", "GITIGNORE", "ANALYTICS", "AUTO_COMMITS")
    return Settled(
        {
            "OPENAI_API_KEY": KEY,
            "OPENAI_API_BASE": f"{user.url}/v1",
            "AIDER_EDIT_FORMAT": "diff",  # the one in which it is asked to run commands
            "AIDER_MODEL": f"openai/{MODEL}",
            "AIDER_WEAK_MODEL": f"openai/{MODEL}",
            **{f"AIDER_{name}": "false" for name in off},
        }
    )


SETTLED: Mapping[str, Callable[[User], Settled]] = {
    "claude": _claude,
    "codex": _codex,
    "opencode": _opencode,
    "gemini": _gemini,
    "aider": _aider,
}


def _write(path: Path, told: Json | list[Json] | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(told if isinstance(told, str) else json.dumps(told))

"""Where Claude Code keeps what it writes down. Only the standard library is imported, as hosts need it."""

from collections.abc import Mapping


def transcript_pattern(environment: Mapping[str, str], conversation: str) -> str | None:
    """Say where Claude Code keeps a conversation, with `*` for the folder of its project; null without a home.

    Folders are named after working directories in a way that loses what is no letter or digit and, where it is long,
    its end: looking for the conversation's own name finds it in all versions.
    """
    folder = config_folder(environment)
    return None if folder is None else f"{folder}/projects/*/{conversation}.jsonl"


def config_folder(environment: Mapping[str, str]) -> str | None:
    """Say where Claude Code keeps what it writes down, by the environment it is run in."""
    if configured := environment.get("CLAUDE_CONFIG_DIR"):
        return configured.rstrip("/") or "/"
    home = environment.get("HOME")
    return home.rstrip("/") + "/.claude" if home else None

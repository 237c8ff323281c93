"""The hooks of Codex: how they are given to it with a launch, and what the lines mean that they append to hooks.jsonl.

Codex runs a hook only if its user trusts it, by the digest of what it is. That of ours goes along with them. So nobody
is asked about ours, and whatever else there is, in the user's configuration or in the repository, is trusted no more
than before: a flag that has all hooks run unasked is never given.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import datetime

import msgspec

from orchestrd.agents.hook_lines import HOOK_NAME, hook_command
from orchestrd.core.conversation import Fields, conversation_id, described, is_prompt, one_line, text_of
from orchestrd.model.limits import HOOK_SECONDS_MAX
from orchestrd.model.observation import Testimony
from orchestrd.model.words import Activity

NAME = "codex"  # of the agent, in its lines as well

WORKING, WAITING, BLOCKED = Activity.WORKING, Activity.WAITING, Activity.BLOCKED
UNDER_WAY = (WORKING, BLOCKED)  # a turn goes on; the dialog of another of its tools may be open

_WORDS: dict[str, tuple[Activity, ...]] = {
    "SessionStart": (WORKING,),  # it fires with the first prompt, not at the launch
    "UserPromptSubmit": (WORKING,),
    "PreToolUse": UNDER_WAY,
    "PermissionRequest": UNDER_WAY,  # before the dialog, and in its stead where another model gives permission
    "PostToolUse": UNDER_WAY,
    "Stop": (WAITING, WORKING),  # another hook of the same event may yet send it back to work
}
_SOURCE = "/<session-flags>/config.toml"  # where Codex takes hooks to stand that are given by -c
_HUMP = re.compile(r"(?<!^)(?=[A-Z])")


def hook_arguments() -> Iterator[str]:
    """Give the words of a command line that have our hooks run, and trusted."""
    command, trusted = hook_command(NAME), []
    for name in _WORDS:
        label = _HUMP.sub("_", name).lower()
        yield from ("-c", f"hooks.{name}=[{{hooks=[{_table(_handler(command))}]}}]")
        trusted.append(f'"{_SOURCE}:{label}:0:0"={{trusted_hash="{_digest(label, command)}"}}')
    yield from ("-c", f"hooks.state={{{','.join(trusted)}}}")


def hook_word(at: datetime | None, payload: Fields) -> Testimony | None:
    """Say what a hook was told; null where that is nothing of its turn."""
    name = text_of(payload, HOOK_NAME)
    if name not in _WORDS or "agent_id" in payload:  # a subagent's hook says nothing of the turn of its parent
        return None
    prompt = text_of(payload, "prompt") if name == "UserPromptSubmit" else ""
    return Testimony(
        observer="hook",
        allows=_WORDS[name],
        at=at,
        text=_text(name, payload),
        excerpt=f"{name} {one_line(text_of(payload, 'tool_name'))}".strip(),
        prompt=prompt if prompt and is_prompt(prompt) else None,
        conversation=conversation_id(text_of(payload, "session_id")),
    )


def _text(name: str, payload: Fields) -> str | None:
    if name == "PermissionRequest":
        return f"asks for permission: {described(payload, 'tool_name', 'tool_input')}"
    if "tool_name" in payload:
        return described(payload, "tool_name", "tool_input")
    return one_line(text_of(payload, "last_assistant_message")) or None


def _handler(command: str) -> Fields:
    return {"async": False, "command": command, "timeout": HOOK_SECONDS_MAX, "type": "command"}


def _table(fields: Fields) -> str:
    """Write an inline table of TOML, whose strings and booleans are those of JSON."""
    return f"{{{','.join(f'{name}={msgspec.json.encode(value).decode()}' for name, value in fields.items())}}}"


def _digest(label: str, command: str) -> str:
    """Name a hook as Codex does: by the digest of its sorted JSON, with what it would add by itself."""
    identity = {"event_name": label, "hooks": [_handler(command)]}
    written = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(written.encode()).hexdigest()

"""The hooks of Codex: how they are given to it with a launch, and what the lines mean that they append to hooks.jsonl.

Codex waits for each hook before it goes on, and for the one that asks for permission before it opens its dialog. So
there are two, for what nobody else tells so well: which prompt was taken in which conversation, and what was said last.
What happens between the two its terminal and its rollout tell.

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
from orchestrd.core.conversation import Fields, conversation_id, is_prompt, one_line, text_of
from orchestrd.model.limits import HOOK_SECONDS_MAX
from orchestrd.model.observation import Testimony
from orchestrd.model.words import Activity

NAME = "codex"  # of the agent, in its lines as well

_WORDS: dict[str, tuple[Activity, ...]] = {
    "UserPromptSubmit": (Activity.WORKING,),
    "Stop": (Activity.WAITING, Activity.WORKING),  # another hook of the same event may yet send it back to work
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
        text=one_line(text_of(payload, "last_assistant_message")) or None,
        excerpt=name,
        prompt=prompt if prompt and is_prompt(prompt) else None,
        conversation=conversation_id(text_of(payload, "session_id")),
    )


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

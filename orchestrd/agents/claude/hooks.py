"""The hooks of Claude Code: what is told to it at launch, and what the lines mean that they append to hooks.jsonl."""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from orchestrd.agents.claude.asking import decision_of
from orchestrd.agents.hook_lines import HOOK_NAME, asking_hook_command, held_by, hook_command, payload_of
from orchestrd.agents.host_lines import read_host, read_provider
from orchestrd.agents.reports import read_report
from orchestrd.agents.reset_times import reset_time
from orchestrd.core.conversation import Fields, conversation_id, described, fields_of, is_prompt, one_line, text_of
from orchestrd.model.limits import HELD_HOOK_SECONDS_MAX, HOOK_SECONDS_MAX
from orchestrd.model.observation import Testimony
from orchestrd.model.run import Glimpse
from orchestrd.model.words import Activity

AGENT = "claude"  # as its lines name it

WORKING, WAITING, BLOCKED, LIMITED = Activity.WORKING, Activity.WAITING, Activity.BLOCKED, Activity.LIMITED
UNDER_WAY = (WORKING, BLOCKED)  # a turn goes on; the dialog of another of its tools may be open
ANY = (WORKING, BLOCKED, WAITING)

# What each says: by its name, or by its name and the field that tells its kinds apart. Others say nothing of activity.
_WORDS: dict[str, tuple[Activity, ...] | None] = {
    "SessionStart": ANY,  # a prompt may have gone along, or a command that opens a dialog
    "SessionStart clear": (WAITING,),
    "SessionStart compact": None,
    "UserPromptSubmit": (WORKING,),
    "PreToolUse": UNDER_WAY,
    "PermissionRequest": (BLOCKED,),
    "PermissionDenied": UNDER_WAY,
    "PostToolUse": UNDER_WAY,
    "PostToolUseFailure": UNDER_WAY,
    "Elicitation": (BLOCKED,),
    "ElicitationResult": UNDER_WAY,
    "Notification permission_prompt": (BLOCKED,),
    "Notification elicitation_dialog": (BLOCKED,),
    "Notification idle_prompt": (WAITING, LIMITED),  # a minute behind a turn that a limit has cut off, too
    "Stop": (WAITING,),
    "StopFailure": (WAITING,),
    "StopFailure rate_limit": (LIMITED,),
    "SessionEnd": (),
    "SessionEnd clear": None,
}
_KINDS = {"SessionStart": "source", "Notification": "notification_type", "StopFailure": "error", "SessionEnd": "reason"}
_ON_DISK = ("PostToolUse", "Stop", "StopFailure")  # by then the conversation has been written down
ASKS = "PermissionRequest"
_NOTHING_IS_ASKED = ("UserPromptSubmit", "SessionEnd")  # any more: a hook that waits has been answered by its user
_REMINDERS = ("permission_prompt", "idle_prompt")
_TOOLS = ("PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionDenied")


def settings() -> bytes:
    """Write the settings of a launch: hooks and nothing else. Those of user and project run beside them, untouched."""
    names = dict.fromkeys(key.split()[0] for key in _WORDS)
    return msgspec.json.encode({"hooks": {name: [{"hooks": [_hook(name)]}] for name in names}})


def _hook(name: str) -> dict[str, object]:
    """Give what runs at an event: the one that asks waits for its answer, however long a person takes for it."""
    if name == ASKS:
        return {"type": "command", "command": asking_hook_command(AGENT), "timeout": HELD_HOOK_SECONDS_MAX}
    command = hook_command(AGENT, lets_go=name in _NOTHING_IS_ASKED)
    return {"type": "command", "command": command, "timeout": HOOK_SECONDS_MAX}


def read_hooks(glimpse: Glimpse, *, is_busy: bool) -> tuple[list[Testimony], int]:
    """Say what each new line says, and how many are none. `is_busy`: its state file says so, read after the lines."""
    said: list[Testimony] = []
    malformed = 0
    for line, offset in glimpse.hook_lines:
        if (limit := read_provider(line, offset)) is not None:
            said.append(limit)
        if (known := read_report(line, offset) or read_host(line, offset)) is not None:
            said.append(known)
        elif (heard := payload_of(line, AGENT)) is None:
            malformed += 1
        elif (word := _word(*heard, is_busy=is_busy)) is not None:
            held = held_by(line)
            asked = None if held is None else decision_of(held, heard[1])
            said.append(replace(word, offset=offset, decision=asked))
    return said, malformed


def _word(at: datetime | None, payload: Fields, *, is_busy: bool) -> Testimony | None:
    name = text_of(payload, HOOK_NAME)
    kind = text_of(payload, _KINDS.get(name, ""))
    allows = _WORDS.get(f"{name} {kind}", _WORDS.get(name))
    if allows is None:
        return None
    subagents = _subagents(payload) if name == "Stop" else 0
    allows = _weakened(name, allows, payload, subagents, is_busy=is_busy)
    limited_until = reset_time(text_of(payload, "last_assistant_message"), at) if allows == (LIMITED,) and at else None
    prompt = text_of(payload, "prompt") if name == "UserPromptSubmit" else ""
    return Testimony(
        observer="hook",
        allows=allows,
        at=at,
        text=_text(name, payload, subagents),
        excerpt=f"{name} {one_line(kind or text_of(payload, 'tool_name'))}".strip(),
        limited_until=limited_until,
        is_farewell=name == "SessionEnd",
        is_turn_over=name == "Stop" and WAITING in allows,
        prompt=prompt if prompt and is_prompt(prompt) else None,
        conversation=conversation_id(text_of(payload, "session_id")) if name in _ON_DISK else None,
    )


def _weakened(
    name: str, allows: tuple[Activity, ...], payload: Fields, subagents: int, *, is_busy: bool
) -> tuple[Activity, ...]:
    """Say less where a hook knows less than its name promises."""
    if subagents:
        return UNDER_WAY  # it goes on by itself when they are done
    if allows == UNDER_WAY and ("agent_id" in payload or payload.get("is_interrupt") is True):
        return ANY  # a subagent's tool says nothing of its parent's turn, and behind an interrupt nothing goes on
    if name == "Stop" and is_busy:
        return (WAITING, WORKING)  # another hook of the same event may yet send it back to work
    return allows


def _text(name: str, payload: Fields, subagents: int) -> str | None:
    """Tell people what it is about: which tool, what is asked, which error, or what was answered last."""
    if subagents:
        return f"waits for {subagents} background agent{'s' if subagents > 1 else ''} to finish"
    if name in _TOOLS:
        return described(payload, "tool_name", "tool_input")
    if name == ASKS:
        asked = described(payload, "tool_name", "tool_input")
        question = asked.removeprefix("AskUserQuestion: ")
        return f"asks for permission: {asked}" if question == asked else f"asks: {question}"
    if text_of(payload, "notification_type") in _REMINDERS:
        return None  # that it still waits is no news, and must not stand where its last answer or question stands
    told = (text_of(payload, field) for field in ("message", "last_assistant_message", "error"))
    return next((text for said in told if (text := one_line(said))), None)


def _subagents(payload: Fields) -> int:
    """Count the subagents that run on in the background."""
    tasks = payload.get("background_tasks")
    known = [fields_of(task) for task in tasks] if isinstance(tasks, list) else []
    return sum(task.get("type") == "subagent" and task.get("status") == "running" for task in known)

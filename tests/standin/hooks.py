"""The hooks by which the tests listen to Claude Code: every event, one line each, into the run directory."""

import json
from pathlib import Path
from typing import Any

EVENTS = (
    "SessionStart",
    "UserPromptSubmit",
    "PreToolUse",
    "PermissionRequest",
    "PostToolUse",
    "PostToolUseFailure",
    "Notification",
    "Stop",
    "StopFailure",
    "SubagentStart",
    "SubagentStop",
    "PreCompact",
    "SessionEnd",
)
COMMAND = (
    "t=$(date +%s.%N); "
    'printf \'{"at":%s,"claude":%s}\\n\' "$t" "$(cat)" '
    '| dd bs=8M iflag=fullblock oflag=append conv=notrunc of="$ORCH_RUN_DIR/hooks.jsonl" status=none 2>/dev/null; '
    'echo "$ORCH_SESSION" | dd of="$ORCH_HOME/run/nudge" oflag=nonblock conv=notrunc,nocreat status=none 2>/dev/null '
    "|| :"
)


def settings(command: str = COMMAND, **more: object) -> str:
    """Give a settings file that reports every event."""
    hook = {"type": "command", "command": command, "timeout": 10, **more}
    return json.dumps({"hooks": {event: [{"hooks": [hook]}] for event in EVENTS}})


def events(path: Path) -> list[dict[str, Any]]:
    """Read what was reported, in order."""
    if not path.exists():
        return []
    return [json.loads(line)["claude"] for line in path.read_bytes().splitlines()]


def names(path: Path) -> list[str]:
    return [event["hook_event_name"] for event in events(path)]

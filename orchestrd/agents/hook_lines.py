r"""The hooks of agents: the line of plain sh that each of them runs, and the lines that it appends to hooks.jsonl.

    {"at":1795231637.024579786,"claude":{"hook_event_name":"Stop", ...}}

A hook never fails, never prints and never waits: an agent would show the first to its user, tell the second to its
model, and hold the turn for the third. The line is one write to a file opened for appending, so that the lines of many
hooks stay whole; one that would be too long to be read is cut, and only its name counts.
"""

import re
from datetime import datetime

from orchestrd.agents.reports import sane_time
from orchestrd.core.conversation import Fields
from orchestrd.core.launch import HOOKS, decode_record
from orchestrd.model.limits import HOOK_PAYLOAD_BYTES_MAX

HOOK_NAME = "hook_event_name"  # the field of a payload that tells which hook it is

_NUDGE = 'echo "$ORCH_SESSION" | dd of="$ORCH_HOME/run/nudge" oflag=nonblock conv=notrunc,nocreat'
_TELL = (
    f"at=$(date +%s.%N); said=$(head -c {HOOK_PAYLOAD_BYTES_MAX}; cat >&2); "
    'printf \'{"at":%s,"<agent>":%s}\\n\' "$at" "$said" | '
    f'dd bs=1M iflag=fullblock of="$ORCH_RUN_DIR/{HOOKS}" oflag=append,nonblock conv=notrunc,nocreat'
)
_CUT = re.compile(
    rb'\{"at":([0-9]{1,12}\.[0-9]{1,9}),"([\w-]{1,64})":.{0,16000}?[{,]\s*"hook_event_name"\s*:\s*"(\w{1,40})"'
)


def hook_command(agent: str) -> str:
    """Give the line of sh that a hook of this agent runs; what the hook is told comes on its stdin, as JSON."""
    return f"{{ {_TELL.replace('<agent>', agent)}; {_NUDGE}; }} >/dev/null 2>&1; exit 0"


def payload_of(line: bytes, agent: str) -> tuple[datetime | None, Fields] | None:
    """Take a line apart: when it was written, and what the hook was told; null when it is no such line of this agent.

    Of a line that was cut there is the name of its hook, and nothing else.
    """
    entry = decode_record(line, dict)
    if entry is not None:
        at, payload = entry.get("at"), entry.get(agent)
        return (sane_time(at if isinstance(at, int | float) else None), payload) if isinstance(payload, dict) else None
    cut = _CUT.match(line)
    is_cut = cut is not None and cut[2] == agent.encode()
    return (sane_time(float(cut[1])), {HOOK_NAME: cut[3].decode()}) if cut and is_cut else None

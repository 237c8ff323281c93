r"""The hooks of agents: the line of plain sh that each of them runs, and the lines that it appends to hooks.jsonl.

    {"at":1795231637.024579786,"claude":{"hook_event_name":"Stop", ...}}

A hook never fails, never prints and never waits: an agent would show the first to its user, tell the second to its
model, and hold the turn for the third. The line is one write to a file opened for appending, so that the lines of many
hooks stay whole; one that would be too long to be read is cut, and only its name counts.

There is one exception, the hook that asks for a decision: it makes a FIFO, names it in its line, and waits there for an
answer, which it prints:

    {"at":1795231637.024579786,"decision":"1795231637-4711","claude":{"hook_event_name":"PermissionRequest", ...}}

It waits in a `read` of the shell itself, so that ending the one process ends it all; whoever opens the
FIFO to write finds nobody there then. An agent ends it, or forgets it, when its user has answered; so a later hook of
another event lets go of all that still wait.
"""

import re
from datetime import datetime

from orchestrd.agents.reports import sane_time
from orchestrd.core.conversation import Fields
from orchestrd.core.launch import ANSWERS, HOOKS, decode_record
from orchestrd.model.limits import HOOK_PAYLOAD_BYTES_MAX

HOOK_NAME = "hook_event_name"  # the field of a payload that tells which hook it is

_NUDGE = 'echo "$ORCH_SESSION" | dd of="$ORCH_HOME/run/nudge" oflag=nonblock conv=notrunc,nocreat'
_TELL = (
    f"at=$(date +%s.%N); said=$(head -c {HOOK_PAYLOAD_BYTES_MAX}; cat >&2); "
    'printf \'{"at":%s,%s"<agent>":%s}\\n\' "$at" "$asks" "$said" | '
    f'dd bs=1M iflag=fullblock of="$ORCH_RUN_DIR/{HOOKS}" oflag=append,nonblock conv=notrunc,nocreat'
)
_ASK = (
    f'umask 077; id=$(date +%s)-$$; fifo="$ORCH_RUN_DIR/{ANSWERS}/$id"; asks=; '
    f'if [ -d "$ORCH_RUN_DIR" ] && mkdir -p "$ORCH_RUN_DIR/{ANSWERS}" && mkfifo "$fifo"; then '
    'exec 3<>"$fifo"; asks="\\"decision\\":\\"$id\\","; fi'
)
_HOLD = '[ -n "$asks" ] && IFS= read -r said <&3 && rm -f "$fifo" && [ -n "$said" ] && printf "%s\\n" "$said"'
_LET_GO = (
    f'for fifo in "$ORCH_RUN_DIR/{ANSWERS}"/*; do '
    '[ -p "$fifo" ] && { echo | dd of="$fifo" oflag=nonblock conv=notrunc,nocreat; rm -f "$fifo"; }; done'
)
_HELD = re.compile(rb'\{"at":[0-9]{1,12}\.[0-9]{1,9},"decision":"([0-9]{1,20}-[0-9]{1,10})",')
_CUT = re.compile(
    rb'\{"at":([0-9]{1,12}\.[0-9]{1,9}),(?:"decision":"[0-9-]{1,31}",)?"([\w-]{1,64})":.{0,16000}?[{,]\s*"hook_event_name"\s*:\s*"(\w{1,40})"'
)


def hook_command(agent: str, *, lets_go: bool = False) -> str:
    """Give the line of sh that a hook of this agent runs; what the hook is told comes on its stdin, as JSON.

    `lets_go`: by now nothing can be asked any more, and hooks that still wait for an answer are ended.
    """
    deeds = (f"asks=; {_telling(agent)}", _NUDGE, *((_LET_GO,) if lets_go else ()))
    return f"{{ {'; '.join(deeds)}; }} >/dev/null 2>&1; exit 0"


def asking_hook_command(agent: str) -> str:
    """Give the line of sh of the hook that asks for a decision; it prints the answer, or nothing."""
    return f"{{ {_ASK}; }} >/dev/null 2>&1; {{ {_telling(agent)}; {_NUDGE}; }} >/dev/null 2>&1 3>&-; {_HOLD}; exit 0"


def held_by(line: bytes) -> str | None:
    """Give the id of the decision that the hook of this line waits for; null where it waits for none."""
    found = _HELD.match(line)
    return found[1].decode() if found else None


def _telling(agent: str) -> str:
    return _TELL.replace("<agent>", agent)


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

"""Codex's transcript, called rollout, line by line: what it says of the turn, of usage limits, and of tokens.

Each turn begins with `task_started` and ends with `task_complete` or `turn_aborted`, whatever became of it. A tool call
without its output may be running or waiting for permission. Counts of tokens are those of the whole thread so far.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from orchestrd.agents.reports import sane_time, written_time
from orchestrd.agents.reset_times import reset_time
from orchestrd.core.conversation import Fields, conversation_id, described, fields_of, is_prompt, one_line, text_of
from orchestrd.core.launch import decode_record
from orchestrd.core.rollout import CALLS, OUTPUTS, given_to, words_of
from orchestrd.core.wording import count_of
from orchestrd.model.observation import Testimony
from orchestrd.model.spending import Spent, Tokens
from orchestrd.model.words import Activity

WORKING, WAITING, BLOCKED, LIMITED = Activity.WORKING, Activity.WAITING, Activity.BLOCKED, Activity.LIMITED
_UNDER_WAY = (WORKING, BLOCKED)
_LIMIT = re.compile(r"usage_?limit|rate_?limit|budget|\b429\b", re.IGNORECASE)
_ABORTED = {"interrupted": "interrupted by the user"}
_FULL_PERCENT = 100
_THREAD = "thread"  # counts of tokens begin anew with another one, and so at 0


def read_rollout(lines: Sequence[bytes]) -> tuple[list[Testimony], int]:
    """Say what new lines come to: each prompt, and the last word of all; and how many lines are none."""
    entries = [entry for line in lines if (entry := decode_record(line, dict)) is not None]
    said = [word for entry in entries if (word := _word(entry, entries)) is not None]
    if said:
        about = _about(entries)
        said[-1] = replace(
            said[-1],
            spent=_spent(entries),
            version=text_of(about, "cli_version") or None,
            conversation=conversation_id(text_of(about, "id")),
        )
    told = [word for word in said if word.prompt is not None or word is said[-1]]
    return told, len(lines) - len(entries)


def _word(entry: Fields, entries: Sequence[Fields]) -> Testimony | None:
    """Say what one entry says; null where that is nothing of the turn."""
    payload = fields_of(entry.get("payload"))
    at, word = written_time(text_of(entry, "timestamp")), None
    match entry.get("type"), text_of(payload, "type"):
        case "event_msg", "task_started":
            word = _says((WORKING,), "task_started")
        case "event_msg", "task_complete":
            word = _of_end(payload, entries, at)
        case "event_msg", "turn_aborted":
            word = _says((WAITING,), "turn_aborted", text=_ABORTED.get(text_of(payload, "reason"), "broken off"))
        case "event_msg", "item_completed":
            word = _of_item(fields_of(payload.get("item")))
        case "response_item", kind if kind in CALLS:
            called = described(payload | {"given": given_to(payload)}, "name", "given")
            word = _says(_UNDER_WAY, f"calls {called}", text=called)
        case "response_item", kind if kind in OUTPUTS:
            word = _says(_UNDER_WAY, "output of a tool")
    return None if word is None else replace(word, at=at)


def _of_item(item: Fields) -> Testimony | None:
    """Say what the user or the model has said; whether an answer is the last one only the end of its turn tells."""
    if item.get("type") == "AgentMessage":
        return _says(_UNDER_WAY, "answers")
    if item.get("type") != "UserMessage":
        return None
    prompt = words_of(item)
    return _says((WORKING,), f"prompt: {one_line(prompt)}", prompt=prompt if prompt and is_prompt(prompt) else None)


def _of_end(payload: Fields, entries: Sequence[Fields], at: datetime | None) -> Testimony:
    error = fields_of(payload.get("error"))
    if not error:
        text = one_line(text_of(payload, "last_agent_message")) or None
        return replace(_says((WAITING,), "task_complete", text=text), is_turn_over=True)
    text = one_line(text_of(error, "message")) or "an error of the API"
    if not _LIMIT.search(str(error.get("codex_error_info"))):
        return _says((WAITING,), "task_complete with an error", text=text)
    until = _window_end(entries) or (reset_time(text, at) if at else None)
    return replace(_says((LIMITED,), "task_complete at a usage limit", text=text), limited_until=until)


def _window_end(entries: Sequence[Fields]) -> datetime | None:
    """Say when the last of the windows of use ends that are full, by the newest word about them."""
    for entry in reversed(entries):
        limits = fields_of(fields_of(entry.get("payload")).get("rate_limits"))
        windows = [fields_of(limits.get(name)) for name in ("primary", "secondary")]
        full = [_number(one, "resets_at") for one in windows if _number(one, "used_percent") >= _FULL_PERCENT]
        if full:
            return sane_time(max(full)) if max(full) > 0 else None
    return None


def _spent(entries: Sequence[Fields]) -> tuple[Spent, ...]:
    for entry in reversed(entries):
        total = fields_of(fields_of(fields_of(entry.get("payload")).get("info")).get("total_token_usage"))
        if total:
            return (Spent(key=_THREAD, tokens=_tokens(total), is_total=True),)
    return ()


def _tokens(usage: Fields) -> Tokens:
    read, written = count_of(usage, "cached_input_tokens"), count_of(usage, "cache_write_input_tokens")
    fresh = max(0, count_of(usage, "input_tokens") - read - written)
    return Tokens(input=fresh, output=count_of(usage, "output_tokens"), cache_read=read, cache_write=written)


def _about(entries: Sequence[Fields]) -> Fields:
    heads = (entry for entry in reversed(entries) if entry.get("type") == "session_meta")
    return fields_of(next(heads, {}).get("payload"))


def _number(fields: Fields, name: str) -> float:
    value = fields.get(name)
    return value if isinstance(value, int | float) else 0


def _says(
    allows: tuple[Activity, ...], excerpt: str, *, text: str | None = None, prompt: str | None = None
) -> Testimony:
    return Testimony(observer="transcript", allows=allows, text=text, excerpt=excerpt, prompt=prompt)

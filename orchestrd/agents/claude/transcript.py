"""Claude Code's transcript, line by line: what it says of the turn.

It comes late (a tenth of a second and more) and misses an interrupt before the first token, but it alone tells of the
other interrupts and of denied dialogs. A tool call without its result may be running or waiting for permission. An
answer may yet be sent back by a hook of the user: only the entry that measures the turn says that it is over.
"""

import re
from collections.abc import Sequence
from operator import itemgetter

from msgspec.structs import replace

from orchestrd.agents.reports import written_time
from orchestrd.agents.reset_times import reset_time
from orchestrd.core.conversation import (
    INTERRUPTED,
    Fields,
    blocks_of,
    conversation_id,
    described,
    fields_of,
    is_prompt,
    one_line,
    text_of,
)
from orchestrd.core.launch import decode_record
from orchestrd.core.wording import count_of
from orchestrd.model.observation import Testimony
from orchestrd.model.spending import Spent, Tokens
from orchestrd.model.words import Activity

WORKING, WAITING, BLOCKED, LIMITED = Activity.WORKING, Activity.WAITING, Activity.BLOCKED, Activity.LIMITED
_UNDER_WAY = (WORKING, BLOCKED)
_ANSWERED = (WAITING, WORKING)
_STOPPED = ((WAITING,), (LIMITED,))  # by an error or the user, which tells more than that the turn is over

_OF_THE_TURN = frozenset({"user", "assistant", "system", "queue-operation"})
_LIMIT = re.compile(
    r"\b429\b|\b(?:usage|session|weekly|rate|opus|sonnet|\d-hour) limit|\bhit your\b|\bout of (?:extra )?usage\b",
    re.IGNORECASE,
)


def read_transcript(lines: Sequence[bytes]) -> tuple[list[Testimony], int]:
    """Say what new lines come to: each prompt, and the last word of all; and how many lines are none."""
    said: list[Testimony] = []
    entries = [entry for line in lines if (entry := decode_record(line, dict)) is not None]
    for entry in _as_it_went(entries):
        if (word := _word(entry, said[-1] if said else None)) is not None:
            said.append(word)
    if said:
        said[-1] = replace(said[-1], spent=_spent(entries), version=text_of(entries[-1], "version") or None)
    told = [word for word in said if word.prompt is not None or word is said[-1]]
    return told, len(lines) - len(entries)


def _spent(entries: Sequence[Fields]) -> tuple[Spent, ...]:
    """Say what each answer has cost; every one of its blocks is an entry that tells of the whole."""
    messages = [fields_of(entry.get("message")) for entry in entries if entry.get("isSidechain") is not True]
    told = {text_of(message, "id"): fields_of(message.get("usage")) for message in messages if "usage" in message}
    return tuple(Spent(key=key, tokens=_tokens(usage)) for key, usage in told.items() if key)


def _tokens(usage: Fields) -> Tokens:
    return Tokens(
        input=count_of(usage, "input_tokens"),
        output=count_of(usage, "output_tokens"),
        cache_read=count_of(usage, "cache_read_input_tokens"),
        cache_write=count_of(usage, "cache_creation_input_tokens"),
    )


def _as_it_went(entries: Sequence[Fields]) -> Sequence[Fields]:
    """Put entries in the order of what they tell: those of a first turn may be written in another one."""
    of_turn = [entry for entry in entries if text_of(entry, "type") in _OF_THE_TURN]
    times = [at for entry in of_turn if (at := written_time(text_of(entry, "timestamp"))) is not None]
    if len(times) < len(of_turn):
        return entries
    return [entry for _, entry in sorted(zip(times, of_turn, strict=True), key=itemgetter(0))]


def _word(entry: Fields, before: Testimony | None) -> Testimony | None:
    """Say what one entry says behind the one `before`; null where that is nothing of the turn."""
    word = None
    if entry.get("isSidechain") is True or entry.get("isMeta") is True:
        return None
    match entry.get("type"):
        case "user":
            word = _of_user(entry)
        case "assistant":
            word = _of_assistant(entry)
        case "queue-operation":
            word = _of_queue(entry)
        case "system" if entry.get("subtype") == "turn_duration":
            word = _of_turn(entry, before)
    if word is None:
        return None
    return replace(
        word, at=written_time(text_of(entry, "timestamp")), conversation=conversation_id(text_of(entry, "sessionId"))
    )


def _of_user(entry: Fields) -> Testimony:
    blocks = blocks_of(entry)
    said = "\n".join(text_of(block, "text") for block in blocks)
    if any(block.get("type") == "tool_result" for block in blocks):
        return _says(_UNDER_WAY, "tool_result")
    if said.startswith(INTERRUPTED):
        return _says((WAITING,), one_line(said), text="interrupted by the user")
    if not said or not is_prompt(said):
        return _says((WORKING, BLOCKED, WAITING), "a note of its own")
    return _says((WORKING,), f"prompt: {one_line(said)}", prompt=said)


def _of_assistant(entry: Fields) -> Testimony:
    blocks = blocks_of(entry)
    said = one_line(" ".join(text_of(block, "text") for block in blocks)) or None
    if entry.get("isApiErrorMessage") is True:
        is_limit = entry.get("error") == "rate_limit" or entry.get("apiErrorStatus") == 429 or _LIMIT.search(said or "")
        word = _says((LIMITED,) if is_limit else (WAITING,), "API error", text=said or "an error of the API")
        told_at = written_time(text_of(entry, "timestamp")) if is_limit else None
        return replace(word, limited_until=reset_time(said or "", told_at)) if told_at else word
    calls = [described(block, "name", "input") for block in blocks if block.get("type") == "tool_use"]
    if calls:
        return _says(_UNDER_WAY, f"tool_use {calls[-1]}", text=calls[-1])
    if fields_of(entry.get("message")).get("stop_reason") is None:
        return _says(_UNDER_WAY, "answers")
    return _says(_ANSWERED, "answered", text=said)


def _of_queue(entry: Fields) -> Testimony | None:
    """A prompt that came while it worked: taken, and held for later."""
    said = text_of(entry, "content")
    if entry.get("operation") != "enqueue" or not said or not is_prompt(said):
        return None
    return _says(_UNDER_WAY, f"queued: {one_line(said)}", prompt=said)


def _of_turn(entry: Fields, before: Testimony | None) -> Testimony:
    subagents = entry.get("pendingBackgroundAgentCount")
    if isinstance(subagents, int) and subagents > 0:
        return _says(_UNDER_WAY, f"turn_duration, with {subagents} background agents at work")
    if before is not None and before.allows in _STOPPED:
        return before
    text = before.text if before is not None and before.allows == _ANSWERED else None
    return replace(_says((WAITING, LIMITED), "turn_duration", text=text), is_turn_over=True)


def _says(
    allows: tuple[Activity, ...], excerpt: str, *, text: str | None = None, prompt: str | None = None
) -> Testimony:
    return Testimony(observer="transcript", allows=allows, text=text, excerpt=excerpt, prompt=prompt)

"""Codex's transcript, called rollout, as people read it, and where it lies.

How it is worded stands in `orchestrd/core/wording.py`. One JSON object a line, each with a `type` and a `payload`. What
was said stands there twice, as the model has it and as an item of its turn: the item is told. A line that is none is
passed over.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from orchestrd.core.conversation import Conversation
from orchestrd.core.launch import decode_record
from orchestrd.core.wording import INTERRUPTED, Fields, fields_of, text_of

ZONE = timedelta(hours=14)  # no clock on a wall is further from that of UTC
CALLS = frozenset({"function_call", "custom_tool_call", "local_shell_call"})
OUTPUTS = frozenset({"function_call_output", "custom_tool_call_output"})
_FAILED = re.compile(r"Process exited with code (?!0\b)\d+")


def rollout_pattern(environment: Mapping[str, str], conversation: str) -> str | None:
    """Say where Codex keeps a conversation, with `*` for what is not known of it; null without a home.

    Its id begins with when it began, in milliseconds; its folder is that day, in the time zone of where it was.
    """
    home = environment.get("CODEX_HOME") or (environment["HOME"] + "/.codex" if environment.get("HOME") else None)
    if home is None:
        return None
    try:
        begun = datetime.fromtimestamp(int(conversation[:8] + conversation[9:13], 16) / 1_000, UTC)
        days = [f"{begun + shift:%Y/%m/%d}".split("/") for shift in (-ZONE, ZONE)]
    except (ValueError, OverflowError, OSError):
        days = [["*"] * 3] * 2
    folders = "/".join(one if one == other else "*" for one, other in zip(*days, strict=True))
    return f"{home.rstrip('/')}/sessions/{folders}/rollout-*-{conversation}.jsonl"


class RolloutConversation(Conversation):
    """Tells of a rollout line by line, as it grows."""

    def tell(self, line: bytes) -> Iterator[str]:
        """Give what a line adds, entry by entry; an entry may have several lines."""
        entry = fields_of(decode_record(line, dict))
        payload = fields_of(entry.get("payload"))
        match entry.get("type"), text_of(payload, "type"):
            case "event_msg", "item_completed":
                yield from self._told_item(fields_of(payload.get("item")))
            case "event_msg", "turn_aborted":
                yield from self._telling.tell(_said("user", {"type": "text", "text": INTERRUPTED + "]"}))
            case "event_msg", "task_complete" if error := text_of(fields_of(payload.get("error")), "message"):
                yield from self._telling.tell(
                    _said("assistant", {"type": "text", "text": error}) | {"isApiErrorMessage": True}
                )
            case "response_item", kind if kind in CALLS:
                call = {"id": text_of(payload, "call_id"), "name": text_of(payload, "name")}
                yield from self._telling.tell(
                    _said("assistant", {"type": "tool_use", "input": given_to(payload), **call})
                )
            case "response_item", kind if kind in OUTPUTS:
                yield from self._told_output(payload)
            case "compacted", _:
                yield from self._telling.tell({"type": "system", "subtype": "compact_boundary"})
            case _:
                return

    def _told_item(self, item: Fields) -> Iterator[str]:
        speaker = {"UserMessage": "user", "AgentMessage": "assistant"}.get(text_of(item, "type"))
        if speaker is not None:
            yield from self._telling.tell(_said(speaker, {"type": "text", "text": words_of(item)}))

    def _told_output(self, payload: Fields) -> Iterator[str]:
        output = text_of(payload, "output")
        result = {"type": "tool_result", "tool_use_id": text_of(payload, "call_id"), "content": output}
        yield from self._telling.tell(_said("user", result | {"is_error": bool(_FAILED.search(output))}))


def words_of(item: Fields) -> str:
    """Give what the user or the model has said in an item."""
    content = item.get("content")
    parts = [fields_of(part) for part in content] if isinstance(content, list) else []
    return "\n".join(text_of(part, "text") for part in parts)


def given_to(call: Fields) -> Fields:
    """Give what a tool is given, under `command` where that is a command or a mere text."""
    text = text_of(call, "arguments") or text_of(call, "input")
    given = fields_of(decode_record(text.encode("utf-8", "replace"), dict))
    command = text_of(given, "cmd") or ("" if given else text)
    return {**given, "command": command} if command else given


def _said(speaker: str, block: Fields) -> Fields:
    """Write it as the wording knows it."""
    return {"type": speaker, "message": {"content": [block]}}

"""How a conversation is worded for people: what was asked and answered, each tool call with its result, and errors.

Entries are those of Claude Code: objects of JSON, whose fields are taken only where they are what they should be. One
that means nothing to a reader is passed over: nothing raises. What is told is text without terminal escapes, each
piece at most CONVERSATION_ENTRY_CHARS_MAX long. Only the standard library is imported: hosts need it, and start fast.
"""

import re
from collections.abc import Iterator
from typing import Any

from orchestrd.model.limits import CONVERSATION_CALLS_MAX, CONVERSATION_ENTRY_CHARS_MAX, TOLD_CHARS_MAX

Fields = dict[str, Any]  # of an object in JSON: whatever a program has written there

INTERRUPTED = "[Request interrupted by user"  # how its own words begin
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])?")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_NOTE = re.compile(r"\s*<(?:command-|local-command-|bash-|task-notification|system-reminder)")  # the program's own
_TELLING = ("command", "file_path", "path", "url", "query", "pattern", "prompt", "description")


class Telling:
    """Tells of a conversation entry by entry, as it grows."""

    def __init__(self) -> None:
        self._calls: dict[str, str] = {}  # tool calls without a result yet, by their ids

    def tell(self, entry: Fields) -> Iterator[str]:
        """Give what an entry adds, each of which may have several lines."""
        if entry.get("isSidechain") is True or entry.get("isMeta") is True:
            return
        match entry.get("type"):
            case "user":
                yield from self._told_by_user(entry)
            case "assistant":
                yield from self._told_by_agent(entry)
            case "system" if entry.get("subtype") == "compact_boundary":
                yield "[the conversation so far was summarised]"

    def unfinished(self) -> tuple[str, ...]:
        """Give the tool calls that have no result (yet)."""
        return tuple(f"* {call}: no result yet" for call in self._calls.values())

    def _told_by_user(self, entry: Fields) -> Iterator[str]:
        for block in blocks_of(entry):
            if block.get("type") == "tool_result":
                yield self._told_result(block)
            elif text := text_of(block, "text"):
                yield from _told_words(text, is_summary=entry.get("isCompactSummary") is True)

    def _told_by_agent(self, entry: Fields) -> Iterator[str]:
        for block in blocks_of(entry):
            if block.get("type") == "tool_use":
                self._remember(text_of(block, "id"), described(block, "name", "input"))
            elif text := readable(text_of(block, "text")):
                yield f"! {text}" if entry.get("isApiErrorMessage") is True else text

    def _told_result(self, block: Fields) -> str:
        call = self._calls.pop(text_of(block, "tool_use_id"), "a tool")
        if block.get("is_error") is not True:
            return f"* {call}: ok"
        words = " ".join(text_of(part, "text") for part in blocks_of({"message": block}))
        return f"* {call}: failed: {one_line(words)}"

    def _remember(self, call: str, described_as: str) -> None:
        while len(self._calls) >= CONVERSATION_CALLS_MAX:
            del self._calls[next(iter(self._calls))]
        self._calls[call] = described_as


def described(call: Fields, name: str, given: str) -> str:
    """Tell of a tool call in one line: which tool (under `name`), and the most telling thing it was given."""
    tool, input_ = one_line(text_of(call, name)) or "a tool", fields_of(call.get(given))
    questions = input_.get("questions")
    if isinstance(questions, list) and questions:
        input_ = {"command": text_of(fields_of(questions[0]), "question")}
    said = next((text for key in _TELLING if (text := one_line(text_of(input_, key)))), "")
    return f"{tool}: {said}" if said else tool


def blocks_of(entry: Fields) -> list[Fields]:
    """Give the blocks of an entry's message; one that is a mere text is one block."""
    content = fields_of(entry.get("message")).get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def fields_of(value: object) -> Fields:
    """Take a value for an object, where it is one."""
    return value if isinstance(value, dict) else {}


def text_of(fields: Fields, name: str) -> str:
    """Take a field for a text, where it is one."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def count_of(fields: Fields, name: str) -> int:
    """Take a field for a count, where it is one."""
    value = fields.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def readable(text: str) -> str:
    """Take out what a terminal would obey, and cut what is longer than an entry may be."""
    clean = _CONTROL.sub("", _ESCAPE.sub("", text)).strip()
    more = len(clean) - CONVERSATION_ENTRY_CHARS_MAX
    return f"{clean[:CONVERSATION_ENTRY_CHARS_MAX]}… ({more} more characters)" if more > 0 else clean


def one_line(text: str) -> str:
    """Tell of a text in one line of at most TOLD_CHARS_MAX characters."""
    words = " ".join(readable(text[: 8 * TOLD_CHARS_MAX]).split())
    return words if len(words) <= TOLD_CHARS_MAX else words[: TOLD_CHARS_MAX - 1] + "…"


def is_prompt(text: str) -> bool:
    """Tell what a user has written from what the program noted down in the user's place."""
    return not text.startswith(INTERRUPTED) and not _NOTE.match(text)


def _told_words(text: str, *, is_summary: bool) -> Iterator[str]:
    if text.startswith(INTERRUPTED):
        yield "[interrupted by the user]"
    elif is_prompt(text) and not is_summary and (words := readable(text)):
        yield "\n".join(f"> {line}".rstrip() for line in words.split("\n"))

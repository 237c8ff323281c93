"""What Codex does in a turn, item by item, in the words in which the calls of tools are told."""

from orchestrd.core.wording import Fields, fields_of, one_line, text_of

_UNDONE = ("failed", "declined")


def call_of(item: Fields) -> str:
    """Tell of an item that is the use of a tool, in one line; empty for those that are words or thoughts."""
    match item.get("type"):
        case "commandExecution":
            return f"run: {one_line(text_of(item, 'command'))}"
        case "fileChange":
            return f"edit: {paths_of(item)}"
        case "mcpToolCall":
            return f"{one_line(text_of(item, 'server'))}: {one_line(text_of(item, 'tool'))}"
        case "dynamicToolCall" | "collabAgentToolCall":
            return one_line(text_of(item, "tool"))
        case "webSearch":
            return f"search: {one_line(text_of(item, 'query'))}"
        case _:
            return ""


def outcome_of(item: Fields) -> str:
    """Tell how the use of a tool has ended."""
    status, code = text_of(item, "status"), item.get("exitCode")
    if status == "declined":
        return "failed: refused"
    if status not in _UNDONE and code in (None, 0):
        return "ok"
    output = text_of(item, "aggregatedOutput") or text_of(fields_of(item.get("error")), "message")
    why = one_line(output[-1_000:])
    return f"failed with {code}: {why}" if isinstance(code, int) and code else f"failed: {why}".rstrip(": ")


def paths_of(change: Fields) -> str:
    """Name the files that an item changes."""
    changes = change.get("changes")
    named = [text_of(fields_of(one), "path") for one in changes] if isinstance(changes, list) else []
    return one_line(", ".join(filter(None, named))) or "files"

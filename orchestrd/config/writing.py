"""Values as TOML writes them, in one line."""

from typing import Any

import msgspec


def written(value: Any) -> str:
    """Write a text, a number, a list or a table; what is not set has no form in TOML."""
    match value:
        case None:
            return "(not set)"
        case dict():
            inside = ", ".join(f"{_name(name)} = {written(held)}" for name, held in value.items())
            return f"{{{inside}}}"
        case list() | tuple():
            return f"[{', '.join(map(written, value))}]"
        case float():
            return repr(value)
        case _:
            return msgspec.json.encode(value).decode()


def _name(name: str) -> str:
    is_bare = name.isascii() and name.replace("-", "_").replace("_", "a").isalnum()
    return name if is_bare else written(name)

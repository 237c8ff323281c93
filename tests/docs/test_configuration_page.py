"""The reference of the configuration is made of its schema; `--rewrite` writes it anew."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from orchestrd import config
from tests.docs.pages import DOCS, with_generated

PAGE = DOCS / "configuration.md"
Json = dict[str, Any]
MAY = {"user": "only you", "trusted": "a repository once trusted", "anyone": "a repository too"}


def reference(schema: Json) -> str:
    """Write a schema as a section of the page for each section of the file."""
    return "\n\n".join(_section(name, section) for name, section in _sections(schema))


def _sections(schema: Json) -> Iterator[tuple[str, Json]]:
    for name, section in schema["properties"].items():
        if "properties" in section:
            yield name, section
        else:
            yield f"{name}.NAME", section["additionalProperties"]


def _keys(section: Json) -> Iterator[tuple[str, Json]]:
    """Give the keys of a section, and those of the tables in it."""
    for key, told in section["properties"].items():
        if "properties" in told:
            yield from ((f"{key}.{inner}", one) for inner, one in _keys(told))
        else:
            yield key, told


def _section(name: str, section: Json) -> str:
    rows = "\n".join(_row(key, told) for key, told in _keys(section))
    head = "| key | default | | set by |\n|---|---|---|---|"
    return f"## `[{name}]`\n\n{section['description']}\n\n{head}\n{rows}"


def _row(key: str, told: Json) -> str:
    default = f"`{json.dumps(told['default'])}`" if told.get("default") is not None else "unset"
    return (
        f"| `{key}` | {default} | {' '.join(_sentences(told)).replace('|', chr(92) + '|')} | {MAY[told['x-set-by']]} |"
    )


def _sentences(told: Json) -> Iterator[str]:
    yield told["description"]
    if words := told.get("anyOf", [told])[0].get("enum"):
        yield "One of " + ", ".join(f"`{word}`" for word in words) + "."
    if aside := ", ".join(filter(None, (told.get("x-unit"), _range(told)))):
        yield aside[0].upper() + aside[1:] + "."
    if examples := told.get("examples"):
        yield f"Example: `{_as_toml(examples[0])}`."


def _range(told: Json) -> str:
    if "minimum" not in told:
        return ""
    return f"from {told['minimum']:g}" + (f" to {told['maximum']:g}" if "maximum" in told else " on")


def _as_toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {json.dumps(one)}" for name, one in value.items()) + " }"
    return json.dumps(value)


def test_the_reference_is_what_the_schema_says(golden: Callable[[Path, str], None]) -> None:
    golden(PAGE, with_generated(PAGE, reference(config.schema())))


def test_every_key_is_told_with_who_may_set_it() -> None:
    keys = [key for _, section in _sections(config.schema()) for key, _ in _keys(section)]
    told = reference(config.schema())

    assert [key for key in keys if told.count(f"| `{key}` |") != keys.count(key)] == []
    assert told.count("|\n") + 1 >= len(keys)

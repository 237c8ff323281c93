"""The JSON Schema of a configuration file, made from the nouns: for editors, and for the reference."""

from typing import Any

from msgspec import inspect

from orchestrd.config.keys import KEYS, SECTIONS, Key


def schema() -> dict[str, Any]:
    """Give the schema. Each key bears its meaning, unit (`x-unit`), default, owner (`x-set-by`) and variable."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "config.toml of orchestrd",
        "type": "object",
        "properties": {section: _section(section, about) for section, about in SECTIONS.items()},
        "additionalProperties": False,
    }


def _section(section: str, about: str) -> dict[str, Any]:
    return {
        "description": about,
        "type": "object",
        "properties": {key.name: _key(key) for key in KEYS.values() if key.section == section},
        "additionalProperties": False,
    }


def _key(key: Key) -> dict[str, Any]:
    told = {
        "description": key.meaning,
        **_form(key),
        "default": key.default,
        "examples": None if key.example is None else [key.example],
        "x-unit": key.unit or None,
        "x-set-by": key.set_by.value,
        "x-variable": key.variable,
    }
    return {word: value for word, value in told.items() if value is not None}


def _form(key: Key) -> dict[str, Any]:
    match key.form:
        case inspect.FloatType(ge=least, le=most):
            return {"type": "number", "minimum": least, "maximum": most}
        case inspect.IntType(ge=least, le=most):
            return {"type": "integer", "minimum": least} | ({"maximum": most} if most else {})
        case inspect.VarTupleType(max_length=most):
            return {"type": "array", "items": {"type": "string"}, "maxItems": most}
        case inspect.DictType(max_length=most):
            return {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": most}
        case inspect.StrType(pattern=pattern):
            return {"type": "string"} | ({"pattern": pattern} if pattern else {})
        case _:
            return {"type": "string", "enum": list(key.choices)}

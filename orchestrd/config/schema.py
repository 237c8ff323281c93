"""The JSON Schema of a configuration file, made from the nouns: for editors, and for the reference."""

from typing import Any

from msgspec import inspect

from orchestrd.config.keys import (
    ANY_NAME,
    KEYS,
    NAMED,
    SECTIONS,
    TABLES,
    Installed,
    Key,
    none_installed,
    with_installed,
)
from orchestrd.config.reading import SETTING_NAME
from orchestrd.model.limits import SETTING_NAME_CHARS_MAX


def schema(installed: Installed = none_installed) -> dict[str, Any]:
    """Give the schema. Each key bears its meaning, unit (`x-unit`), default, owner (`x-set-by`) and variable."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "config.toml of orchestrd",
        "type": "object",
        "properties": {section: _section(section, about, installed) for section, about in SECTIONS.items()},
        "additionalProperties": False,
    }


def _section(section: str, about: str, installed: Installed) -> dict[str, Any]:
    if section not in NAMED:
        return _table(f"{section}.", about, installed)
    return {
        "type": "object",
        "propertyNames": {"pattern": f"^{SETTING_NAME}$", "maxLength": SETTING_NAME_CHARS_MAX},
        "additionalProperties": _table(f"{section}.{ANY_NAME}.", about, installed) | {"minProperties": 1},
    }


def _table(place: str, about: str, installed: Installed) -> dict[str, Any]:
    """Give the schema of all that stands in one place, and of the tables of keys there."""
    properties: dict[str, Any] = {}
    for dotted, key in KEYS.items():
        name, _, deeper = dotted.removeprefix(place).partition(".")
        if dotted.startswith(place) and deeper:
            properties.setdefault(name, _table(f"{place}{name}.", TABLES[f"{place}{name}"], installed))
        elif dotted.startswith(place):
            properties[name] = _key(with_installed(key, installed))
    return {"description": about, "type": "object", "properties": properties, "additionalProperties": False}


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
        case inspect.BoolType():
            return {"type": "boolean"}
        case inspect.VarTupleType(max_length=most):
            item = {"type": "string"} | ({"enum": list(key.choices)} if key.choices else {})
            many = {"type": "array", "items": item, "maxItems": most}
            return {"anyOf": [item, many]} if key.is_alone else many
        case inspect.DictType(max_length=most):
            return {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": most}
        case inspect.StrType(pattern=pattern) if not key.choices:
            return {"type": "string"} | ({"pattern": pattern} if pattern else {})
        case _:
            return {"type": "string", "enum": list(key.choices)}

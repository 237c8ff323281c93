"""What another hand's JSON holds beyond what we know of it, kept by value, and how it is put back.

Objects in lists are told apart by what names them, not by their place, so that an unknown field of the second message
stays with that message when the first is gone. What we know is never overridden by what we do not.
"""

from typing import Any

from msgspec import Struct

NAMES = ("sequence", "id", "name")  # what names an object in a list; the first that it has


class Overlay(Struct, frozen=True):
    """Unknown fields of one object by name, and the overlays of its known members by their key."""

    fields: dict[str, Any]
    inside: dict[Any, "Overlay"]


def beyond(theirs: Any, ours: Any) -> Overlay | None:
    """Find what `theirs` holds and `ours` does not, at any depth that both have; null when there is nothing."""
    found, known = _members(theirs), _members(ours)
    are_objects = isinstance(theirs, dict) and isinstance(ours, dict)
    fields = {key: value for key, value in found.items() if key not in known} if are_objects else {}
    inside = {key: more for key in found.keys() & known.keys() if (more := beyond(found[key], known[key]))}
    return Overlay(fields, inside) if fields or inside else None


def merge(ours: Any, overlay: Overlay) -> None:
    """Put back, in place, what was found; what belongs to a member that is gone is gone with it."""
    if isinstance(ours, dict):
        for name, value in overlay.fields.items():
            ours.setdefault(name, value)
    members = _members(ours)
    for key in overlay.inside.keys() & members.keys():
        merge(members[key], overlay.inside[key])


def _members(value: Any) -> dict[Any, Any]:
    """Give what can be told apart inside a value: fields by name, objects of a list by what names them."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        return {_name_of(item): item for item in value if isinstance(item, dict)}
    return {}


def _name_of(item: dict[str, Any]) -> Any:
    return next((item[name] for name in NAMES if isinstance(item.get(name), str | int)), None)

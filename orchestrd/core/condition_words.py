"""A condition, and what a reaction does, as a configuration has them, in a few words."""

from collections.abc import Iterator
from typing import Any

from msgspec.structs import asdict

from orchestrd.core.duration import duration_of
from orchestrd.model.reaction import Act, Condition, Reaction

_DURATIONS = {"silent_s": "silent for {}", "unread_s": "a message unread for {}", "age_s": "begun {} ago"}
_FLAGS = {
    "remarks": ("remarks that are not settled", "no remarks that are not settled"),
    "stuck": ("stuck", "not stuck"),
    "verified": ("verified", "found wanting by its verification"),
    "all_ended": ("the last of all to end", "not the last of all to end"),
}


def asked_by(when: Condition) -> str:
    """Say what must be so: `pr draft or open, checks failing`."""
    return ", ".join(_asked(when)) or "nothing"


def done_by(reaction: Reaction) -> str:
    """Say what it does: `notify (urgent)`."""
    match reaction.act:
        case Act.NOTIFY:
            return f"notify ({reaction.priority})"
        case Act.MERGE:
            return f"merge ({reaction.method})"
        case Act.SPAWN if reaction.agent:
            return f"spawn ({reaction.agent})"
        case act:
            return str(act)


def _asked(when: Condition) -> Iterator[str]:
    for name, value in asdict(when).items():
        if value is not None and value != ():
            yield _one(name, value)


def _one(name: str, value: Any) -> str:
    if name in _DURATIONS:
        return _DURATIONS[name].format(duration_of(value))
    if name in _FLAGS:
        return _FLAGS[name][not value]
    if name == "cost_usd":
        return f"a cost of ${value:g}"
    if name == "tokens":
        return f"{value} tokens"
    return f"{name} {' or '.join(value)}"

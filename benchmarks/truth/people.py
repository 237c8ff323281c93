"""What a person presses at the terminal of each agent, and what is true from then on: read from `people.toml`."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

PLACE = Path(__file__).with_name("people.toml")


class Press(Struct, frozen=True, forbid_unknown_fields=True):
    """Keys in the words of tmux, and what they make true where no model can know it; null where it knows by itself.

    `choice` in place of keys: the answer with that number, counted from either end, is given as `orch answer` does.
    """

    keys: tuple[str, ...] = ()
    choice: int | None = None
    then: str | None = None


Presses = Mapping[str, Press]


def presses_of(agent: str) -> Presses:
    """Give all that a person may press at the terminal of an agent, by its name; nothing for one that has none."""
    told = msgspec.convert(tomllib.loads(PLACE.read_text(encoding="utf-8")), dict[str, dict[str, Press]])
    return told.get(agent, {})

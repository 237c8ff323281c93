"""What is read from screens that real agents have shown: `screens/<agent>/<version>/*.txt`, beside `.expected`.

A row of `.expected` is a screen: what it allows, by which rule, what people are told, and how it can be answered.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrd.agents.screen_rules import read_screen
from orchestrd.plugins import Plugins

SCREENS = Path(__file__).parent / "screens"
AGENTS = Plugins().agents()
VERSIONS = sorted(path for path in SCREENS.glob("*/*") if path.parent.name in AGENTS)


def verdict(agent: str, version: str, screen: str) -> str:
    said = read_screen(screen, AGENTS[agent].screen_rules, version)
    if not said.allows:
        return "nothing"
    rule, _, _ = said.excerpt.partition(":")
    choices = (
        [f"{choice.key} {choice.label} [{choice.reply}]" for choice in said.decision.choices] if said.decision else []
    )
    told = ("/".join(said.allows), f"by {rule}", said.text or "", *choices)
    return " | ".join(filter(None, told))


@pytest.mark.parametrize("place", VERSIONS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_every_captured_screen_is_read_as_expected(place: Path, golden: Callable[[Path, str], None]) -> None:
    rows = [
        f"{file.stem}: {verdict(place.parent.name, place.name, file.read_text())}"
        for file in sorted(place.glob("*.txt"))
    ]

    golden(place / ".expected", "\n".join(rows) + "\n")

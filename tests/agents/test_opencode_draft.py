"""What stands in the box of OpenCode, by screens of the real one."""

from pathlib import Path

import pytest

from orchestrd.agents.opencode import OpenCodeAgent

AGENT = OpenCodeAgent()
SCREENS = Path(__file__).parent / "screens" / "opencode"
STYLED = Path(__file__).parent / "opencode_boxes"
TYPED = {
    "draft": "half a thought",
    "draft_pasted": "[Pasted ~30 lines]",
    "shell_mode": "!touch banged; sleep 3",
    "slash_menu": "/",
    # whatever else takes what is typed
    "help_open": "Help",
    "models_open": "Select model",
    "palette": "Commands",
}


@pytest.mark.parametrize("screen", sorted(SCREENS.glob("*/*.txt")), ids=lambda path: path.stem)
def test_only_what_a_person_has_begun_is_a_draft(screen: Path) -> None:
    assert AGENT.draft(screen.read_text()) == TYPED.get(screen.stem)


@pytest.mark.parametrize(("name", "typed"), [("draft", "half a thought"), ("home", None)])
def test_how_it_looks_does_not_matter(name: str, typed: str | None) -> None:
    assert AGENT.draft((STYLED / f"{name}.txt").read_text()) == typed


def test_an_empty_box_that_takes_commands_is_one_that_nothing_is_typed_into() -> None:
    assert AGENT.draft("  ┃\n  ┃\n  ┃\n  ┃  Shell\n  ╹▀▀▀▀▀▀▀▀▀▀▀▀\n") == "!"


def test_a_foot_without_a_box_has_no_draft() -> None:
    assert AGENT.draft("text\n  ╹▀▀▀▀▀▀▀▀▀▀▀▀\n") is None

"""What stands in the box of Claude Code: a draft that a person has typed, or nothing that would go along."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrd.agents.claude import ClaudeAgent
from orchestrd.agents.shell import ShellAgent
from orchestrd.model.limits import TOLD_CHARS_MAX
from tests.agents.samples import EVERY_SAMPLE, named, screens_of

AGENT = ClaudeAgent()
DRAFTS = {
    "draft": "and what about",
    "draft_of_lines": "and what about the pears?",
    "interrupted_early": "What do we sell?",  # it went back into the box
}
PUT_THERE_BY_ITSELF = frozenset({"queued", "suggested"})  # which only the style tells
STYLED = [sample for sample in EVERY_SAMPLE if screens_of(sample, "styled")]
RULE = "─" * 40
DIM, INVERSE, PLAIN = "\x1b[2m", "\x1b[7m", "\x1b[0m"


def box(*lines: str, sign: str = "❯", above: str = "● Done.", below: str = "  ? for shortcuts") -> str:
    return "\n".join([above, "", RULE, f"{sign}\N{NO-BREAK SPACE}{lines[0]}", *lines[1:], RULE, below])


@pytest.mark.parametrize("sample", STYLED, ids=named)
def test_a_draft_is_what_a_person_has_typed_and_not_sent(sample: Path) -> None:
    assert {AGENT.draft(screen) for screen in screens_of(sample, "styled")} == {DRAFTS.get(sample.name)}


def test_screens_with_their_styles_are_recorded_of_all_that_stands_in_a_box() -> None:
    assert {*DRAFTS, *PUT_THERE_BY_ITSELF, "idle", "working"} <= {sample.name for sample in STYLED}


@pytest.mark.parametrize("sample", [one for one in EVERY_SAMPLE if one.name not in PUT_THERE_BY_ITSELF], ids=named)
def test_no_other_screen_that_was_ever_recorded_shows_a_draft(sample: Path) -> None:
    assert {AGENT.draft(screen) for screen in screens_of(sample, "screen")} == {DRAFTS.get(sample.name)}


@pytest.mark.parametrize(
    ("screen", "draft"),
    [
        (box("go on"), "go on"),
        (box("go on", below=""), "go on"),
        (box("go", "", "  on"), "go on"),
        (box(f"go on{INVERSE} {PLAIN}"), "go on"),
        (box(f"{INVERSE}g{PLAIN}o on"), "go on"),
        (box(f"/model{DIM} [name]{PLAIN}"), "/model [name]"),
        (box("ls", sign="!"), "ls"),
        (box("\x1b[38;5;2mgo\x1b[39m \x1b[38;2;7;7;7mon"), "go on"),
        (box(f"{DIM}{INVERSE}x\x1b[22;27mgo on"), "xgo on"),
        (box("\x1b]8;;http://a\x1b\\go\x1b]8;;\x1b\\ on\x0f"), "go on"),
        (box(""), None),
        (box("   "), None),
        (box("", sign="!"), None),
        (box(f"{INVERSE} {PLAIN}"), None),
        (box(f"{INVERSE}c{PLAIN}{DIM}ount the pears"), None),
        (box(f"{INVERSE}c\x1b[0;2mount the", "  pears"), None),
        (box(f"{DIM}count the pears"), None),
        (box("\x1b[2;38;5;7mcount the pears"), None),
        ("", None),
        (RULE, None),
        ("go on", None),
        (f"{RULE}\n❯ 1. Yes\n{RULE}\n", None),
        (f"{RULE}\n❯\N{NO-BREAK SPACE}go on", None),
        (f"❯\N{NO-BREAK SPACE}go on\n{RULE}", None),
        (f"{RULE}\n❯\N{NO-BREAK SPACE}go on\nDo you want to proceed?\n{RULE}\n", None),
    ],
)
def test_only_what_looks_just_like_a_box_with_letters_in_it_is_a_draft(screen: str, draft: str | None) -> None:
    assert AGENT.draft(screen) == draft


def test_a_box_that_the_conversation_quotes_is_none() -> None:
    quoted = "\n".join(f"  {line}" for line in box("rm -r /").split("\n"))

    assert AGENT.draft(box("", above=quoted)) is None
    assert AGENT.draft(box("go on", above=quoted)) == "go on"


def test_a_draft_is_told_in_one_line_that_is_not_long() -> None:
    draft = AGENT.draft(box(*["  word " * 100] * 30))

    assert draft is not None
    assert draft.startswith("word word")
    assert len(draft) == TOLD_CHARS_MAX


@given(st.text(st.sampled_from("─❯!\xa0 \n\x1b[2;7m0x"), max_size=200))
def test_whatever_a_screen_shows_reading_it_does_not_raise(screen: str) -> None:
    AGENT.draft(box(screen, above=screen))


def test_a_shell_has_no_box() -> None:
    assert ShellAgent().draft(box("go on")) is None

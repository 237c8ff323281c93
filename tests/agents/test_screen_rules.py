"""Rules about screens: what is taken for one, which of them counts, and what it says is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrd.agents.screen_rules import overridden, read_screen
from orchestrd.config.screen_rules import parse_rules
from orchestrd.model.decision import Choice, DecisionKind, Way
from orchestrd.model.errors import UsageError
from orchestrd.model.limits import TOLD_CHARS_MAX
from orchestrd.model.screen_rule import ScreenRule
from orchestrd.model.words import Activity

ASK = ScreenRule(
    name="ask",
    must=(r"^Run (.+)\?$",),
    text="asks to run {}",
    choice=r"^ *>? *(\d)\. (.+)$",
    kind=DecisionKind.PERMISSION,
)
SCREEN = "Run ls?\n > 1. Yes\n   2. No\n"


def test_the_rule_of_the_highest_priority_counts_and_then_the_one_that_stands_first() -> None:
    rules = parse_rules(
        b'[[rule]]\nname = "a"\nmust = ["x"]\n[[rule]]\nname = "b"\nmust = ["x"]\n[[rule]]\nname = "c"\nmust = ["x"]\n'
        b"priority = 1\n"
    )

    assert [rule.name for rule in rules] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[[rule]", "expected ']]'"),
        (b'[[rule]]\nname = "a"\nmust = ["("]\n', "rule 'a': '(' is no pattern"),
        (b'[[rule]]\nname = "a"\nmust = []\n', "rule 'a': it asks for nothing"),
        (b'[[rule]]\nname = "a"\nmust = ["x"]\nregion = "last:0"\n', "no region 'last:0'"),
        (b'[[rule]]\nname = "a"\nmust = ["x"]\nversions = "new"\n', "rule 'a'"),
        (b'[[rule]]\nname = "a"\nmust = ["x"]\ntext = "{} {x}"\n', "rule 'a'"),
        (b'[[rule]]\nname = "a"\nmust = ["x"]\nchoice = "(x)"\n', "needs two groups"),
        (b'[[rule]]\nname = "a"\nmust = ["x"]\ncolour = 1\n', "colour"),
        (b'[[rule]]\nname = "a"\nmust = ["x"]\nallows = ["asleep"]\n', "asleep"),
        (b"\xff", "a screen rule is wrong"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_the_rule_and_the_cause(content: bytes, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_rules(content)

    assert said.lower() in refused.value.message.lower()


def test_a_users_rule_stands_in_the_place_of_the_one_of_its_name_and_one_that_is_off_counts_not_at_all() -> None:
    theirs = ScreenRule(name="ask", must=("Go on",))
    new = ScreenRule(name="new", must=("Hello",), priority=1)
    off = ScreenRule(name="old", must=(), is_off=True)

    assert overridden((ASK, ScreenRule(name="old", must=("x",))), (theirs, new, off)) == (new, theirs)


def test_a_decision_is_told_with_the_choices_that_stand_on_the_screen() -> None:
    said = read_screen(SCREEN, [ASK])

    assert said.allows == (Activity.BLOCKED,)
    assert said.text == "asks to run ls"
    assert said.decision is not None
    assert (said.decision.kind, said.decision.way) == (DecisionKind.PERMISSION, Way.KEYS)
    assert said.decision.choices == (
        Choice(key="1", label="Yes", reply="1"),
        Choice(key="2", label="No", reply="2"),
    )


REASONED = "May I run\n\n  in a long\n  way\n\n  why?\n\n  $ ls -l\n  -a\n > 1. Yes\n   2. No\n"
WITH_REASON = ScreenRule(
    name="ask",
    must=(r"^May I (run\n[\s\S]*?)\n\n  \$ ([\s\S]+?)(?=\n > 1)",),
    text="asks for permission: {}",
    choice=r"^ *>? *(\d)\. (.+)$",
)


def test_what_is_told_first_is_the_last_group_and_what_the_others_have_found_stands_below_it() -> None:
    said = read_screen(REASONED, [WITH_REASON])
    narrow = read_screen(REASONED.replace("in a long\n  way", "in a\n  long way"), [WITH_REASON])
    other = read_screen(REASONED.replace("why?", "why not?"), [WITH_REASON])

    assert said.text == other.text == "asks for permission: ls -l -a"
    assert said.decision is not None
    assert said.decision.text == "ls -l -a\nrun\nin a long way\nwhy?"
    assert said.decision == narrow.decision
    assert other.decision is not None
    assert other.decision.id != said.decision.id


@pytest.mark.parametrize(
    "screen",
    [
        "Run ls?\n > 1. Yes\n   2. No\nTrust it?\n > 1. Yes\n   2. No\n",
        "Run ls?\n   2. No\n   3. Never\n",
    ],
)
def test_of_two_dialogs_on_a_screen_or_half_of_one_none_is_answered_by_a_key(screen: str) -> None:
    decision = read_screen(screen, [ASK]).decision

    assert decision is not None
    assert decision.choices == ()


@pytest.mark.parametrize("other", [SCREEN.replace("ls", "rm"), SCREEN.replace("2. No", "2. Never")])
def test_what_is_shown_otherwise_is_another_decision(other: str) -> None:
    first, second = read_screen(SCREEN, [ASK]).decision, read_screen(other, [ASK]).decision

    assert first is not None
    assert second is not None
    assert first.id != second.id


def test_what_stands_above_the_choices_and_is_not_asked_for_changes_no_decision() -> None:
    assert read_screen("an hour ago\n" + SCREEN, [ASK]) == read_screen("now\n" + SCREEN, [ASK])


@pytest.mark.parametrize(
    ("region", "is_found"), [("whole", True), ("live", False), ("last:1", False), ("last:2", False), ("last:4", True)]
)
def test_a_sign_is_looked_for_in_its_region_only(region: str, *, is_found: bool) -> None:
    rule = ScreenRule(name="r", region=region, must=("^hello$",))

    said = read_screen("hello\n──────────────\nbelow\n\n  \nlast\n", [rule])

    assert (said.allows != ()) is is_found


def test_a_rule_that_is_excluded_by_what_else_stands_there_does_not_fit() -> None:
    assert read_screen(SCREEN, [ScreenRule(name="r", must=("^Run",), must_not=("2. No",))]).allows == ()


@pytest.mark.parametrize(
    ("version", "is_tried"), [("2.1.197", True), ("2.1.197 (Crumb)", True), (None, True), ("dev", True), ("3.0", False)]
)
def test_a_rule_is_tried_where_the_version_is_not_known_to_be_another(version: str | None, *, is_tried: bool) -> None:
    rule = ScreenRule(name="r", must=("Run",), versions=">=2.1,<3")

    assert (read_screen(SCREEN, [rule], version).allows != ()) is is_tried


@given(content=st.binary(max_size=200))
def test_no_bytes_are_taken_for_rules_that_break_a_look(content: bytes) -> None:
    try:
        rules = parse_rules(b'[[rule]]\nname = "r"\nmust = ["x"]\n' + content)
    except UsageError:
        return

    assert read_screen("x", rules) is not None


def test_two_decisions_that_differ_only_behind_what_is_told_of_them_are_two() -> None:
    rule = ScreenRule(name="r", region="whole", must=(r"\A([\s\S]+)\Z",))
    long = "x " * TOLD_CHARS_MAX

    first, second = read_screen(long + "rm notes", [rule]), read_screen(long + "rm -r .", [rule])

    assert first.decision is not None
    assert second.decision is not None
    assert first.text == second.text
    assert first.decision.id != second.decision.id


def test_a_decision_stays_the_same_in_a_window_of_another_width() -> None:
    rule = ScreenRule(name="r", region="whole", must=(r"\A([\s\S]+)\Z",))

    wide, narrow = read_screen("│ Allow rm   │\n╰────────╯", [rule]), read_screen("│ Allow rm │\n╰──────╯", [rule])

    assert wide.decision == narrow.decision

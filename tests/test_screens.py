"""A user's own rules about screens: taken in place of the package's, and said where they are wrong."""

from pathlib import Path

import pytest

from orchestrd.agents.claude.agent import ClaudeAgent
from orchestrd.agents.shell import ShellAgent
from orchestrd.screens import Screens

MINE = '[[rule]]\nname = "dialog"\nmust = ["Shall I"]\n[[rule]]\nname = "panel"\nmust = []\nis_off = true\n'


class Told(dict[str, str | None]):
    def __call__(self, part: str, error: BaseException | None) -> None:
        self[part] = None if error is None else str(error)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "orchestrd" / "screens"
    place.mkdir(parents=True)
    return place


def taken(place: Path, agent: ClaudeAgent) -> Told:
    screens, told = (
        Screens({"claude": agent, "shell": ShellAgent()}, {"XDG_CONFIG_HOME": str(place.parents[1])}),
        Told(),
    )
    screens.take(screens.read(), told)
    return told


def test_a_users_rule_counts_in_place_of_the_packages_and_one_that_is_off_not_at_all(place: Path) -> None:
    agent = ClaudeAgent()
    (place / "claude.toml").write_text(MINE)

    told = taken(place, agent)

    rules = {rule.name: rule.must for rule in agent.screen_rules}
    assert rules["dialog"] == ("Shall I",)
    assert "panel" not in rules
    assert "trust" in rules
    assert told == {"the screen rules of claude": None, "the screen rules of shell": None}


def test_a_file_that_is_wrong_is_said_and_the_packages_rules_go_on_to_count(place: Path) -> None:
    agent = ClaudeAgent()
    (place / "claude.toml").write_text('[[rule]]\nname = "mine"\nmust = ["("]\n')

    told = taken(place, agent)

    assert agent.screen_rules == ClaudeAgent().screen_rules
    assert f"{place}/claude.toml: a screen rule is wrong: rule 'mine': '(' is no pattern" in str(
        told["the screen rules of claude"]
    )
    assert told["the screen rules of shell"] is None


def test_a_file_that_anyone_could_have_written_is_not_read(place: Path) -> None:
    agent = ClaudeAgent()
    (place / "claude.toml").write_text(MINE)
    (place / "claude.toml").chmod(0o666)

    told = taken(place, agent)

    assert agent.screen_rules == ClaudeAgent().screen_rules
    assert "everyone may write to it" in str(told["the screen rules of claude"])


def test_a_file_that_is_mended_is_taken_when_it_is_read_again(place: Path) -> None:
    agent, told = ClaudeAgent(), Told()
    screens = Screens({"claude": agent}, {"XDG_CONFIG_HOME": str(place.parents[1])})
    (place / "claude.toml").write_text("[[rule]]\n")
    screens.take(screens.read(), told)

    (place / "claude.toml").write_text(MINE)
    screens.take(screens.read(), told)
    (place / "claude.toml").unlink()
    mended = agent.screen_rules
    screens.take(screens.read(), told)

    assert told["the screen rules of claude"] is None
    assert mended != ClaudeAgent().screen_rules
    assert agent.screen_rules == ClaudeAgent().screen_rules

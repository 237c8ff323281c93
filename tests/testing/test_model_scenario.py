"""Scenario files: read whole or not at all, and a fault is told with its file and its step."""

from pathlib import Path

import pytest

from orchestrd.model.errors import UsageError
from orchestrd.model.limits import STANDIN_SCENARIO_BYTES_MAX, STANDIN_STEPS_MAX
from orchestrd.testing.model.moves import UNTIL_RELEASED, Answer, Ask, Cut, Delegate, Hang, Read, Refusal, Run
from orchestrd.testing.model.scenario import Await, Person, read_scenario, scenarios_in, shipped_scenarios

STORY = """
title = "A command that needs permission"
agents = ["claude", "codex"]
settings = { columns = 80, status_line = true }

[[step]]
person = "send"
text = "Count the apples"

[[step]]
model = "run"
command = "touch counted"

[[step]]
truth = "blocked"

[[step]]
person = "answer"
choice = "allow"
makes = "working"

[[step]]
model = "answer"
hold_s = inf

[[step]]
truth = "working"
within_s = 5
"""


def written(place: Path, text: str) -> Path:
    path = place / "story.toml"
    path.write_text(text)
    return path


def test_a_scenario_is_read_in_the_order_in_which_it_happens(tmp_path: Path) -> None:
    scenario = read_scenario(written(tmp_path, STORY))

    assert (scenario.name, scenario.title) == ("story", "A command that needs permission")
    assert scenario.settings == {"columns": 80, "status_line": True}
    assert scenario.steps == (
        Person(person="send", text="Count the apples"),
        Run(command="touch counted"),
        Await(truth="blocked"),
        Person(person="answer", choice="allow", makes="working"),
        Answer(hold_s=UNTIL_RELEASED),
        Await(truth="working", within_s=5),
    )
    assert scenario.moves == [Run(command="touch counted"), Answer(hold_s=UNTIL_RELEASED)]


def test_it_tells_how_many_moves_stand_before_a_step(tmp_path: Path) -> None:
    scenario = read_scenario(written(tmp_path, STORY))

    assert [scenario.moves_before(index) for index in (0, 2, 5)] == [0, 1, 2]


def test_it_is_for_the_agents_that_it_names_or_for_all(tmp_path: Path) -> None:
    some = read_scenario(written(tmp_path, STORY))
    every = read_scenario(written(tmp_path, STORY.replace('agents = ["claude", "codex"]', "")))

    assert [scenario.is_for("gemini") for scenario in (some, every)] == [False, True]
    assert some.is_for("codex")


def test_it_says_why_it_is_not_for_an_agent(tmp_path: Path) -> None:
    reasons = '\n[not_for]\naider = "it has no tools"\n\n[[step]]'

    scenario = read_scenario(written(tmp_path, STORY.replace("\n[[step]]", reasons, 1).replace("agents", "# agents")))

    assert scenario.not_for == {"aider": "it has no tools"}
    assert [scenario.is_for(agent) for agent in ("aider", "codex")] == [False, True]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('title = "x"', "0 steps"),
        (STORY.replace("title", "titel"), "titel"),
        (STORY.replace('model = "run"', 'model = "walk"'), "step 2: Invalid value 'walk'"),
        (STORY.replace('command = "touch counted"', ""), "step 2: Object missing required field `command`"),
        (STORY.replace('choice = "allow"', 'chioce = "allow"'), "step 4: Object contains unknown field `chioce`"),
        (STORY.replace('truth = "blocked"', 'truth = "bloked"'), "step 3: Invalid enum value 'bloked'"),
        (STORY.replace('truth = "blocked"', "within_s = 3"), "step 3: it says neither model nor person nor truth"),
        (STORY.replace("[[step]]", "[[step]", 1), "line"),
        (STORY + "#" * STANDIN_SCENARIO_BYTES_MAX, "longer than"),
        (STORY + '[[step]]\nmodel = "answer"\n' * STANDIN_STEPS_MAX, f"1 to {STANDIN_STEPS_MAX}"),
    ],
)
def test_a_fault_is_told_with_its_file_and_its_step(tmp_path: Path, text: str, words: str) -> None:
    path = written(tmp_path, text)

    with pytest.raises(UsageError) as told:
        read_scenario(path)

    assert str(path) in str(told.value)
    assert words in str(told.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.toml"):
        read_scenario(tmp_path / "nowhere.toml")


def test_a_directory_without_scenarios_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no scenario"):
        scenarios_in(tmp_path)


def test_every_scenario_that_ships_can_be_read_and_says_what_it_is_about() -> None:
    scenarios = scenarios_in(shipped_scenarios())

    assert all(scenario.title and scenario.moves for scenario in scenarios)
    kinds = {type(move) for scenario in scenarios for move in scenario.moves}
    assert kinds == {Answer, Ask, Cut, Delegate, Hang, Read, Refusal, Run}

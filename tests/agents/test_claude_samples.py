"""What was recorded of the real Claude Code, and what is made of it. The truth stands here; the words in the golden."""

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrd.agents.claude import ClaudeAgent
from orchestrd.core.evidence import SESSION_FILE
from orchestrd.model.observation import Testimony
from orchestrd.model.words import Activity
from tests.agents.samples import EVERY_SAMPLE, glimpse_of, named, verdict_of

GOLDEN = Path(__file__).parent / "claude_readings.txt"
AGENT = ClaudeAgent()

WORKING, WAITING, BLOCKED, LIMITED = Activity.WORKING, Activity.WAITING, Activity.BLOCKED, Activity.LIMITED
TRUTH: dict[str, tuple[Activity | None, str]] = {  # and what a person is told of it
    "bypass_warning": (BLOCKED, "warns of Bypass Permissions mode"),
    "cleared": (WAITING, ""),
    "denied": (WAITING, "interrupted by the user"),
    "draft": (WAITING, "Done."),
    "draft_of_lines": (WAITING, "Done."),
    "help_open": (BLOCKED, "dialog open"),
    "idle": (WAITING, ""),
    "interrupted": (WAITING, "interrupted by the user"),
    "interrupted_early": (WAITING, ""),
    "interrupted_tool": (WAITING, "interrupted by the user"),
    "key_question": (BLOCKED, "asks whether to use the API key"),
    "left": (None, ""),  # it has said farewell
    "limited": (LIMITED, "(429)"),
    "onboarding": (BLOCKED, "asks for a text style"),
    "overloaded_for_good": (WAITING, "529"),
    "permission_bash": (BLOCKED, "asks for permission: Bash: touch sold"),
    "permission_edit": (BLOCKED, "asks for permission: Edit:"),
    "permission_reminder": (BLOCKED, "permission"),
    "permission_write": (BLOCKED, "asks for permission: Write:"),
    "permitted": (WAITING, "Done."),
    "question_asked": (BLOCKED, "asks: Which fruit?"),
    "queued": (WORKING, ""),
    "quoted_dialog": (WAITING, "The dialog would look like this"),
    "quoted_while_working": (WORKING, ""),
    "refused": (WAITING, "400"),
    "resumed": (WAITING, ""),
    "retrying": (WORKING, "it tries again: attempt"),
    "subagent": (WAITING, "Done."),
    "suggested": (WAITING, "count the pears"),
    "tool_running": (WORKING, "Bash: cat door"),
    "trust_dialog": (BLOCKED, "asks whether the directory it works in is trusted"),
    "turn_over": (WAITING, "Done."),
    "unknown_conversation": (None, ""),  # it has ended before it said anything
    "working": (WORKING, ""),
}
SCREENS = ("screen.txt", "screen.small.txt")
QUOTES = ("quoted_dialog", "quoted_while_working")
every_sample = pytest.mark.parametrize("sample", EVERY_SAMPLE, ids=named)


def told(said: Testimony) -> str:
    return f"{said.observer}: {' or '.join(said.allows) or 'nothing'}"


def test_the_truth_of_every_sample_is_known_here() -> None:
    assert {sample.name for sample in EVERY_SAMPLE} == set(TRUTH)


@every_sample
@pytest.mark.parametrize("screen", SCREENS)
def test_all_witnesses_together_tell_the_truth(sample: Path, screen: str) -> None:
    glimpse = glimpse_of(sample, screen)

    verdict = verdict_of(AGENT.read(glimpse).testimonies, glimpse.now)

    activity, text = TRUTH[sample.name]
    assert (verdict and verdict.activity) == activity
    assert text in ((verdict and verdict.text) or "")


def activity_without(sample: Path, silent: str) -> Activity | None:
    glimpse = glimpse_of(sample)
    heard = [said for said in AGENT.read(glimpse).testimonies if said.observer != silent]
    verdict = verdict_of(heard, glimpse.now)
    return None if verdict is None or verdict.activity is Activity.UNKNOWN else verdict.activity


@every_sample
@pytest.mark.parametrize("silent", [trust.observer for trust in AGENT.witnesses if trust.observer != SESSION_FILE])
def test_with_any_other_witness_than_the_state_file_silent_nothing_false_is_said(sample: Path, silent: str) -> None:
    assert activity_without(sample, silent) in (TRUTH[sample.name][0], None)


@every_sample
def test_without_the_state_file_nobody_is_said_to_wait_who_does_not(sample: Path) -> None:
    told = activity_without(sample, SESSION_FILE)

    assert told is not WAITING or TRUTH[sample.name][0] is WAITING


@every_sample
def test_no_recorded_line_is_malformed(sample: Path) -> None:
    assert AGENT.read(glimpse_of(sample)).malformed == 0


@pytest.mark.parametrize("sample", [one for one in EVERY_SAMPLE if one.name in QUOTES], ids=named)
@pytest.mark.parametrize("screen", SCREENS)
def test_a_dialog_that_is_only_quoted_is_none(sample: Path, screen: str) -> None:
    alone = replace(
        glimpse_of(sample, screen), hook_lines=(), has_hooks=True, state=None, transcript_lines=(), title=None
    )

    assert [said for said in AGENT.read(alone).testimonies if said.allows] == []


def test_each_witness_says_what_it_said_when_it_was_recorded(golden: Callable[[Path, str], None]) -> None:
    lines = []
    for sample in EVERY_SAMPLE:
        newest = {said.observer: told(said) for said in AGENT.read(glimpse_of(sample)).testimonies}
        lines.append(f"{named(sample)}\n" + "".join(f"    {newest[name]}\n" for name in sorted(newest)))

    golden(GOLDEN, "".join(lines))

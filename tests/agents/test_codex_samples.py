"""What was recorded of the real Codex, and what is made of it. The truth stands here."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrd.agents.codex import CodexAgent
from orchestrd.core.evidence import Verdict, hear, judge, ranked
from orchestrd.core.launch import decode_record
from orchestrd.model.observation import Evidence
from orchestrd.model.run import Glimpse
from orchestrd.model.words import Activity

AGENTS = Path(__file__).parent
VERSION = "0.169.0"
SAMPLES = sorted((AGENTS / "codex_samples" / VERSION).iterdir())
SCREENS = AGENTS / "screens" / "codex" / VERSION
AGENT = CodexAgent()

WORKING, WAITING, BLOCKED, LIMITED = Activity.WORKING, Activity.WAITING, Activity.BLOCKED, Activity.LIMITED
TRUTH: dict[str, tuple[Activity | None, str]] = {  # and what a person is told of it
    "begun_elsewhere": (BLOCKED, "in which directory"),
    "busy_draft": (WORKING, ""),
    "command": (BLOCKED, "asks for permission: touch sold"),
    "commands": (WAITING, "Done."),
    "denied": (WAITING, "interrupted by the user"),
    "draft": (WAITING, "Done."),
    "draft_of_lines": (WAITING, "Done."),
    "draft_pasted": (WAITING, "Done."),
    "hooks_review": (BLOCKED, "asks whether hooks are trusted"),
    "idle": (WAITING, ""),
    "interrupted": (WAITING, "interrupted by the user"),
    "left": (None, ""),  # it has said goodbye, and whatever else was said of it is over
    "limited": (LIMITED, "hit your usage limit"),
    "login": (BLOCKED, "asks how to log in"),
    "mention": (WAITING, "Done."),
    "model": (BLOCKED, ""),
    "permissions": (BLOCKED, ""),
    "permitted": (WAITING, "Done."),
    "question": (BLOCKED, "Which fruit?"),
    "quoted": (WAITING, "It would look like this"),
    "quoted_while_working": (WORKING, ""),
    "refused": (WAITING, "malformed"),
    "retrying": (WORKING, "it tries again: "),
    "shell_mode": (WAITING, "Done."),
    "shortcuts": (WAITING, "Done."),
    "title": (BLOCKED, ""),
    "trust": (BLOCKED, "is trusted"),
    "turn_over": (WAITING, "Done."),
    "working": (WORKING, ""),
}
DRAFTS = {
    "busy_draft": "and the pears",
    "commands": "/",
    "draft": "and what about the pears?",
    "draft_of_lines": "and what about the pears?",
    "draft_pasted": "[Pasted Content 3000 chars]",
    "mention": "see @sh",
    "shell_mode": "! (its shell mode)",
}
every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)


def glimpse_of(sample: Path, size: str = "") -> Glimpse:
    """Look a moment after the last thing that was written down: first while it went on, then as it is."""
    lines, rollout = (_lines(sample / name) for name in ("hooks.jsonl", "transcript.jsonl"))
    moments = [float((decode_record(line, dict) or {}).get("at", 0)) for line in lines]
    moments += [_moment(str((decode_record(line, dict) or {}).get("timestamp"))) for line in rollout]
    now = datetime.fromtimestamp(max([*moments, 0.0]), tz=UTC) + timedelta(seconds=0.1)
    ends = [sum(len(line) + 1 for line in lines[: n + 1]) for n in range(len(lines))]
    return Glimpse(
        now=now,
        hook_lines=tuple(zip(lines, ends, strict=True)),
        has_hooks=bool(lines),
        transcript_lines=tuple(rollout),
        title=(sample / "title").read_text().rstrip("\n"),
        screen=(SCREENS / f"{sample.name}{size}.txt").read_text(),
    )


def verdict_of(glimpse: Glimpse) -> Verdict | None:
    evidence = Evidence()
    for word in AGENT.read(glimpse).testimonies:
        evidence = hear(evidence, ranked(word, AGENT.witnesses), glimpse.now)
    return judge(evidence.testimonies, glimpse.now)


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines() if path.exists() else []


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_the_truth_of_every_sample_is_known_here() -> None:
    assert {sample.name for sample in SAMPLES} == set(TRUTH)


@every_sample
@pytest.mark.parametrize("size", ["", ".small"], ids=["wide", "narrow"])
def test_all_witnesses_together_tell_the_truth(sample: Path, size: str) -> None:
    verdict = verdict_of(glimpse_of(sample, size))

    activity, text = TRUTH[sample.name]
    assert (verdict and verdict.activity) == activity
    assert text in ((verdict and verdict.text) or "")


@every_sample
def test_without_hooks_and_transcript_they_tell_it_as_well(sample: Path) -> None:
    glimpse = glimpse_of(sample)
    bare = replace(
        glimpse,
        hook_lines=tuple(line for line in glimpse.hook_lines if b'"terminal":' in line[0][:60]),
        transcript_lines=(),
    )

    verdict = verdict_of(bare)

    assert (verdict and verdict.activity) == TRUTH[sample.name][0]


@every_sample
def test_every_line_is_understood(sample: Path) -> None:
    assert AGENT.read(glimpse_of(sample)).malformed == 0


@every_sample
def test_a_draft_is_what_a_person_has_typed_and_nothing_else(sample: Path) -> None:
    assert AGENT.draft((sample / "styled.txt").read_text()) == DRAFTS.get(sample.name)


@pytest.mark.parametrize("name", ["denied", "interrupted", "permitted", "turn_over", "limited", "refused"])
def test_a_turn_that_is_over_is_told_by_the_transcript_alone(name: str) -> None:
    sample = next(sample for sample in SAMPLES if sample.name == name)
    glimpse = replace(glimpse_of(sample), hook_lines=(), screen=None, title=None)

    verdict = verdict_of(glimpse)

    assert verdict is not None
    assert verdict.activity == TRUTH[name][0]
    said = AGENT.read(glimpse).testimonies
    assert [word.prompt for word in said if word.prompt] == ["Count the apples"]
    assert {word.version for word in said if word.version} == {VERSION}
    assert all(spent.tokens.output > 0 for word in said for spent in word.spent)


def test_a_usage_limit_tells_when_it_ends() -> None:
    glimpse = glimpse_of(next(sample for sample in SAMPLES if sample.name == "limited"))

    verdict = verdict_of(glimpse)

    assert verdict is not None
    assert verdict.limited_until is not None
    assert timedelta(minutes=30) < verdict.limited_until - glimpse.now < timedelta(minutes=90)

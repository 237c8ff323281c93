"""What the lines mean that the plugin writes in a real OpenCode, moment by moment; and lines that it never writes."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrd.agents.opencode import OpenCodeAgent
from orchestrd.agents.opencode.plugin_lines import read_plugin
from orchestrd.core.evidence import hear, judge, ranked
from orchestrd.model.decision import Way
from orchestrd.model.observation import Evidence, Testimony
from orchestrd.model.run import Glimpse
from orchestrd.model.words import Activity

PLACE = Path(__file__).parent / "opencode_lines"
SAMPLES = sorted(PLACE.glob("*/*.jsonl"))
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SESSION = "ses_e02869961ffe7wdJ6WLMlGgar3"

WORKING, WAITING, BLOCKED, LIMITED = Activity.WORKING, Activity.WAITING, Activity.BLOCKED, Activity.LIMITED
TRUTH = {  # at the last line, and what a person is told of it
    "interrupted": (WAITING, "interrupted by the user"),
    "limited": (LIMITED, "Rate limit reached; it tries again (attempt 1)"),
    "permission_allowed": (WAITING, "Done: TOOL-BASH one"),
    "permission_asked": (BLOCKED, "bash: touch made-by-tool"),
    "permission_refused": (WAITING, None),
    "permission_refused_with_words": (WAITING, "Done: TOOL-BASH two"),
    "prompt_at_launch": (WAITING, "Done: say hello"),
    "question_answered": (WAITING, "Done: TOOL-ASK one"),
    "question_asked": (BLOCKED, "Which fruit?"),
    "question_dismissed": (WAITING, None),
    "queued": (WORKING, "prompt: a second one"),
    "refused_by_its_provider": (WAITING, "Bad thing"),
    "retrying": (WORKING, "Rate limit reached; it tries again (attempt 1)"),
    "shell_command": (WAITING, None),
    "subagent": (WAITING, "Done: TOOL-TASK plain"),
    "subagent_asked": (WAITING, "Done: TOOL-TASK DEEP"),
    "subagent_asks": (BLOCKED, "bash: touch made-by-tool"),
}


def lines_of(sample: Path) -> list[bytes]:
    return sample.read_bytes().splitlines()


def read(*lines: bytes) -> list[Testimony]:
    said, malformed = read_plugin([(line, n) for n, line in enumerate(lines)])
    assert malformed == 0
    return said


def line(kind: str, **more: Any) -> bytes:
    return json.dumps(
        {"at": NOW.timestamp(), "opencode": {"type": kind, "session": SESSION, "busy": 0, **more}}
    ).encode()


def told(said: Testimony) -> str:
    about = [
        f"prompt {said.prompt!r}" if said.prompt else "",
        f"asks {said.decision.id.partition('_')[0]}: {said.decision.text}" if said.decision else "",
        f"spent {said.spent[0].tokens.input}+{said.spent[0].tokens.output}" if said.spent else "",
        "turn over" if said.is_turn_over else "",
        f"until {said.limited_until:%H:%M:%S}" if said.limited_until else "",
        f"version {said.version}" if said.version else "",
        f"({said.text})" if said.text else "",
    ]
    return " ".join(filter(None, [f"{said.excerpt}:", " or ".join(said.allows), *about]))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_the_last_of_what_was_recorded_tells_the_truth(sample: Path) -> None:
    evidence, now = Evidence(), NOW
    for said in read(*lines_of(sample)):
        assert said.at is not None
        evidence, now = hear(evidence, ranked(said, OpenCodeAgent.witnesses), said.at), said.at

    verdict = judge(evidence.testimonies, now + timedelta(milliseconds=100))

    assert verdict is not None
    assert (verdict.activity, verdict.text) == TRUTH[sample.stem]


def test_each_line_is_read_as_it_was(golden: Callable[[Path, str], None]) -> None:
    stories = [
        f"{sample.stem}\n" + "".join(f"    {told(said)}\n" for said in read(*lines_of(sample))) for sample in SAMPLES
    ]

    golden(PLACE / "readings.txt", "".join(stories))


def test_every_moment_that_was_recorded_has_its_truth() -> None:
    assert [sample.stem for sample in SAMPLES] == sorted(TRUTH)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_one_lost_line_is_made_good_by_the_next(sample: Path) -> None:
    """Whatever line is lost but the last, the last one alone tells how it stands."""
    last = read(*lines_of(sample))[-1]

    (alone,) = read(lines_of(sample)[-1])

    assert (alone.allows, alone.decision) == (last.allows, last.decision)


def test_a_subagent_that_is_done_does_not_end_the_turn_of_its_parent() -> None:
    (said,) = read(line("session.status", status="idle", child=True, busy=1))

    assert said.allows == (WORKING,)
    assert not said.is_turn_over
    assert said.conversation is None


def test_a_prompt_is_confirmed_whole() -> None:
    (said,) = read(line("prompt", text="two\n\nlines", busy=0))

    assert (said.prompt, said.allows) == ("two\n\nlines", (WORKING,))


def test_the_first_word_says_nothing_of_what_it_does() -> None:
    (said,) = read(line("plugin.loaded", session=None, version="1.18.33"))

    assert said.allows == (WORKING, BLOCKED, WAITING)
    assert (said.version, said.conversation) == ("1.18.33", None)


def test_when_it_has_ended_nothing_that_it_said_before_counts_any_more() -> None:
    idle, ended = read(line("session.status", status="idle"), line("plugin.ended", session=None))

    evidence = hear(hear(Evidence(), ranked(idle, OpenCodeAgent.witnesses), NOW), ended, NOW)

    assert judge(evidence.testimonies, NOW) is None


def test_a_conversation_is_one_once_a_prompt_was_taken() -> None:
    created, taken = read(line("session.created"), line("prompt", text="Count"))

    assert (created.conversation, taken.conversation) == (None, SESSION)


def test_a_limit_has_the_end_that_its_provider_names() -> None:
    next_ms = int((NOW + timedelta(hours=1)).timestamp() * 1000)

    (said,) = read(line("session.status", status="retry", attempt=1, next=next_ms, error="Usage limit reached", busy=1))

    assert said.allows == (LIMITED,)
    assert said.limited_until == NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("error", "after_s"), [("Usage limit reached", 5), ("Provider is overloaded", 3600), ("Usage limit reached", None)]
)
def test_a_retry_that_is_near_or_of_another_cause_is_no_limit(error: str, after_s: float | None) -> None:
    next_ms = None if after_s is None else int((NOW.timestamp() + after_s) * 1000)

    (said,) = read(line("session.status", status="retry", attempt=2, next=next_ms, error=error, busy=1))

    assert (said.allows, said.limited_until) == ((WORKING, LIMITED), None)


@pytest.mark.parametrize(("code", "error"), [(402, "Payment required"), (429, "no"), (400, "You exceeded your quota")])
def test_a_limit_that_ends_the_turn_is_one(code: int, error: str) -> None:
    (said,) = read(line("message.updated", name="APIError", code=code, error=error, message="msg_1"))

    assert (said.allows, said.text) == ((LIMITED,), error)


def test_a_limit_that_ends_the_turn_ends_when_its_text_says() -> None:
    error = "5 hour usage limit reached. It will reset in 2 hours."

    (said,) = read(line("message.updated", name="APIError", code=429, error=error, message="msg_1"))

    assert said.limited_until == NOW + timedelta(hours=2)


def test_an_error_in_a_turn_that_goes_on_is_told_and_no_more() -> None:
    (said,) = read(line("session.error", name="APIError", code=429, error="", busy=1))

    assert (said.allows, said.text) == ((WORKING,), "APIError")


def test_what_a_message_costs_is_told_by_its_name() -> None:
    tokens = {"input": 60, "output": 5, "read": 40, "write": -3}

    (said,) = read(line("message.updated", message="msg_1", tokens=tokens, cost=0.25, busy=1))

    (spent,) = said.spent
    assert (spent.key, spent.cost_usd) == ("msg_1", 0.25)
    assert (spent.tokens.input, spent.tokens.output, spent.tokens.cache_read, spent.tokens.cache_write) == (
        60,
        5,
        40,
        0,
    )


def test_a_decision_that_is_held_can_be_answered_and_one_that_is_not_only_at_its_terminal() -> None:
    asked = {"id": "per_1", "kind": "permission", "permission": "bash", "patterns": ["ls"]}

    held, shown = read(line("permission.asked", asked={**asked, "held": True}), line("permission.asked", asked=asked))

    assert held.decision is not None
    assert shown.decision is not None
    assert [(choice.key, choice.reply) for choice in held.decision.choices] == [
        ("allow", '{"reply":"once"}'),
        ("always", '{"reply":"always"}'),
        ("deny", '{"reply":"reject"}'),
    ]
    assert held.decision.way is Way.HELD
    assert (shown.decision.choices, shown.decision.way) == ((), Way.KEYS)


def test_a_question_is_answered_by_one_of_its_labels_or_by_other_words() -> None:
    questions = [{"text": "Which fruit?", "labels": ['"A"', "Pear", 3]}]

    (said,) = read(
        line("question.asked", asked={"id": "que_1", "kind": "question", "held": True, "questions": questions})
    )

    assert said.decision is not None
    assert [(choice.key, choice.reply) for choice in said.decision.choices] == [
        ("1", '{"answers":[["\\"A\\""]]}'),
        ("2", '{"answers":[["Pear"]]}'),
        ("other", ""),
        ("dismiss", '{"reject":true}'),
    ]


def test_of_several_questions_none_is_answered_alone() -> None:
    questions = [{"text": "Which fruit?", "labels": ["Pear"]}, {"text": "How many?"}]

    (said,) = read(
        line("question.asked", asked={"id": "que_1", "kind": "question", "held": True, "questions": questions})
    )

    assert said.decision is not None
    assert said.decision.text == "Which fruit? / How many?"
    assert [choice.key for choice in said.decision.choices] == ["dismiss"]


def test_reports_stand_between_its_lines() -> None:
    report = json.dumps({"at": NOW.timestamp(), "report": "waiting", "text": "done"}).encode()

    (said,) = read(report)

    assert (said.observer, said.allows) == ("report", (WAITING,))


@pytest.mark.parametrize("torn", [b"{", b'{"at":1,"claude":{"hook_event_name":"Stop"}}', b"[]"])
def test_lines_of_another_are_counted_and_say_nothing(torn: bytes) -> None:
    assert read_plugin([(torn, 1)]) == ([], 1)


def test_a_time_that_has_not_come_yet_is_now() -> None:
    glimpse = Glimpse(now=NOW - timedelta(seconds=3), hook_lines=((line("prompt", text="x"), 1),))

    (said,) = OpenCodeAgent().read(glimpse).testimonies

    assert said.at == glimpse.now


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("type", "status", "asked", "busy", "tokens", "cost", "next", "name", "error", "answer", "questions", "version")


@given(st.dictionaries(st.sampled_from(NAMES), ANYTHING), st.sampled_from(["prompt", "session.status", "tool", "x"]))
def test_nothing_that_a_line_holds_raises(payload: dict[str, Any], kind: str) -> None:
    told = {"at": 1.0, "opencode": {"type": kind, **payload, "asked": {"id": "q", "kind": "question", **payload}}}

    said, _ = read_plugin([(json.dumps(told).encode(), 1)])

    assert all(word.allows for word in said if not word.is_farewell)

"""What the state file, the title, the screen and the transcript of Claude Code say, each alone."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrd.agents.claude import ClaudeAgent
from orchestrd.agents.claude.transcript import read_transcript
from orchestrd.model.observation import Testimony
from orchestrd.model.run import Glimpse
from orchestrd.model.spending import Spent, Tokens
from orchestrd.model.words import Activity
from tests.agents.samples import EVERY_SAMPLE, NOW, entry, glimpse_of, hook_line, state_file, verdict_of

WORKING, WAITING, BLOCKED, LIMITED = Activity.WORKING, Activity.WAITING, Activity.BLOCKED, Activity.LIMITED
UNDER_WAY = (WORKING, BLOCKED)
AGENT = ClaudeAgent()
OF_ITSELF = ("title", "report")  # who is believed at one word
LOOK = Glimpse(now=NOW, has_hooks=True, agent_pid=42, agent_started_ticks=1000)
SESSION = "11111111-1111-4111-8111-111111111111"
BASH_CALL = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "make"}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "ok"}
INTERRUPT = {"type": "text", "text": "[Request interrupted by user for tool use]"}


def by(observer: str, glimpse: Glimpse) -> list[Testimony]:
    return [said for said in AGENT.read(glimpse).testimonies if said.observer == observer]


def state_says(**more: Any) -> Testimony:
    (said,) = by("session_file", replace(LOOK, state=state_file(**more)))
    return said


# ---- its state file -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "allows"),
    [
        ("busy", (WORKING, LIMITED)),
        ("idle", (WAITING, LIMITED)),
        ("shell", (WAITING, LIMITED)),
        ("waiting", (BLOCKED,)),
    ],
)
def test_each_status_says_what_it_means_since_when_it_changed(status: str, allows: tuple[Activity, ...]) -> None:
    said = state_says(status=status)

    assert (said.allows, said.at) == (allows, NOW - timedelta(milliseconds=500))


@pytest.mark.parametrize("asked", ["permission prompt", "dialog open", "worker request", "something new"])
def test_a_dialog_is_named_by_what_it_waits_for(asked: str) -> None:
    said = state_says(status="waiting", waitingFor=asked)

    assert (said.allows, said.text) == ((BLOCKED,), f"waits for an answer: {asked}")


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"pid": 43}, "not of its process"),
        ({"procStart": "999"}, "not of its process"),
        ({"procStart": None}, "not of its process"),
        ({"status": "dreaming"}, "version 2.1.197 writes status dreaming, which is not known here"),
        ({"status": None}, "version 2.1.197 writes status ?, which is not known here"),
        ({"status": 7, "version": 8}, "version ? writes status ?"),
    ],
)
def test_a_file_that_is_not_sure_to_be_understood_says_nothing_and_says_why(more: dict[str, Any], why: str) -> None:
    said = state_says(**more)

    assert said.allows == ()
    assert why in said.excerpt


def test_a_start_time_may_be_written_as_a_number() -> None:
    assert state_says(status="busy", procStart=1000).allows == (WORKING, LIMITED)


@pytest.mark.parametrize("state", [None, b"", b"{", b"[]", b"\xff", b'{"pid":' + b"[" * 9_000])
def test_a_file_that_is_none_says_nothing(state: bytes | None) -> None:
    (said,) = by("session_file", replace(LOOK, state=state))

    assert said.allows == ()


def test_before_its_process_is_known_nobody_asks_for_its_file() -> None:
    assert by("session_file", replace(LOOK, agent_pid=None, state=state_file())) == []


@pytest.mark.parametrize("at", [None, "now", -5, 10**40, 1.5])
def test_a_status_without_a_sane_time_counts_as_of_this_look(at: object) -> None:
    assert state_says(statusUpdatedAt=at).at is None


@pytest.mark.parametrize(
    ("age_s", "has_hooks", "is_said"), [(4, False, False), (6, False, True), (6, True, False), (None, False, False)]
)
def test_that_no_hook_has_fired_is_said_once_one_ought_to_have(
    age_s: int | None,
    has_hooks: bool,  # noqa: FBT001
    is_said: bool,  # noqa: FBT001
) -> None:
    started = None if age_s is None else int(NOW.timestamp() - age_s) * 1_000

    said = by("hook", replace(LOOK, has_hooks=has_hooks, state=state_file(startedAt=started)))

    assert [(one.allows, "no hook has fired" in (one.text or "")) for one in said] == ([((), True)] if is_said else [])


# ---- title ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "allows"),
    [
        ("⠂ Fix the shop", (WORKING, LIMITED)),
        ("⠐ Claude Code", (WORKING, LIMITED)),
        ("✳ Claude Code", (WAITING, BLOCKED, LIMITED)),
        ("host", ()),
        ("", ()),
        ("Fix ⠂ it", ()),
    ],
)
def test_a_title_says_no_more_than_whether_something_moves(title: str, allows: tuple[Activity, ...]) -> None:
    (said,) = by("title", replace(LOOK, title=title))

    assert said.allows == allows


def test_without_a_terminal_there_is_no_title() -> None:
    assert by("title", LOOK) == []


def test_only_a_spinner_that_has_turned_is_alive_now() -> None:
    looks = [replace(LOOK, title="⠂ x", last_title=before) for before in (None, "⠐ x", "⠂ x")]
    looks.append(replace(LOOK, title="✳ x", last_title="⠂ x"))

    assert [by("title", look)[0].at for look in looks] == [NOW, NOW, None, None]


def test_a_spinner_is_at_work_no_more_when_the_process_has_taken_its_state_file_away() -> None:
    ending, without_one, at_work = (
        by("title", replace(LOOK, title="⠂ x", last_title="⠂ x", had_state=had_state, state=state))
        for had_state, state in ((True, None), (False, None), (True, state_file("busy")))
    )

    assert [said.allows for said in (*ending, *without_one, *at_work)] == [(), (WORKING, LIMITED), (WORKING, LIMITED)]


# ---- screen ---------------------------------------------------------------------------------------------------------

LINE = "─" * 80
BOX = f"{LINE}\n❯ {{draft}}\n{LINE}\n  ? for shortcuts"
DIALOG = (
    "\n Bash command\n\n   make\n\n Do you want to proceed?\n ❯ 1. Yes\n   2. No\n\n Esc to cancel · Tab to amend\n"
)


def shown(screen: str) -> Testimony:
    (said,) = by("screen", replace(LOOK, screen=screen))
    return said


def test_a_permission_dialog_is_told_by_what_it_asks() -> None:
    said = shown(f"❯ go\n\n● Bash(make)\n  ⎿  Waiting…\n\n{LINE}{DIALOG}")

    assert (said.allows, said.text) == ((BLOCKED,), "Bash command make Do you want to proceed?")


def test_the_question_about_trust_of_earlier_versions_is_known() -> None:
    said = shown(f"{LINE}\n Do you trust the files in this folder?\n\n ❯ 1. Yes, proceed\n   2. No, exit\n")

    assert said.text == "asks whether the directory it works in is trusted"


def test_the_question_how_to_log_in_is_known() -> None:
    said = shown("Welcome\n\n Select login method:\n\n ❯ 1. Claude account\n   2. API\n")

    assert (said.allows, said.text) == ((BLOCKED,), "asks how to log in")


@pytest.mark.parametrize("quoted", [DIALOG, " Select login method:\n ❯ 1. Claude account", "Enter to confirm"])
def test_what_is_quoted_above_the_box_or_typed_into_it_is_no_dialog(quoted: str) -> None:
    above, within = f"● It says:\n{quoted}\n{BOX.format(draft='')}", BOX.format(draft=quoted)

    assert [shown(above).allows, shown(within).allows] == [(), ()]


def test_a_retry_is_work_or_a_limit_and_each_attempt_is_news_but_no_second_of_it() -> None:
    first, later = (
        shown(f"❯ go\n\n✻ API error · Retrying in {left}s · attempt 6/10\n\n{BOX.format(draft='')}")
        for left in (15, 14)
    )

    assert first.allows == (WORKING, LIMITED)
    assert first.text == "an error of the API, and it tries again: attempt 6/10"
    assert first == later


def test_a_retry_that_somebody_writes_about_is_none() -> None:
    said = shown(f"● See:\n  ✻ API error · Retrying in 15s · attempt 6/10\n\n{BOX.format(draft='')}")

    assert said.allows == ()


@given(parts=st.lists(st.sampled_from([*"❯12. \n─●✻", "Esc to cancel", DIALOG, LINE]), max_size=40))
def test_no_screen_alone_says_that_it_waits(parts: list[str]) -> None:
    assert WAITING not in shown("".join(parts)).allows


# ---- transcript -----------------------------------------------------------------------------------------------------


def written(*lines: bytes) -> list[Testimony]:
    return by("transcript", replace(LOOK, transcript_lines=lines))


@pytest.mark.parametrize(
    ("lines", "allows", "text"),
    [
        ([entry("user", "fix it")], (WORKING,), None),
        ([entry("user", [{"type": "text", "text": "fix it"}])], (WORKING,), None),
        ([entry("assistant", [BASH_CALL], stop_reason="tool_use")], UNDER_WAY, "Bash: make"),
        ([entry("assistant", [{"type": "text", "text": "Well"}])], UNDER_WAY, None),
        ([entry("user", [RESULT])], UNDER_WAY, None),
        (
            [entry("user", [RESULT | {"is_error": True}]), entry("user", [INTERRUPT])],
            (WAITING,),
            "interrupted by the user",
        ),
        ([entry("user", "[Request interrupted by user]")], (WAITING,), "interrupted by the user"),
        (
            [entry("assistant", [{"type": "text", "text": "Done."}], stop_reason="end_turn")],
            (WAITING, WORKING),
            "Done.",
        ),
        ([entry("system", subtype="turn_duration")], (WAITING, LIMITED), None),
        ([entry("system", subtype="turn_duration", pendingBackgroundAgentCount=2)], UNDER_WAY, None),
        (
            [entry("assistant", "Done.", stop_reason="end_turn"), entry("system", subtype="turn_duration")],
            (WAITING, LIMITED),
            "Done.",
        ),
        ([entry("user", "<local-command-stdout>x")], (WORKING, BLOCKED, WAITING), None),
        ([entry("user", "x"), entry("queue-operation", operation="enqueue", content="and then")], UNDER_WAY, None),
    ],
)
def test_the_newest_entry_says_how_the_turn_stands(
    lines: list[bytes], allows: tuple[Activity, ...], text: str | None
) -> None:
    said = written(*lines)[-1]

    assert (said.allows, said.text) == (allows, text)
    assert said.at == NOW - timedelta(milliseconds=500)


@pytest.mark.parametrize(
    ("more", "said", "allows"),
    [
        ({"error": "rate_limit", "apiErrorStatus": 429}, "API Error: rejected", (LIMITED,)),
        ({"apiErrorStatus": 429}, "API Error", (LIMITED,)),
        ({}, "You've hit your session limit · resets 3pm (Europe/Berlin)", (LIMITED,)),
        ({}, "API Error: Request rejected (429)", (LIMITED,)),
        ({"error": "server_error", "apiErrorStatus": 529}, "API Error: Repeated 529", (WAITING,)),
        ({"error": "unknown", "apiErrorStatus": 400}, "API Error: 400 A request of 1429 bytes", (WAITING,)),
    ],
)
def test_an_error_of_the_api_is_told_and_a_limit_is_one(
    more: dict[str, Any], said: str, allows: tuple[Activity, ...]
) -> None:
    error = entry("assistant", [{"type": "text", "text": said}], isApiErrorMessage=True, **more)

    (alone,) = written(error)
    (with_the_end,) = written(error, entry("system", subtype="turn_duration"))

    assert (alone.allows, alone.text) == (allows, said)
    assert (with_the_end.allows, with_the_end.text) == (allows, said)


@pytest.mark.parametrize(
    "line",
    [
        entry("user", "x", isSidechain=True),
        entry("user", "Stop hook feedback", isMeta=True),
        entry("assistant", [BASH_CALL], isSidechain=True),
        entry("system", subtype="stop_hook_summary"),
        entry("queue-operation", operation="dequeue"),
        entry("queue-operation", operation="enqueue", content="<task-notification>"),
        entry("file-history-snapshot"),
        b"{}",
    ],
)
def test_what_tells_nothing_of_the_turn_is_passed_over(line: bytes) -> None:
    reading = AGENT.read(replace(LOOK, transcript_lines=(line,)))

    assert not [said for said in reading.testimonies if said.observer == "transcript"]
    assert reading.malformed == 0


def test_each_prompt_is_told_and_of_the_rest_the_last_word() -> None:
    queued = entry("queue-operation", operation="enqueue", content="three")

    said = written(entry("user", "one"), entry("user", [RESULT]), entry("user", "two"), queued, entry("user", [RESULT]))

    assert [one.prompt for one in said] == ["one", "two", "three", None]
    assert said[-1].allows == UNDER_WAY


def test_a_turn_that_was_written_down_in_another_order_is_read_as_it_went() -> None:
    over = entry("system", subtype="turn_duration", timestamp="2026-11-20T11:59:59.9Z")
    prompt = entry("user", "go on", timestamp="2026-11-20T11:59:59.1Z")
    answer = entry(
        "assistant", [{"type": "text", "text": "Done."}], stop_reason="end_turn", timestamp="2026-11-20T11:59:59.5Z"
    )

    said, malformed = read_transcript([over, prompt, answer])

    assert [(word.prompt, word.is_turn_over) for word in said] == [("go on", False), (None, True)]
    assert malformed == 0


def test_the_conversation_is_named_by_whoever_has_written_it_down() -> None:
    (named,) = written(entry("user", "x", sessionId=SESSION))
    (odd,) = written(entry("user", "x", sessionId="--model"))

    assert (named.conversation, odd.conversation) == (SESSION, None)


@pytest.mark.parametrize("timestamp", ["", "yesterday", "2026-11-20T11:59:59.5", 7, "0001-01-01T00:00:00+23:00"])
def test_an_entry_without_a_sane_time_counts_as_of_this_look(timestamp: object) -> None:
    assert written(entry("user", "x", timestamp=timestamp))[0].at is None


def test_malformed_lines_are_counted_and_hide_nothing() -> None:
    reading = AGENT.read(replace(LOOK, transcript_lines=(b"{", entry("user", "x"), b"[]", b"\xff", b"[" * 60_000)))

    assert reading.malformed == 4
    assert [said.prompt for said in reading.testimonies if said.observer == "transcript"] == ["x"]


# ---- all of them ----------------------------------------------------------------------------------------------------

BLOCKS = st.lists(st.sampled_from([BASH_CALL, RESULT, INTERRUPT, {}, 7, {"type": "text"}, {"text": ["x"]}]), max_size=3)
CONTENT = st.none() | st.text(max_size=9) | st.integers() | BLOCKS
KINDS = st.sampled_from(["user", "assistant", "system", "queue-operation"])
MORE = st.fixed_dictionaries(
    {},
    optional={
        "subtype": st.sampled_from(["turn_duration", 3]),
        "isApiErrorMessage": st.sampled_from([True, "yes"]),
        "timestamp": st.text(max_size=5) | st.none(),
        "message": st.sampled_from([None, [], {"content": {}}]),
        "pendingBackgroundAgentCount": st.sampled_from([1, "1", -3]),
        "content": st.text(max_size=5) | st.integers(),
        "operation": st.just("enqueue"),
    },
)


@given(
    lines=st.lists(
        st.builds(lambda kind, content, more: entry(kind, content, **more), KINDS, CONTENT, MORE), max_size=5
    )
)
def test_no_transcript_is_too_strange_to_read(lines: list[bytes]) -> None:
    assert AGENT.read(replace(LOOK, transcript_lines=tuple(lines))).malformed == 0


@given(data=st.lists(st.binary(max_size=60), max_size=4), title=st.text(max_size=9), screen=st.text(max_size=200))
def test_nothing_that_is_put_before_it_makes_it_raise_or_say_that_it_waits(
    data: list[bytes], title: str, screen: str
) -> None:
    lines = tuple((line, n) for n, line in enumerate(data))

    reading = AGENT.read(
        replace(LOOK, hook_lines=lines, state=b"".join(data), transcript_lines=tuple(data), title=title, screen=screen)
    )

    assert all(WAITING not in said.allows for said in reading.testimonies if said.observer not in OF_ITSELF)


def test_silence_is_never_waiting() -> None:
    verdict = verdict_of(AGENT.read(replace(LOOK, title="✳ Claude Code", screen="")).testimonies, NOW)

    assert verdict is not None
    assert verdict.activity is Activity.UNKNOWN


@pytest.mark.parametrize("sample", EVERY_SAMPLE, ids=lambda sample: sample.name)
@given(cut=st.integers(0, 40))
def test_each_line_is_read_once_however_the_looks_fall(sample: Any, cut: int) -> None:
    whole = glimpse_of(sample)
    parts = (whole.hook_lines[:cut], whole.hook_lines[cut:])

    heard = [said for part in parts for said in by("hook", replace(whole, hook_lines=part, state=None))]

    assert [said.offset for said in heard] == [said.offset for said in by("hook", replace(whole, state=None))]
    offsets = [said.offset for said in heard if said.offset is not None]
    assert len(offsets) == len(set(offsets))


def test_a_turn_seen_by_all_its_witnesses_is_told_as_it_went() -> None:
    now = NOW.timestamp()
    look = replace(
        LOOK,
        hook_lines=(
            (hook_line("UserPromptSubmit", at=now - 9, prompt="go"), 100),
            (hook_line("Stop", at=now - 0.5, last_assistant_message="Done."), 200),
        ),
        state=state_file("idle"),
        title="✳ Claude Code",
    )

    said = AGENT.read(look).testimonies

    verdict = verdict_of(said, NOW)
    assert verdict is not None
    assert (verdict.activity, verdict.text, verdict.overruled) == (WAITING, "Done.", ())
    assert json.dumps([one.prompt for one in said if one.prompt]) == '["go"]'


def test_that_it_still_waits_leaves_the_last_answer_to_be_read() -> None:
    over = glimpse_of(next(sample for sample in EVERY_SAMPLE if sample.name == "turn_over"))
    now = over.now + timedelta(seconds=60)
    reminder = hook_line("Notification", at=now.timestamp(), notification_type="idle_prompt", message="Claude waits")
    later = replace(over, now=now, hook_lines=(*over.hook_lines, (reminder, 10**6)))

    verdict = verdict_of(AGENT.read(later).testimonies, now)

    assert verdict is not None
    assert (verdict.activity, verdict.text) == (Activity.WAITING, "Done.")


def test_an_emptied_title_is_a_farewell_and_one_that_was_always_empty_says_nothing() -> None:
    left, nothing, never = (
        by("title", replace(LOOK, title=title, last_title=before))
        for title, before in (("", "✳ Claude Code"), ("", ""), ("", None))
    )

    assert [said.is_farewell for said in (*left, *nothing, *never)] == [True, False, False]


def test_the_end_of_a_session_is_a_farewell_and_a_clear_is_none() -> None:
    lines = (hook_line("SessionEnd", reason="prompt_input_exit"), hook_line("SessionEnd", reason="clear"))

    said = by("hook", replace(LOOK, hook_lines=tuple((line, n + 1) for n, line in enumerate(lines))))

    assert [word.is_farewell for word in said] == [True]


# ---- what it costs --------------------------------------------------------------------------------------------------


def test_an_answer_costs_once_what_each_of_its_blocks_tells_and_a_subagents_nothing_here() -> None:
    usage = {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 2}
    told = {"id": "msg_1", "content": [{"type": "text", "text": "Done."}], "stop_reason": "end_turn"}
    lines = (
        json.dumps(
            {"type": "assistant", "version": "2.1.197", "message": {**told, "usage": {**usage, "output_tokens": 1}}}
        ),
        json.dumps({"type": "assistant", "version": "2.1.197", "message": {**told, "usage": usage}}),
        json.dumps({"type": "assistant", "isSidechain": True, "message": {**told, "id": "msg_2", "usage": usage}}),
        json.dumps({"type": "assistant", "message": {**told, "id": "msg_3", "usage": {"output_tokens": "many"}}}),
    )

    said, _ = read_transcript([line.encode() for line in lines])

    assert said[-1].spent == (
        Spent(key="msg_1", tokens=Tokens(input=10, output=5, cache_read=7, cache_write=2)),
        Spent(key="msg_3", tokens=Tokens()),
    )

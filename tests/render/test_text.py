"""Words, widths and ages; event lines, pages and errors."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrd.core.choice import gap_line
from orchestrd.model.document import Explanation, WitnessDocument
from orchestrd.model.errors import NotFoundError, TimedOutError
from orchestrd.model.event import Event, EventType, void
from orchestrd.model.ids import SessionId
from orchestrd.model.session import Workspace
from orchestrd.model.spending import Tokens
from orchestrd.model.words import Authority
from orchestrd.render import age, ago, error_text, event_line, explanation_page, session_page, visible
from orchestrd.render.lines import _SENTENCES
from orchestrd.render.text import clip, figures, fit, width
from tests.documents import NOON, a_document


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("naïve 🚀 日本", "naïve 🚀 日本"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("a\x1b[31mb\n\t\0", "a\\x1b[31mb\\n\\t\\x00"),
        ("\x9b\u202e\u2028", "\\x9b\\u202e\\u2028"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_could_deceive_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("text", "columns"), [("", 0), ("abc", 3), ("日本", 4), ("🚀", 2), ("e\u0301", 1), ("ü", 1), ("a\u200db", 2)]
)
def test_wide_characters_take_two_columns_and_combining_ones_none(text: str, columns: int) -> None:
    assert width(text) == columns


@given(st.text(), st.integers(min_value=1, max_value=20))
def test_a_cell_is_as_wide_as_asked(text: str, columns: int) -> None:
    cell = fit(visible(text), columns)

    assert width(cell) == columns
    assert width(clip(visible(text), columns)) <= columns


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0s"),
        (0, "0s"),
        (59.9, "59s"),
        (60, "1m"),
        (3599, "59m"),
        (3600, "1h"),
        (86399, "23h"),
        (86400 * 400, "400d"),
    ],
)
def test_an_age_is_told_in_the_largest_unit_that_fits(seconds: float, said: str) -> None:
    assert age(NOON, NOON + timedelta(seconds=seconds)) == said


def test_a_moment_that_never_came_is_a_dash() -> None:
    assert ago(None, NOON) == "-"
    assert ago(NOON, NOON) == "2026-11-20 12:00:00Z (0s ago)"


# ---- event lines -----------------------------------------------------------------------------------------------------


def _event(event_type: EventType, **changes: object) -> bytes:
    named = dict.fromkeys(("from_", "to", "reason", "authority"))
    about = {"sequence": 12, "at": NOON, "session": SessionId("abcdefgh"), "generation": 2, "revision": 3}
    return msgspec.json.encode(Event(type=event_type, **{**named, **about, **changes}))  # type: ignore[arg-type]


def test_every_type_of_event_has_its_sentence() -> None:
    assert set(_SENTENCES) == set(EventType)


@pytest.mark.parametrize("event_type", list(EventType))
def test_every_type_of_event_is_one_line(event_type: EventType) -> None:
    line = event_line(_event(event_type))

    assert line.startswith("    12  2026-11-20 12:00:00Z  abcdefgh.2  ")
    assert "\n" not in line


def test_a_change_says_from_where_to_where_and_why() -> None:
    line = event_line(
        _event(
            EventType.STATE_CHANGED,
            from_="running",
            to="failed",
            reason="exit_code",
            exit_code=3,
            authority=Authority.USER,
            error="it\nbroke",
        )
    )

    assert line.endswith("  abcdefgh.2  running -> failed (exit code 3); by user; error: it\\nbroke")


def test_what_a_reaction_did_is_not_said_to_be_done_by_a_user() -> None:
    back = {"from_": "failed", "to": "pending", "authority": Authority.USER, "source": "back"}

    assert event_line(_event(EventType.STATE_CHANGED, **back)).endswith("failed -> pending; by reaction back")


def test_an_event_of_no_run_in_particular_names_the_session_alone() -> None:
    assert event_line(_event(EventType.COMMAND_REJECTED, generation=None)).split()[3] == "abcdefgh"


def test_a_deleted_record_is_not_told_as_kept_aside() -> None:
    line = event_line(_event(EventType.RECORD_REJECTED, error="it was deleted", path=None))

    assert line.endswith("  change of the record by another hand rejected; error: it was deleted")


def test_an_activity_says_who_reported_it_and_what_was_said() -> None:
    line = event_line(_event(EventType.ACTIVITY_CHANGED, from_="working", to="blocked", source="report", text="rm?"))

    assert line.endswith("  abcdefgh.2  working -> blocked: rm?")


@pytest.mark.parametrize(
    ("event_type", "told", "said"),
    [
        (EventType.CHANGE_CHANGED, {"from_": "none", "to": "open"}, "pull request none -> open"),
        (
            EventType.CHANGE_CHANGED,
            {"from_": "open", "to": "open", "text": "checks failing"},
            "pull request open; text: checks failing",
        ),
        (
            EventType.REACTION_FIRED,
            {"source": "ci-failed", "to": "send", "text": "its checks are failing"},
            "reaction ci-failed: send; text: its checks are failing",
        ),
        (EventType.NOTICE_TOLD, {"to": "desktop, phone"}, "notice told over desktop, phone"),
        (EventType.NOTICE_TOLD, {}, "notice told to nobody"),
        (EventType.NOTICE_FAILED, {"error": "phone: timed out"}, "notice not told; error: phone: timed out"),
        (
            EventType.NOTICE_FAILED,
            {"to": "desktop", "error": "phone: timed out"},
            "notice told over desktop only; error: phone: timed out",
        ),
        (EventType.VERIFIED, {"to": "red", "exit_code": 1}, "verification red (exit code 1)"),
        (EventType.VERIFIED, {"to": "red", "error": "no sh"}, "verification red; error: no sh"),
        (EventType.COMMAND_RUN, {"source": "tidy", "exit_code": 0}, "command of reaction tidy ended with exit code 0"),
        (EventType.COMMAND_RUN, {"source": "tidy"}, "command of reaction tidy did not end by itself"),
        (EventType.SPAWNED_ANOTHER, {"source": "next", "to": "abcd2345"}, "reaction next began session abcd2345"),
        (EventType.SPAWNED_ANOTHER, {"source": "next", "error": "full"}, "reaction next began no session; error: full"),
    ],
)
def test_what_a_reaction_brought_about_is_said_in_words(
    event_type: EventType, told: dict[str, object], said: str
) -> None:
    assert event_line(_event(event_type, **told)).endswith(f"  abcdefgh.2  {said}")


def test_numbers_that_mean_nothing_say_so() -> None:
    assert " ".join(event_line(msgspec.json.encode(void(7))).split()) == "7 - - void: a number that was never used"
    assert event_line(gap_line(3, 9)) == "  gap: events 3 to 9 are no longer kept"


@pytest.mark.parametrize("line", [b'{"sequence":1,"type":"from_the_future\x7f"}', b"\xff\x1b[2J\n"])
def test_a_line_nobody_understands_is_shown_harmlessly(line: bytes) -> None:
    assert event_line(line).isprintable()


# ---- pages and errors ------------------------------------------------------------------------------------------------


def test_a_session_is_told_whole() -> None:
    told = a_document(
        activity="blocked",
        activity_since=NOON,
        activity_source="report",
        activity_text="delete it?",
        prompt="first line\nsecond\x1b line",
        error="no such file",
        argv=("sh", "-c", "echo a"),
    )

    page = session_page(told, NOON + timedelta(seconds=5))

    assert "command     sh -c 'echo a'\n" in page
    assert "prompt      first line\n            second\\x1b line\n" in page
    assert "activity    blocked 5s, said by report: delete it?\n" in page
    assert "error       no such file\n" in page
    assert "ended       -\n" in page


def test_a_session_that_has_ended_does_nothing_any_more() -> None:
    told = a_document(state="completed", activity_source="end of run")

    assert "activity    -\n" in session_page(told, NOON)


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"exit_code": 0}, "exit code 0"), ({"exit_signal": "SIGKILL"}, "SIGKILL"), ({}, "-")],
)
def test_a_page_says_what_the_run_ended_with(changes: dict[str, Any], said: str) -> None:
    assert f"ended with  {said}\n" in session_page(a_document(**changes), NOON)


def test_a_page_says_how_many_processes_were_left_behind() -> None:
    assert "left behind 2 (ended by its launcher)\n" in session_page(a_document(left_behind=2), NOON)
    assert "left behind" not in session_page(a_document(), NOON)


@pytest.mark.parametrize(
    ("tokens", "cost_usd", "said"),
    [
        (
            Tokens(input=1_200, output=450, cache_read=34_000),
            0.125,
            "1.2k tokens in and 34k more from a cache, 450 out; 0.12 USD",
        ),
        (Tokens(input=20, cache_write=3), None, "23 tokens in, 0 out"),
        (Tokens(), None, "0 tokens in, 0 out"),
    ],
)
def test_a_page_says_what_a_conversation_has_cost(tokens: Tokens, cost_usd: float | None, said: str) -> None:
    assert f"spent       {said}\n" in session_page(a_document(tokens=tokens, cost_usd=cost_usd), NOON)


def test_a_page_says_nothing_of_a_cost_that_nobody_tells_and_names_the_version_of_an_agent_that_does() -> None:
    page = session_page(a_document(agent="claude", agent_version="2.1.197"), NOON)

    assert "spent" not in page
    assert "agent       claude 2.1.197 on runtime process" in page


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1k"),
        (12_345, "12.3k"),
        (999_499, "999k"),
        (999_999, "999k"),
        (2_500_000, "2.5M"),
        (123_456_789_012, "123456M"),
    ],
)
def test_a_large_number_has_two_or_three_figures(number: int, said: str) -> None:
    assert figures(number) == said


def test_a_page_names_branch_conversation_and_notice_where_there_are_any() -> None:
    worktree = Workspace(kind="worktree", path="/w/abcdefgh", branch="orch/abcdefgh-fix", base="main", setup="npm ci")
    told = a_document(
        agent="claude", runtime="tmux", conversation="c-1", notice="no hook has fired", workspace=worktree
    )

    page = session_page(told, NOON)

    assert "agent       claude on runtime tmux, run 1\n            conversation c-1\n" in page
    assert "notice      no hook has fired\n" in page
    assert (
        "workspace   /w/abcdefgh (worktree)\nbranch      orch/abcdefgh-fix, begun at main\nsetup       npm ci\n"
        "work        orch diff abcdefgh; what a clean preserves of it: refs/orch/preserve/abcdefgh\n"
    ) in page
    assert "begun at" not in session_page(a_document(workspace=replace(worktree, base=None, setup=None)), NOON)


def test_witnesses_of_an_activity_say_how_much_they_are_believed() -> None:
    def said(observer: str, verdict: str, age_s: float, rank: int | None) -> WitnessDocument:
        return WitnessDocument(
            axis="activity", observer=observer, verdict=verdict, at=NOON, age_s=age_s, excerpt="seen", rank=rank
        )

    explanation = Explanation(
        session=a_document(
            activity="waiting", activity_since=NOON, activity_source="session_file", activity_text="Done."
        ),
        state_rule="",
        liveness_rule="",
        activity_rule="",
        witnesses=(said("session_file", "waiting", 3, 1), said("title", "waiting or blocked", 190, None)),
        pending=(),
    )

    page = explanation_page(explanation, NOON)

    assert "activity    waiting 0s, said by session_file: Done.\n" in page
    assert (
        "witness     session_file (rank 1) on activity: waiting, 3s ago: seen\n"
        "            title on activity: waiting or blocked, 3m ago: seen\n"
    ) in page


def test_an_explanation_names_rules_witnesses_and_what_is_to_come() -> None:
    witness = WitnessDocument(axis="liveness", observer="process", verdict="alive", at=NOON, age_s=4.2, excerpt="pid 7")
    explanation = Explanation(
        session=a_document(),
        state_rule="it started",
        liveness_rule="seen",
        activity_rule="nobody said",
        witnesses=(witness, msgspec.structs.replace(witness, axis="activity", age_s=1, excerpt="")),
        pending=(),
    )

    page = explanation_page(explanation, NOON + timedelta(minutes=2))
    troubled = explanation_page(msgspec.structs.replace(explanation, trouble="the disk is full"), NOON)

    assert troubled.endswith("to come     -\ntrouble     the disk is full\n")
    assert page == (
        "session     abcdefgh fix-login\n"
        "state       running (started), for 2m\n"
        "            it started\n"
        "liveness    alive\n"
        "            seen\n"
        "activity    ?\n"
        "            nobody said\n"
        "witness     process on liveness: alive, 4s ago: pid 7\n"
        "            process on activity: alive, 1s ago\n"
        "to come     -\n"
    )


def test_an_error_ends_with_the_next_command() -> None:
    assert error_text(NotFoundError("there is no 'a\x1b'", hint="orch status")) == (
        "there is no 'a\\x1b'\n  try: orch status"
    )
    assert error_text(TimedOutError("too late")) == "too late"

"""What is said of plays: every miss is called one, comes with where it is from, and nothing that failed is dropped."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from benchmarks.machine import Machine
from benchmarks.truth.figures import Condition, Figure, Result, known_reasons, reason_for
from benchmarks.truth.listening import Heard, claims_of, receipts_of
from benchmarks.truth.playing import Played
from benchmarks.truth.receipts import Sent, receipts
from benchmarks.truth.reporting import documented, encoded, markdown, merged, read_documented, text, worse_than
from benchmarks.truth.scoring import Edge
from orchestrd.model.event import Event, EventType
from orchestrd.model.ids import SessionId
from orchestrd.model.words import Receipt

MACHINE = Machine(cores=2, system="Linux 6.1", python="3.11.7", file_system="ext4", load=0.5)
TRUTH = (Edge(100.0, "working"), Edge(110.0, "waiting"))


def a_play(*claims: Edge, sent: tuple[Sent, ...] = (), failure: str | None = None) -> Played:
    return Played(
        scenario="plain", truth=TRUTH, claims=claims or TRUTH, until=120.0, sent=sent, load=1.5, failure=failure
    )


def a_result(*plays: Played, has_hooks: bool = True) -> Result:
    condition = Condition(player="claude", version="2.1", has_hooks=has_hooks, tick_s=1.0)
    left_out = {"subagent": "it has none"}
    return Result(condition=condition, plays=plays, left_out=left_out, agents_at_once=2, load=1.5)


def a_message(receipt: str, *heard: str, was_typed_astray: bool = False) -> Sent:
    return Sent(
        text="Sell  one", receipt=receipt, reply=receipt, expected="", heard=heard, was_typed_astray=was_typed_astray
    )


def figure(result: Result, name: str) -> Figure:
    return next(one for one in result.figures if one.name == name)


# ---- figures ---------------------------------------------------------------------------------------------------------


def test_who_says_the_truth_reaches_every_figure() -> None:
    result = a_result(a_play(sent=(a_message("submitted", "Sell one"),)))

    assert [one.name for one in result.figures if not one.is_reached] == []
    assert len(result.figures) == 8


@pytest.mark.parametrize(
    ("name", "play"),
    [
        ("accuracy by time", a_play(TRUTH[0], Edge(112.0, "waiting"))),
        ("edge latency p95", a_play(TRUTH[0], Edge(110.4, "waiting"))),
        ("edge latency p95", a_play(TRUTH[0])),
        ("false deaths", a_play(TRUTH[0], Edge(105.0, "ended"), Edge(105.1, "working"), TRUTH[1])),
        ("false `blocked`", a_play(TRUTH[0], Edge(105.0, "blocked"), Edge(105.1, "working"), TRUTH[1])),
        ("longest wrong interval", a_play(TRUTH[0], Edge(112.1, "waiting"))),
        ("input typed into a dialog", a_play(sent=(a_message("refused", was_typed_astray=True),))),
        ("`submitted` that was not", a_play(sent=(a_message("submitted", "draft Sell one"),))),
        ("`refused` or `unknown` that was", a_play(sent=(a_message("unknown", "Sell one"),))),
    ],
)
def test_each_figure_is_missed_by_what_it_is_about(name: str, play: Played) -> None:
    assert not figure(a_result(play), name).is_reached


def test_without_hooks_a_tick_and_a_half_is_in_time_and_three_are_not_too_long() -> None:
    late = a_play(TRUTH[0], Edge(111.4, "waiting"))

    with_hooks, without = a_result(late), a_result(late, has_hooks=False)

    assert not figure(with_hooks, "edge latency p95").is_reached
    assert figure(without, "edge latency p95").is_reached
    assert figure(without, "longest wrong interval").is_reached
    assert figure(without, "longest wrong interval").bound == "≤ 3 s"


def test_a_miss_names_the_play_it_comes_from_and_what_was_taken_for_what() -> None:
    result = a_result(a_play(), replace(a_play(TRUTH[0], Edge(113.0, "waiting")), scenario="hook_lost"))

    assert figure(result, "accuracy by time").worst == "2.5 s of waiting called working in hook_lost"
    assert figure(result, "edge latency p95").worst == "working → waiting took 3.00 s in hook_lost"
    assert figure(result, "longest wrong interval").worst == "waiting called working in hook_lost"


def test_what_is_known_of_a_miss_may_be_of_one_way_to_drive_it_or_of_both() -> None:
    condition = a_result(a_play()).condition
    missed = figure(a_result(a_play()), "edge latency p95")

    told = {"claude": {"edge latency p95, hooks on": "with", "edge latency p95": "always"}}

    assert reason_for(condition, missed, told) == "with"
    assert reason_for(replace(condition, has_hooks=False), missed, told) == "always"
    assert reason_for(condition, missed, {}) == ""


def test_every_reason_that_is_written_down_is_of_a_figure_that_there_is() -> None:
    names = {one.name for one in a_result(a_play()).figures}
    told = {name.partition(", hooks")[0] for reasons in known_reasons().values() for name in reasons}

    assert told - names == set()


# ---- receipts --------------------------------------------------------------------------------------------------------


def test_a_message_was_heard_when_just_its_words_came_as_a_message_of_their_own() -> None:
    told = receipts(
        [
            a_message("submitted", "Count the apples", "Sell one\n"),
            a_message("submitted", "a draft Sell one"),
            a_message("refused", "Sell one"),
            a_message("queued"),
            replace(a_message("refused"), expected="submitted"),
        ]
    )

    assert (told.sent, told.submitted_that_were_not, told.denied_that_were, told.merged) == (5, 1, 1, 1)
    assert told.denied_share == pytest.approx(1 / 5)
    assert told.unexpected == ("'Sell  one' was refused at first, and should be submitted",)


def test_who_sends_nothing_denies_nothing() -> None:
    assert receipts([]).denied_share == 0.0


# ---- claims ----------------------------------------------------------------------------------------------------------


def heard(at: float, kind: EventType, to: str, **more: str) -> Heard:
    event = Event(
        sequence=1,
        at=None,
        session=SessionId("aaaaaaaa"),
        generation=1,
        type=kind,
        from_=None,
        to=to,
        reason=more.get("reason"),
        authority=None,
        revision=1,
    )
    return Heard(at, event)


def test_a_claim_is_the_activity_while_a_run_lives_and_its_end_when_it_is_called_dead() -> None:
    told = [
        heard(1.0, EventType.STATE_CHANGED, "pending", reason="accepted"),
        heard(2.0, EventType.STATE_CHANGED, "running", reason="started"),
        heard(3.0, EventType.ACTIVITY_CHANGED, "working"),
        heard(4.0, EventType.STATE_CHANGED, "lost", reason="contact_lost"),
        heard(5.0, EventType.STATE_CHANGED, "running", reason="recovered"),
        heard(6.0, EventType.LIVENESS_CHANGED, "dead"),
        heard(7.0, EventType.STATE_CHANGED, "failed", reason="signal"),
    ]

    assert [edge.state for edge in claims_of(told)] == [
        "unknown",
        "unknown",
        "working",
        "unknown",
        "working",
        "ended",
        "ended",
    ]


def test_what_became_of_a_message_is_known_once_it_is_settled() -> None:
    settled = heard(1.0, EventType.MESSAGE_SETTLED, "")
    settled = replace(settled, event=replace(settled.event, message="m", receipt=Receipt.SUBMITTED))

    assert receipts_of([settled, heard(2.0, EventType.ACTIVITY_CHANGED, "working")]) == {"m": "submitted"}


# ---- the document ----------------------------------------------------------------------------------------------------


def test_the_document_tells_of_every_miss_and_of_everything_that_was_left_out() -> None:
    failed = replace(a_play(failure="not blocked in 30 s"), scenario="question")
    result = a_result(a_play(TRUTH[0], Edge(113.0, "waiting")), failed)

    told = markdown(documented([result], MACHINE))

    assert "5 of 8 figures reached, 3 missed." in told
    assert "- **edge latency p95**: working → waiting took 3.00 s in plain." in told
    assert "| waiting |  | 7.0 |" not in told
    assert "`subagent` (it has none)" in told
    assert "`question` (could not be played: not blocked in 30 s)" in told
    assert "1 of 2 plays" in told


def test_a_crowd_is_told_apart() -> None:
    crowd = replace(a_result(a_play()), condition=replace(a_result().condition, player="20 sessions"))

    told = markdown([*documented([a_result(a_play())], MACHINE), *documented([crowd], MACHINE, is_crowd=True)])

    assert told.index("## Many at once") < told.index("### 20 sessions 2.1, hooks on")


def test_one_agent_measured_again_takes_its_own_place_and_leaves_the_others_theirs() -> None:
    claude, codex = (
        replace(a_result(a_play()), condition=replace(a_result().condition, player=player))
        for player in ("claude", "codex")
    )
    known = documented([codex, claude], MACHINE)
    again = documented([replace(codex, condition=replace(codex.condition, version="2.2"))], MACHINE)

    newest = merged(known, again, ["claude", "codex"])

    assert [(one.player, one.version) for one in newest] == [("claude", "2.1"), ("codex", "2.2")]


def test_the_terminal_shows_what_is_wrong_and_where_it_comes_from() -> None:
    told = text(a_result(a_play(TRUTH[0], Edge(113.0, "waiting"))))

    assert "MISSED  2.5 s of waiting called working in plain" in told
    assert "2.5 s of waiting called working\n" in told
    assert "working → waiting: 3.00 / 3.00 / 3.00 s (p50 / p95 / p99 of 1)" in told


# ---- the canary ------------------------------------------------------------------------------------------------------


def test_only_what_was_reached_before_is_called_worse(tmp_path: Path) -> None:
    late = a_result(a_play(TRUTH[0], Edge(110.4, "waiting")))
    worse = a_result(a_play(TRUTH[0], Edge(113.0, "waiting")))
    file = tmp_path / "documented.json"
    file.write_bytes(encoded(documented([late], MACHINE)))
    known = read_documented(file)

    assert worse_than(known, documented([late], MACHINE), [late]) == []
    assert worse_than(known, documented([worse], MACHINE), [worse]) == [
        "claude 2.1, hooks on: accuracy by time is missed, and holds in the documented run",
        "claude 2.1, hooks on: longest wrong interval is missed, and holds in the documented run",
    ]


def test_a_play_that_failed_is_worse_whatever_is_documented(tmp_path: Path) -> None:
    told = worse_than(read_documented(tmp_path / "none"), [], [a_result(a_play(failure="not blocked in 30 s"))])

    assert told == ["claude 2.1, hooks on: plain could not be played: not blocked in 30 s"]

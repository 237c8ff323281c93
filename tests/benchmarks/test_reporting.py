"""What is said of figures: nothing is hidden, and a miss is called one."""

import json
import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from benchmarks.machine import Machine
from benchmarks.measuring import Figures, alternate, figures
from benchmarks.reporting import BEGIN, END, as_json, markdown, put_between_marks, table
from benchmarks.rows import Bound, Row, at_least, at_most

MACHINE = Machine(cores=2, system="Linux 6.1", python="3.11.7", file_system="ext4", load=0.5)


def a_row(*target: Bound, ours: tuple[float, ...] = (4.0, 5.0, 9.0), peer: Figures | None = None) -> Row:
    return Row(
        family="family",
        what="the thing",
        unit="ms",
        ours=Figures(ours),
        peer_name="bare",
        peer=peer,
        target=target,
        reason="it is what it is",
    )


def test_a_row_is_judged_by_every_bound_of_its_target() -> None:
    peer = Figures((2.0,))

    verdicts = [
        a_row().verdict,
        a_row(at_most(5.0)).verdict,
        a_row(at_most(5.0), at_most(8.0, "p99")).verdict,
        a_row(at_most(2.5, "ratio"), peer=peer).verdict,
        a_row(at_most(2.4, "ratio"), peer=peer).verdict,
        a_row(at_least(5.0)).verdict,
        a_row(at_least(5.1)).verdict,
    ]

    assert verdicts == ["", "met", "MISSED", "met", "MISSED", "met", "MISSED"]


def test_a_ratio_that_could_not_be_measured_is_a_miss() -> None:
    row = a_row(at_most(2.5, "ratio"), peer=None)

    assert row.verdict == "MISSED"


def test_the_table_shows_the_miss_and_how_far_the_samples_lie_apart() -> None:
    row = a_row(at_most(4.5), at_most(8.0, "p99"), peer=Figures((2.0,)))

    _, line = table([row]).splitlines()

    assert re.split(r" {2,}", line) == [
        "the thing",
        "5 ms (4 to 9, p99 9)",
        "bare: 2 ms",
        "2.5x",
        "≤ 4.5 ms, p99 ≤ 8 ms",
        "MISSED",
    ]


def test_the_document_says_of_every_miss_what_is_missed_and_why() -> None:
    rows = [a_row(at_most(4.5), at_most(3.0, "ratio"), peer=Figures((2.0,))), a_row(at_most(9.0))]

    text = markdown(rows, [], MACHINE, took_s=12.0)

    assert "1 of 2 targets met, 1 missed" in text
    assert "- **the thing**: 5 ms (4 to 9), 2.5x bare, and should be ≤ 4.5 ms. It is what it is." in text


def test_each_family_has_a_table_and_what_is_measured_beside_two_is_named_once() -> None:
    other = replace(a_row(peer=Figures((2.0,))), family="another")

    text = markdown([a_row(peer=Figures((2.0,))), other, replace(other, peer_name="second")], [], MACHINE, took_s=12.0)

    assert text.count("### Family") == text.count("### Another") == 1
    assert text.count("| the thing |") == 2
    assert "|  |  | second: 2 ms |" in text


def test_the_document_says_what_could_not_be_measured() -> None:
    text = markdown([], ["counts: there is no strace"], MACHINE, took_s=12.0)

    assert "Not measured, counts: there is no strace." in text


def test_only_what_stands_between_the_marks_is_replaced(tmp_path: Path) -> None:
    document = tmp_path / "document.md"
    document.write_text(f"before\n{BEGIN}old\n{END}after\n")

    put_between_marks(document, "new")

    assert document.read_text() == f"before\n{BEGIN}\nnew\n{END}after\n"


def test_a_document_without_marks_is_left_alone(tmp_path: Path) -> None:
    document = tmp_path / "document.md"
    document.write_text("before")

    with pytest.raises(ValueError, match="has no"):
        put_between_marks(document, "new")

    assert document.read_text() == "before"


def test_programs_get_the_same_rows() -> None:
    told = json.loads(as_json([a_row(at_most(4.5))], ["counts: no strace"], MACHINE, took_s=1.0))

    assert told["machine"]["cores"] == 2
    assert told["absent"] == ["counts: no strace"]
    assert told["rows"][0]["ours"] == {"median": 5.0, "least": 4.0, "worst": 9.0, "p99": 9.0, "samples": 3}
    assert told["rows"][0]["verdict"] == "MISSED"


def test_both_sides_are_warmed_up_and_then_measured_in_turns() -> None:
    calls: list[str] = []

    def act(name: str) -> float:
        calls.append(name)
        return len(calls)

    ours, peer = alternate([lambda: act("ours"), lambda: act("peer")], rounds=2)

    assert calls == ["ours", "peer"] * 3
    assert (ours, peer) == (figures([3, 5]), figures([4, 6]))


def test_a_peer_that_is_not_there_is_named() -> None:
    _, line = table([a_row(at_most(9.0), peer=None)]).splitlines()

    assert "bare: not there" in line
    assert line.endswith("met")


@pytest.mark.parametrize(
    ("ours", "peer", "told"), [(5.0, 2.0, "2.5x"), (1.0, 2.0, "0.5x"), (1.0, 40.0, "1/40"), (0.0, 3.0, "0x")]
)
def test_a_small_ratio_is_told_the_other_way_round(ours: float, peer: float, told: str) -> None:
    row = a_row(ours=(ours,), peer=Figures((peer,)))

    _, line = table([row]).splitlines()

    assert told in re.split(r" {2,}", line)


def test_what_ours_may_cost_on_top_of_its_peer_can_be_bounded() -> None:
    within, beyond = (a_row(at_most(limit, "surplus"), peer=Figures((2.0,))) for limit in (3.0, 2.9))

    assert (within.verdict, beyond.verdict) == ("met", "MISSED")
    assert within.target_text == "≤ 3 ms more"

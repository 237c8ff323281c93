"""From one look at a run to what its session is told."""

from orchestrd.core.running import run_of
from orchestrd.core.sifting import blind, sift
from orchestrd.model.ids import SessionId
from orchestrd.model.observation import ActivityReport, Reported, Sighted
from orchestrd.model.run import Look, Run
from orchestrd.model.words import Activity, Liveness, Until
from tests.core.interpreter import NOON, SESSION, Interpreter
from tests.core.strategies import OPENING, Script

RUN = Run(session=SESSION, generation=1, mark="mark", hooks_offset=100)
NOW = Interpreter().now


def dead(session: str) -> Look:
    seen = Sighted(generation=1, observer="process", verdict=Liveness.DEAD)
    return Look(run=Run(session=SessionId(session), generation=1, mark=""), observations=(seen,))


def read(line: bytes) -> ActivityReport | None:
    return ActivityReport(activity=Activity.WAITING, text=line.decode(), at_s=0.0) if line != b"noise" else None


def test_a_run_is_named_by_its_mark_and_by_how_far_its_reports_were_read() -> None:
    record = Script(Until.EXIT, OPENING).live().record

    run = run_of(record, hooks_offset=42)

    assert (run.mark, run.handle, run.is_started) == ("aaaaaaaa:1:n0nce", "h", True)
    assert (run.hooks_offset, run_of(record).hooks_offset) == (42, 0)


def test_facts_come_before_reports_and_each_line_bears_where_it_ends() -> None:
    seen = Sighted(generation=1, observer="process", verdict=Liveness.ALIVE)
    look = Look(run=RUN, observations=(seen,), hook_lines=(b"one", b"noise", b"two"), hooks_offset=116)

    inputs = sift([look], {SESSION: read}, frozenset(), NOW).inputs[SESSION]

    reports = [input_ for input_ in inputs if isinstance(input_, Reported)]
    assert inputs[0] == seen
    assert [(report.text, report.offset) for report in reports] == [("one", 104), ("two", 116)]
    assert {report.at.year for report in reports} == {1970}


def test_a_report_without_a_time_is_of_now() -> None:
    look = Look(run=RUN, hook_lines=(b"x",), hooks_offset=102)

    inputs = sift([look], {SESSION: lambda _: ActivityReport(activity=Activity.WORKING)}, frozenset(), NOW).inputs

    assert [input_.at for input_ in inputs[SESSION] if isinstance(input_, Reported)] == [NOON]


def test_a_pass_in_which_most_turned_dead_is_no_evidence_against_any() -> None:
    looks = [dead(name) for name in "abcde"]
    readers = {SessionId(name): read for name in "abcde"}

    sifted = sift(looks, readers, frozenset(), NOW)

    assert sifted.is_set_aside
    assert {input_.verdict for told in sifted.inputs.values() for input_ in told if isinstance(input_, Sighted)} == {
        Liveness.UNKNOWN
    }


def test_who_was_dead_before_did_not_turn_dead_now() -> None:
    looks = [dead(name) for name in "abcde"]

    sifted = sift(looks, {SessionId(name): read for name in "abcde"}, frozenset(map(SessionId, "abc")), NOW)

    assert not sifted.is_set_aside
    assert all(told[0] == look.observations[0] for told, look in zip(sifted.inputs.values(), looks, strict=True))


def test_a_look_that_failed_says_so_and_nothing_else() -> None:
    told = blind([RUN], "process", "no answer in 4 s")

    assert told == {
        SESSION: (Sighted(generation=1, observer="process", verdict=Liveness.UNKNOWN, excerpt="no answer in 4 s"),)
    }

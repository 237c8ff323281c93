"""From one look at a run to what its session is told."""

from datetime import datetime, timedelta
from typing import Any

from orchestrd.core.evidence import hear
from orchestrd.core.running import run_of
from orchestrd.core.sifting import blind, hook_lines, report, sift
from orchestrd.model.agent import Trust
from orchestrd.model.ids import SessionId
from orchestrd.model.observation import Evidence, Reported, Sighted, Testimony
from orchestrd.model.run import Look, Reading, Run
from orchestrd.model.words import Activity, Liveness, Until
from tests.core.interpreter import NOON, SESSION
from tests.core.strategies import OPENING, Script

RUN = Run(session=SESSION, generation=1, mark="mark", hooks_offset=100)
NOTHING = Evidence()
ORDER = (Trust("session_file"), Trust("hook", 60.0))
DAY = timedelta(days=1)


def dead(session: str) -> Look:
    seen = Sighted(generation=1, observer="process", verdict=Liveness.DEAD)
    return Look(run=Run(session=SessionId(session), generation=1, mark=""), observations=(seen,))


def test_a_run_is_named_by_its_mark_and_by_how_far_its_reports_were_read() -> None:
    record = Script(Until.EXIT, OPENING).live().record

    run = run_of(record, Evidence(hooks_offset=42))

    assert (run.mark, run.handle, run.is_started) == ("aaaaaaaa:1:n0nce", "h", True)
    assert (run.hooks_offset, run_of(record).hooks_offset) == (42, 0)


def said(observer: str, activity: Activity, at: datetime | None = None, **rest: Any) -> Testimony:
    return Testimony(observer=observer, allows=(activity,), at=at, **rest)


def told(*testimonies: Testimony, known: Evidence = NOTHING, read: int = 0) -> Reported | None:
    look = Look(run=RUN, hooks_offset=RUN.hooks_offset + read)
    return report(look, Reading(testimonies=testimonies), 0, known, ORDER)


def test_each_line_bears_where_it_ends_and_the_last_one_where_the_look_ended() -> None:
    look = Look(run=RUN, hook_lines=(b"one", b"two"), hooks_offset=116)

    assert hook_lines(look) == ((b"one", 104), (b"two", 116))
    assert hook_lines(Look(run=RUN, hooks_offset=100)) == ()


def test_what_a_witness_says_again_is_no_news() -> None:
    known = hear(NOTHING, said("title", Activity.WORKING), NOON)

    assert told(said("title", Activity.WORKING), known=known) is None
    assert told(said("title", Activity.WORKING, at=NOON), known=known) is None


def test_a_word_that_is_renewed_or_another_one_is_news() -> None:
    known = hear(NOTHING, said("title", Activity.WORKING), NOON)

    for word in (said("title", Activity.WORKING, at=NOON + DAY), said("title", Activity.WAITING)):
        news = told(word, known=known)
        assert news is not None
        assert news.testimonies == (word,)


def test_a_witness_that_has_nothing_to_say_is_heard_only_when_it_had() -> None:
    silence = Testimony(observer="session_file", allows=())
    known = hear(NOTHING, said("session_file", Activity.WAITING), NOON)

    assert told(silence) is None
    assert told(silence, known=known) is not None


def test_a_line_of_the_hooks_is_told_even_if_it_says_the_same() -> None:
    line = said("hook", Activity.WORKING, at=NOON, offset=120)

    assert told(line, known=hear(NOTHING, line, NOON)) is not None


def test_each_word_bears_the_rank_of_its_witness_and_how_long_that_is_trusted() -> None:
    news = told(said("hook", Activity.WORKING, offset=120), said("session_file", Activity.WORKING))
    unnamed = told(said("rumour", Activity.WORKING))

    assert news is not None
    assert [(word.rank, word.trusted_s) for word in news.testimonies] == [(1, 60.0), (0, None)]
    assert unnamed is not None
    assert unnamed.testimonies[0].rank > len(ORDER)


def test_lines_that_mean_nothing_are_still_read_once() -> None:
    news = told(read=10)

    assert news == Reported(generation=1, hooks_offset=110)


def test_a_pass_in_which_most_turned_dead_is_no_evidence_against_any() -> None:
    looks = [dead(name) for name in "abcde"]

    sifted = sift(looks, lambda _: False)

    assert sifted.is_set_aside
    assert {input_.verdict for told in sifted.inputs.values() for input_ in told if isinstance(input_, Sighted)} == {
        Liveness.UNKNOWN
    }


def test_who_was_dead_before_did_not_turn_dead_now() -> None:
    looks = [dead(name) for name in "abcde"]

    sifted = sift(looks, "abc".__contains__)

    assert not sifted.is_set_aside
    assert all(told[0] == look.observations[0] for told, look in zip(sifted.inputs.values(), looks, strict=True))


def test_a_look_that_failed_says_so_and_nothing_else() -> None:
    told = blind([RUN], "process", "no answer in 4 s")

    assert told == {
        SESSION: (Sighted(generation=1, observer="process", verdict=Liveness.UNKNOWN, excerpt="no answer in 4 s"),)
    }

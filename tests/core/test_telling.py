"""How a session is told: documents, lists, explanations, the meaning of a word, errors on the wire."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from orchestrd.core.admission import turn_of
from orchestrd.core.choice import Choice, gap_line, head_of
from orchestrd.core.document import accepted_document, document, is_over, known, status
from orchestrd.core.explain import DUE_SENTENCES, EFFECT_SENTENCES, STATE_RULES, explanation, unexplained
from orchestrd.core.layout import Layout
from orchestrd.core.problem import error_of, problem_of
from orchestrd.core.resolve import Known, refusal, resolve
from orchestrd.model.document import Problem
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.errors import (
    ConflictError,
    FaultError,
    NotFoundError,
    OrchestrdError,
    RefusedError,
    TimedOutError,
    TransientError,
    UnreachableError,
    UsageError,
)
from orchestrd.model.ids import SessionId
from orchestrd.model.instant import DueName, Instant, due_in
from orchestrd.model.observation import Evidence, Witness
from orchestrd.model.session import Message, Session
from orchestrd.model.words import Activity, Authority, Liveness, Reason, State
from tests.documents import NOON, a_document, a_spec
from tests.sessions import a_session

ID = SessionId("abcdefgh")
LAYOUT = Layout("/home/me/.orch")
NOW = Instant(at=NOON + timedelta(seconds=90), boot="boot", up_s=100.0)

RUNNING = a_session(revision=4)


# ---- documents -------------------------------------------------------------------------------------------------------


def test_a_document_is_a_picture_of_the_record() -> None:
    told = document(RUNNING, LAYOUT)

    assert told == a_document()


def test_a_spooled_spawn_is_accepted_at_revision_zero() -> None:
    told = accepted_document(ID, a_spec(), NOON, LAYOUT)

    assert (told.state, told.reason, told.revision, told.created_at) == ("accepted", "accepted", 0, NOON)
    assert not is_over(told)


def test_a_list_is_newest_first_and_counts_what_it_hides() -> None:
    old, new = a_document("aaaaaaaa"), a_document("bbbbbbbb", created_at=NOON + timedelta(1))
    ended = a_document("cccccccc", state="failed")

    short = status([old, ended, new], None, with_ended=False)
    whole = status([old, ended, new], None, with_ended=True, newest_record_at=NOON)

    assert ([told.id for told in short.sessions], short.hidden) == (["bbbbbbbb", "aaaaaaaa"], 1)
    assert (len(whole.sessions), whole.hidden, whole.newest_record_at) == (3, 0, NOON)


def test_the_root_is_a_project_like_any_other() -> None:
    told = status([a_document(project="/"), a_document("bbbbbbbb")], None, with_ended=False, project="/")

    assert [shown.id for shown in told.sessions] == ["abcdefgh"]


# ---- explanations ----------------------------------------------------------------------------------------------------


def test_every_reason_deadline_and_effect_has_its_sentence() -> None:
    assert set(STATE_RULES) == set(Reason)
    assert set(DUE_SENTENCES) == set(DueName)
    assert set(EFFECT_SENTENCES) == set(EffectKind)


def _witness(axis: str, verdict: str) -> Witness:
    return Witness(axis=axis, observer="process", verdict=verdict, at=NOON, excerpt="pid 7")


@pytest.mark.parametrize(
    ("session", "evidence", "said"),
    [
        (RUNNING, Evidence(witnesses=(_witness("liveness", "alive"),)), "process says alive"),
        (RUNNING, Evidence(witnesses=(_witness("activity", "alive"),)), "last word on record"),
        (replace(RUNNING, liveness=Liveness.UNKNOWN), Evidence(), "no observer can tell"),
        (replace(RUNNING, state=State.SCHEDULED), Evidence(), "nothing has been launched"),
        (replace(RUNNING, state=State.FAILED, reason=Reason.SIGNAL), Evidence(), "the run is over"),
    ],
)
def test_liveness_is_explained_by_who_said_so(session: Session, evidence: Evidence, said: str) -> None:
    assert said in explanation(session, evidence, NOW, LAYOUT).liveness_rule


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "silence is never taken for waiting"),
        ({"activity_source": "send"}, "since the last report"),
        ({"activity": Activity.WAITING, "activity_source": "report"}, "report said waiting"),
        ({"activity": Activity.WAITING}, "the record said waiting"),
        ({"state": State.PENDING}, "running agent only"),
    ],
)
def test_activity_is_explained_by_who_said_so(changes: dict[str, object], said: str) -> None:
    assert said in explanation(replace(RUNNING, **changes), Evidence(), NOW, LAYOUT).activity_rule


@pytest.mark.parametrize(
    ("processes", "said"),
    [(0, ""), (1, "; 1 process it left behind was ended"), (2, "; 2 processes it left behind were ended")],
)
def test_what_an_agent_left_behind_is_explained_with_its_end(processes: int, said: str) -> None:
    ended = replace(RUNNING, state=State.COMPLETED, reason=Reason.EXITED, left_behind=processes)

    told = explanation(ended, Evidence(), NOW, LAYOUT)

    assert told.state_rule == STATE_RULES[Reason.EXITED] + said
    assert told.session.left_behind == processes


def test_witnesses_are_told_with_their_age() -> None:
    told = explanation(RUNNING, Evidence(witnesses=(_witness("liveness", "alive"),)), NOW, LAYOUT)

    assert [(witness.observer, witness.age_s, witness.excerpt) for witness in told.witnesses] == [
        ("process", 90.0, "pid 7")
    ]


def test_what_is_to_come_is_told_as_sentences() -> None:
    session = replace(
        RUNNING,
        dues=(due_in(DueName.GRACE, 7, NOW),),
        effects=(
            Effect(id="1", kind=EffectKind.KILL, generation=1),
            Effect(id="2", kind=EffectKind.DELIVER, generation=1, attempted=True),
        ),
        messages=(
            Message(id="m1", text="a", authority=Authority.USER, awaits_turn=True),
            Message(id="m2", text="b", authority=Authority.USER, awaits_turn=False),
        ),
    )

    assert explanation(session, Evidence(), NOW, LAYOUT).pending == (
        "in 7 s it is killed unless it has ended by itself",
        "it is being killed",
        "a message is being typed into it; it was attempted, and its outcome is being found out",
        "message m1 waits for its next turn",
        "message m2 waits for being typed",
    )


def test_what_a_reaction_has_decided_on_names_it_and_what_it_waits_for() -> None:
    merge = Effect(id="1.1", kind=EffectKind.MERGE, generation=1, reaction="ready")
    told, held = (Effect(id=name, kind=EffectKind.NOTIFY, generation=1, reaction="idle") for name in ("1.2", "1.3"))
    session, waiting = replace(RUNNING, effects=(merge, told, held)), {"1.3": "it waits for the end of quiet hours"}

    assert explanation(session, Evidence(), NOW, LAYOUT, waiting=waiting).pending == (
        "its pull request is being merged (reaction ready)",
        "a person is being told (reaction idle)",
        "a person is to be told (reaction idle): it waits for the end of quiet hours",
    )


def test_what_waits_in_its_lane_is_told_how_long_the_lane_is() -> None:
    def scheduled(session: str, minutes: int) -> Session:
        at = NOON + timedelta(minutes=minutes)
        return replace(RUNNING, id=SessionId(session), state=State.SCHEDULED, reason=Reason.QUEUED, scheduled_at=at)

    waits = scheduled("bbbbbbbb", 2)
    turn = turn_of(waits, [RUNNING, scheduled("aaaaaaaa", 1), waits, scheduled("cccccccc", 3)], 1)

    assert explanation(waits, Evidence(), NOW, LAYOUT, turn=turn).pending == (
        "1 of 1 places are taken, 1 before it",
        "more places: orch daemon restart --max-running N",
    )
    assert explanation(RUNNING, Evidence(), NOW, LAYOUT, turn=turn).pending == ()
    assert explanation(waits, Evidence(), NOW, LAYOUT).pending == ()


def test_what_has_no_record_is_shown_unexplained() -> None:
    told = unexplained(a_document())

    assert told.session == a_document()
    assert "spooled" in told.state_rule


# ---- words and errors ------------------------------------------------------------------------------------------------


def _known(session: str, name: str, state: str = "running", minutes: int = 0) -> Known:
    at = NOON + timedelta(minutes=minutes)
    return known(a_document(session, name=name, state=state, state_since=at, created_at=at))


KNOWN = (_known("abcdefgh", "web"), _known("abcd2222", "abc"), _known("zzzzzzzz", "abcdefgh"))


@pytest.mark.parametrize(
    ("text", "found"), [("abcdefgh", "abcdefgh"), ("abc", "abcd2222"), ("abcde", "abcdefgh"), ("zz", "zzzzzzzz")]
)
def test_an_id_beats_a_name_and_a_name_beats_a_beginning(text: str, found: str) -> None:
    assert resolve(text, KNOWN) == found


@pytest.mark.parametrize("text", ["nobody", "we", ""])
def test_a_word_for_nothing_is_not_found(text: str) -> None:
    with pytest.raises(NotFoundError, match=f"'{text}'"):
        resolve(text, KNOWN)


@pytest.mark.parametrize("ended", ["completed", "failed", "cancelled"])
def test_a_name_given_again_means_the_session_that_has_not_ended(ended: str) -> None:
    again = [_known("aaaaaaaa", "sec", ended), _known("bbbbbbbb", "sec", "lost"), _known("cccccccc", "sec", ended)]

    assert resolve("sec", again) == "bbbbbbbb"


def test_a_name_whose_sessions_have_all_ended_means_the_newest_of_them() -> None:
    again = [_known(letter * 8, "sec", "failed", minutes) for letter, minutes in (("a", 1), ("b", 2), ("c", 0))]

    assert resolve("sec", again) == "bbbbbbbb"


def test_a_name_of_several_that_go_on_is_ambiguous_and_only_these_are_told() -> None:
    states = ("running", "failed", "pending")
    again = [_known(letter * 8, "sec", state, n) for n, (letter, state) in enumerate(zip("abc", states, strict=True))]

    with pytest.raises(UsageError, match=r"'sec' means 2 sessions: cccccccc \(pending since 2026") as ambiguous:
        resolve("sec", again)

    assert (ambiguous.value.code, ambiguous.value.candidates) == ("ambiguous", ("cccccccc", "aaaaaaaa"))
    assert ambiguous.value.hint == "orch show cccccccc"


def test_a_beginning_of_several_is_ambiguous_and_those_that_go_on_are_told_first() -> None:
    states = ("running", "failed", "pending")
    many = [
        _known(f"xyz{letter * 5}", letter, state, n)
        for n, (letter, state) in enumerate(zip("abc", states, strict=True))
    ]

    with pytest.raises(UsageError, match="'xyz' means 3 sessions") as ambiguous:
        resolve("xyz", many)

    assert ambiguous.value.candidates == ("xyzccccc", "xyzaaaaa", "xyzbbbbb")


def test_a_word_for_many_names_some_of_them() -> None:
    found = tuple(_known(f"aaaaaa{a}{b}", "x") for a in "abcde" for b in "abcde")

    error = refusal("aaa", found)

    assert (error.code, len(error.candidates)) == ("ambiguous", 20)
    assert "and 5 more" in error.message
    assert "more" not in refusal("aaa", found[:2]).message


@pytest.mark.parametrize(
    "error",
    [
        UsageError("m", code="ambiguous", hint="h", candidates=("a", "b")),
        NotFoundError("m"),
        ConflictError("m"),
        RefusedError("m", code="already_ended"),
        TransientError("m"),
        TimedOutError("m"),
        UnreachableError("m"),
        FaultError("m"),
        OrchestrdError("m"),
    ],
)
def test_an_error_arrives_as_it_was_raised(error: OrchestrdError) -> None:
    arrived = error_of(problem_of(error))

    assert type(arrived) is type(error)
    assert (arrived.message, arrived.code, arrived.candidates) == (error.message, error.code, error.candidates)
    assert arrived.hint == error.hint or (arrived.hint.startswith("orch ") and not error.hint)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(403, RefusedError), (405, UsageError), (408, TimedOutError), (413, UsageError), (418, OrchestrdError)],
)
def test_statuses_of_http_s_own_are_errors_too(status: int, kind: type[OrchestrdError]) -> None:
    error = error_of(Problem(title="Said so", status=status, code="c"))

    assert (type(error), error.message) == (kind, "Said so")


# ---- choosing lines --------------------------------------------------------------------------------------------------


def test_a_gap_is_told_to_everyone_and_ends_where_it_ends() -> None:
    head = head_of(gap_line(3, 9))

    assert (gap_line(3, 9), head.cursor) == (b'{"type":"gap","from":3,"to":9}', 9)
    assert Choice(sessions=frozenset({"x"}), types=frozenset({"y"})).takes(head)
    assert not Choice(until=8).takes(head)


def test_a_line_without_any_number_is_before_all_others() -> None:
    assert head_of(b"{}").cursor == 0

"""What a blocked session waits for, and what becomes of an answer: laws over random lives, and each rule by itself."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrd.core.deciding import bounded, in_flight, reply_to
from orchestrd.core.explain import explanation
from orchestrd.core.layout import Layout
from orchestrd.core.step import Refusal
from orchestrd.model.command import Answer, Answered, Attempted, Send, Stop
from orchestrd.model.decision import Choice, Decision, DecisionKind, GivenAnswer
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.event import EventType
from orchestrd.model.limits import ASKED_MAX, CHOICES_MAX, DECISION_TEXT_CHARS_MAX, REPLY_BYTES_MAX
from orchestrd.model.observation import Reported, Testimony
from orchestrd.model.words import Activity, Authority, Receipt
from tests.core.interpreter import NOON, SESSION, Interpreter
from tests.core.reacting import SPEC, Reacting
from tests.core.strategies import OPENING, Script, scripts
from tests.decisions import ALLOW, DENY, OTHER, asks, held, shown
from tests.reports import a_report


def blocked_on(*decisions: Decision) -> Interpreter:
    """Live until the session waits for these decisions, each asked two seconds after the one before."""
    life = Interpreter()
    life.spawn()
    for act in OPENING:
        act.befall(life)
    for decision in decisions:
        tell(life, decision)
        life.wait(2)
    return life


def tell(life: Interpreter, decision: Decision) -> None:
    life.give(asks(decision, at=life.now.at, offset=life.record.hooks_offset + 7))


def say(life: Interpreter, activity: Activity) -> None:
    life.give(a_report(activity, at=life.now.at, offset=life.record.hooks_offset + 7))


def see(life: Interpreter, *allows: Activity, decision: Decision | None = None, text: str = "seen") -> None:
    """Let its screen show something, as of now; it is believed more than what is heard."""
    said = Testimony(observer="screen", allows=allows, decision=decision, text=text if allows else None, rank=0)
    life.give(Reported(generation=1, testimonies=(said,), hooks_offset=life.record.hooks_offset))


def answer(life: Interpreter, choice: str, decision: str = "d1", text: str | None = None) -> Refusal | Receipt | None:
    given = Answer(session=SESSION, decision=decision, choice=choice, text=text)
    return life.give(given).outcome.reply


def attempt(life: Interpreter) -> None:
    effect = in_flight(life.record)
    assert effect is not None
    life.give(Attempted(effect=effect.id))


def end(life: Interpreter, receipt: Receipt, error: str | None = None) -> None:
    effect = in_flight(life.record)
    assert effect is not None
    life.give(Answered(effect=effect.id, generation=1, receipt=receipt, error=error))


def asked(life: Interpreter) -> str | None:
    return life.record.decision.id if life.record.decision else None


# ---- laws ------------------------------------------------------------------------------------------------------------


@given(scripts)
def test_there_is_a_decision_only_while_the_session_is_known_to_be_blocked(script: Script) -> None:
    for taken in script.live().history:
        if not isinstance(taken.outcome.reply, Refusal):
            assert taken.after.decision is None or taken.after.activity is Activity.BLOCKED


@given(scripts)
def test_an_answer_is_attempted_only_to_the_decision_that_stood_right_before(script: Script) -> None:
    for taken in script.live().history:
        begun = [effect for effect in taken.after.effects if effect.answer is not None and effect.attempted]
        before = taken.before.effects if taken.before else ()
        for effect in (effect for effect in begun if effect not in before):
            assert effect.answer is not None
            assert taken.before is not None
            assert taken.before.decision == effect.answer.decision
            assert taken.before.activity is Activity.BLOCKED


@given(scripts)
def test_while_an_answer_is_on_its_way_there_is_no_other_and_nothing_is_typed(script: Script) -> None:
    for taken in script.live().history:
        kinds = Counter(effect.kind for effect in taken.after.effects)
        assert kinds[EffectKind.ANSWER] <= 1
        begun = [effect for effect in taken.outcome.effects if effect.kind is EffectKind.DELIVER]
        assert not begun or not kinds[EffectKind.ANSWER]


@given(scripts)
def test_each_answer_that_was_accepted_is_settled_once_unless_it_is_on_its_way(script: Script) -> None:
    life = script.live()
    accepted = sum(effect.kind is EffectKind.ANSWER for effect in life.given_out)
    settled = sum(event.type is EventType.DECISION_ANSWERED for event in life.events)

    assert accepted - settled == (in_flight(life.record) is not None)


@given(scripts)
def test_the_events_tell_of_each_decision(script: Script) -> None:
    told: str | None = None
    for taken in script.live().history:
        for event in taken.outcome.events:
            if event.type is EventType.DECISION_CHANGED:
                assert event.from_ == told
                told = event.to
        assert told == (taken.after.decision.id if taken.after.decision else None)


# ---- which decision stands -------------------------------------------------------------------------------------------


def test_it_is_heard_to_ask_before_it_is_seen_to_be_blocked() -> None:
    life = blocked_on()
    see(life, Activity.WORKING)
    life.wait(0.2)
    tell(life, held())

    say_working = asked(life)
    life.wait(2)
    see(life, Activity.BLOCKED)

    assert say_working is None
    assert asked(life) == "d1"


def test_what_was_asked_before_it_went_on_is_not_asked_any_more() -> None:
    life = blocked_on(held())

    say(life, Activity.WORKING)
    between = asked(life)
    life.wait(5)
    say(life, Activity.BLOCKED)

    assert between is None
    assert asked(life) is None
    assert life.evidence.asked == ()


def test_a_later_word_of_the_same_witness_need_not_name_it_again() -> None:
    life = blocked_on(held())

    reminded = Testimony(observer="hook", allows=(Activity.BLOCKED,), at=life.now.at, text="may I?", offset=99)
    life.give(Reported(generation=1, testimonies=(reminded,), hooks_offset=99))

    assert asked(life) == "d1"


def test_what_is_held_counts_more_than_the_dialog_on_the_screen() -> None:
    life = blocked_on(held())

    see(life, Activity.BLOCKED, decision=shown())

    assert asked(life) == "d1"


def test_what_the_daemon_before_knew_to_be_held_still_is() -> None:
    life = blocked_on(held())
    life.restart()

    see(life, Activity.BLOCKED, decision=shown())

    assert asked(life) == "d1"


def test_a_dialog_on_the_screen_is_what_the_screen_shows_now() -> None:
    life = blocked_on()
    see(life, Activity.BLOCKED, decision=shown("k1"))
    first = asked(life)

    see(life, Activity.BLOCKED, decision=shown("k2"))

    assert (first, asked(life)) == ("k1", "k2")


def test_of_several_that_it_holds_at_once_the_others_stand_behind_the_newest() -> None:
    life = blocked_on(held("d1"), held("d2"))

    told = asked(life)
    answer(life, "allow", "d2")
    attempt(life)
    end(life, Receipt.SUBMITTED)
    see(life, Activity.BLOCKED)

    assert (told, asked(life)) == ("d2", "d1")


def test_no_more_of_them_are_remembered_than_there_may_be() -> None:
    life = blocked_on(*(held(f"d{n}") for n in range(ASKED_MAX + 2)), held("d5"))

    known = [one.decision.id for one in life.evidence.asked]

    assert len(known) == ASKED_MAX
    assert known[-1] == "d5"
    assert len(set(known)) == len(known)


# ---- answers ---------------------------------------------------------------------------------------------------------


def test_an_answer_ends_the_decision_before_it_is_given_and_its_end_is_told() -> None:
    life = blocked_on(held())

    replies = [answer(life, "allow"), answer(life, "1")]
    accepted = life.record
    attempt(life)
    during = life.record
    say(life, Activity.WORKING)
    end(life, Receipt.SUBMITTED)
    replies.append(answer(life, "allow"))

    (effect,) = accepted.effects
    assert effect.answer is not None
    assert (effect.answer.decision, effect.answer.choice) == (held(), ALLOW)
    assert replies == [None, None, Receipt.SUBMITTED]
    assert (during.activity, during.activity_source, during.decision) == (Activity.UNKNOWN, "typing", None)
    assert life.record.activity is Activity.WORKING
    assert life.record.effects == ()
    event = life.events[-1]
    assert (event.type, event.message, event.text, event.receipt) == ("decision_answered", "d1", "Yes", "submitted")


@pytest.mark.parametrize(
    ("choice", "text", "said", "hint"),
    [
        ("9", None, "'9' is none of its choices: allow, deny, other", f"orch answer {SESSION}"),
        ("0", None, "'0' is none of its choices", f"orch answer {SESSION}"),
        ("١", None, "is none of its choices", f"orch answer {SESSION}"),
        ("allow", "now", "no text can go along with 'allow'", f"orch answer {SESSION} allow"),
        ("other", None, "'other' needs a text", f"orch answer {SESSION} other --message TEXT"),
    ],
)
def test_what_is_no_choice_is_refused_with_the_next_command(
    choice: str, text: str | None, said: str, hint: str
) -> None:
    life = blocked_on(held())

    reply = answer(life, choice, text=text)

    assert isinstance(reply, Refusal)
    assert (reply.code, reply.hint) == ("not_asked", hint)
    assert said in reply.message
    assert life.record.effects == ()


def test_what_has_no_choices_is_for_a_person_at_the_terminal() -> None:
    life = Reacting(id=SESSION)
    life.looks(Activity.BLOCKED, decision=replace(held(), choices=()))

    reply = answer(life, "1")

    assert isinstance(reply, Refusal)
    assert (reply.message, reply.hint) == (
        f"session {SESSION}: only a person at its terminal can answer it",
        f"orch attach {SESSION}",
    )


@pytest.mark.parametrize(
    ("decision", "runtime", "command"),
    [
        (held(), "process", "orch answer"),
        (shown(), "tmux", "orch answer"),
        (replace(held(), choices=()), "tmux", "orch attach"),
        (None, "tmux", "orch attach"),
        (None, "process", "orch logs"),
    ],
)
def test_a_message_to_what_asks_leads_to_where_that_can_be_answered(
    decision: Decision | None, runtime: str, command: str
) -> None:
    life = Reacting(spec=replace(SPEC, runtime=runtime))
    life.looks(Activity.BLOCKED, decision=decision)

    reply = life.give(Send(session=life.record.id, message="m1", text="yes")).outcome.reply

    assert isinstance(reply, Refusal)
    assert reply.hint == f"{command} {life.record.id}"


def test_an_answer_to_another_decision_is_refused_and_shows_the_one_that_stands() -> None:
    life = blocked_on(held("d1"), held("d2"))

    reply = answer(life, "allow", "d1")

    assert isinstance(reply, Refusal)
    assert (reply.code, reply.hint) == ("not_asked", f"orch answer {SESSION}")
    assert "waits for another decision" in reply.message


def test_an_answer_to_what_nobody_asks_is_refused() -> None:
    life = blocked_on(held())
    say(life, Activity.WORKING)

    reply = answer(life, "allow")

    assert isinstance(reply, Refusal)
    assert "it waits for no decision: it is working" in reply.message
    assert reply.hint == f"orch show {SESSION}"


def test_a_session_that_is_being_ended_is_not_answered_and_what_was_not_begun_is_refused() -> None:
    life = blocked_on(held())
    answer(life, "allow")

    life.give(Stop(session=SESSION))
    late = answer(life, "deny")

    assert in_flight(life.record) is None
    assert life.record.settled[-1].receipt is Receipt.REFUSED
    assert isinstance(late, Refusal)


def test_another_answer_while_one_is_on_its_way_is_refused() -> None:
    life = blocked_on(held())
    answer(life, "allow")

    replies = [answer(life, "deny"), answer(life, "deny", text="no")]

    assert all(isinstance(reply, Refusal) for reply in replies)
    assert len(life.record.effects) == 1


def test_an_answer_is_taken_back_when_a_person_was_quicker() -> None:
    life = blocked_on(held())
    answer(life, "allow")

    say(life, Activity.WORKING)

    assert life.record.effects == ()
    (settled,) = life.record.settled
    assert (settled.id, settled.receipt, settled.error) == (
        "answer.d1.allow",
        Receipt.REFUSED,
        "it is not asked any more",
    )


def test_a_dialog_that_still_stands_there_while_it_is_answered_is_not_asked_again() -> None:
    life = blocked_on()
    see(life, Activity.BLOCKED, decision=shown("k1"))
    life.wait(2)
    answer(life, "yes", "k1")
    attempt(life)

    see(life, Activity.BLOCKED, decision=shown("k1"))
    still = asked(life)
    see(life, Activity.BLOCKED, decision=shown("k2"))

    assert (still, asked(life)) == (None, "k2")


def test_the_dialog_behind_the_one_that_is_answered_is_told_as_what_it_is() -> None:
    life = blocked_on()
    see(life, Activity.BLOCKED, decision=shown("k1"))
    life.wait(2)
    answer(life, "yes", "k1")
    attempt(life)
    told = len(life.events)

    see(life, Activity.BLOCKED, decision=shown("k1"), text="the first")
    between = life.record.activity
    see(life, Activity.BLOCKED, decision=shown("k2"), text="the next")

    blocked = [event.text for event in life.events[told:] if event.type is EventType.ACTIVITY_CHANGED]
    assert between is Activity.UNKNOWN
    assert blocked == ["the next"]
    assert (life.record.activity, life.record.activity_text) == (Activity.BLOCKED, "the next")


def test_the_dialog_of_what_is_held_is_no_other_decision_while_that_is_answered() -> None:
    life = blocked_on(held())
    answer(life, "allow")
    attempt(life)
    told = len(life.events)

    see(life, Activity.BLOCKED, decision=shown("k1"))
    say(life, Activity.WORKING)

    kinds = {EventType.ACTIVITY_CHANGED, EventType.DECISION_CHANGED}
    assert [event.to for event in life.events[told:] if event.type in kinds] == ["working"]


def test_a_dialog_that_stands_there_when_its_answer_is_settled_is_asked_again() -> None:
    life = blocked_on()
    see(life, Activity.BLOCKED, decision=shown("k1"))
    answer(life, "yes", "k1")
    attempt(life)
    see(life, Activity.BLOCKED, decision=shown("k1"))

    end(life, Receipt.UNKNOWN, "nobody saw it")

    assert (life.record.activity, asked(life)) == (Activity.BLOCKED, "k1")


def test_where_nobody_saw_what_became_of_it_whoever_looks_is_believed_again() -> None:
    life = blocked_on(held())
    before = life.now.at
    answer(life, "allow")
    attempt(life)
    stale = Testimony(observer="session_file", allows=(Activity.BLOCKED,), at=before - timedelta(seconds=1))
    life.give(Reported(generation=1, testimonies=(stale,), hooks_offset=life.record.hooks_offset))
    during = life.record.activity

    end(life, Receipt.UNKNOWN, "nobody saw it")

    assert during is Activity.UNKNOWN
    assert (life.record.activity, asked(life)) == (Activity.BLOCKED, None)
    assert isinstance(answer(life, "deny"), Refusal)
    assert answer(life, "allow") is Receipt.UNKNOWN


def test_an_answer_that_the_daemon_left_half_done_is_unknown_and_never_given_again() -> None:
    life = blocked_on(held())
    answer(life, "allow")
    attempt(life)

    life.restart()

    (settled,) = life.record.settled
    assert (settled.receipt, settled.error) == (Receipt.UNKNOWN, "the daemon ended while it was answering")
    assert life.record.effects == ()


@pytest.mark.parametrize("restarts", [1, 2])
def test_a_host_that_says_nothing_of_an_answer_left_half_done_still_asks(restarts: int) -> None:
    life = Reacting(spec=replace(SPEC, runtime="process"))
    life.looks(Activity.BLOCKED, decision=held())
    for choice in ("allow", "deny"):
        life.give(Answer(session=life.record.id, decision="d1", choice=choice))
        attempt(life)
        for _ in range(restarts):
            life.wait(1)
            life.restart()

        assert (life.record.activity, asked(life)) == (Activity.BLOCKED, "d1")
        assert life.record.effects == ()

    life.give(a_report(Activity.WORKING, at=life.now.at, offset=9))
    assert (life.record.activity, asked(life)) == (Activity.WORKING, None)


def test_the_same_choice_is_settled_under_one_name_however_often() -> None:
    life = blocked_on(shown())
    for _ in range(2):
        see(life, Activity.BLOCKED, decision=shown())
        answer(life, "yes", "k1")
        attempt(life)
        end(life, Receipt.UNKNOWN)

    assert [settled.id for settled in life.record.settled] == ["answer.k1.yes"]


def test_an_answer_on_its_way_is_explained() -> None:
    life = blocked_on(held())
    answer(life, "allow")

    told = explanation(life.record, life.evidence, life.now, Layout("/home/me/.orch"))

    assert told.pending == ("the decision that it waits for is being answered",)
    assert told.session.decision == held()


def test_an_effect_without_an_answer_as_another_hand_may_write_it_comes_to_nothing() -> None:
    life = blocked_on(held())
    strange = Effect(id="1.9", kind=EffectKind.ANSWER, generation=1, attempted=True)
    life.session = replace(life.record, effects=(strange,))

    life.give(Answered(effect="1.9", generation=1, receipt=Receipt.REFUSED))

    assert (life.record.effects, life.record.settled) == ((), ())
    assert asked(life) == "d1"


# ---- values ----------------------------------------------------------------------------------------------------------


@given(text=st.text(max_size=20))
def test_a_text_goes_into_the_reply_as_a_json_string(text: str) -> None:
    given_answer = GivenAnswer(decision=held(), choice=DENY, text=text, authority=Authority.USER)

    line = reply_to(given_answer)

    assert "\n" not in line
    assert line.startswith('{"behavior":"deny","message":"')


def test_without_a_text_the_reply_is_as_it_stands() -> None:
    assert reply_to(GivenAnswer(decision=held(), choice=DENY, text=None, authority=Authority.USER)) == DENY.reply
    assert reply_to(GivenAnswer(decision=held(), choice=ALLOW, text="x", authority=Authority.USER)) == ALLOW.reply


def test_a_key_counts_more_than_a_number() -> None:
    two, one = Choice(key="2", label="b", reply="2"), Choice(key="1", label="a", reply="1")
    decision = shown("k1", two, one)

    assert decision.choice("1") is one
    assert decision.choice("3") is None
    assert held().choice("3") is OTHER


CODEX = ("Yes, proceed", "Yes, and don't ask again for commands that start with `make`", "No, and tell it what to do")
GEMINI = (
    "Allow for this session",
    "Allow once",
    "Allow all server tools for this session",
    "No, suggest changes (esc)",
)


@pytest.mark.parametrize(
    ("labels", "word", "number"),
    [
        (CODEX, "allow", 1),
        (CODEX, "deny", 3),
        (GEMINI, "allow", 2),
        (GEMINI, "deny", 4),
        (("yes", "no"), "deny", 2),
        (("Run (once)", "Don’t run"), "allow", 1),
        (("Run (once)", "Don’t run"), "deny", 2),
        (("Allow always", "Nothing of it"), "allow", None),
        (("Allow always", "Nothing of it"), "deny", None),
        (CODEX, "always", None),
        (CODEX, "Yes", None),
    ],
)
def test_a_permission_that_is_read_from_the_screen_is_allowed_or_denied_by_these_words(
    labels: tuple[str, ...], word: str, number: int | None
) -> None:
    choices = tuple(Choice(key=str(key), label=label, reply=str(key)) for key, label in enumerate(labels, start=1))
    decision = replace(shown("k1", *choices), kind=DecisionKind.PERMISSION)

    assert decision.choice(word) == (None if number is None else choices[number - 1])


def test_nothing_but_a_permission_is_allowed_or_denied_by_word() -> None:
    choices = (Choice(key="1", label="Yes, I trust it", reply="1"), Choice(key="2", label="No", reply="2"))

    dialog = shown("k1", *choices)

    assert dialog.choice("allow") is dialog.choice("deny") is None


def test_a_choice_that_is_called_so_counts_more_than_one_that_begins_so() -> None:
    decision = held("d1", Choice(key="a", label="Allow once", reply="a"), Choice(key="allow", label="It", reply="b"))

    assert decision.choice("allow") == decision.choices[1]


def test_what_cannot_be_kept_whole_has_no_choices_and_what_is_too_long_is_cut() -> None:
    large = Choice(key="x", label="x", reply="y" * (REPLY_BYTES_MAX + 1))
    many = [Choice(key=str(n), label="x", reply="y") for n in range(CHOICES_MAX + 1)]

    assert bounded(held("d1", ALLOW, large)).choices == ()
    assert bounded(held("d1", replace(DENY, around=("é" * REPLY_BYTES_MAX, "")))).choices == ()
    assert bounded(held("d1", *many)).choices == ()
    assert bounded(held(text="x" * 10_000)).text == "x" * (DECISION_TEXT_CHARS_MAX - 1) + "…"
    assert bounded(held()) == held()


def test_a_moment_that_no_witness_names_is_the_moment_of_the_look() -> None:
    life = blocked_on()

    life.give(asks(held(), at=None, offset=7))

    assert life.evidence.asked[0].at == life.now.at > NOON - timedelta(days=1)

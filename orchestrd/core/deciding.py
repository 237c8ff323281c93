"""What a blocked session waits for: which decision stands, who may answer it, and what becomes of an answer.

- A decision stands while the session is known to be blocked, and no longer.
- An answer reaches the decision that it was given to, or none: it is committed as attempted on what a look right before
  it has seen. From then on that decision is over and the activity open, until a witness speaks: so nothing is answered
  twice.
- An agent may wait for several decisions at once, for tools that it uses side by side. Where it holds each of them, the
  newest is told, and behind it the others.
"""

import msgspec
from msgspec.structs import replace

from orchestrd.core.evidence import TYPING, still_limited
from orchestrd.core.terminal import Answering, answering, has_terminal, is_hosted
from orchestrd.core.turn import Refusal, Turn, short
from orchestrd.model.command import Answer, Answered
from orchestrd.model.decision import NOT_ASKED, Choice, Decision, DecisionKind, GivenAnswer, Way, answer_id
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.event import EventType
from orchestrd.model.limits import (
    ASKED_MAX,
    CHOICE_LABEL_CHARS_MAX,
    CHOICES_MAX,
    DECISION_TEXT_CHARS_MAX,
    REPLY_BYTES_MAX,
    SETTLED_MAX,
)
from orchestrd.model.observation import Asked, Evidence, Testimony
from orchestrd.model.session import Session, Settled
from orchestrd.model.words import Activity, Receipt, State

_GOES_ON = frozenset({Activity.WORKING, Activity.WAITING, Activity.LIMITED})


def reply_to(given: GivenAnswer) -> str:
    """Give what goes to whoever asks: a line without its end, or the names of keys."""
    if given.text is None or given.choice.around is None:
        return given.choice.reply
    before, behind = given.choice.around
    return f"{before}{msgspec.json.encode(given.text).decode()}{behind}"


def bounded(decision: Decision) -> Decision:
    """Cut what is asked to what a record may hold; what cannot be answered whole is for a person at the terminal."""
    fits = len(decision.choices) <= CHOICES_MAX and all(_fits(choice) for choice in decision.choices)
    labelled = tuple(replace(choice, label=choice.label[:CHOICE_LABEL_CHARS_MAX]) for choice in decision.choices)
    text = decision.text
    if len(text) > DECISION_TEXT_CHARS_MAX:
        text = f"{text[: DECISION_TEXT_CHARS_MAX - 1]}…"
    return replace(decision, text=text, choices=labelled if fits else ())


def remember_asked(turn: Turn, said: Testimony) -> None:
    """Remember what an agent holds until it is answered: a later word of the same witness need not name it again."""
    if said.decision is None or said.decision.way is not Way.HELD:
        return
    others = _others(turn.evidence, said.decision.id)
    asked = Asked(at=said.at or turn.now.at, decision=said.decision)
    turn.evidence = replace(turn.evidence, asked=(*others, asked)[-ASKED_MAX:])


def follow_decision(turn: Turn) -> None:
    """Let the decision be what the session is blocked on now, and take back what was not begun for another one.

    What was asked before the agent went on has been answered. It may be heard to ask before it is seen to be blocked.
    """
    activity, since = turn.session.activity, turn.session.activity_since
    if activity in _GOES_ON and since is not None:
        turn.evidence = replace(turn.evidence, asked=tuple(known for known in turn.evidence.asked if known.at > since))
    effect = in_flight(turn.session)
    asked = _standing(turn) if activity is Activity.BLOCKED else None
    given = effect.answer if effect is not None else None
    if effect is None or given is None:
        _tell(turn, asked)
    elif effect.attempted:
        _tell(turn, None if asked == given.decision else asked)  # its dialog may stand there for a moment yet
    else:
        _tell(turn, asked)
        _take_back_unless_asked(turn, effect, given)


def answering_of(session: Session) -> Answering:
    """Say who can answer what this session asks, and by which command."""
    return answering(session.id, session.decision, is_attachable=has_terminal(session.spec.runtime))


def in_flight(session: Session) -> Effect | None:
    """Give the effect of an answer that is on its way."""
    return next((effect for effect in session.effects if effect.answer is not None), None)


def decision_named(session: Session, decision: str) -> Decision | None:
    """Give the decision of this id, if it is asked now or just being answered."""
    effect = in_flight(session)
    given = effect.answer.decision if effect is not None and effect.answer is not None else None
    return next((one for one in (session.decision, given) if one is not None and one.id == decision), None)


def answer(turn: Turn, command: Answer) -> None:
    """Accept an answer to the decision that stands; the same one once more is the same one."""
    effect = in_flight(turn.session)
    if effect is not None and effect.answer is not None and _is_same(effect.answer, command):
        return
    decision = turn.session.decision
    if effect is not None or decision is None or decision.id != command.decision or not _may_answer(turn.session):
        _say_what_became_of_it(turn, command)
        return
    choice = _choice_of(turn.session, decision, command)
    if isinstance(choice, Refusal):
        turn.reply = choice
        return
    given = GivenAnswer(decision=decision, choice=choice, text=command.text, authority=command.authority)
    turn.perform(EffectKind.ANSWER, answer=given)


def attempted(turn: Turn, effect: Effect) -> None:
    """The answer is about to be given. What is known of what the agent does is over with it, but for its limit."""
    decision = effect.answer.decision if effect.answer else None
    asked = _others(turn.evidence, decision.id if decision else "")
    is_limit = decision is not None and decision.kind is DecisionKind.LIMIT
    still = (still_limited(turn.session, turn.evidence, turn.now.at),) if is_limit else ()
    turn.evidence = replace(turn.evidence, asked=asked, testimonies=still, typed_at=turn.now.at)
    turn.set_activity(Activity.UNKNOWN, TYPING, None)


def answered(turn: Turn, result: Answered) -> None:
    """The answer is settled. Where nobody has spoken since, whoever looks is believed again, whatever the age of it."""
    effect = next(effect for effect in turn.session.effects if effect.id == result.effect)
    turn.drop_effect(result.effect)
    settle_answer(turn, effect, result.receipt, result.error)
    if turn.session.activity_source == TYPING or result.receipt is not Receipt.SUBMITTED:
        turn.evidence = replace(turn.evidence, typed_at=None)
    if turn.session.activity_source != TYPING:
        return
    spec, given = turn.session.spec, effect.answer
    if given is not None and result.receipt is Receipt.UNKNOWN and is_hosted(spec.agent, spec.runtime):
        _ask_again(turn, given.decision)
    else:
        turn.set_activity(Activity.UNKNOWN, "answer", None)
        turn.judge_activity()


def _ask_again(turn: Turn, decision: Decision) -> None:
    """It still asks, as far as its host has said: that would have told of an answer, and takes none twice."""
    since = turn.session.activity_since
    asked = Asked(at=since or turn.now.at, decision=decision)
    turn.evidence = replace(turn.evidence, asked=(*_others(turn.evidence, decision.id), asked)[-ASKED_MAX:])
    turn.set_activity(Activity.BLOCKED, "answer", None, since=since)


def settle_answer(turn: Turn, effect: Effect, receipt: Receipt, error: str | None) -> None:
    """Say what became of an answer, once, and remember it for the same one again."""
    if effect.answer is None:
        return  # no record of ours says so
    given, error = effect.answer, short(error)
    settled = Settled(id=given.id, receipt=receipt, error=error)
    others = (known for known in turn.session.settled if known.id != given.id)
    turn.change(settled=(*others, settled)[-SETTLED_MAX:])
    turn.emit(
        EventType.DECISION_ANSWERED,
        authority=given.authority,
        message=given.decision.id,
        text=given.choice.label,
        receipt=receipt,
        error=error,
    )


def _standing(turn: Turn) -> Decision | None:
    """Choose among what is asked: what is held, by this or an earlier word of it, then what a witness says."""
    if turn.evidence.asked:
        return turn.evidence.asked[-1].decision
    recorded = turn.session.decision
    if recorded is not None and recorded.way is Way.HELD:
        return recorded
    said = (one.decision for one in reversed(turn.evidence.testimonies) if Activity.BLOCKED in one.allows)
    return next((decision for decision in said if decision is not None), recorded)


def _others(evidence: Evidence, decision: str) -> tuple[Asked, ...]:
    return tuple(known for known in evidence.asked if known.decision.id != decision)


def _take_back_unless_asked(turn: Turn, effect: Effect, given: GivenAnswer) -> None:
    if given.decision != turn.session.decision or not _may_answer(turn.session):
        turn.drop_effect(effect.id)
        settle_answer(turn, effect, Receipt.REFUSED, "it is not asked any more")


def _tell(turn: Turn, decision: Decision | None) -> None:
    before = turn.session.decision
    if decision == before:
        return
    turn.change(decision=decision)
    turn.emit(
        EventType.DECISION_CHANGED,
        from_=None if before is None else before.id,
        to=None if decision is None else decision.id,
        text=None if decision is None else decision.text,
    )


def _fits(choice: Choice) -> bool:
    around = "".join(choice.around or ())
    return max(len(choice.reply.encode()), len(around.encode())) <= REPLY_BYTES_MAX


def _may_answer(session: Session) -> bool:
    return session.state is State.RUNNING and session.ending is None


def _is_same(given: GivenAnswer, command: Answer) -> bool:
    is_same_choice = given.decision.choice(command.choice) == given.choice
    return is_same_choice and (given.decision.id, given.text) == (command.decision, command.text)


def _choice_of(session: Session, decision: Decision, command: Answer) -> Choice | Refusal:
    choice = decision.choice(command.choice)
    show = f"orch answer {command.session}"
    if not decision.choices:
        other = answering_of(session)
        return _refused(command, other.who, other.command)
    if choice is None:
        keys = ", ".join(one.key for one in decision.choices)
        return _refused(command, f"{command.choice[:40]!r} is none of its choices: {keys}", show)
    if command.text is not None and choice.around is None:
        return _refused(command, f"no text can go along with {choice.key!r}", f"{show} {choice.key}")
    if command.text is None and not choice.reply:
        return _refused(command, f"{choice.key!r} needs a text", f"{show} {choice.key} --message TEXT")
    return choice


def _refused(command: Answer, why: str, hint: str) -> Refusal:
    return Refusal(code=NOT_ASKED, message=f"session {command.session}: {why}", hint=hint)


def _say_what_became_of_it(turn: Turn, command: Answer) -> None:
    """What is not asked is refused; unless this very answer was given, and what became of it is known."""
    known_id = answer_id(command.decision, command.choice)
    known = next((settled for settled in turn.session.settled if settled.id == known_id), None)
    if known is not None:
        turn.reply = known.receipt
        return
    session = turn.session
    waits = (
        "it waits for another decision" if session.decision else f"it waits for no decision: it is {_stand(session)}"
    )
    turn.reply = Refusal(
        code=NOT_ASKED,
        message=f"session {session.id} does not ask this any more; {waits}",
        hint=f"orch answer {session.id}" if session.decision else f"orch show {session.id}",
    )


def _stand(session: Session) -> str:
    return str(session.activity if _may_answer(session) else session.state)

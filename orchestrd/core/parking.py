"""Usage limits: a session that has met one is parked until it ends, then told to go on; its account starts no other.

A limit is its provider's, and whoever shares the account shares it. When it ends is known where the agent was told;
else it is taken to last for LIMIT_TRUSTED_S. Its end is a deadline of the session like others: it survives a restart,
and a wall clock that is set.

The end is acted upon once: the agent is told to go on, as soon as it waits, unless a person has something to say to it,
or it works again by itself; nor if it does so without being told. What is queued for that is a message like others,
of the daemon.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from msgspec.structs import replace

from orchestrd.core.deciding import in_flight
from orchestrd.core.ending import settle
from orchestrd.core.turn import Turn
from orchestrd.model.decision import DecisionKind, GivenAnswer, answer_id
from orchestrd.model.effect import EffectKind
from orchestrd.model.instant import DueName
from orchestrd.model.limits import LIMIT_TRUSTED_S
from orchestrd.model.session import Message, Session, is_resume, resume_message
from orchestrd.model.words import Activity, Authority, Receipt, State


def follow_limit(turn: Turn) -> None:
    """Park it, keep it parked, or let it go, by what it does now."""
    session = turn.session
    if session.state is not State.RUNNING:
        return  # its account's limit goes on without it
    if session.activity is Activity.LIMITED:
        _park(turn)
    elif session.activity is Activity.BLOCKED:
        _choose_to_wait(turn)
    elif session.activity is Activity.WORKING:
        _leave(turn)
        _give_up_resuming(turn, "it works again by itself")
    elif session.activity is Activity.WAITING and (ends_at := _deadline(session)) is not None:
        if turn.now.at >= ends_at:
            limit_due(turn)
        else:
            _leave(turn)  # somebody has brought it back to where it waits
    if any(not is_resume(message) for message in turn.session.messages):
        _give_up_resuming(turn, "another message was sent to it")


def limit_due(turn: Turn) -> None:
    """The limit has ended: nobody is believed any more who says that there is one, and the agent is to go on."""
    ends_at = _deadline(turn.session) or turn.now.at
    _leave(turn)
    over = tuple(
        replace(said, limited_until=turn.now.at) if said.allows == (Activity.LIMITED,) else said
        for said in turn.evidence.testimonies
    )
    turn.evidence = replace(turn.evidence, testimonies=over)
    turn.judge_activity()
    session = turn.session
    is_idle = session.state is State.RUNNING and session.activity is not Activity.WORKING and not session.messages
    if is_idle and session.resume_text is not None:
        name = resume_message(session.generation, int(ends_at.timestamp()))
        turn.queue(Message(id=name, text=session.resume_text, authority=Authority.DAEMON, awaits_turn=True))


def limit_ends(session: Session) -> datetime | None:
    """Say until when its account is limited, as far as this session knows; null: it knows of no limit."""
    return session.limited_until or _deadline(session)


def limited_accounts(sessions: Iterable[Session], now: datetime) -> Mapping[str, datetime]:
    """Name the accounts that are limited, and until when."""
    limited: dict[str, datetime] = {}
    for session in sessions:
        ends_at = limit_ends(session) if session.account is not None else None
        if session.account is not None and ends_at is not None and ends_at > now:
            limited[session.account] = max(ends_at, limited.get(session.account, ends_at))
    return limited


def _park(turn: Turn) -> None:
    session = turn.session
    since = session.activity_since or turn.now.at
    ends_at = session.limited_until or since + timedelta(seconds=LIMIT_TRUSTED_S)
    if _deadline(session) != ends_at:
        turn.set_due(DueName.LIMIT, max(0.0, (ends_at - turn.now.at).total_seconds()))


def _choose_to_wait(turn: Turn) -> None:
    """Answer the one dialog that only asks whether to wait for the end of a limit, for nobody may be there to do so.

    It is not answered again where that was not seen to have helped.
    """
    session, decision = turn.session, turn.session.decision
    if decision is None or decision.kind is not DecisionKind.LIMIT or not decision.choices or in_flight(session):
        return
    waits = decision.choices[0]
    known = next((past for past in session.settled if past.id == answer_id(decision.id, waits.key)), None)
    if known is None or known.receipt is Receipt.SUBMITTED:
        given = GivenAnswer(decision=decision, choice=waits, text=None, authority=Authority.DAEMON)
        turn.perform(EffectKind.ANSWER, answer=given)


def _leave(turn: Turn) -> None:
    turn.clear_due(DueName.LIMIT)
    if turn.session.limited_until is not None:
        turn.change(limited_until=None)


def _deadline(session: Session) -> datetime | None:
    return next((due.at for due in session.dues if due.name is DueName.LIMIT), None)


def _give_up_resuming(turn: Turn, why: str) -> None:
    begun = {effect.message for effect in turn.session.effects if effect.attempted}
    for message in turn.session.messages:
        if is_resume(message) and message.id not in begun:
            settle(turn, message, Receipt.REFUSED, why)

"""What each command from outside does to a session: accepted with a change, or refused with reason and next command."""

from msgspec.structs import replace

from orchestrd.core.deciding import answering_of
from orchestrd.core.ending import begin_ending, finish
from orchestrd.core.machine import Trigger
from orchestrd.core.messages import BAD_MESSAGE, BLOCKED, digest_of
from orchestrd.core.standing import may_type
from orchestrd.core.turn import Outcome, Refusal, Turn
from orchestrd.core.validate import problem_with_message
from orchestrd.model.command import Kill, Revive, Send, Spawn, Stop
from orchestrd.model.effect import EffectKind
from orchestrd.model.event import Event, EventType
from orchestrd.model.instant import DueName, Instant
from orchestrd.model.limits import GRACE_S_MAX, MESSAGES_MAX
from orchestrd.model.observation import Evidence
from orchestrd.model.session import SCHEMA, Message, Session
from orchestrd.model.words import (
    WAITING_FOR_A_RUN,
    Activity,
    Authority,
    Desired,
    Ending,
    Liveness,
    Reason,
    Receipt,
    State,
)


def spawn(command: Spawn, evidence: Evidence, now: Instant) -> Outcome:
    """Make the session: pending, accepted. Its first commit is its acceptance."""
    session = Session(
        schema=SCHEMA,
        id=command.session,
        revision=0,
        epoch=0,
        spec=command.spec,
        desired=Desired.RUNNING,
        state=State.PENDING,
        reason=Reason.ACCEPTED,
        state_since=now.at,
        generation=1,
        created_at=now.at,
    )
    created = Event(
        sequence=0,
        at=now.at,
        session=session.id,
        generation=1,
        type=EventType.STATE_CHANGED,
        from_=None,
        to=session.state,
        reason=session.reason,
        authority=command.authority,
        revision=1,
        name=session.spec.name,
        source=session.spec.begun_by,
    )
    return Outcome(session=session, evidence=evidence, events=(created,))


def spawn_again(turn: Turn, command: Spawn) -> None:
    """The same spawn twice is one session; another one under a taken id is refused."""
    if command.spec != turn.session.spec:
        turn.reply = Refusal(
            code="conflict",
            message=f"session id {command.session} is already taken by another session",
            hint=f"orch show {command.session}",
        )


def stop(turn: Turn, command: Stop) -> None:
    """Ask the run to end; what was never launched is cancelled at once."""
    if turn.session.is_terminal:
        turn.reply = _already_ended(turn.session)
        return
    turn.change(desired=Desired.STOPPED)
    if turn.session.state in WAITING_FOR_A_RUN:
        finish(turn, Trigger.STOP, authority=command.authority)
        return
    if not turn.move(Trigger.STOP, command.authority):
        return  # it is being ended already
    grace_s = turn.session.spec.grace_s if command.grace_s is None else command.grace_s
    begin_ending(turn, Ending.STOPPED)
    turn.set_due(DueName.GRACE, min(max(0.0, grace_s), GRACE_S_MAX))
    turn.perform(EffectKind.TERMINATE)


def kill(turn: Turn, command: Kill) -> None:
    """Force the run to end."""
    if turn.session.is_terminal:
        turn.reply = _already_ended(turn.session)
        return
    turn.change(desired=Desired.STOPPED)
    if turn.session.state in WAITING_FOR_A_RUN:
        finish(turn, Trigger.KILL, authority=command.authority)
        return
    if not turn.move(Trigger.KILL, command.authority):
        return
    begin_ending(turn, Ending.KILLED)
    turn.perform(EffectKind.KILL)


def send(turn: Turn, command: Send) -> None:
    """Accept a message: typed at once where that is safe, else held for the turn it must wait for."""
    session = turn.session
    digest = digest_of(command)
    known = next((settled for settled in session.settled if settled.id == command.message), None)
    held = next((message for message in session.messages if message.id == command.message), None)
    before = known or held
    if before is not None and before.digest not in (None, digest):
        turn.reply = _conflict(command)
        return
    if known is not None:
        turn.reply = known.receipt
        return
    if held is not None:
        turn.reply = _reply_for(turn, held)
        return
    refusal = _refusal_of(session, command)
    if refusal is not None:
        turn.reply = refusal
        return
    message = Message(
        id=command.message,
        text=command.text,
        authority=command.authority,
        awaits_turn=command.awaits_turn or session.activity in (Activity.WORKING, Activity.LIMITED),
        is_command=command.is_command,
        digest=digest,
        is_large=command.digest is not None,
    )
    turn.queue(message)
    turn.reply = _reply_for(turn, message)


def revive(turn: Turn, command: Revive) -> None:
    """Begin a new generation of an ended session; only a user may."""
    session = turn.session
    if not session.is_terminal:
        turn.reply = Refusal(
            code="not_ended",
            message=f"session {session.id} has not ended: it is {session.state}",
            hint=f"orch stop {session.id}",
        )
        return
    if command.authority is not Authority.USER:
        turn.reply = Refusal(
            code="not_allowed",
            message=f"only a user may revive session {session.id}",
            hint=f"orch revive {session.id}",
        )
        return
    turn.evidence = Evidence()
    turn.session = replace(
        session,
        generation=session.generation + 1,
        desired=Desired.RUNNING,
        liveness=Liveness.UNKNOWN,
        scheduled_at=None,
        started_at=None,
        ended_at=None,
        exit_code=None,
        exit_signal=None,
        left_behind=0,
        error=None,
        handle=None,
        attested=(),
        hooks_offset=0,
        transcript_offset=session.transcript_offset if session.conversation else 0,
        has_worked=False,
        turn_over_at=None,
        verification=None,
        notice=None,
        activity_since=None,
        activity_source=None,
    )
    turn.move(Trigger.REVIVE, command.authority)


def _reply_for(turn: Turn, message: Message) -> Receipt | None:
    """Null while its receipt is worth waiting for: it can be typed now."""
    return None if may_type(turn.session, message) else Receipt.QUEUED


def _conflict(command: Send) -> Refusal:
    return Refusal(
        code="conflict",
        message=f"key {command.message} was used for another message to session {command.session}",
        hint=f"orch send {command.session} --key ANOTHER TEXT",
    )


def _already_ended(session: Session) -> Refusal:
    return Refusal(
        code="already_ended",
        message=f"session {session.id} has already ended: {session.state} ({session.reason})",
        hint=f"orch show {session.id}",
    )


def _refusal_of(session: Session, command: Send) -> Refusal | None:
    """Say why a message may not even wait, or null."""
    if session.is_terminal:
        return Refusal(
            code="already_ended",
            message=f"session {session.id} has ended and reads no more: {session.state} ({session.reason})",
            hint=f"orch revive {session.id}",
        )
    if session.state in (State.STOPPING, State.LOST):
        return Refusal(
            code="refused",
            message=f"session {session.id} is {session.state} ({session.reason}) and cannot be typed into",
            hint=f"orch explain {session.id}",
        )
    if session.activity is Activity.BLOCKED:
        return Refusal(
            code=BLOCKED,
            message=f"session {session.id} is blocked on a decision; text typed now would be taken as its answer",
            hint=answering_of(session).command,
        )
    problem = problem_with_message(command.text)
    if problem is not None:
        return Refusal(code=BAD_MESSAGE, message=problem, hint=f"orch send {session.id} -")
    if len(session.messages) >= MESSAGES_MAX:
        return Refusal(
            code="queue_full",
            message=f"session {session.id} already holds {MESSAGES_MAX} unread messages",
            hint=f"orch show {session.id}",
        )
    return None

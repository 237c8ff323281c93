"""How tests put a session, its events and its effects into words, for golden texts that a person reads."""

from collections.abc import Iterator

from orchestrd.core.step import Outcome, Refusal
from orchestrd.model.effect import Effect
from orchestrd.model.event import Event, EventType
from orchestrd.model.instant import Instant
from orchestrd.model.session import Session


def told_event(event: Event) -> str:
    """`state_changed running -> stopping (stop_requested) by user`; what is not set is left out."""
    words = [event.type.value]
    if event.to is not None:
        words.append(f"{event.from_ or 'null'} -> {event.to}")
    words += [f"({event.reason})"] if event.reason else []
    words += [f"message {event.message}"] if event.message else []
    words += [f"receipt {event.receipt}"] if event.receipt else []
    words += [f"code {event.exit_code}"] if event.exit_code is not None else []
    words += [f"signal {event.exit_signal}"] if event.exit_signal else []
    words += [f"pid {event.pid}"] if event.pid is not None else []
    words += [f"from {event.source}"] if event.source else []
    words += [f'"{event.text}"'] if event.text else []
    words += [f"screen {event.screen!r}"] if event.screen else []
    words += [f"error: {event.error}"] if event.error else []
    told_by = event.type in (EventType.STATE_CHANGED, EventType.MESSAGE_QUEUED) and event.authority != "daemon"
    words += [f"by {event.authority}"] if told_by else []
    return " ".join(words)


def told_effect(effect: Effect) -> str:
    """`deliver m1 (attempted)`."""
    words = [effect.kind.value]
    words += [effect.message] if effect.message else []
    words += [f"{effect.answer.decision.id} {effect.answer.choice.key}"] if effect.answer else []
    words += ["(attempted)"] if effect.attempted else []
    return " ".join(words)


def told_reply(outcome: Outcome) -> str:
    """`refused already_ended`, `queued`, or nothing."""
    reply = outcome.reply
    if isinstance(reply, Refusal):
        return f"refused {reply.code}"
    return reply.value if reply else ""


def told_session(session: Session, now: Instant) -> Iterator[str]:
    """Everything about a session that a story may turn on."""
    yield f"{session.state} ({session.reason}), {session.liveness}, {session.activity}"
    if session.generation > 1:
        yield f"generation {session.generation}"
    if session.exit_code is not None or session.exit_signal:
        yield f"ended by {session.exit_signal or session.exit_code}"
    if session.ending is not None:
        yield f"being ended: {session.ending}"
    if session.error:
        yield f"error: {session.error}"
    if session.effects:
        yield "in flight: " + ", ".join(told_effect(effect) for effect in session.effects)
    if session.dues:
        yield "due: " + ", ".join(f"{due.name} in {due.wait_s(now):g} s" for due in session.dues)
    if session.messages:
        yield "held: " + ", ".join(m.id + (" (for its turn)" if m.awaits_turn else "") for m in session.messages)

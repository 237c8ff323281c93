"""Why a session's row says what it says: the rule that won on each axis, every witness, and what is still to come."""

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from orchestrd.core.admission import Turn
from orchestrd.core.document import document
from orchestrd.core.ending import left_behind
from orchestrd.core.evidence import TYPING, by_rank, judge, rule_of
from orchestrd.core.layout import Layout
from orchestrd.core.liveness import ACTIVITY_AXIS, LIVENESS_AXIS
from orchestrd.model.document import Document, Explanation, WitnessDocument
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.instant import DueName, Instant
from orchestrd.model.limits import WITNESSES_MAX
from orchestrd.model.observation import Evidence, Testimony, Witness
from orchestrd.model.session import Session
from orchestrd.model.words import OCCUPYING, Activity, Liveness, Reason, State

STATE_RULES = {
    Reason.ACCEPTED: "it is on disk and waits to be placed in its lane",
    Reason.REVIVED: "a user revived it; the new run waits to be placed in its lane",
    Reason.QUEUED: "it waits in its lane until a place is free",
    Reason.ADMITTED: "its lane had a place; its launcher was ordered, and no start record has been seen yet",
    Reason.STARTED: "the launcher's start record was seen",
    Reason.RECOVERED: "contact was lost, and then it was seen alive again",
    Reason.STOP_REQUESTED: "a stop was ordered: it was asked to end, and is killed when its grace has passed",
    Reason.KILL_REQUESTED: "a kill was ordered: everything that bears its mark is being killed",
    Reason.GOAL_MET: "its goal is met, and its run is being ended",
    Reason.CONTACT_LOST: "every observer has been blind for too long; one sighting brings it back",
    Reason.KILL_FAILED: "kills have left something alive; it is tried again every minute",
    Reason.EXITED: "its launcher recorded exit code 0",
    Reason.TURN_DONE: "its goal was met, and then it was ended",
    Reason.PR_OPENED: "its goal was met, its pull request is open, and then its run ended",
    Reason.PR_MERGED: "its goal was met, its pull request is merged, and then its run ended",
    Reason.VERIFIED: "its goal was met, its verification was green, and then its run ended",
    Reason.LAUNCH_FAILED: "it could not be started, and nothing of it lives",
    Reason.START_TIMEOUT: "no start record appeared before the deadline; what there was of it was killed",
    Reason.GOAL_UNMET: "its launcher recorded exit code 0, and its goal was not met",
    Reason.EXIT_CODE: "its launcher recorded an exit code other than 0",
    Reason.SIGNAL: "its launcher recorded that a signal ended it",
    Reason.EXIT_UNKNOWN: "it is proven gone, and nobody recorded how it ended",
    Reason.SETUP_FAILED: "its setup command failed, so its agent was never started; `orch revive` tries both again",
    Reason.TERMINAL_LOST: "its launcher recorded that its terminal was closed under it",
    Reason.BY_USER: "it was cancelled before anything was launched",
    Reason.STOPPED: "a stop was ordered, and its end is proven",
    Reason.KILLED: "a kill was ordered, and its end is proven",
}
NO_RECORD = "no daemon has a record of it: it is spooled and waits for one, or it was written by a newer orchestrd"
DUE_SENTENCES = {
    DueName.START: "is killed unless its start record appears",
    DueName.CONTACT: "counts as lost unless someone sees it",
    DueName.GRACE: "is killed unless it has ended by itself",
    DueName.KILL_AGAIN: "is killed once more",
    DueName.LIMIT: "is told to go on, for its usage limit has ended then",
    DueName.STUCK: "counts as stuck unless something has come of its work",
}
EFFECT_SENTENCES = {
    EffectKind.LAUNCH: "its launcher is being started",
    EffectKind.TERMINATE: "it is being asked to end",
    EffectKind.KILL: "it is being killed",
    EffectKind.DELIVER: "a message is being typed into it",
    EffectKind.ANSWER: "the decision that it waits for is being answered",
    EffectKind.NOTIFY: "a person is being told",
    EffectKind.MERGE: "its pull request is being merged",
    EffectKind.SPAWN: "another session is being begun",
    EffectKind.RUN: "a command is being run in its workspace",
    EffectKind.VERIFY: "it is being found out whether its work is done",
}
PUT_OFF = "a person is to be told"


def explanation(
    session: Session,
    evidence: Evidence,
    now: Instant,
    layout: Layout,
    *,
    turn: Turn | None = None,
    waiting: Mapping[str, str] | None = None,
) -> Explanation:
    """Explain one session, as far as its record and this daemon's evidence go.

    `turn` is its stand in its lane; `waiting` says by effect what for nobody is being told of it yet.
    """
    return Explanation(
        session=document(session, layout),
        state_rule="; ".join(filter(None, (STATE_RULES[session.reason], left_behind(session.left_behind)))),
        liveness_rule=_liveness_rule(session, evidence),
        activity_rule=_activity_rule(session, evidence, now),
        witnesses=(
            *(_told(witness, now) for witness in evidence.witnesses),
            *(_told_of_activity(said, now) for said in by_rank(evidence.testimonies)),
        ),
        pending=(*_wait_for_a_place(session, turn), *_pending(session, now, waiting or {})),
    )


def unexplained(told: Document) -> Explanation:
    """Show a session of which there is no record that could be explained: spooled only, or of a newer orchestrd."""
    return Explanation(
        session=told,
        state_rule=NO_RECORD,
        liveness_rule=NO_RECORD,
        activity_rule=NO_RECORD,
        witnesses=(),
        pending=(),
    )


def _liveness_rule(session: Session, evidence: Evidence) -> str:
    if session.is_terminal:
        return "the run is over: that was proven, or nothing was ever launched"
    if session.state not in OCCUPYING:
        return "nothing has been launched yet"
    witnesses = [witness for witness in evidence.witnesses if witness.axis == LIVENESS_AXIS]
    agreeing = [witness.observer for witness in witnesses if witness.verdict == session.liveness]
    if agreeing:
        return f"{', '.join(agreeing)} says {session.liveness}"
    if session.liveness is Liveness.UNKNOWN:
        return "no observer can tell at the moment; that is no evidence against it"
    return f"{session.liveness} is the last word on record; no observer has confirmed it since"


def _activity_rule(session: Session, evidence: Evidence, now: Instant) -> str:
    if session.state not in OCCUPYING:
        return "activity is told of a running agent only"
    said = (_fusion_rule(session, evidence, now), _stuck_rule(session, now), session.notice, _malformed(evidence))
    return "; ".join(filter(None, said))


def _fusion_rule(session: Session, evidence: Evidence, now: Instant) -> str:
    verdict = judge(evidence.testimonies, now.at, evidence.typed_at)
    if session.activity_source != TYPING and verdict is not None:
        return rule_of(verdict)
    if session.activity is not Activity.UNKNOWN:
        return f"{session.activity_source or 'the record'} said {session.activity}, the newest word there is"
    if session.activity_source:
        return f"something has happened since the last report (by way of {session.activity_source}): nobody knows"
    return "nobody has reported what it does, and silence is never taken for waiting"


def _stuck_rule(session: Session, now: Instant) -> str | None:
    if session.stuck_since is None:
        return None
    idle_s = max(0.0, (now.at - session.stuck_since).total_seconds())
    return f"it is stuck: for {idle_s:.0f} s no hook, no line of its transcript and no token has come of its work"


def _malformed(evidence: Evidence) -> str | None:
    return f"{evidence.malformed} lines could not be understood" if evidence.malformed else None


def _told_of_activity(said: Testimony, now: Instant) -> WitnessDocument:
    witness = Witness(
        axis=ACTIVITY_AXIS,
        observer=said.observer,
        verdict=" or ".join(said.allows),
        at=said.at or now.at,
        excerpt=said.excerpt or said.text or "",
    )
    return replace(_told(witness, now), rank=said.rank + 1 if said.rank < WITNESSES_MAX else None)


def _told(witness: Witness, now: Instant) -> WitnessDocument:
    return WitnessDocument(
        axis=witness.axis,
        observer=witness.observer,
        verdict=witness.verdict,
        at=witness.at,
        age_s=max(0.0, round((now.at - witness.at).total_seconds(), 3)),
        excerpt=witness.excerpt,
    )


def _wait_for_a_place(session: Session, turn: Turn | None) -> Iterator[str]:
    if session.state is State.SCHEDULED and turn is not None:
        if session.held_until is not None:
            until = f"{session.held_until:%Y-%m-%d %H:%M:%S}Z"
            yield f"held back: account of agent {session.spec.agent} is limited until {until}"
            return
        yield f"{turn.taken} of {turn.limit} places are taken, {turn.before} before it"
        yield "more places: orch daemon restart --max-running N"


def _pending(session: Session, now: Instant, waiting: Mapping[str, str]) -> Iterator[str]:
    for due in session.dues:
        yield f"in {due.wait_s(now):.0f} s it {DUE_SENTENCES[due.name]}"
    for effect in session.effects:
        yield _effect_sentence(effect, waiting.get(effect.id))
    for message in session.messages:
        waits_for = "its next turn" if message.awaits_turn else "being typed"
        yield f"message {message.id} waits for {waits_for}"


def _effect_sentence(effect: Effect, waits: str | None) -> str:
    by = f" (reaction {effect.reaction})" if effect.reaction else ""
    if waits is not None:
        return f"{PUT_OFF}{by}: {waits}"
    attempted = "; it was attempted, and its outcome is being found out" if effect.attempted else ""
    return f"{EFFECT_SENTENCES[effect.kind]}{by}{attempted}"

"""One turn of `step` under construction: the session as it becomes, and the events and effects that go with it.

Mutable inside one call of `step`, a value outside: `Outcome`. All state changes go through `move`, which asks the
machine; all events are made here, so that none is forgotten and each bears the revision of its commit.
"""

from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from orchestrd.core.evidence import SILENCE, TYPING, hear, judge, recorded
from orchestrd.core.machine import Trigger, next_state
from orchestrd.model.decision import Way
from orchestrd.model.effect import SIDE_BY_SIDE, Effect, EffectKind
from orchestrd.model.event import Event, EventType
from orchestrd.model.instant import DueName, Instant, due_in
from orchestrd.model.limits import ERROR_CHARS_MAX, NOTICES_MAX, PROMPT_TAKEN_S, WITNESS_LAG_S
from orchestrd.model.observation import Evidence, Testimony
from orchestrd.model.session import Message, Session, prompt_message
from orchestrd.model.thresholds import Thresholds
from orchestrd.model.words import Activity, Authority, Liveness, Receipt

Extras = Any  # the optional fields of Event or Effect, checked by its constructor


class Refusal(Struct, frozen=True, kw_only=True):
    """Why a command was not accepted: a stable code, the sentence, the next command to try."""

    code: str
    message: str
    hint: str = ""


class Outcome(Struct, frozen=True, kw_only=True):
    """What `step` returns. `session` is null only where none exists and none was made.

    `consumed` false: the input implied a change that had to be committed first; offer it again after the commit.
    """

    session: Session | None
    evidence: Evidence
    events: tuple[Event, ...] = ()
    effects: tuple[Effect, ...] = ()
    reply: Refusal | Receipt | None = None
    consumed: bool = True


class Turn:
    """Collects what one input changes. `session` and `evidence` are always the newest."""

    def __init__(self, session: Session, evidence: Evidence, now: Instant, thresholds: Thresholds) -> None:
        self.before = session
        self.session = session
        self.evidence = evidence
        self.now = now
        self.thresholds = thresholds
        self.has_moved = False
        self.reaction: str | None = None  # that acts just now
        self.events: list[Event] = []
        self.effects: list[Effect] = []
        self.reply: Refusal | Receipt | None = None
        self.consumed = True

    def change(self, **fields: object) -> None:
        """Change fields of the session that need no event."""
        self.session = replace(self.session, **fields)

    def emit(
        self,
        kind: EventType,
        *,
        from_: str | None = None,
        to: str | None = None,
        reason: str | None = None,
        authority: Authority = Authority.DAEMON,
        **extras: Extras,
    ) -> None:
        """Record a fact about the session, to be numbered by the commit."""
        self.events.append(
            Event(
                sequence=0,
                at=self.now.at,
                session=self.session.id,
                generation=self.session.generation,
                type=kind,
                from_=from_,
                to=to,
                reason=reason,
                authority=authority,
                revision=self.session.revision + 1,
                **extras,
            )
        )

    def move(self, trigger: Trigger, authority: Authority = Authority.DAEMON, **extras: Extras) -> bool:
        """Follow the table; false, and nothing changed, where it has no row."""
        before = self.session
        place = next_state(before.state, before.reason, trigger)
        if place is None:
            return False
        self.has_moved = True
        self.change(state=place.state, reason=place.reason, state_since=self.now.at)
        self.emit(
            EventType.STATE_CHANGED,
            from_=before.state,
            to=place.state,
            reason=place.reason,
            authority=authority,
            source=self.reaction,
            **extras,
        )
        return True

    def perform(self, kind: EffectKind, message: str | None = None, **about: Extras) -> Effect | None:
        """Intend an effect; null, and nothing is, where one of its kind is in flight that goes alone."""
        if kind not in SIDE_BY_SIDE and self.has_in_flight(kind):
            return None
        if kind is EffectKind.NOTIFY:
            self._make_room_for_a_notice()
        number = self.session.effects_made + 1
        generation = self.session.generation
        effect = Effect(id=f"{generation}.{number}", kind=kind, generation=generation, message=message, **about)
        self.change(effects=(*self.session.effects, effect), effects_made=number)
        self.effects.append(effect)
        return effect

    def _make_room_for_a_notice(self) -> None:
        """Where too many are not told yet, the oldest of the least important makes way."""
        waiting = [(effect.notice, effect.id) for effect in self.session.effects if effect.notice is not None]
        if len(waiting) >= NOTICES_MAX:
            least, effect = min(waiting, key=lambda one: (one[0].priority.rank, one[0].at))
            self.drop_effect(effect)
            error = f"{NOTICES_MAX} notices wait to be told, and this one made way for another"
            self.emit(EventType.NOTICE_FAILED, message=least.key, text=least.title, error=error)

    def queue(self, message: Message, *, is_first: bool = False) -> None:
        """Accept a message, to be typed when its time comes."""
        held, message = self.session.messages, replace(message, at=self.now.at)
        self.change(messages=(message, *held) if is_first else (*held, message))
        self.emit(EventType.MESSAGE_QUEUED, authority=message.authority, message=message.id)

    def has_in_flight(self, kind: EffectKind) -> bool:
        """Tell whether such an effect is intended or being performed."""
        return any(effect.kind is kind for effect in self.session.effects)

    def drop_effect(self, effect_id: str) -> None:
        """An effect is over, or not intended any more."""
        self.effects = [effect for effect in self.effects if effect.id != effect_id]
        self.change(effects=tuple(e for e in self.session.effects if e.id != effect_id))

    def set_due(self, name: DueName, seconds: float) -> None:
        """Set a deadline, in place of one of the same name."""
        self.clear_due(name)
        self.change(dues=(*self.session.dues, due_in(name, seconds, self.now)))

    def clear_due(self, name: DueName) -> None:
        """Take a deadline back."""
        if self.has_due(name):
            self.change(dues=tuple(due for due in self.session.dues if due.name is not name))

    def has_due(self, name: DueName) -> bool:
        """Tell whether a deadline of this name is set."""
        return any(due.name is name for due in self.session.dues)

    def hear(self, said: Testimony) -> None:
        """Take in what a witness of the activity says."""
        self.recall()
        self.evidence = hear(self.evidence, said, self.now.at)

    def recall(self) -> None:
        """Let the record be a witness, to a daemon that has heard nothing yet."""
        if not self.evidence.testimonies and self.session.activity is not Activity.UNKNOWN:
            self.evidence = hear(self.evidence, recorded(self.session, self.now.at), self.now.at)

    def judge_activity(self) -> None:
        """Let the activity be what the witnesses come to. Once a message was typed, only newer words count.

        While it is being typed a verdict that cannot tell is none: it would be a word, and there is none yet.
        """
        is_typed_into = self.session.activity_source == TYPING
        after = self.evidence.typed_at or (self.session.activity_since if is_typed_into else None)
        verdict = judge(self._told_of_what_comes_next(), self.now.at, after)
        if is_typed_into and (verdict is None or verdict.activity is Activity.UNKNOWN):
            return
        if verdict is not None and verdict.activity is Activity.WAITING and self._is_about_to_begin(verdict.at):
            return
        if verdict is not None:
            self.set_activity(verdict.activity, verdict.source, verdict.text, since=verdict.at)
            if verdict.activity is Activity.LIMITED and self.session.ending is None:
                self.change(limited_until=verdict.limited_until)
            if verdict.activity is Activity.WORKING:
                self._begin_turn(verdict.at)
        elif self.session.activity is not Activity.UNKNOWN:
            self.set_activity(Activity.UNKNOWN, SILENCE, None)

    def _told_of_what_comes_next(self) -> list[Testimony]:
        """Leave out who still sees the dialog that is just being answered: it goes in a moment, or is asked again.

        What is held has a dialog on the screen as well, of another name.
        """
        answered = [effect.answer.decision for effect in self.session.effects if effect.attempted and effect.answer]
        is_held = any(decision.way is Way.HELD for decision in answered)
        return [
            said
            for said in self.evidence.testimonies
            if said.decision is None or not (said.decision in answered or (is_held and said.decision.way is Way.KEYS))
        ]

    def _is_about_to_begin(self, waits_since: datetime) -> bool:
        """Tell whether it only waits for a moment yet: until it has taken the prompt that it was started with.

        Who is believed most may be late, and says so still when another one has told that it was taken.
        """
        session = self.session
        if session.spec.prompt is None or session.conversation is not None:
            return False
        if session.has_worked and not self._is_of_before_its_work(waits_since):
            return False
        is_typed = any(message.id == prompt_message(session.generation) for message in session.messages)
        age_s = (self.now.at - (session.started_at or self.now.at)).total_seconds()
        return not is_typed and age_s <= PROMPT_TAKEN_S

    def _is_of_before_its_work(self, since: datetime) -> bool:
        session = self.session
        is_at_work = session.activity is Activity.WORKING and session.turn_over_at is None
        return is_at_work and session.activity_since is not None and since < session.activity_since

    def _begin_turn(self, at: datetime) -> None:
        """A turn is under way; it is another one than was heard to be over, unless its witness is only late."""
        over_at = self.session.turn_over_at
        is_late = over_at is not None and (at - over_at).total_seconds() <= WITNESS_LAG_S
        self.change(has_worked=True, turn_over_at=over_at if is_late else None)

    def set_activity(self, activity: Activity, source: str, text: str | None, *, since: datetime | None = None) -> None:
        """Change the activity axis; an event only where the word changes. `since`: when that is known, else now."""
        before = self.session.activity
        if (before, self.session.activity_text, self.session.activity_source) == (activity, text, source):
            return
        if before is activity:
            began = self.session.activity_since
        else:
            earliest = self.session.started_at or self.session.created_at
            began = min(max(since or self.now.at, earliest), self.now.at)
        self.change(activity=activity, activity_since=began, activity_source=source, activity_text=text)
        if before is not activity:
            self.emit(EventType.ACTIVITY_CHANGED, from_=before, to=activity, source=source, text=text)

    def set_liveness(self, liveness: Liveness, source: str, text: str | None = None) -> None:
        """Change the liveness axis, with its event."""
        before = self.session.liveness
        if before is not liveness:
            self.change(liveness=liveness)
            self.emit(EventType.LIVENESS_CHANGED, from_=before, to=liveness, source=source, text=text)

    def outcome(self) -> Outcome:
        """Close the turn. Whatever is committed takes along how far its files are read, so no line is heard twice."""
        if self.session != self.before:
            self.change(
                hooks_offset=max(self.session.hooks_offset, self.evidence.hooks_offset),
                transcript_offset=max(self.session.transcript_offset, self.evidence.transcript_offset),
            )
        return Outcome(
            session=self.session,
            evidence=self.evidence,
            events=tuple(self.events),
            effects=tuple(self.effects),
            reply=self.reply,
            consumed=self.consumed,
        )


def short(error: str | None) -> str | None:
    """Cut an error to what a record and an event may hold of it."""
    return error[:ERROR_CHARS_MAX] if error else None

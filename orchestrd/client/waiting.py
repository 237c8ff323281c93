"""When a wait is over: pure decisions over documents and events, so that it does not matter where these come from.

A goal may hold for an instant only, so a wait looks at every event and not at samples. Its first look at the document
is the other source: what holds there need not happen again.
"""

import msgspec
from msgspec import Struct

from orchestrd.core.choice import GAP, head_of
from orchestrd.core.document import is_over
from orchestrd.model.document import Document
from orchestrd.model.errors import UsageError
from orchestrd.model.event import Event, EventType
from orchestrd.model.words import TERMINAL, Activity, State

GOALS = (*State, *Activity)
CHANGES = (EventType.STATE_CHANGED, EventType.ACTIVITY_CHANGED, EventType.RECORD_REPLACED)


class Waited(Struct, frozen=True, kw_only=True):
    """How the wait for one session ended, and how the session stood after that."""

    document: Document
    is_met: bool  # false: it ended otherwise


class Wait:
    """The wait for several sessions; `goal` is a state or an activity, null means a good end."""

    def __init__(self, goal: str | None) -> None:
        """Raises UsageError for a goal that no session can reach."""
        if goal is not None and goal not in GOALS:
            raise UsageError(
                f"nothing is ever {goal!r}: wait for {', '.join(dict.fromkeys(GOALS))}",
                code="invalid",
                hint="orch wait --help",
            )
        self._goal = goal or State.COMPLETED
        self.pending: set[str] = set()
        self.met: dict[str, bool] = {}

    def begin(self, told: Document) -> None:
        """Look at a session: for the first time, or again where something may have been missed."""
        self.pending.add(told.id)
        if self._holds(told):
            self._settle(told.id, is_met=True)
        elif is_over(told):
            self._settle(told.id, is_met=False)

    def take(self, line: bytes) -> bool:
        """Take one journal line in; tells whether it is a gap: then what is pending has to be looked at again."""
        if head_of(line).type == GAP:
            return True
        self._take(line)
        return False

    def _take(self, line: bytes) -> None:
        try:
            event = msgspec.json.decode(line, type=Event)
        except msgspec.MsgspecError:
            return  # an event of a newer orchestrd
        if event.session not in self.pending:
            return
        if event.type in CHANGES and event.to == self._goal:
            self._settle(event.session, is_met=True)
        elif event.type in CHANGES and event.to in TERMINAL:
            self._settle(event.session, is_met=False)

    def _holds(self, told: Document) -> bool:
        if told.state == self._goal:
            return True
        if is_over(told):
            return self._goal == State.RUNNING and told.started_at is not None  # it has run, however shortly
        return self._goal in tuple(Activity) and told.activity == self._goal

    def _settle(self, session: str, *, is_met: bool) -> None:
        self.pending.discard(session)
        self.met[session] = is_met

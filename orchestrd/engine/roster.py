"""The roster: every session as durable now, with its evidence, and who stands in which state.

The store holds the only cached copy of the files; the roster holds what was committed from it, for deciding and
showing. Whoever must act on a commit (lane, actuator, deadlines) is called here, after it, and loses none.
"""

from collections.abc import Callable, Collection, Iterator

from orchestrd.engine.tasks import OnError
from orchestrd.model.errors import NotFoundError
from orchestrd.model.ids import SessionId
from orchestrd.model.observation import Evidence
from orchestrd.model.session import Session
from orchestrd.model.words import State

OnCommit = Callable[[Session], None]

NO_EVIDENCE = Evidence()


class Roster:
    """Sessions by id and by state."""

    def __init__(self, on_error: OnError) -> None:
        self._on_error = on_error
        self._sessions: dict[SessionId, Session] = {}
        self._evidence: dict[SessionId, Evidence] = {}
        self._by_state: dict[State, dict[SessionId, None]] = {state: {} for state in State}  # in order of arrival
        self._on_commit: list[OnCommit] = []

    def __iter__(self) -> Iterator[Session]:
        return iter(tuple(self._sessions.values()))

    def get(self, session: SessionId) -> Session | None:
        """Give a session, or null where there is none."""
        return self._sessions.get(session)

    def require(self, session: SessionId) -> Session:
        """Give a session. Raises NotFoundError."""
        found = self._sessions.get(session)
        if found is None:
            raise NotFoundError(f"there is no session {session}", hint="orch status --all")
        return found

    def evidence(self, session: SessionId) -> Evidence:
        """Give what has been observed of a session since the daemon started."""
        return self._evidence.get(session, NO_EVIDENCE)

    def in_states(self, states: Collection[State]) -> list[Session]:
        """Give the sessions that stand in any of these states; the same ones in the same order, always."""
        return [self._sessions[session] for state in State if state in states for session in self._by_state[state]]

    def on_commit(self, callback: OnCommit) -> None:
        """Call this after every commit of a session, on the loop, in the order of registration; it must not wait."""
        self._on_commit.append(callback)

    def remember(self, session: SessionId, evidence: Evidence) -> None:
        """Keep evidence that changed nothing worth a commit."""
        self._evidence[session] = evidence

    def put(self, session: Session, evidence: Evidence) -> None:
        """Take in a session as it was committed or recovered."""
        before = self._sessions.get(session.id)
        if before is not None:
            self._by_state[before.state].pop(session.id)
        self._sessions[session.id] = session
        self._by_state[session.state][session.id] = None
        self._evidence[session.id] = NO_EVIDENCE if session.is_terminal else evidence

    def tell(self, session: Session) -> None:
        """Let those act on a commit who must; after it was published. A defect of one costs the others nothing."""
        for callback in self._on_commit:
            try:
                callback(session)
            except Exception as error:  # noqa: BLE001 - the commit stands, and so do the others
                self._on_error(f"after a commit of {session.id}", error)

    def remove(self, session: SessionId) -> None:
        """Forget a session that has been archived."""
        gone = self._sessions.pop(session)
        self._by_state[gone.state].pop(session)
        self._evidence.pop(session, None)

"""The ports that faces are built on: the daemon as the API, and whatever comes after it, sees it."""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Protocol

from orchestrd.model.command import Answer, Kill, Revive, Send, Stop
from orchestrd.model.document import (
    AnswerReply,
    Archived,
    CleanReport,
    CleanRequest,
    DaemonFacts,
    Document,
    Explanation,
    KnownAgents,
    SendReply,
    SpawnRequest,
    Usage,
)
from orchestrd.model.ids import SessionId
from orchestrd.model.issue import Issue
from orchestrd.model.notice_document import NoticeReply, NoticeRequest
from orchestrd.model.reaction_document import JudgedSession, KnownReactions


class Follower(Protocol):
    """A reader of the event stream: woken by the bus, fed from the journal, told of gaps."""

    def __aiter__(self) -> AsyncIterator[tuple[bytes, ...]]:
        """Yield all pending journal lines at a time; waits when there are none; ends when the daemon stops."""
        ...

    def close(self) -> None:
        """Stop following: the iteration ends, wherever it is."""
        ...


class Service(Protocol):
    """The daemon as its faces see it: the one adapter under HTTP and whatever comes after it.

    Errors are raised as OrchestrdError and carry code and hint; `resolve` is the one place where prefixes become ids.
    """

    def facts(self) -> DaemonFacts:
        """Tell who answers."""
        ...

    def agents(self) -> KnownAgents:
        """Tell which agents can be driven, by name."""
        ...

    def documents(self) -> tuple[Document, ...]:
        """Give every session, as durable now."""
        ...

    def asked_about(self) -> Collection[SessionId]:
        """Name the sessions whose forge is asked about them."""
        ...

    def resolve(self, text: str) -> SessionId:
        """Find a session by id, unique prefix of an id, or exact name.

        Raises NotFoundError, or UsageError (`ambiguous`) listing the candidates.
        """
        ...

    async def resolve_past(self, text: str) -> SessionId:
        """The same for what needs no record: one that is archived is found too, where no other is meant."""
        ...

    async def resolve_present(self, text: str) -> SessionId:
        """The same as `resolve`; of an archived session NotFoundError (`archived`) says where it lies."""
        ...

    def document(self, session: SessionId) -> Document:
        """Give one session."""
        ...

    def explain(self, session: SessionId) -> Explanation:
        """Say why its row says what it says."""
        ...

    def reactions(self) -> KnownReactions:
        """Tell which reactions it goes by."""
        ...

    def judge(self, session: SessionId) -> JudgedSession:
        """Say what each reaction comes to for one session."""
        ...

    async def issue(self, project: str, text: str) -> Issue:
        """Read an issue: its number, of the forge that a project's repository belongs to, or its URL.

        Raises UsageError, NotFoundError, RefusedError (`no_remote`, `no_forge`), TransientError.
        """
        ...

    async def spawn(self, request: SpawnRequest) -> tuple[Document, bool]:
        """Accept a session; second, whether it is new. Durable when this returns."""
        ...

    async def stop(self, command: Stop | Kill) -> Document:
        """Accept a stop or a kill. Raises RefusedError (`already_ended`)."""
        ...

    async def revive(self, command: Revive) -> Document:
        """Accept a revive."""
        ...

    async def send(self, command: Send) -> SendReply:
        """Accept a message and wait, bounded, for its receipt."""
        ...

    async def answer(self, command: Answer) -> AnswerReply:
        """Answer the decision that the agent waits for and wait, bounded, for the receipt; refused for any other."""
        ...

    async def notify(self, request: NoticeRequest) -> NoticeReply:
        """Tell people something now, and give what each channel answered.

        Raises RefusedError (`no_channels`) where there is none to tell, NotFoundError for one that is none.
        """
        ...

    async def usage(self, sessions: Collection[SessionId]) -> Mapping[SessionId, Usage]:
        """Tell what those of these sessions take of the machine that run."""
        ...

    async def screen(self, session: SessionId) -> str:
        """Give what the session's terminal shows now, or showed at its end.

        Raises RefusedError (`no_terminal`) where it has none.
        """
        ...

    def follow(self, after: int | None) -> Follower:
        """Follow the journal from a cursor; from now when it is null."""
        ...

    def nudge(self, session: SessionId) -> None:
        """Probe one session early."""
        ...

    async def archive(self, session: SessionId) -> Archived:
        """Put an ended session away, durably; once more is harmless. Raises RefusedError (`not_ended`, `unpreserved`).

        Refused where its worktree holds work that is nowhere else; one that holds none is left as it is.
        """
        ...

    async def clean(self, request: CleanRequest) -> CleanReport:
        """Remove the worktrees of ended sessions, what is new in them preserved. Raises as `resolve` does."""
        ...

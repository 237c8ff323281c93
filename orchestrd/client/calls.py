"""Every request the API takes, as a value: what to send, and what comes back. No I/O, so both shells share them."""

from _thread import allocate_lock
from collections.abc import Iterable
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from orchestrd.client.wire import Receiver, request_bytes
from orchestrd.core.problem import error_of
from orchestrd.core.resolve import refusal
from orchestrd.model.document import (
    AnswerReply,
    AnswerRequest,
    Archived,
    CleanReport,
    CleanRequest,
    Document,
    Explanation,
    Health,
    KnownAgents,
    Problem,
    Screen,
    SendReply,
    SendRequest,
    SpawnRequest,
    Status,
    StopRequest,
    Version,
)
from orchestrd.model.errors import OrchestrdError, UsageError
from orchestrd.model.issue import Issue
from orchestrd.model.limits import ANSWER_S, CLEAN_S, ISSUE_S, NOTIFY_ANSWER_S, NOTIFY_END_S
from orchestrd.model.notice_document import NoticeReply, NoticeRequest
from orchestrd.model.reaction_document import JudgedSession, KnownReactions
from orchestrd.model.words import Authority

T = TypeVar("T")

JSON = "application/json"
NDJSON = "application/x-ndjson"
OK = range(200, 300)

# One thread at a time: what msgspec must know of a struct it finds out when that is first read, and two threads that
# make it do so at once crash the interpreter (seen in 0.22).
_reading = allocate_lock()
CHANNELS = "the channels to answer"
NOTICE_S = NOTIFY_ANSWER_S + NOTIFY_END_S + ANSWER_S
CLEANED, LOOKED_AT = "the worktrees to be cleaned", "its worktree to be looked at"
READ_ISSUE = "the issue to be read"
NEAR_CHARS = 20  # of a text on either side of what is wrong with it
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


class Call(Struct, Generic[T], frozen=True, kw_only=True):
    """One request and the type of its answer."""

    method: str
    target: str
    answer: type[T]
    accept: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    answer_s: float | None = None  # how long the daemon may say nothing, where it is longer than usual
    waits_for: str = "the daemon"

    def request(self) -> bytes:
        """Give the bytes to send."""
        return request_bytes(self.method, self.target, (("Accept", self.accept), *self.headers), self.body)

    def read(self, status: int, body: bytes) -> T:
        """Read a whole answer. Raises what the daemon raised."""
        if status not in OK:
            raise error_from(status, body)
        try:
            with _reading:
                return msgspec.json.decode(body, type=self.answer)
        except msgspec.MsgspecError as error:
            raise OrchestrdError(
                f"the daemon's answer is not understood: {error}", code="not_understood", hint="orch daemon restart"
            ) from error


class Lines:
    """Takes in an answer that is lines, piece by piece."""

    def __init__(self) -> None:
        self.receiver = Receiver()
        self._held = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Take what was read and give the lines that became whole. Raises what the daemon raised."""
        self._held += self.receiver.feed(data)
        if self.receiver.status in OK:
            *whole, self._held = self._held.split(b"\n")
            return whole
        if self.receiver.is_complete:
            raise error_from(self.receiver.status, self._held)
        return []


def health() -> Call[Health]:
    """Ask whether the daemon answers."""
    return Call(method="GET", target="/v1/health", answer=Health)


def version() -> Call[Version]:
    """Ask which orchestrd answers."""
    return Call(method="GET", target="/v1/version", answer=Version)


def status(*, with_ended: bool, project: str | None, with_usage: bool = False) -> Call[Status]:
    """Ask for all sessions."""
    query = _query(("all", "1" if with_ended else "0"), ("project", project), ("wide", "1" if with_usage else None))
    return Call(method="GET", target=f"/v1/status{query}", answer=Status)


def agents() -> Call[KnownAgents]:
    """Ask which agents can be driven."""
    return Call(method="GET", target="/v1/agents", answer=KnownAgents)


def reactions() -> Call[KnownReactions]:
    """Ask which reactions the daemon goes by."""
    return Call(method="GET", target="/v1/reactions", answer=KnownReactions)


def judge(ref: str) -> Call[JudgedSession]:
    """Ask what each reaction comes to for one session."""
    return Call(method="GET", target=_session(ref) + "/reactions", answer=JudgedSession)


def issue(project: str, text: str) -> Call[Issue]:
    """Ask for an issue, by its URL or by its number in a project."""
    query = _query(("project", project), ("issue", text))
    return Call(method="GET", target=f"/v1/issues{query}", answer=Issue, answer_s=ISSUE_S, waits_for=READ_ISSUE)


def show(ref: str) -> Call[Document]:
    """Ask for one session."""
    return Call(method="GET", target=_session(ref), answer=Document)


def explain(ref: str) -> Call[Explanation]:
    """Ask why its row says what it says."""
    return Call(method="GET", target=_session(ref) + "/explain", answer=Explanation)


def screen(ref: str) -> Call[Screen]:
    """Ask what its terminal shows."""
    return Call(method="GET", target=_session(ref) + "/screen", answer=Screen)


def clean(request: CleanRequest) -> Call[CleanReport]:
    """Clean worktrees; the answer comes when that is done, which may take its time. Repeating it is harmless."""
    body = _encoded(request)
    return Call(method="POST", target="/v1/clean", answer=CleanReport, body=body, answer_s=CLEAN_S, waits_for=CLEANED)


def notify(request: NoticeRequest) -> Call[NoticeReply]:
    """Have people told something now; the answer comes when every channel has taken it, or not."""
    body = _encoded(request)
    return Call(
        method="POST", target="/v1/notices", answer=NoticeReply, body=body, answer_s=NOTICE_S, waits_for=CHANNELS
    )


def spawn(request: SpawnRequest) -> Call[Document]:
    """Begin a session; repeating it is harmless."""
    body = _encoded(request)
    headers = (("Idempotency-Key", request.id),)
    return Call(method="POST", target="/v1/sessions", answer=Document, headers=headers, body=body)


def stop(ref: str, authority: Authority, grace_s: float | None) -> Call[Document]:
    """Ask it to end."""
    return _command(ref, "stop", StopRequest(authority=authority, grace_s=grace_s), Document)


def kill(ref: str, authority: Authority) -> Call[Document]:
    """Force it to end."""
    return _command(ref, "kill", StopRequest(authority=authority), Document)


def revive(ref: str, authority: Authority) -> Call[Document]:
    """Start a new run of it."""
    return _command(ref, "revive", StopRequest(authority=authority), Document)


def archive(ref: str) -> Call[Archived]:
    """Put it away; repeating it is harmless. Its worktree is looked at first, which may take its time."""
    target = f"{_session(ref)}/archive"
    return Call(method="POST", target=target, answer=Archived, answer_s=CLEAN_S, waits_for=LOOKED_AT)


def send(ref: str, request: SendRequest) -> Call[SendReply]:
    """Type a text into it; repeating it with the same message id is harmless."""
    return _command(ref, "send", request, SendReply)


def answer(ref: str, request: AnswerRequest) -> Call[AnswerReply]:
    """Answer the decision it waits for; repeating it is harmless."""
    return _command(ref, "answer", request, AnswerReply)


def events(since: int | None, *, follow: bool, sessions: Iterable[str], types: Iterable[str]) -> Call[bytes]:
    """Ask for journal lines; the answer is a stream and has no end while it follows."""
    query = _query(
        ("since", None if since is None else str(since)),
        ("follow", "1" if follow else "0"),
        *(("session", session) for session in sessions),
        *(("type", kind) for kind in types),
    )
    return Call(method="GET", target=f"/v1/events{query}", answer=bytes, accept=NDJSON)


def error_from(status: int, body: bytes) -> OrchestrdError:
    """Make the error that an answer tells of, be it a problem document or not."""
    try:
        return error_of(msgspec.json.decode(body, type=Problem))
    except msgspec.MsgspecError:
        detail = f"the daemon answered {status}: {body[:200].decode('utf-8', 'replace')}"
        return error_of(Problem(title="It did not work", status=status, code="failed", detail=detail))


def _command(ref: str, verb: str, body: Struct, answer: type[T]) -> Call[T]:
    return Call(method="POST", target=f"{_session(ref)}/{verb}", answer=answer, body=_encoded(body))


def _encoded(body: Struct) -> bytes:
    """Write what is sent. Raises UsageError (`invalid`) where a word is no text, with what stands around its fault."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError as error:
        near = error.object[max(0, error.start - NEAR_CHARS) : error.end + NEAR_CHARS]
        raise UsageError(f"{near!a} is not valid UTF-8: convert it first", code="invalid") from error


def _session(ref: str) -> str:
    """Raises NotFoundError for what can be no part of a path, and hence no session."""
    if not ref or "/" in ref:
        raise refusal(ref, ())
    return f"/v1/sessions/{_quoted(ref)}"


def _query(*parameters: tuple[str, str | None]) -> str:
    return "?" + "&".join(f"{name}={_quoted(value)}" for name, value in parameters if value is not None)


def _quoted(text: str) -> str:
    data = text.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in data)

"""Documents and spawn requests to test with: a plain running session, and whatever a test changes of it."""

from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from orchestrd.model.document import Document, SpawnRequest
from orchestrd.model.ids import SessionId
from orchestrd.model.session import Spec, Workspace

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

_RUNNING = Document(
    id=SessionId("abcdefgh"),
    name="fix-login",
    project="/home/me/webshop",
    agent="shell",
    runtime="process",
    argv=("sleep", "60"),
    prompt=None,
    desired="running",
    state="running",
    reason="started",
    state_since=NOON,
    liveness="alive",
    activity="unknown",
    activity_since=None,
    activity_source=None,
    activity_text=None,
    generation=1,
    revision=4,
    exit_code=None,
    exit_signal=None,
    error=None,
    created_at=NOON,
    scheduled_at=NOON,
    started_at=NOON,
    ended_at=None,
    workspace=Workspace(kind="none", path="/home/me/webshop"),
    attach=None,
    log="/home/me/.orch/logs/abcdefgh.log",
)
_SPEC = Spec(
    name="fix-login",
    project="/home/me/webshop",
    agent="shell",
    runtime="process",
    argv=("sleep", "60"),
    workspace=Workspace(kind="none", path="/home/me/webshop"),
    nonce="0123456789abcdef",
)


def a_document(session: str = "abcdefgh", **changes: Any) -> Document:
    """Make a document; without changes it tells of a session that runs."""
    return replace(_RUNNING, id=SessionId(session), **changes)


def a_spec(**changes: Any) -> Spec:
    """Make a spec that may be launched."""
    return replace(_SPEC, **changes)


def a_request(session: str = "abcdefgh", **changes: Any) -> SpawnRequest:
    """Make a spawn request that may be accepted."""
    return replace(SpawnRequest(id=SessionId(session), spec=_SPEC, environment={"HOME": "/home/me"}), **changes)

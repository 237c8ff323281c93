"""Sessions to react to: one that runs in a worktree, with whatever is to be known of it."""

from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from orchestrd.model.ids import SessionId
from orchestrd.model.instant import Instant
from orchestrd.model.session import SCHEMA, Session, Spec, Workspace
from orchestrd.model.words import Desired, Liveness, Reason, State

NOON = Instant(at=datetime(2026, 11, 20, 12, tzinfo=UTC), boot="boot", up_s=1_000.0)

SPEC = Spec(
    name="work",
    project="/srv/project",
    agent="claude",
    runtime="tmux",
    argv=(),
    workspace=Workspace(kind="worktree", path="/srv/worktrees/abcdefgh", branch="orch/abcdefgh", base="main"),
    nonce="n",
)


def session_of(*, name: str = "work", **facts: Any) -> Session:
    """Make a session that runs, and of which this is known."""
    running = Session(
        schema=SCHEMA,
        id=SessionId("abcdefgh"),
        revision=1,
        epoch=1,
        spec=replace(SPEC, name=name),
        desired=Desired.RUNNING,
        state=State.RUNNING,
        reason=Reason.STARTED,
        state_since=NOON.at,
        generation=1,
        liveness=Liveness.ALIVE,
        created_at=NOON.at,
        scheduled_at=NOON.at,
        started_at=NOON.at,
        handle="h",
    )
    return replace(running, **facts)

"""Homes to measure in: temporary, and filled with the records of sessions that stand where they are wanted.

`fill` writes without syncing, for what it writes need not outlive the machine.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from orchestrd.client.requests import mint_id
from orchestrd.clock import SystemClock
from orchestrd.codec import encode_record
from orchestrd.core.layout import Layout
from orchestrd.model.ids import run_name
from orchestrd.model.session import SCHEMA, Session, Spec, Workspace
from orchestrd.model.words import Desired, Liveness, Reason, State

SLEEP = ("sleep", "600")  # longer than anything here takes, and over should nobody end it
PROMPT = "Read the failing test, find the cause, fix it, and say in one paragraph what was wrong.\n" * 4


@contextlib.contextmanager
def temporary_home(where: Path | None = None) -> Iterator[Layout]:
    """Make an empty home, among temporary files if nothing else is said; all that is in it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="orch-bench-", dir=where, ignore_cleanup_errors=True) as place:
        layout = Layout(place + "/home")
        for directory in layout.directories():
            Path(directory).mkdir(mode=0o700)
        yield layout


def fill(layout: Layout, sessions: Iterable[Session]) -> None:
    """Put records where a daemon finds them at its start, and an environment beside each, which a launch asks for."""
    for session in sessions:
        Path(layout.record(session.id)).write_bytes(encode_record(session))
        Path(layout.secret(session.id)).write_text(f"PATH={os.defpath}")


def pending() -> Session:
    """Make a session as it is first committed, without the event of it."""
    session, now = mint_id(), SystemClock().now().at
    spec = Spec(
        name=session,
        project="/",
        agent="shell",
        runtime="process",
        argv=SLEEP,
        workspace=Workspace(kind="none", path="/"),
        nonce="benchmark",
        prompt=PROMPT,
        prompt_bytes=len(PROMPT),
    )
    return Session(
        schema=SCHEMA,
        id=session,
        revision=1,
        epoch=1,
        spec=spec,
        desired=Desired.RUNNING,
        state=State.PENDING,
        reason=Reason.ACCEPTED,
        state_since=now,
        generation=1,
        created_at=now,
    )


def scheduled() -> Session:
    """Make a session that waits in its lane."""
    return _moved(State.SCHEDULED, Reason.QUEUED)


def running(runtime: str) -> Session:
    """Make a session that runs; whoever starts a daemon on it has to have a run for it."""
    made = _moved(State.RUNNING, Reason.STARTED, liveness=Liveness.ALIVE, attested=(runtime,))
    return replace(
        made, started_at=made.created_at, handle=run_name(made.id, 1), spec=replace(made.spec, runtime=runtime)
    )


def ended() -> Session:
    """Make a session that ended well."""
    made = _moved(State.COMPLETED, Reason.EXITED, exit_code=0)
    return replace(made, started_at=made.created_at, ended_at=made.created_at, handle=run_name(made.id, 1))


def _moved(state: State, reason: Reason, **changes: Any) -> Session:
    made = pending()
    return replace(made, state=state, reason=reason, scheduled_at=made.created_at, **changes)

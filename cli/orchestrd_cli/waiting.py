"""`orch wait`: wait for sessions, over any number of daemons; `orch spawn --wait` ends in it."""

from collections.abc import Sequence
from typing import Annotated

import typer

from orchestrd.client import Client
from orchestrd.model.errors import TimedOutError, UsageError
from orchestrd.model.limits import WAIT_S_MAX
from orchestrd.model.words import TERMINAL
from orchestrd_cli import exits, reach
from orchestrd_cli.grammar import Json, Refs, Timeout, verb


@verb("[OPTIONS] ID...")
def wait(
    refs: Refs,
    *,
    goal: Annotated[
        str | None, typer.Option("--for", metavar="STATE|ACTIVITY", help="Wait for this instead of the end.")
    ] = None,
    timeout: Timeout = None,
    json: Json = False,
) -> int:
    """Wait until sessions have ended, or reached a state or activity.

    Exit 0: all completed, or reached it. 1: one failed, was cancelled, or
    ended before. 6: time is up.

    orch wait fix --timeout 600
    orch wait fix --for waiting && orch send fix "go on"
    """
    checked(timeout, hint="orch wait --help")
    home = reach.client()
    ids = [home.show(ref).id for ref in refs]
    reach.note_age_of_disk(home)
    return wait_for(home, ids, goal=goal, timeout=timeout, as_json=json)


def wait_for(home: Client, ids: Sequence[str], *, goal: str | None, timeout: float | None, as_json: bool) -> int:
    """Wait, and write how the sessions stand then, in time or not. Raises TimedOutError."""
    try:
        waited = home.wait(ids, goal=goal, timeout_s=timeout)
    except TimedOutError as error:
        documents = [home.show(id_) for id_ in ids]
        for told in documents:
            reach.write_document(told, as_json=as_json)
        late = [told.id for told in documents if told.state not in TERMINAL] or ids
        raise TimedOutError(f"waited {timeout:g} s for {', '.join(late)}", hint=f"orch explain {late[0]}") from error
    for one in waited:
        reach.write_document(one.document, as_json=as_json)
    return exits.OK if all(one.is_met for one in waited) else exits.FAILED


def checked(timeout: float | None, *, hint: str) -> None:
    """Raise UsageError for a time that nobody can wait."""
    if timeout is not None and not 0 <= timeout <= WAIT_S_MAX:
        raise UsageError(f"nobody can wait {timeout:g} seconds: give 0 to {WAIT_S_MAX:.0f}", hint=hint)

"""`orch rm`: put ended sessions out of sight, whole; nothing of them is deleted."""

from orchestrd.client import Client
from orchestrd.model.document import Archived
from orchestrd.model.errors import OrchestrdError
from orchestrd.render import visible
from orchestrd_cli import exits, failures, reach
from orchestrd_cli.grammar import Json, NeverStart, Refs, verb
from orchestrd_cli.terminal import note


@verb("[OPTIONS] ID...", "archive")
def rm(refs: Refs, *, json: Json = False, no_daemon: NeverStart = False) -> int:
    """Archive ended sessions: out of every list, and kept.

    What happens by itself a week after the end happens now. Record, output
    and runs go to archive/ in the home; its branch and its events stay. One
    that has not ended is refused, and so is one whose worktree holds work
    that is nowhere else (orch clean preserves it first).

    orch rm fix
    orch rm k3v5 b7aa
    """
    home = reach.client(use_daemon=not no_daemon)
    codes = [_one(home, ref, as_json=json) for ref in refs]
    return next((code for code in codes if code != exits.OK), exits.OK)


def _one(home: Client, ref: str, *, as_json: bool) -> int:
    try:
        told = home.archive(ref)
    except OrchestrdError as error:
        return failures.tell(error, as_json=as_json)
    with reach.telling_that(f"session {told.session} is archived"):
        _write(told, as_json=as_json)
    return exits.OK


def _write(told: Archived, *, as_json: bool) -> None:
    if as_json:
        reach.write_json(told)
        return
    reach.write_text(f"{told.session}  archived in {visible(told.path)}\n")
    if told.worktree is not None:
        note(f"  its worktree stays, with nothing new in it; to remove it: orch clean {told.session}")

"""Verbs about what sessions leave in their worktrees: diff and clean."""

import os
import subprocess
from contextlib import ExitStack
from typing import Annotated

import typer

from orchestrd.client.difference import difference
from orchestrd.model.document import CleanReport
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.words import Deed
from orchestrd.render import clean_page
from orchestrd_cli import exits, reach, terminal
from orchestrd_cli.grammar import Json, Ref, verb
from orchestrd_cli.progress import waiting_for
from orchestrd_cli.terminal import note

PIPE_CLOSED = (-13, 141)  # what git ends with when its reader went away: SIGPIPE, or the same told by a shell


@verb("[OPTIONS] ID")
def diff(
    ref: Ref,
    *,
    stat: Annotated[bool, typer.Option("--stat", help="How much of each file, instead of what.")] = False,
) -> int:
    """Show what a session's work differs by from its base.

    What it has committed since it left its base, what it has not, and files
    that git does not track yet. Where its worktree was cleaned: what was
    preserved of it, or its branch. With --workspace none: all that differs
    from the last commit. Works without a daemon.

    orch diff fix
    orch diff --stat k3v5
    """
    home = reach.client()
    told = home.show(ref)
    options = (
        *(["--stat"] if stat else []),
        *([] if terminal.wants_colour() or not terminal.is_terminal() else ["--no-color"]),
    )
    with ExitStack() as stack:
        with waiting_for("git to compare its files"):
            look = stack.enter_context(difference(told, *options, environ=os.environ))
        if look.said:
            note(f"orch: {look.said}")
        code = subprocess.run(look.argv, env=look.environment, check=False).returncode
    if code in PIPE_CLOSED:
        return exits.PIPE_CLOSED
    if code != 0:
        raise OrchestrdError(f"git diff failed with {code}", hint=f"orch show {told.id}")
    return exits.OK


@verb("[OPTIONS] [ID]...")
def clean(
    refs: Annotated[list[str] | None, typer.Argument(hidden=True, metavar="ID")] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; say what would be done.")] = False,
    json: Json = False,
) -> int:
    """Remove the worktrees of ended sessions; no work is lost.

    One with nothing new in it is removed: no file changed, every commit
    pushed or merged. All else is preserved first, whole, in its repository
    under refs/orch/preserve/ID: what is staged, changed, untracked or not
    pushed. Files that git ignores are not preserved; they are named.
    Branches stay. What is in use or not understood stays, and is named.
    Exits 1 where something could not be cleaned.

    orch clean --dry-run
    orch clean
    orch clean fix k3v5
    """
    report = reach.client().clean(*(refs or ()), dry_run=dry_run)
    with reach.telling_that(_deed(report)):
        if json:
            reach.write_json(report)
        else:
            reach.write_text(clean_page(report))
    return exits.OK if _is_clean(report, named=bool(refs)) else exits.FAILED


def _is_clean(report: CleanReport, *, named: bool) -> bool:
    """Tell whether everything was cleaned that was to be; what is in use was only meant where it was named."""
    left = {Deed.KEEP, Deed.SPARE} if named else {Deed.KEEP}
    return not report.troubles and all(row.deed not in left for row in report.worktrees)


def _deed(report: CleanReport) -> str:
    gone = sum(row.deed in (Deed.REMOVE, Deed.PRESERVE) for row in report.worktrees)
    return f"{gone} worktrees were {'looked at' if report.dry_run else 'removed'}"

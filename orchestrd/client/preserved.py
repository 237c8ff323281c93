"""What a clean has preserved of a session that is to be revived: the new run begins at its branch, which lacks it.

Looked up by the client where its caller stands, as all that a spawn says of a repository is. What git cannot say in
time is not told, and keeps nobody from reviving.
"""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from orchestrd.client.repository import ask
from orchestrd.core.cleaning import preserve_ref, way_into
from orchestrd.model.document import Document
from orchestrd.model.errors import OrchestrdError


class MissingWork(Struct, frozen=True, kw_only=True):
    """The ref that holds it, and the command that brings its files into the worktree once that is there again."""

    ref: str
    back: str


def missing_work(told: Document, *, environ: Mapping[str, str]) -> MissingWork | None:
    """Look for what its worktree will lack when it is made anew; null where it is there, or nothing will be missing."""
    if not told.workspace.is_worktree or Path(told.workspace.path).exists():
        return None
    ref = preserve_ref(told.id)
    try:
        is_missing = _lacks(told.project, f"refs/heads/{told.workspace.branch}", ref, environ)
    except OrchestrdError:
        return None
    return MissingWork(ref=ref, back=way_into(told.workspace.path, ref)) if is_missing else None


def _lacks(project: str, branch: str, ref: str, environ: Mapping[str, str]) -> bool:
    """Tell whether a branch lacks anything of what is preserved: a file, or a commit that stands beside its own."""
    preserved = ask(project, "rev-parse", "--verify", "--quiet", f"{ref}^{{tree}}", environ=environ)
    if preserved.code != 0:
        return False
    found = ask(project, "rev-parse", f"{branch}^{{tree}}", f"{ref}^@", environ=environ)
    tree, *parents = found.out.splitlines() or [""]
    return found.code != 0 or tree != preserved.out or len(parents) > 1

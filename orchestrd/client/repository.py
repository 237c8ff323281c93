"""Where a caller stands, as git sees it: looked up by the client, so that it is the caller's git and the caller's say.

Bounded, and imported only where a worktree is in question: most commands never ask git anything.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from shlex import quote

from msgspec import Struct

from orchestrd.core.complaints import told
from orchestrd.core.repository import git_argv, git_environment
from orchestrd.model.errors import NotFoundError, OrchestrdError, TransientError, UsageError
from orchestrd.model.limits import CHANGES_LOOK_S, REPOSITORY_LOOK_S

_ASKED = ("--git-dir", "--git-common-dir", "--is-bare-repository", "--is-inside-work-tree", "--show-prefix")


class Repository(Struct, frozen=True, kw_only=True):
    """One repository and the place in it where somebody stands.

    `project` is its main working tree, also for who stands in a linked one; or the repository itself where it is bare.
    `branch` is the one that is checked out there, or null; `has_commit` is false where nothing was committed yet.
    """

    project: str
    subdirectory: str | None
    branch: str | None
    has_commit: bool


class Said(Struct, frozen=True):
    """What one git said."""

    code: int
    out: str
    err: str


def repository_at(directory: str, environ: Mapping[str, str]) -> Repository | None:
    """Look up where a directory stands; null where it is in no repository.

    Raises NotFoundError (`no_git`) where there is no git, OrchestrdError where git says that there is a repository and
    that it cannot be used.
    """
    said = ask(directory, "rev-parse", *_ASKED, "--abbrev-ref", "HEAD", environ=environ)
    if "not a git repository" in said.err:
        return None
    lines = said.out.split("\n")
    is_unborn = said.code != 0 and "ambiguous argument 'HEAD'" in said.err
    if len(lines) != len(_ASKED) + 1 or (said.code != 0 and not is_unborn):
        raise told(directory, "rev-parse", said.err, said.code)
    git_directory, common, bare, inside, prefix, head = lines
    if bare == "false" and inside == "false":
        raise UsageError(f"{directory} lies within git's own directory: name a directory of the project", code="inside")
    shared = Path(directory, common).resolve()
    is_linked = Path(directory, git_directory).resolve() != shared
    return Repository(
        project=str(shared) if bare == "true" else _project(directory, prefix, shared if is_linked else None),
        subdirectory=prefix.rstrip("/") or None,
        branch=None if head == "HEAD" else head,
        has_commit=not is_unborn and (head != "HEAD" or _is_commit(directory, "HEAD", environ)),
    )


def base_of(repository: Repository, directory: str, wanted: str | None, environ: Mapping[str, str]) -> str:
    """Give the commit a new branch begins at: what is wanted, else the branch one stands on, else the commit.

    Raises UsageError (`no_base`) where there is no such commit.
    """
    if wanted is None and repository.branch is not None:
        return repository.branch
    found = ask(directory, "rev-parse", "--verify", "--quiet", f"{wanted or 'HEAD'}^{{commit}}", environ=environ)
    if found.code != 0:
        raise UsageError(
            f"there is no commit {wanted!r} in {repository.project}",
            code="no_base",
            hint=f"git -C {quote(repository.project)} branch --all",
        )
    return wanted or found.out


def changes_in(project: str, environ: Mapping[str, str] = os.environ) -> int:
    """Count the files of a working tree that are changed or new and not committed; none where that takes too long."""
    try:
        said = ask(project, "status", "--porcelain", "--ignore-submodules", environ=environ, limit_s=CHANGES_LOOK_S)
    except OrchestrdError:
        return 0
    return len(said.out.splitlines()) if said.code == 0 else 0


def ask(directory: str, *words: str, environ: Mapping[str, str], limit_s: float | None = None) -> Said:
    """Run one git that only looks, for REPOSITORY_LOOK_S unless said.

    Raises TransientError (`git_late`), or NotFoundError (`no_git`) where there is no git.
    """
    limit_s = REPOSITORY_LOOK_S if limit_s is None else limit_s
    try:
        done = subprocess.run(
            git_argv(directory, *words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=git_environment(environ),
            timeout=limit_s,
            check=False,
        )
    except FileNotFoundError:
        raise NotFoundError("there is no git on the PATH", code="no_git", hint="apt install git") from None
    except subprocess.TimeoutExpired:
        raise TransientError(f"git has not said within {limit_s:g} s what {directory} is", code="git_late") from None
    return Said(done.returncode, os.fsdecode(done.stdout).removesuffix("\n"), done.stderr.decode("utf-8", "replace"))


def _is_commit(directory: str, name: str, environ: Mapping[str, str]) -> bool:
    """Tell whether a name means a commit: of a bare repository that has none, HEAD is a name all the same."""
    return ask(directory, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", environ=environ).code == 0


def _project(directory: str, prefix: str, shared: Path | None) -> str:
    """Find the main working tree: where one stands, or for a linked one, which shares a `.git`, what that lies in."""
    if shared is not None and shared.name == ".git":
        return str(shared.parent)
    depth = prefix.count("/")
    return str(Path(directory).resolve().parents[depth - 1]) if depth else directory

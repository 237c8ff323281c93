"""The choice of a worktree, made where the caller stands: which repository, which base, what to bring along.

What is decided here stands in the request; the daemon makes it so, and looks again at everything it relies on.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from shlex import quote

from orchestrd.client.repository import Repository, base_of, repository_at
from orchestrd.client.requests import AUTO, WorkspaceWish
from orchestrd.core.home import layout_from
from orchestrd.core.validate import problem_with_base, problem_with_path
from orchestrd.core.worktree import branch_for, worktree_path
from orchestrd.model.errors import NotFoundError, OrchestrdError, RefusedError, UsageError
from orchestrd.model.ids import SessionId
from orchestrd.model.session import Workspace
from orchestrd.model.settings import SpawnSettings

HELP = "orch spawn --help"
DETAILS = "--base, --copy, --link and --setup"


def worktree_for(
    session: SessionId,
    wish: WorkspaceWish,
    usual: SpawnSettings,
    directory: str,
    *,
    about: str,
    environ: Mapping[str, str],
    notice: Callable[[str], None],
) -> tuple[str, Workspace]:
    """Give the project and the workspace of a session begun in a directory; `about` gives its branch a name.

    What is `usual` holds where a worktree is made and the wish says nothing; by itself it makes none. Where there is
    nothing to make a worktree of, `auto` works in the directory itself, and `notice` is told. Raises RefusedError
    (`no_repository`, `no_commit`) or NotFoundError (`no_git`) where that will not do, and UsageError for a wish that
    makes no sense.
    """
    _refuse_nonsense(wish)
    repository = _usable_at(directory, wish, environ)
    if isinstance(repository, OrchestrdError):
        if wish.kind != AUTO or wish.has_details:
            raise repository
        notice(f"orch: {repository.message}: the session works in the directory itself, as with --workspace none")
        return directory, Workspace(kind="none", path=directory)
    for path in (*wish.copy, *wish.link):
        _refuse_absent(repository.project, path)
    root = layout_from(environ).worktrees
    return repository.project, Workspace(
        kind="worktree",
        path=worktree_path(root, repository.project, session),
        branch=branch_for(session, about),
        base=base_of(repository, directory, wish.base or usual.base, environ),
        copy=wish.copy or _present(repository.project, usual.copy),
        link=wish.link or _present(repository.project, usual.link),
        setup=(usual.setup if wish.setup is None else wish.setup) or None,
        subdirectory=repository.subdirectory,
    )


def _refuse_nonsense(wish: WorkspaceWish) -> None:
    if wish.kind == "none":
        raise UsageError(
            f"{DETAILS} are for a worktree, and --workspace none makes none: leave one out",
            hint=HELP,
        )
    if wish.kind not in (AUTO, "worktree"):
        raise UsageError(f"there is no workspace {wish.kind!r}: choose worktree, none or auto", hint=HELP)
    problems = (
        problem_with_base(wish.base),
        *(problem_with_path("copy", path) for path in wish.copy),
        *(problem_with_path("link", path) for path in wish.link),
    )
    for problem in filter(None, problems):
        raise UsageError(problem, code="invalid", hint=HELP)


def _usable_at(directory: str, wish: WorkspaceWish, environ: Mapping[str, str]) -> Repository | OrchestrdError:
    """Find a repository that a worktree can be made in, or say why there is none."""
    try:
        repository = repository_at(directory, environ)
    except NotFoundError as error:
        return error
    return repository if repository and repository.has_commit else _refusal(repository, directory, wish)


def _refusal(repository: Repository | None, directory: str, wish: WorkspaceWish) -> RefusedError:
    if repository is None:
        needing = f", and {DETAILS} need one: leave them out" if wish.has_details else ""
        hint = f"git -C {quote(directory)} init" if wish.has_details else "orch spawn --workspace none"
        return RefusedError(f"{directory} is in no git repository{needing}", code="no_repository", hint=hint)
    return RefusedError(
        f"the repository {repository.project} has no commit yet that a worktree could begin at",
        code="no_commit",
        hint=f"git -C {quote(repository.project)} commit --allow-empty -m begin",
    )


def _present(project: str, paths: tuple[str, ...]) -> tuple[str, ...]:
    """Of what is configured for every project, take what this one has."""
    present = tuple(path for path in paths if _is_there(project, path))
    for path in present:
        _refuse_absent(project, path)
    return present


def _is_there(project: str, path: str) -> bool:
    place = Path(project, path)
    return place.exists() or place.is_symlink()


def _refuse_absent(project: str, path: str) -> None:
    """What is to be brought along has to be there, and to be the project's own, links followed."""
    if not _is_there(project, path):
        raise UsageError(
            f"there is no {path!r} in {project}: paths are from the project's root", code="no_file", hint=HELP
        )
    if os.path.realpath(project) not in map(str, Path(project, path).resolve().parents):
        raise UsageError(f"{path!r} leads out of the project {project}", code="outside", hint=HELP)

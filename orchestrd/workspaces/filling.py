"""What is in a fresh worktree: the files of its branch, what the project holds beside them, and its submodules."""

import threading
from pathlib import Path

from orchestrd.core.layout import Layout
from orchestrd.core.worktree import INCLUDE_FILE
from orchestrd.model.errors import OrchestrdError, RefusedError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import (
    BRINGING_S,
    CHECKOUT_S,
    INCLUDED_FILES_MAX,
    SUBMODULES_S,
    WORKSPACE_LOOK_S,
)
from orchestrd.model.session import Spec
from orchestrd.workspaces.bringing import Bringer
from orchestrd.workspaces.git import Git
from orchestrd.workspaces.threads import on_thread
from orchestrd.workspaces.tracking import refuse_strayed


def bounded_by(worktree: str) -> dict[str, str]:
    """Keep git from looking for a repository above the worktree: our home may lie within the project itself."""
    return {"GIT_CEILING_DIRECTORIES": str(Path(worktree).parent)}


class Filler:
    """Fills worktrees; every step may be repeated."""

    def __init__(self, layout: Layout, git: Git) -> None:
        self._layout = layout
        self._git = git

    async def fill(self, worktree: str, spec: Spec) -> None:
        """Check the branch out, then bring what no commit holds. Raises OrchestrdError where that is not all done."""
        await refuse_strayed(self._git, worktree, bounded_by(worktree))
        words = ("reset", "--hard", "--quiet", "--no-recurse-submodules")
        await self._git.must(worktree, *words, limit_s=CHECKOUT_S, environment=bounded_by(worktree))
        included = await self._included(spec.project)
        wishes = spec.workspace
        if not (included or wishes.copy or wishes.link):
            return
        off = threading.Event()

        def bring() -> None:
            bringer = Bringer(spec.project, worktree, spared=self._layout.home, is_off=off.is_set)
            bringer.bring(included=included, copied=wishes.copy, linked=wishes.link)

        await on_thread(bring, BRINGING_S, off)

    async def _included(self, project: str) -> list[str]:
        """List the ignored files that `.worktreeinclude` names: it is a .gitignore, read for what to take along."""
        if not await on_thread(Path(project, INCLUDE_FILE).is_file, WORKSPACE_LOOK_S):
            return []
        words = ("ls-files", "-z", "--others", "--ignored", f"--exclude-from={INCLUDE_FILE}")
        named = await self._git.must(project, *words, limit_s=BRINGING_S)
        ignored = await self._git.ask(project, "check-ignore", "-z", "--stdin", given=named.out, limit_s=BRINGING_S)
        if len(ignored.fields) > INCLUDED_FILES_MAX:
            raise RefusedError(
                f"{INCLUDE_FILE} names {len(ignored.fields)} files: name fewer, or link a whole folder with --link",
                code="too_many_files",
                hint=f"$EDITOR {project}/{INCLUDE_FILE}",
            )
        return [path.rstrip("/") for path in ignored.fields]

    async def fill_submodules(self, session: SessionId, worktree: str, project: str) -> None:
        """Fill the submodules that the project itself has filled; where that fails the session's log says so."""
        if not await on_thread(Path(worktree, ".gitmodules").is_file, WORKSPACE_LOOK_S):
            return
        filled = await self._git.ask(project, "submodule", "--quiet", "foreach", 'printf "%s\\0" "$sm_path"')
        words = ("submodule", "--quiet", "update", "--init", "--recursive", "--", *filled.fields)
        try:
            if filled.fields:
                await self._git.must(worktree, *words, limit_s=SUBMODULES_S)
        except OrchestrdError as error:
            said = f"orchestrd: the submodules are not all there: {error.message}\n"
            await on_thread(lambda: self._note(session, said), WORKSPACE_LOOK_S)

    def _note(self, session: SessionId, said: str) -> None:
        with Path(self._layout.log(session)).open("a", encoding="utf-8", errors="replace") as log:
            log.write(said)

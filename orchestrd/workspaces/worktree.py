"""Workspace `worktree`: the run works in a git worktree of its own, on a branch of its own.

It is made in the folder of the unfinished, filled there, and then renamed into its place: what stands in its place is
whole. A mark in its git directory says that nothing is left to be done; from then on it is its agent's: looked at, and
never touched. So whatever cuts this short, preparing again takes it up: an unfinished worktree holds nothing but what
was put there by us and is made anew, and one in its place is adopted.

The project is only read: no file, no index and no setting of it is changed. It gains a branch and a registration, one
session at a time.
"""

import asyncio
from pathlib import Path
from shlex import quote

from msgspec import Struct

from orchestrd.core.complaints import told
from orchestrd.core.layout import Layout
from orchestrd.model.errors import OrchestrdError, RefusedError, TransientError, UsageError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import UNDO_S, WORKSPACE_LOOK_S
from orchestrd.model.session import Spec
from orchestrd.workspaces.context import WorkspaceContext
from orchestrd.workspaces.filling import Filler, bounded_by
from orchestrd.workspaces.git import Git
from orchestrd.workspaces.site import Site
from orchestrd.workspaces.threads import on_thread


class Plan(Struct, frozen=True, kw_only=True):
    """What a worktree is made of: the repository by its project and by what all its worktrees share, and the branch."""

    project: str
    common: str
    branch: str
    base: str
    commit: str | None  # where the branch begins; null where the base is no commit (any more)


def keeper(context: WorkspaceContext) -> "WorktreeKeeper":
    """Make the keeper of worktrees of one home."""
    return WorktreeKeeper(context.layout, context.git)


class WorktreeKeeper:
    """Makes worktrees below the root of one home."""

    kind = "worktree"

    def __init__(self, layout: Layout, git: Git) -> None:
        self._root = layout.worktrees
        self._git = git
        self._filler = Filler(layout, git)

    async def prepare(self, session: SessionId, spec: Spec) -> None:
        site = Site(self._root, session, spec.workspace.path)
        try:
            await on_thread(site.refuse_foreign, WORKSPACE_LOOK_S)
            if not await self._is_ready(site):
                await self._make(site, spec)
                await self._filler.fill_submodules(session, str(site.path), spec.project)
                await on_thread(site.finish, WORKSPACE_LOOK_S)
            await on_thread(lambda: site.enter(spec.workspace.subdirectory), WORKSPACE_LOOK_S)
        except OSError as error:
            raise TransientError(
                f"the worktree of {spec.name} cannot be made: {error.strerror}: {error.filename}",
                code="not_made",
                hint=f"df -h {quote(self._root)}",
            ) from error

    async def _is_ready(self, site: Site) -> bool:
        """Look while its repository is held: a clean may just be taking it away."""
        common = await on_thread(site.repository, WORKSPACE_LOOK_S)
        if common is None:
            return False
        async with self._git.alone(common):
            return await on_thread(site.is_ready, WORKSPACE_LOOK_S)

    async def _make(self, site: Site, spec: Spec) -> None:
        plan = await self._plan(spec)
        async with self._git.alone(plan.common):
            if await on_thread(site.is_taken, WORKSPACE_LOOK_S):
                await self._adopt(site, plan)
                return
            is_new = await self._register(site, plan)
        try:
            await self._filler.fill(str(site.making), spec)
            async with self._git.alone(plan.common):
                await on_thread(site.settle, WORKSPACE_LOOK_S)
                await on_thread(site.register, WORKSPACE_LOOK_S)
        except BaseException:
            await self._undo(site, plan, with_branch=is_new)
            raise

    async def _plan(self, spec: Spec) -> Plan:
        base = spec.workspace.base or "HEAD"
        answer = await self._git.ask(spec.project, "rev-parse", "--git-common-dir", f"{base}^{{commit}}")
        if answer.code != 0 and "unknown revision" not in answer.err:
            raise told(spec.project, "rev-parse", answer.err, answer.code)
        common, *commit = answer.text.splitlines()
        return Plan(
            project=spec.project,
            common=str(await on_thread(Path(spec.project, common).resolve, WORKSPACE_LOOK_S)),
            branch=spec.workspace.branch or "",
            base=base,
            commit=commit[0] if answer.code == 0 else None,
        )

    async def _adopt(self, site: Site, plan: Plan) -> None:
        """Take what lies there for ours where it is a worktree of the repository on our branch; else leave it alone."""
        words = ("rev-parse", "--git-common-dir", "--symbolic-full-name", "HEAD")
        found = await self._git.ask(str(site.path), *words, environment=bounded_by(str(site.path)))
        common, *head = found.text.splitlines() or [""]
        is_of_it = await on_thread(lambda: Path(site.path, common).samefile(plan.common), WORKSPACE_LOOK_S)
        if found.code != 0 or not is_of_it or head != [f"refs/heads/{plan.branch}"]:
            raise RefusedError(
                f"{site.path} is there and is no worktree of {plan.project} on {plan.branch}: it is left alone",
                code="place_taken",
                hint=f"mv {quote(str(site.path))} {quote(f'{site.path}.old')}",
            )
        await on_thread(site.register, WORKSPACE_LOOK_S)

    async def _register(self, site: Site, plan: Plan) -> bool:
        """Make an empty worktree in the folder of the unfinished; tells whether its branch is new."""
        await on_thread(site.begin, UNDO_S)
        if await on_thread(lambda: site.known_to(plan.common), WORKSPACE_LOOK_S):
            await self._forget(site, plan)
        is_new = not await self._has_branch(plan)
        begun_at: tuple[str, ...] = (str(site.making), plan.branch)
        if is_new:
            if plan.commit is None:
                raise UsageError(
                    f"there is no commit {plan.base!r} in {plan.project} to begin {plan.branch} at",
                    code="no_base",
                    hint=f"git -C {quote(plan.project)} branch --all",
                )
            begun_at = ("--no-track", "-b", plan.branch, str(site.making), plan.commit)
        words = ("worktree", "add", "--quiet", "--lock", "--no-checkout")  # locked: nobody prunes it on its way
        await self._git.must(plan.project, *words, *begun_at)
        return is_new

    async def _has_branch(self, plan: Plan) -> bool:
        words = ("rev-parse", "--quiet", "--verify", f"refs/heads/{plan.branch}")
        return (await self._git.ask(plan.project, *words)).code == 0

    async def _forget(self, site: Site, plan: Plan) -> None:
        """Have git forget worktrees in our places that are not there any more; a lock of the user's is respected.

        One may have been moved away by hand. Raises RefusedError where nothing else holds the commits made in it.
        """
        for name in await on_thread(lambda: site.known_to(plan.common), WORKSPACE_LOOK_S):
            words = (
                "rev-list",
                "-n",
                "1",
                f"worktrees/{name}/HEAD",
                "--not",
                "--branches",
                "--tags",
                "--remotes",
                "--",
            )
            if commit := (await self._git.ask(plan.project, *words)).text:
                raise RefusedError(
                    f"the worktree that was at {site.path} has gone, and no branch holds what was committed in it last",
                    code="place_taken",
                    hint=f"git -C {quote(plan.project)} branch {quote(f'{plan.branch}-kept')} {commit}",
                )
        await self._git.ask(plan.project, "worktree", "remove", "--force", "--force", str(site.making))
        await self._git.ask(plan.project, "worktree", "remove", str(site.path))

    async def _undo(self, site: Site, plan: Plan, *, with_branch: bool) -> None:
        """Take away what this attempt has made. What cannot be is taken away by the next one."""
        try:
            async with asyncio.timeout(UNDO_S), self._git.alone(plan.common):
                if await on_thread(site.is_settled, WORKSPACE_LOOK_S):
                    return
                await on_thread(site.discard, UNDO_S)
                await self._git.ask(plan.project, "worktree", "remove", "--force", "--force", str(site.making))
                if with_branch and plan.commit is not None:  # git refuses where it has moved on from there
                    await self._git.ask(plan.project, "update-ref", "-d", f"refs/heads/{plan.branch}", plan.commit)
        except (OrchestrdError, OSError, TimeoutError):
            return

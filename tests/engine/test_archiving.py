"""Archiving on request: who may go, who must stay and why, and what is told."""

import asyncio

import pytest
from msgspec.structs import replace

from orchestrd.model.command import Kill, Revive
from orchestrd.model.errors import NotFoundError, OrchestrdError, RefusedError, TransientError
from orchestrd.model.session import Workspace
from orchestrd.model.words import State
from orchestrd.model.worktree import Obstacle, Place, Worktree
from tests.engine.rig import ID, OTHER, Rig, running

ROOT = "/home/me/.orch/worktrees/shop"


async def ended(rig: Rig, session: str = ID, *, name: str = "second", **facts: object) -> None:
    """End a session, which has left a worktree with these facts, or none."""
    workspace = Workspace(kind="none", path="/shop")
    if facts:
        place, branch = Place(name=session, path=f"{ROOT}/{session}"), f"orch/{session}-fix"
        found = Worktree(place=place, project="/shop", branch=branch, head="c0ffee")
        rig.worktrees.found[session] = replace(found, **facts)
        workspace = Workspace(kind="worktree", path=place.path, branch=branch, base="main")
    await rig.run(session, name=name, workspace=workspace)
    await rig.service.stop(Kill(session=rig.record(session).id))
    await rig.until(session, State.CANCELLED)


async def test_an_ended_session_is_put_away_at_once() -> None:
    async with running() as rig:
        await ended(rig)

        told = await rig.service.archive(ID)

        assert (told.session, told.path, told.worktree) == (ID, f"{rig.layout.archive}/{ID}", None)
        assert rig.state() is None
        assert f"{ID}.json" in rig.store.disk.scan(told.path)


async def test_once_more_is_harmless_and_says_the_same() -> None:
    async with running() as rig:
        await ended(rig)
        first = await rig.service.archive(ID)

        assert await rig.service.archive(await rig.service.resolve_past(ID)) == first


async def test_a_session_that_runs_is_refused() -> None:
    async with running() as rig:
        await rig.run()

        with pytest.raises(RefusedError, match="has not ended: it is running") as refused:
            await rig.service.archive(ID)

        assert (refused.value.code, refused.value.hint) == ("not_ended", f"orch stop {ID}")
        assert rig.state() is State.RUNNING


async def test_a_worktree_with_work_of_its_own_keeps_its_session() -> None:
    async with running() as rig:
        await ended(rig, modified=2)

        with pytest.raises(RefusedError, match="holds work that is nowhere else: 2 files modified") as refused:
            await rig.service.archive(ID)

        assert (refused.value.code, refused.value.hint) == ("unpreserved", f"orch clean {ID}")
        assert rig.state() is State.CANCELLED


async def test_a_worktree_that_is_not_understood_keeps_its_session() -> None:
    async with running() as rig:
        await ended(rig, obstacle=Obstacle(why="git does not answer", hint="git status"))

        with pytest.raises(RefusedError, match="may hold work: git does not answer") as refused:
            await rig.service.archive(ID)

        assert refused.value.hint == "git status"


async def test_a_worktree_without_news_stays_where_it_is_and_is_told_of() -> None:
    async with running() as rig:
        await ended(rig, disk_bytes=100)
        before = len(rig.worktrees.done)

        told = await rig.service.archive(ID)

        assert told.worktree == f"{ROOT}/{ID}"
        assert rig.worktrees.done[before:] == [f"survey {ID} against main"]


async def test_one_that_is_revived_meanwhile_stays() -> None:
    async with running() as rig:
        await ended(rig, disk_bytes=100)
        async with asyncio.TaskGroup() as group:
            reviving = group.create_task(rig.service.revive(Revive(session=ID)))
            for _ in range(5):
                await asyncio.sleep(0)  # the commit is on its way, and nobody knows of it

            with pytest.raises(RefusedError, match="has not ended"):
                await rig.service.archive(ID)

        assert reviving.result().state == State.PENDING


async def test_a_full_disk_archives_nothing_and_says_so() -> None:
    async with running() as rig:
        await ended(rig)
        rig.store.raises = {"archive": TransientError("no space left")}

        with pytest.raises(TransientError, match="no space left"):
            await rig.service.archive(ID)

        assert rig.state() is State.CANCELLED


async def test_where_an_archived_session_lies_is_said_to_who_asks_for_it() -> None:
    async with running() as rig:
        await ended(rig)
        await rig.service.archive(ID)

        for ref in (ID, ID[:3], "second"):
            with pytest.raises(NotFoundError, match=f"session {ID} is archived: it cannot go on") as refused:
                await rig.service.resolve_present(ref)
            assert refused.value.code == "archived"
        with pytest.raises(OrchestrdError, match="there is no session"):
            await rig.service.resolve_present(OTHER)


async def test_its_name_may_be_given_again_and_means_the_new_one_then() -> None:
    async with running() as rig:
        await ended(rig, name="fix")
        await rig.service.archive(ID)

        await rig.spawn(OTHER, name="fix")

        assert await rig.service.resolve_present("fix") == OTHER

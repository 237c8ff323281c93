"""Cleaning as the engine does it: who is asked, when, and what comes of it."""

import asyncio

import pytest
from msgspec.structs import replace

from orchestrd.model.change import Change, Pr
from orchestrd.model.command import Kill, Revive
from orchestrd.model.document import CleanedWorktree, CleanRequest
from orchestrd.model.errors import NotFoundError, OrchestrdError, RefusedError
from orchestrd.model.limits import ARCHIVE_AFTER_S, CLEAN_ATTEMPTS_MAX
from orchestrd.model.observation import ChangeTold
from orchestrd.model.session import Workspace
from orchestrd.model.words import Deed, State
from orchestrd.model.worktree import Obstacle, Place, Worktree
from tests.engine.rig import ID, OTHER, Rig, running

ROOT = "/home/me/.orch/worktrees/shop"


def worktree(session: str = ID, **facts: object) -> Worktree:
    place = Place(name=session, path=f"{ROOT}/{session}")
    return replace(
        Worktree(place=place, project="/shop", branch=f"orch/{session}-fix", head="c0ffee", disk_bytes=100), **facts
    )


async def ended(rig: Rig, session: str = ID, **facts: object) -> None:
    """End a session that has left a worktree."""
    rig.worktrees.found[session] = worktree(session, **facts)
    place = f"{ROOT}/{session}"
    await rig.run(session, workspace=Workspace(kind="worktree", path=place, branch=f"orch/{session}-fix", base="main"))
    await rig.service.stop(Kill(session=rig.record(session).id))
    await rig.until(session, State.CANCELLED)


async def cleaned(rig: Rig, *sessions: str, dry_run: bool = False) -> CleanedWorktree:
    report = await rig.service.clean(CleanRequest(dry_run=dry_run, sessions=sessions))
    assert len(report.worktrees) == 1, report
    return report.worktrees[0]


async def test_a_worktree_without_news_is_removed() -> None:
    async with running() as rig:
        await ended(rig)

        report = await rig.service.clean(CleanRequest())

        assert [row.deed for row in report.worktrees] == [Deed.REMOVE]
        assert report.freed_bytes == 100
        assert rig.worktrees.done[-2:] == [f"survey {ID} against main", f"remove {ID}"]


async def test_what_is_new_is_preserved_before_it_is_removed() -> None:
    async with running() as rig:
        await ended(rig, modified=1)

        row = await cleaned(rig)

        assert (row.deed, row.ref) == (Deed.PRESERVE, f"refs/orch/preserve/{ID}")
        assert rig.worktrees.done[-2:] == [f"preserve {ID}", f"remove {ID}"]


@pytest.mark.parametrize(("merged", "deed"), [("c0ffee", Deed.REMOVE), ("decaf", Deed.PRESERVE)])
async def test_what_the_forge_has_told_of_as_merged_is_not_new_though_no_branch_has_it(merged: str, deed: Deed) -> None:
    async with running() as rig:
        await ended(rig, unheld=2)
        change = Change(forge="local", repository="/shop.git", branch="fix", pr=Pr.MERGED, head=merged)
        await rig.mailboxes.submit(rig.record().id, ChangeTold(change=change))

        assert (await cleaned(rig)).deed == deed


async def test_a_dry_run_only_looks_and_says_what_would_be_done() -> None:
    async with running() as rig:
        await ended(rig, modified=1)
        before = len(rig.worktrees.done)

        report = await rig.service.clean(CleanRequest(dry_run=True))

        assert report.freed_bytes == 100
        assert report.worktrees[0].ref == f"refs/orch/preserve/{ID}"
        assert rig.worktrees.done[before:] == [f"survey {ID} against main"]


async def test_a_session_that_runs_is_spared_and_not_even_looked_at() -> None:
    async with running() as rig:
        rig.worktrees.found[ID] = worktree()
        await rig.run()

        row = await cleaned(rig)

        assert (row.deed, row.why) == (Deed.SPARE, "its session is running")
        assert not any(deed.startswith("survey") for deed in rig.worktrees.done)


async def test_a_session_that_is_revived_meanwhile_keeps_its_worktree() -> None:
    async with running() as rig:
        await ended(rig, modified=1)
        session = rig.record().id
        rig.worktrees.meanwhile = lambda: rig.service._roster.put(
            replace(rig.record(), state=State.PENDING), rig.service._roster.evidence(session)
        )

        row = await cleaned(rig)

        assert (row.deed, row.why) == (Deed.KEEP, "its session is pending")
        assert row.ref == f"refs/orch/preserve/{ID}"
        assert ID in rig.worktrees.found


async def test_one_that_another_session_has_begun_to_work_in_meanwhile_stays() -> None:
    async with running() as rig:
        await ended(rig)
        await rig.run(OTHER)
        other = rig.record(OTHER)
        inside = replace(other, spec=replace(other.spec, project=f"{ROOT}/{ID}/src"))
        rig.worktrees.meanwhile = lambda: rig.service._roster.put(inside, rig.service._roster.evidence(other.id))

        row = await cleaned(rig)

        assert row.why == f"session {OTHER} works in it"


async def test_one_that_changes_is_looked_at_again() -> None:
    async with running() as rig:
        await ended(rig, modified=1)
        rig.worktrees.changes = CLEAN_ATTEMPTS_MAX - 1

        assert (await cleaned(rig)).deed == Deed.PRESERVE


async def test_one_that_never_rests_stays() -> None:
    async with running() as rig:
        await ended(rig)
        rig.worktrees.changes = CLEAN_ATTEMPTS_MAX

        row = await cleaned(rig)

        assert (row.deed, row.why, row.hint) == (Deed.KEEP, "it changes while it is cleaned", "orch clean")
        assert ID in rig.worktrees.found


async def test_what_cannot_be_preserved_stays() -> None:
    async with running() as rig:
        await ended(rig, modified=1)
        rig.worktrees.fails = OrchestrdError("the disk is full", hint="df -h /shop")

        row = await cleaned(rig)

        assert (row.deed, row.why) == (Deed.KEEP, "it could not be preserved: the disk is full")
        assert row.hint == "df -h /shop"
        assert ID in rig.worktrees.found


async def test_an_obstacle_is_passed_on() -> None:
    async with running() as rig:
        await ended(rig, obstacle=Obstacle(why="it is locked", hint="unlock it"))

        row = await cleaned(rig)

        assert (row.deed, row.why, row.hint) == (Deed.KEEP, "it is locked", "unlock it")


async def test_only_those_that_are_named_are_cleaned() -> None:
    async with running() as rig:
        await ended(rig)
        await ended(rig, OTHER)

        row = await cleaned(rig, OTHER[:4])

        assert row.session == OTHER
        assert set(rig.worktrees.found) == {ID}


async def test_a_session_without_a_worktree_is_no_failure() -> None:
    async with running() as rig:
        await rig.run()

        row = await cleaned(rig, ID)

        assert (row.deed, row.why) == (Deed.ABSENT, "it has no worktree (any more)")


async def test_one_that_has_outlived_the_record_of_its_session_is_named_by_its_whole_id() -> None:
    async with running() as rig:
        rig.worktrees.found[OTHER] = worktree(OTHER)

        assert (await cleaned(rig, OTHER)).deed == Deed.REMOVE
        with pytest.raises(NotFoundError):
            await rig.service.clean(CleanRequest(sessions=("nobody",)))


async def test_one_that_is_of_nobody_stays() -> None:
    async with running() as rig:
        rig.worktrees.found["tmp"] = worktree("tmp", branch="main")

        row = await cleaned(rig)

        assert row.why == "no session is known for it, and its branch is main"


async def test_that_of_an_archived_session_is_cleaned_too() -> None:
    async with running(interval_s=3_600.0) as rig:
        await ended(rig, branch="main")
        name = rig.record().spec.name
        await asyncio.sleep(ARCHIVE_AFTER_S + 7_200.0)
        assert rig.state() is None

        row = await cleaned(rig, name)

        assert (row.session, row.deed) == (ID, Deed.REMOVE)


async def test_that_of_a_session_of_a_newer_orchestrd_is_left_alone() -> None:
    async with running() as rig:
        rig.worktrees.found[OTHER] = worktree(OTHER)
        newer = b'{"schema": 99, "id": "%s", "revision": 3, "state": "dreaming"}' % OTHER.encode()
        rig.store.disk.write(rig.layout.record(OTHER), newer)
        await rig.when(lambda: OTHER in {told.id for told in rig.service.documents()} or None)

        row = await cleaned(rig, OTHER)

        assert row.deed == Deed.SPARE
        assert row.why == "its session is written by a newer orchestrd, and only shown"


async def test_what_a_crash_has_cut_off_is_put_back_before_anything_is_launched() -> None:
    async with running() as rig:
        names = rig.engine.registry.names

        assert names.index("cleaning") < names.index("actuator")
        assert rig.worktrees.done == ["recover", "finish"]


async def test_what_is_in_the_way_of_an_old_removal_is_told() -> None:
    rig = Rig()
    rig.worktrees.left = [Obstacle(why="it cannot be deleted")]
    async with running(rig):
        report = await rig.service.clean(CleanRequest())

    assert report.troubles == ("it cannot be deleted",)
    assert rig.said("it cannot be deleted")


async def test_a_revive_after_a_clean_is_accepted_like_any() -> None:
    async with running() as rig:
        await ended(rig)
        await cleaned(rig)

        await rig.service.revive(Revive(session=rig.record().id))

        await rig.until(ID, State.RUNNING)


async def test_a_clean_is_refused_once_the_daemon_stops() -> None:
    async with running() as rig:
        await rig.engine_part("cleaning").stop()

        with pytest.raises((RefusedError, OrchestrdError), match="takes no messages now"):
            await rig.service.clean(CleanRequest())

"""What does not work at the moment is said, and taken back when it works again."""

import asyncio

import pytest
from msgspec.structs import replace

from orchestrd.model.command import Kill
from orchestrd.model.errors import ConflictError, TransientError
from orchestrd.model.words import State
from tests.engine.rig import FULL, ID, OTHER, Rig, nothing, running

INTERVAL_S = 5.0


def trouble(rig: Rig) -> str | None:
    return rig.service.facts().trouble


async def test_while_nothing_can_be_written_whoever_looks_is_told() -> None:
    async with running() as rig:
        await rig.run()
        rig.store.rejects = lambda _: FULL
        rig.world.exit(ID, 0)

        await asyncio.sleep(2 * INTERVAL_S)

        assert (trouble(rig), rig.service.explain(ID).trouble) == (FULL.message, FULL.message)


async def test_that_it_can_be_written_again_is_found_out_by_itself() -> None:
    async with running() as rig:
        rig.store.rejects = lambda _: FULL
        await rig.home_is_told()
        await asyncio.sleep(2 * INTERVAL_S)
        before = trouble(rig)

        rig.store.rejects = nothing
        await asyncio.sleep(INTERVAL_S)

        assert (before, trouble(rig)) == (FULL.message, None)


async def test_while_all_works_no_tick_writes_anything() -> None:
    async with running() as rig:
        await rig.run()
        rig.store.calls.clear()

        await asyncio.sleep(4 * INTERVAL_S)

        assert "commit" not in rig.store.calls


async def test_a_conflict_is_no_trouble() -> None:
    async with running() as rig:
        rig.store.rejects = lambda _: ConflictError("another hand was faster")
        await rig.home_is_told()

        assert trouble(rig) is None


async def test_a_part_of_a_tick_that_fails_is_trouble_until_it_works() -> None:
    async with running() as rig:
        rig.store.raises = {"scan": TransientError("cannot list sessions/: permission denied")}
        await asyncio.sleep(INTERVAL_S)
        before = trouble(rig)

        rig.store.raises = {}
        await asyncio.sleep(INTERVAL_S)

        assert (before, trouble(rig)) == ("cannot list sessions/: permission denied", None)


async def test_what_lasts_is_logged_when_it_begins_and_when_it_ends() -> None:
    async with running() as rig:
        rig.store.raises = {"scan": (denied := TransientError("cannot list sessions/: permission denied"))}
        await asyncio.sleep(5 * INTERVAL_S)

        rig.store.raises = {}
        await asyncio.sleep(5 * INTERVAL_S)

    assert rig.errors == [("Intake.scan", denied), ("Intake.scan", None)]


async def test_a_full_disk_is_logged_once_for_each_who_waits_for_it() -> None:
    async with running() as rig:
        await rig.run()
        rig.store.rejects = lambda _: FULL
        rig.spool_spawn(OTHER)
        rig.edit(replace(rig.record(), revision=rig.record().revision + 5))
        await asyncio.sleep(5 * INTERVAL_S)
        begun = list(rig.errors)

        rig.store.rejects = nothing
        await rig.until(OTHER, State.RUNNING)
        await asyncio.sleep(2 * INTERVAL_S)

    waiting = {
        "commits",
        "a spooled command for bbbbbbbb waits",
        "the record of aaaaaaaa was replaced and could not be adopted yet",
    }
    assert sorted(begun, key=str) == [(what, FULL) for what in sorted(waiting)]
    assert {what for what, error in rig.errors if error is None} == waiting
    assert len(rig.errors) == 2 * len(waiting)


async def test_a_result_that_cannot_be_recorded_is_logged_once() -> None:
    async with running() as rig:
        await rig.run()
        rig.store.rejects = lambda _: FULL
        with pytest.raises(TransientError):
            await rig.service.stop(Kill(session=ID))
        rig.store.rejects = nothing
        await rig.service.stop(Kill(session=ID))
        rig.store.rejects = lambda _: FULL
        await asyncio.sleep(5 * INTERVAL_S)

        rig.store.rejects = nothing
        await rig.until(ID, State.CANCELLED)

    told = [error for what, error in rig.errors if what.startswith("could not record what became of aaaaaaaa")]
    assert told == [FULL, None]


async def test_a_defect_is_trouble_by_the_name_of_its_part() -> None:
    async with running() as rig:
        rig.store.raises = {"scan": ZeroDivisionError("a defect")}

        await asyncio.sleep(INTERVAL_S)

        assert trouble(rig) == "Intake.scan failed: ZeroDivisionError('a defect')"

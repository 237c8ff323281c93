import asyncio

import pytest
from msgspec.structs import replace

from orchestrd.engine import upkeep
from orchestrd.model.command import Kill, Revive
from orchestrd.model.errors import ConflictError, RefusedError, TransientError
from orchestrd.model.limits import ARCHIVE_AFTER_S, LOGS_PAUSE_S
from orchestrd.model.words import State
from tests.engine.rig import ID, OTHER, Rig, running, survivor

HOUR_S = 3_600.0


async def ended(rig: Rig, session: str = ID) -> None:
    await rig.run(session)
    await rig.service.stop(Kill(session=rig.record(session).id))
    await rig.until(session, State.CANCELLED)


async def test_an_ended_session_is_put_away_when_its_time_is_over() -> None:
    async with running(interval_s=HOUR_S) as rig:
        await ended_by_nudge(rig)
        await asyncio.sleep(ARCHIVE_AFTER_S - HOUR_S)
        assert rig.state() is State.CANCELLED

        await asyncio.sleep(2.5 * HOUR_S)

        assert rig.state() is None
        assert rig.service.documents() == ()
        assert f"{ID}.json" in rig.store.disk.scan(f"{rig.layout.archive}/{ID}")


async def test_a_session_that_runs_is_never_put_away() -> None:
    async with running(interval_s=HOUR_S) as rig:
        await rig.spawn()
        rig.clock.jump(2 * ARCHIVE_AFTER_S)
        await asyncio.sleep(2 * HOUR_S)

        assert rig.state() is State.RUNNING


async def test_a_session_that_was_revived_meanwhile_stays() -> None:
    async with running(interval_s=HOUR_S) as rig:
        await ended_by_nudge(rig)
        rig.store.calls.clear()
        upkeep = rig.engine_part("lifecycle")._manager._upkeep  # type: ignore[attr-defined]  # its own
        rig.clock.jump(2 * ARCHIVE_AFTER_S)
        async with asyncio.TaskGroup() as group:
            group.create_task(rig.service.revive(Revive(session=ID)))
            for _ in range(5):
                await asyncio.sleep(0)  # the commit is on its way, and nobody knows of it

            await upkeep.archive()

        assert rig.store.calls.count("archive") == 1
        assert rig.state() in (State.PENDING, State.SCHEDULED, State.STARTING)
        assert rig.said("was not archived")


async def test_a_session_that_was_put_away_meanwhile_is_not_revived() -> None:
    async with running(interval_s=HOUR_S) as rig:
        await ended_by_nudge(rig)
        upkeep = rig.engine_part("lifecycle")._manager._upkeep  # type: ignore[attr-defined]  # its own
        rig.clock.jump(2 * ARCHIVE_AFTER_S)
        async with asyncio.TaskGroup() as group:
            archiving = group.create_task(upkeep.archive())
            await asyncio.sleep(0)

            with pytest.raises(ConflictError):
                await rig.service.revive(Revive(session=ID))

        assert archiving.result() is None
        assert rig.state() is None


async def test_one_that_cannot_be_put_away_does_not_keep_the_others() -> None:
    async with running(interval_s=HOUR_S) as rig:
        await ended_by_nudge(rig, ID)
        await ended_by_nudge(rig, OTHER)
        del rig.store._records.known[ID]
        rig.clock.jump(2 * ARCHIVE_AFTER_S)

        await asyncio.sleep(1.5 * HOUR_S)

        assert rig.state(OTHER) is None
        assert rig.said("there is no session aaaaaaaa")


async def test_a_full_disk_only_delays_it() -> None:
    async with running(interval_s=HOUR_S) as rig:
        await ended_by_nudge(rig)
        rig.clock.jump(2 * ARCHIVE_AFTER_S)
        rig.store.raises = {"archive": TransientError("no space left")}
        await asyncio.sleep(1.5 * HOUR_S)
        assert rig.state() is State.CANCELLED

        rig.store.raises = {}
        await asyncio.sleep(1.5 * HOUR_S)

        assert rig.state() is None


async def test_a_record_without_the_time_of_its_end_is_put_away_by_the_time_of_its_state() -> None:
    async with running(interval_s=HOUR_S) as rig:
        await ended_by_nudge(rig)
        strange = rig.record()
        rig.edit(replace(strange, revision=strange.revision + 1, ended_at=None))
        rig.clock.jump(2 * ARCHIVE_AFTER_S)

        await asyncio.sleep(1.5 * HOUR_S)

        assert rig.state() is None


async def test_the_output_of_what_runs_is_held_under_its_bound() -> None:
    async with running() as rig:
        await rig.run(ID)
        await asyncio.sleep(0.5)
        rig.attachments.trimmed.clear()

        await asyncio.sleep(15.0)

    assert rig.attachments.trimmed == [ID, ID, ID]


async def test_the_output_of_what_ended_between_two_ticks_is_held_under_its_bound_once() -> None:
    async with running() as rig:
        await asyncio.sleep(0.5)
        await ended(rig)
        rig.attachments.trimmed.clear()

        await asyncio.sleep(15.0)

    assert rig.attachments.trimmed == [ID]


async def test_the_output_of_what_was_revived_is_held_under_its_bound_after_each_end() -> None:
    async with running(interval_s=HOUR_S) as rig:
        await ended_by_nudge(rig)
        await asyncio.sleep(HOUR_S)
        await rig.service.revive(Revive(session=ID))
        await rig.until(ID, State.STARTING)
        await rig.service.stop(Kill(session=ID))
        await rig.until(ID, State.CANCELLED)

        await asyncio.sleep(3 * HOUR_S)

    assert rig.attachments.trimmed == [ID, ID]


async def test_all_output_is_held_under_its_bound_at_a_start_a_part_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "LOGS_TRIMMED_AT_A_TIME", 1)
    async with running() as before:
        await ended(before, ID)
        await ended(before, OTHER)

    async with running(survivor(before)) as rig:
        await asyncio.sleep(0.5)
        at_first = list(rig.attachments.trimmed)
        await asyncio.sleep(30.0)

    assert (at_first, rig.attachments.trimmed) == ([ID], [ID, OTHER])


async def test_logs_are_trimmed_beside_the_ledger_so_that_no_commit_waits_for_it() -> None:
    async with running(interval_s=HOUR_S) as rig:
        await rig.spawn()
        await rig.until(ID, State.RUNNING)
        upkeep = rig.engine_part("lifecycle")._manager._upkeep  # type: ignore[attr-defined]  # its own
        rig.hang_the_ledger()

        async with asyncio.timeout(1.0):
            await upkeep.trim_logs()

        del rig.service._ledger.on_thread
        assert rig.attachments.trimmed == [ID]


async def test_the_daemons_own_log_is_held_under_its_bound_where_nothing_runs_too() -> None:
    async with running() as rig:
        await asyncio.sleep(0.5)
        before = rig.attachments.daemon_log_trims

        await asyncio.sleep(15.0)

    assert rig.attachments.daemon_log_trims == before + 3


async def test_logs_are_not_looked_at_with_each_of_many_quick_ticks() -> None:
    async with running(interval_s=0.5) as rig:
        await rig.spawn()
        await rig.until(ID, State.RUNNING)
        await asyncio.sleep(LOGS_PAUSE_S)
        rig.attachments.trimmed.clear()

        await asyncio.sleep(3 * LOGS_PAUSE_S)

    assert rig.attachments.trimmed == [ID, ID, ID]


async def test_a_log_that_cannot_be_held_under_its_bound_is_said_once() -> None:
    async with running() as rig:
        await rig.run()
        rig.attachments.error = RefusedError("the file system makes no holes", code="log_unbounded")

        await asyncio.sleep(60.0)

    assert [what for what, _ in rig.errors] == ["a log cannot be held under its bound"]


async def ended_by_nudge(rig: Rig, session: str = ID) -> None:
    """As `ended`, where ticks are rare."""
    await rig.spawn(session)
    await rig.until(session, State.STARTING)
    await rig.service.stop(Kill(session=rig.record(session).id))
    await rig.until(session, State.CANCELLED)

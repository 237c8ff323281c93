"""Settings of a running engine: others are taken without a restart, or refused and said."""

import asyncio

from msgspec.structs import replace

from orchestrd.model.command import Kill
from orchestrd.model.errors import UsageError
from orchestrd.model.limits import ARCHIVE_AFTER_S
from orchestrd.model.words import State
from tests.engine.rig import ID, OTHER, Rig, running

HOUR_S = 3_600.0
WRONG = UsageError("/c.toml:3: there is no key 'x'", hint="orch config edit")


async def test_another_interval_holds_at_once_however_long_the_old_one_was() -> None:
    async with running(interval_s=HOUR_S) as rig:
        manager = rig.engine_part("lifecycle")._manager  # type: ignore[attr-defined]  # the lifecycle's own
        await asyncio.sleep(10.0)

        rig.engine.take(replace(rig.settings, interval_s=1.0))
        await asyncio.sleep(10.5)

        assert manager.ticks == 12
        assert rig.service.facts().interval_s == 1.0


async def test_more_places_in_the_lane_let_those_begin_who_wait() -> None:
    async with running(max_running=1, interval_s=HOUR_S) as rig:
        await rig.run(ID)
        await rig.spawn(OTHER)
        await rig.until(OTHER, State.SCHEDULED)

        rig.engine.take(replace(rig.settings, max_running=2))
        await rig.until(OTHER, State.RUNNING)

        assert rig.service.facts().max_running == 2


async def test_ended_sessions_stay_in_sight_for_as_long_as_is_set() -> None:
    async with running() as rig:
        await _ended(rig)

        rig.engine.take(replace(rig.settings, archive_after_s=HOUR_S))
        await asyncio.sleep(HOUR_S - 60.0)
        before = len(rig.service.documents())
        await asyncio.sleep(120.0)

        assert (before, len(rig.service.documents())) == (1, 0)
        assert HOUR_S < ARCHIVE_AFTER_S


async def test_another_bound_of_logs_holds_for_those_that_were_trimmed_before() -> None:
    async with running() as rig:
        await _ended(rig)
        await asyncio.sleep(10.0)
        rig.attachments.trimmed.clear()

        rig.engine.take(replace(rig.settings, log_bytes_max=1024))
        await asyncio.sleep(10.0)

        assert (rig.attachments.trimmed, rig.attachments.bytes_max) == ([ID], 1024)


async def test_settings_that_were_refused_are_a_trouble_until_others_are_taken() -> None:
    async with running() as rig:
        rig.engine.refuse(WRONG)
        refused = rig.service.facts()
        rig.engine.take(rig.settings)
        taken = rig.service.facts()

    assert (refused.reloads, refused.refused, refused.trouble) == (1, WRONG.message, WRONG.message)
    assert (taken.reloads, taken.refused, taken.trouble) == (2, None, None)
    assert [error for _, error in rig.errors] == [WRONG, None]


async def _ended(rig: Rig) -> None:
    await rig.run(ID)
    await rig.service.stop(Kill(session=rig.record(ID).id))
    await rig.until(ID, State.CANCELLED)

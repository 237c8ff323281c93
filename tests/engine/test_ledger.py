import asyncio

import pytest

from orchestrd.model.command import Stop
from orchestrd.model.errors import ConflictError, FaultError, OrchestrdError, TransientError
from orchestrd.model.event import EventType
from orchestrd.model.limits import JOURNAL_UNSYNCED_S
from orchestrd.model.session import Home, Session
from orchestrd.model.words import State
from tests.engine.rig import ID, OTHER, Rejects, Rig, nothing, request_of, running, survivor

FULL = TransientError("cannot write the record: no space left on device", hint="free some space")


def of(session: str, error: OrchestrdError = FULL) -> Rejects:
    """Reject the commits of one session."""
    return lambda record: error if isinstance(record, Session) and record.id == session else None


async def test_an_accepted_command_is_durable_when_it_is_answered() -> None:
    async with running() as rig:
        await rig.spawn()

        left_behind = rig.store.disk.survivor()

    async with running(Rig(left_behind, world=rig.world)) as again:
        assert again.record(ID).spec.argv == ("sleep", "60")


async def test_commits_of_many_sessions_share_a_batch() -> None:
    names = ["".join((chr(97 + number), "aaaaaaa")) for number in range(20)]
    async with running() as rig:
        rig.store.batches.clear()
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(rig.spawn(name))

    spawned = [record.id for batch in rig.store.batches for record in batch if isinstance(record, Session)]
    assert set(names) <= set(spawned)
    assert max(len(batch) for batch in rig.store.batches) >= 10


async def test_a_commit_that_fails_changes_nothing_and_is_told() -> None:
    async with running() as rig:
        rig.store.rejects = of(ID)

        with pytest.raises(TransientError, match="no space left"):
            await rig.spawn(ID)

        rig.store.rejects = nothing
        assert rig.state(ID) is None
        assert rig.events(session=ID) == []
        assert (await rig.spawn(ID)).state == State.PENDING


async def test_one_that_fails_costs_the_others_in_its_batch_nothing() -> None:
    async with running() as rig:
        rig.store.rejects = of(ID)
        async with asyncio.TaskGroup() as group:
            refused = group.create_task(_error(rig, ID))
            accepted = group.create_task(rig.spawn(OTHER))

        assert refused.result() is FULL
        assert accepted.result().id == OTHER


async def test_numbers_have_no_hole_where_a_commit_failed() -> None:
    async with running() as rig:
        rig.store.rejects = of(ID)
        await _error(rig, ID)
        rig.store.rejects = nothing
        await rig.run(OTHER)

        events = rig.events()

    assert [event.sequence for event in events] == list(range(1, len(events) + 1))


async def test_a_conflict_is_told_as_one() -> None:
    async with running() as rig:
        await rig.run()
        rig.store.rejects = of(ID, ConflictError("the record stands at revision 9"))

        with pytest.raises(ConflictError, match="revision 9"):
            await rig.service.stop(Stop(session=ID))

        assert rig.state(ID) is State.RUNNING


@pytest.mark.parametrize("error", [FaultError("nobody knows what is on disk"), ZeroDivisionError("a defect")])
async def test_a_commit_whose_outcome_nobody_knows_is_the_end_of_the_daemon(error: Exception) -> None:
    async with running() as rig:
        rig.store.raises = {"commit": error}

        with pytest.raises(FaultError):
            await rig.spawn(ID)
        rig.store.raises = {}
        with pytest.raises(FaultError):
            await rig.spawn(OTHER)

    assert len(rig.faults) == 1


async def test_a_fault_found_by_any_call_of_the_store_is_the_end_of_the_daemon() -> None:
    async with running(interval_s=1.0) as rig:
        rig.store.raises = {"scan": FaultError("nobody knows what is on disk")}

        await asyncio.sleep(1.5)

    assert len(rig.faults) == 1


async def test_the_journal_is_synced_soon_after_a_commit_and_once() -> None:
    async with running() as rig:
        await rig.spawn()
        rig.store.calls.clear()

        await asyncio.sleep(JOURNAL_UNSYNCED_S + 0.1)

        assert rig.store.calls.count("sync") == 1


async def test_a_journal_that_cannot_be_synced_is_the_end_of_the_daemon() -> None:
    async with running() as rig:
        rig.store.raises = {"sync": FaultError("the journal could not be made durable")}
        await rig.spawn()

        await asyncio.sleep(JOURNAL_UNSYNCED_S + 0.1)

        assert [fault.message for fault in rig.faults] == ["the journal could not be made durable"]


async def test_after_a_graceful_stop_nothing_is_left_to_sync() -> None:
    async with running() as rig:
        await rig.spawn()

    await asyncio.sleep(2 * JOURNAL_UNSYNCED_S)

    assert "sync" not in rig.store.calls[rig.store.calls.index("close") :]


async def test_every_record_bears_the_epoch_of_the_daemon_that_wrote_it() -> None:
    async with running() as rig:
        first = (await rig.run()).epoch
    async with running(Rig(rig.store.disk.survivor(), world=rig.world)) as again:
        await again.service.stop(Stop(session=ID))
        second = (await again.until(ID, State.CANCELLED)).epoch

    assert second > first


async def test_events_of_the_home_are_numbered_among_those_of_sessions() -> None:
    async with running() as rig:
        await rig.spawn()

    kinds = [(event.sequence, event.type) for event in rig.events()]

    assert kinds[0] == (1, EventType.DAEMON_STARTED)
    assert kinds[-1] == (len(kinds), EventType.DAEMON_STOPPED)


async def test_an_event_of_the_home_that_cannot_be_recorded_is_logged_and_nothing_waits_for_it() -> None:
    rig = Rig()
    rig.store.rejects = lambda record: FULL if isinstance(record, Home) and record.events else None

    async with running(rig):
        await rig.run()

    assert rig.said("could not record daemon_started")
    assert rig.events(EventType.DAEMON_STARTED) == []


async def test_a_defect_of_one_who_hears_of_commits_costs_the_others_nothing() -> None:
    async with running() as rig:
        rig.service._roster._on_commit.insert(0, _break)

        await rig.run()

        assert rig.said("after a commit of")


async def test_a_home_that_has_a_daemon_is_not_taken_over() -> None:
    async with running() as rig:
        second = Rig(rig.store.disk, world=rig.world)
        second.build()

        with pytest.raises(OrchestrdError) as caught:
            await second.engine.start()

    assert caught.value.code == "already_running"


async def test_what_was_durable_and_not_yet_answered_is_found_by_the_next_daemon() -> None:
    async with running() as rig, asyncio.TaskGroup() as group:
        spawning = group.create_task(rig.spawn(ID))
        await rig.when(lambda: rig.store._records.known.get(ID))
        assert not spawning.done()
        next_rig = survivor(rig)

    async with running(next_rig) as again:
        assert again.state(ID) is not None
        assert (await again.service.spawn(request_of(ID)))[1] is False


async def _error(rig: Rig, session: str) -> OrchestrdError:
    with pytest.raises(OrchestrdError) as caught:
        await rig.spawn(session)
    return caught.value


def _break(session: Session) -> None:
    raise ZeroDivisionError(f"a defect that {session.id} has shown")

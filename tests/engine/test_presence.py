import pytest

from orchestrd.model.event import EventType
from orchestrd.model.ids import SessionId
from tests.engine.rig import Rig, running, survivor


async def test_a_daemon_says_that_it_has_come_and_that_it_has_gone() -> None:
    async with running() as rig:
        pass

    told = [(event.type, event.epoch, event.pid, event.session) for event in rig.events()]

    assert told == [(EventType.DAEMON_STARTED, 1, 4711, None), (EventType.DAEMON_STOPPED, 1, 4711, None)]


async def test_one_that_was_killed_says_nothing_of_its_end() -> None:
    async with running() as rig:
        killed = survivor(rig)
    async with running(killed) as again:
        kinds = [(event.type, event.epoch) for event in again.events()]

    assert kinds == [(EventType.DAEMON_STARTED, 1), (EventType.DAEMON_STARTED, 2)]


async def test_parts_start_with_the_ledger_and_stop_with_it() -> None:
    async with running() as rig:
        names = rig.engine.registry.names

    assert names[:3] == ("ledger", "presence", "mailboxes")
    assert names[-1] == "lifecycle"


async def test_a_start_that_fails_lets_go_of_the_home() -> None:
    rig = Rig()
    rig.build()
    failing = rig.engine_part("lifecycle")

    async def fail() -> None:
        raise OSError("no more descriptors")

    failing.started = fail  # type: ignore[method-assign]  # to see it fail
    with pytest.raises(OSError, match="no more descriptors"):
        await rig.engine.start()
    async with running(Rig(rig.store.disk, world=rig.world)) as again:
        assert again.service.facts().epoch == 2

    assert SessionId("lock") not in rig.store.disk.locked

"""What every performer does: order, once, interruption, and what a restart finds."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from orchestrd.engine.performing import Performer
from orchestrd.model.command import Terminated
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.session import Session
from tests.engine.rig import ID, OTHER, Rig, running

Act = Callable[[Performer, Session, Effect], Awaitable[None]]


class Scribe(Performer):
    """Performs effects that nobody else does, as the test says."""

    name = "scribe"
    kinds = frozenset({EffectKind.NOTIFY})

    def __init__(self, rig: Rig, act: Act) -> None:
        super().__init__(rig.service._roster, rig.mailboxes, rig.on_error)
        self._act_out = act
        self.begun: list[str] = []
        self.ended: list[str] = []

    async def perform(self, session: Session, effect: Effect) -> None:
        self.begun.append(effect.id)
        await self._act_out(self, session, effect)
        self.ended.append(effect.id)


async def take_a_second(*_: object) -> None:
    await asyncio.sleep(1.0)


async def take_for_ever(*_: object) -> None:
    await asyncio.sleep(10_000.0)


async def scribe(rig: Rig, act: Act = take_a_second, *, in_order: bool = True, interruptible: bool = False) -> Scribe:
    found = Scribe(rig, act)
    found.in_order, found.is_interruptible = in_order, interruptible
    await found.start()
    return found


def intend(rig: Rig, *effects: str, session: str = ID) -> None:
    """Let another hand put these effects into the record."""
    record = rig.record(session)
    ours = [effect for effect in record.effects if effect.kind not in Scribe.kinds]
    theirs = [Effect(id=name, kind=EffectKind.NOTIFY, generation=1) for name in effects]
    rig.edit(replace(record, revision=record.revision + 1, effects=(*ours, *theirs), effects_made=99))


async def test_the_effects_of_one_session_are_performed_in_order_and_those_of_others_beside_them() -> None:
    async with running() as rig:
        await rig.run()
        await rig.run(OTHER)
        performer = await scribe(rig)
        intend(rig, "a", "b")
        intend(rig, "c", session=OTHER)

        await rig.when(lambda: len(performer.ended) == 3)
        await performer.stop()

    assert sorted(performer.begun[:2]) == ["a", "c"]
    assert performer.begun[2] == "b"


async def test_where_no_order_is_kept_they_are_performed_side_by_side() -> None:
    async with running() as rig:
        await rig.run()
        performer = await scribe(rig, in_order=False)
        intend(rig, "a", "b")

        await rig.when(lambda: performer.begun)
        assert (performer.begun, performer.ended) == (["a", "b"], [])
        await performer.stop()

    assert performer.ended == ["a", "b"]


async def test_what_was_left_by_the_last_daemon_is_taken_up_and_told_from_what_is_new() -> None:
    left: dict[str, bool] = {}

    async def note(performer: Performer, session: Session, effect: Effect) -> None:
        left[effect.id] = performer.was_left(session.id, effect)

    async with running() as rig:
        await rig.run()
        intend(rig, "a")
        await rig.when(lambda: rig.record().effects_made == 99)
        performer = await scribe(rig, note)
        await rig.when(lambda: performer.ended == ["a"])
        intend(rig, "a", "b")

        await rig.when(lambda: performer.ended == ["a", "b"])
        await performer.stop()

    assert left == {"a": True, "b": False}


async def test_an_act_whose_effect_was_taken_back_is_given_up_where_it_may_be() -> None:
    async with running() as rig:
        await rig.run()
        performer = await scribe(rig, take_for_ever, interruptible=True)
        intend(rig, "a")
        await rig.when(lambda: performer.begun == ["a"])
        intend(rig)

        await rig.when(lambda: not len(performer._tasks))
        await performer.stop()

    assert performer.ended == []
    assert rig.errors == []


async def test_a_stop_waits_for_no_act_that_may_be_given_up() -> None:
    async with running() as rig:
        await rig.run()
        performer = await scribe(rig, take_for_ever, interruptible=True)
        intend(rig, "a")
        await rig.when(lambda: performer.begun == ["a"])
        began = asyncio.get_running_loop().time()

        await performer.stop()

    assert asyncio.get_running_loop().time() - began < 1.0
    assert rig.errors == []


async def test_an_act_that_tells_of_its_end_is_not_given_up_by_that() -> None:
    async def tell(performer: Performer, session: Session, effect: Effect) -> None:
        await performer.report(session.id, Terminated(effect=effect.id, generation=1))
        await asyncio.sleep(1.0)

    async with running() as rig:
        await rig.run()
        performer = await scribe(rig, tell, interruptible=True)
        intend(rig, "a")

        await rig.when(lambda: performer.ended == ["a"])
        await performer.stop()

    assert rig.record().effects == ()


async def test_a_stop_in_the_midst_of_a_report_gives_up_what_comes_after_it() -> None:
    async def tell(performer: Performer, session: Session, effect: Effect) -> None:
        with rig.full_for(ID):
            await performer.report(session.id, Terminated(effect=effect.id, generation=1))
        await take_for_ever()

    async with running() as rig:
        await rig.run()
        performer = await scribe(rig, tell, interruptible=True)
        intend(rig, "a")
        await rig.when(lambda: rig.said("could not record"))
        rig.engine_part("mailboxes")._is_open = False

        await performer.stop()
        rig.engine_part("mailboxes")._is_open = True

    assert not rig.said("scribe was not done in time")


async def test_an_act_that_runs_out_of_its_own_time_is_a_defect_that_is_told() -> None:
    async def run_out(*_: object) -> None:
        async with asyncio.timeout(1.0):
            await take_for_ever()

    async with running() as rig:
        await rig.run()
        performer = await scribe(rig, run_out, interruptible=True)
        intend(rig, "a")

        await rig.when(lambda: rig.said("notify of aaaaaaaa failed"))
        await performer.stop()


async def test_a_performer_says_how_it_performs() -> None:
    async with running() as rig:
        session = await rig.run()
        performer = Performer(rig.service._roster, rig.mailboxes, rig.on_error)

        with pytest.raises(NotImplementedError):
            await performer.perform(session, Effect(id="a", kind=EffectKind.NOTIFY, generation=1))

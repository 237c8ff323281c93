"""What proves that an agent has taken a message, and what does not."""

import asyncio

import pytest

from orchestrd.model.limits import CONFIRM_ENTER_S, DELIVERY_S
from orchestrd.model.run import Gathered, Run
from orchestrd.model.words import Activity, Receipt, State
from orchestrd.testing.runtime import ScriptedRuntime
from tests.engine.rig import ID, Rig, running
from tests.engine.test_witnesses import TalkingRuntime, begin, send, shows, talking


class BusyScreen(TalkingRuntime):
    """A terminal that shows work as soon as it is typed into, whatever has become of the text."""

    async def deliver(self, run: Run, text: str) -> tuple[Receipt, str | None]:
        self._rig.gatherer.found[ID] = Gathered()
        return await super().deliver(run, text)

    async def screen(self, run: Run, *, is_styled: bool = False) -> str | None:
        return "working" if self._rig.world.newest(ID).typed else "nothing to see"


async def test_a_screen_that_shows_work_does_not_prove_that_a_message_was_taken() -> None:
    rig, _, _ = talking()
    rig.runtimes["terminal"] = BusyScreen(rig)
    async with running(rig):
        await begin(rig)
        await shows(rig, "waiting")

        reply = await rig.service.send(send())

        assert rig.record().activity is Activity.WORKING
    assert reply.receipt is Receipt.TYPED


class LastWords(ScriptedRuntime):
    """Runs that end as soon as they were typed into, which is seen before this tells what became of the text."""

    async def deliver(self, run: Run, text: str) -> tuple[Receipt, str | None]:
        outcome = await super().deliver(run, text)
        self._world.exit(run.session)
        await asyncio.sleep(0.1)
        return outcome


async def test_an_agent_that_ends_because_it_has_read_a_message_has_read_it() -> None:
    rig = Rig()
    rig.runtimes["process"] = LastWords(rig.world, "process")
    async with running(rig):
        await rig.run()

        reply = await rig.service.send(send())
        ended = await rig.until(ID, State.COMPLETED, State.FAILED)

    assert reply.receipt is Receipt.SUBMITTED
    assert (ended.state, ended.exit_code) == (State.COMPLETED, 0)


class LastTurn(TalkingRuntime):
    """A terminal whose agent ends as soon as it was typed into."""

    async def deliver(self, run: Run, text: str) -> tuple[Receipt, str | None]:
        outcome = await super().deliver(run, text)
        self._rig.world.exit(run.session)
        return outcome


@pytest.mark.parametrize(("takes", "receipt"), [("transcript", Receipt.SUBMITTED), (None, Receipt.TYPED)])
async def test_what_an_agent_did_last_is_looked_at_once_more_and_then_waited_for_no_longer(
    takes: str | None, receipt: Receipt
) -> None:
    rig, _, _ = talking()
    rig.runtimes["terminal"] = LastTurn(rig, takes)
    async with running(rig):
        await begin(rig)
        await shows(rig, "waiting")
        sent_s = rig.clock.now().up_s

        reply = await rig.service.send(send())
        await rig.until(ID, State.COMPLETED, State.FAILED)
        took_s = rig.clock.now().up_s - sent_s

    assert reply.receipt is receipt
    assert took_s < CONFIRM_ENTER_S


class Mute(ScriptedRuntime):
    """Runs of which nobody ever learns what became of a text; they end when they were typed into."""

    async def deliver(self, run: Run, text: str) -> tuple[Receipt, str | None]:
        self._world.exit(run.session)
        await asyncio.sleep(2 * DELIVERY_S)
        raise AssertionError("it was given up long ago")


async def test_an_agent_that_ends_while_nobody_knows_what_became_of_a_message_ends_all_the_same() -> None:
    rig = Rig()
    rig.runtimes["process"] = Mute(rig.world, "process")
    async with running(rig):
        await rig.run()
        sent_s = rig.clock.now().up_s

        reply = await rig.service.send(send())
        await rig.until(ID, State.COMPLETED, State.FAILED)
        took_s = rig.clock.now().up_s - sent_s

    assert reply.receipt is Receipt.UNKNOWN
    assert took_s < DELIVERY_S

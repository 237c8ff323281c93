"""What proves that an agent has taken a message, and what does not."""

from orchestrd.model.run import Gathered, Run
from orchestrd.model.words import Activity, Receipt
from tests.engine.rig import ID, running
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

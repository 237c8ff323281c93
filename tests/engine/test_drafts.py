"""A person's draft in the box of an agent: no message is typed behind it, and none is refused for want of a screen."""

import asyncio

import pytest

from orchestrd.model.errors import RefusedError
from orchestrd.model.run import Run
from orchestrd.model.words import Activity, Receipt
from orchestrd.testing.world import Script
from tests.engine.rig import ID, running
from tests.engine.test_witnesses import TalkingRuntime, begin, send, shows, talking


async def test_a_draft_that_a_person_has_typed_refuses_the_message_and_stays() -> None:
    rig, _, _ = talking(takes="state")
    rig.scripts[ID] = Script(receipt=Receipt.TYPED, screens=((0.0, "draft: and the pears"),))
    async with running(rig):
        await begin(rig)
        await shows(rig, "waiting")

        reply = await rig.service.send(send())

        assert rig.record().activity is Activity.WAITING
    assert reply.receipt is Receipt.REFUSED
    assert reply.error == f"a draft stands in its box: 'and the pears'; send or delete it: orch attach {ID}"
    assert rig.world.newest(ID).typed == []


class BlindRuntime(TalkingRuntime):
    """A terminal whose screen cannot be read: there is an error, or no answer."""

    trouble: type[Exception] | None = None

    async def screen(self, run: Run, *, is_styled: bool = False) -> str | None:
        if not is_styled:
            return "nothing to see"
        if self.trouble is None:
            await asyncio.Event().wait()
            return None
        raise self.trouble("no answer")


@pytest.mark.parametrize("trouble", [None, OSError, RefusedError, ValueError])
async def test_a_screen_that_cannot_be_read_refuses_no_message(trouble: type[Exception] | None) -> None:
    rig, _, _ = talking()
    rig.runtimes["terminal"] = blind = BlindRuntime(rig, takes="state")
    blind.trouble = trouble
    async with running(rig):
        await begin(rig)
        await shows(rig, "waiting")

        assert (await rig.service.send(send())).receipt is Receipt.SUBMITTED

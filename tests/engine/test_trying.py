"""Trying the channels by hand: told now, each with its own answer, whatever the hour."""

import asyncio
from datetime import UTC

import pytest

from orchestrd.engine.channels import Channels
from orchestrd.engine.trying import try_channels
from orchestrd.model.errors import NotFoundError, RefusedError, TransientError
from orchestrd.model.notice import Priority
from orchestrd.model.notice_document import ChannelReply, NoticeRequest
from orchestrd.model.notice_settings import ChannelSettings, NotifySettings
from orchestrd.testing.clocks import LoopClock
from orchestrd.testing.notifier import ScriptedNotifier

ALWAYS_QUIET = NotifySettings(quiet="00:00-23:59", digest="1d", urgent=("desk",), warning=())


class Stand:
    """Channels that are scripted, in hours that are quiet."""

    def __init__(self, *names: str) -> None:
        self.notifiers = {name: ScriptedNotifier(name) for name in names}
        self.channels = Channels(lambda name, _: self.notifiers[name])
        self.channels.take(ALWAYS_QUIET, {name: ChannelSettings(kind="ntfy") for name in names}, UTC)

    async def told(self, **asked: tuple[str, ...] | Priority) -> dict[str, bool]:
        request = NoticeRequest(key="notify.1", text="hello\nthere", **asked)  # type: ignore[arg-type]  # as asked
        reply = await try_channels(self.channels, request, LoopClock())
        return {one.channel: one.is_told for one in reply.channels}


async def test_every_channel_is_told_at_once_also_in_quiet_hours() -> None:
    stand = Stand("phone", "desk")
    for notifier in stand.notifiers.values():
        notifier.takes_s = 5.0

    told = await stand.told()

    assert told == {"phone": True, "desk": True}
    assert asyncio.get_running_loop().time() < 6.0  # side by side
    (notice,) = stand.notifiers["phone"].shown
    assert (notice.title, notice.text, notice.priority) == ("hello", "there", Priority.INFO)


async def test_some_channels_or_those_of_a_priority_can_be_chosen() -> None:
    stand = Stand("phone", "desk", "log")

    assert await stand.told(channels=("phone",)) == {"phone": True}
    assert await stand.told(channels=("log", "phone", "log")) == {"log": True, "phone": True}
    assert len(stand.notifiers["log"].shown) == 1
    assert await stand.told(priority=Priority.URGENT) == {"desk": True}
    assert stand.notifiers["desk"].shown[0].priority is Priority.URGENT


async def test_a_channel_that_fails_says_why_and_what_to_do_and_costs_no_other() -> None:
    stand = Stand("phone", "desk")
    stand.notifiers["phone"].error = TransientError("no answer", hint="ping")

    reply = await try_channels(stand.channels, NoticeRequest(key="k", text="hello"), LoopClock())

    assert reply.channels == (
        ChannelReply(channel="phone", kind="ntfy", is_told=False, error="no answer", hint="ping"),
        ChannelReply(channel="desk", kind="ntfy", is_told=True),
    )


async def test_what_nobody_would_be_told_is_refused() -> None:
    with pytest.raises(RefusedError, match="no channel is set up"):
        await Stand().told()
    with pytest.raises(RefusedError, match="no channel is told what has the priority warning"):
        await Stand("phone").told(priority=Priority.WARNING)
    with pytest.raises(NotFoundError, match="there is no channel 'pager'"):
        await Stand("phone").told(channels=("pager",))


async def test_a_channel_that_is_set_otherwise_while_it_is_made_is_made_again() -> None:
    stand = Stand("phone")
    old, new = ScriptedNotifier("phone"), ScriptedNotifier("phone")
    made = [old, new]

    def make(_: str, __: ChannelSettings) -> ScriptedNotifier:
        if made[0] is old:
            stand.channels.take(ALWAYS_QUIET, {"phone": ChannelSettings(kind="ntfy", topic="other")}, UTC)
        return made.pop(0)

    stand.channels._make = make
    await stand.told(channels=("phone",))
    await stand.told(channels=("phone",))
    await stand.channels.close_outdated()

    assert (len(old.told), len(new.told)) == (1, 1)
    assert (old.is_closed, new.is_closed) == (True, False)


async def test_a_channel_that_does_not_end_well_keeps_no_other_from_its_end() -> None:
    stand = Stand("phone", "desk")
    await stand.told()

    async def hang() -> None:
        await asyncio.sleep(10_000.0)

    stand.notifiers["phone"].close = hang  # type: ignore[method-assign]
    await stand.channels.close()

    assert stand.notifiers["desk"].is_closed
    assert asyncio.get_running_loop().time() < 10.0

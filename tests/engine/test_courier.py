"""The courier: who is told, what is committed of it, and what a restart, a broken channel or a reload finds."""

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import UTC, timedelta
from typing import Any

from msgspec.structs import replace

from orchestrd.engine.channels import Channels
from orchestrd.engine.courier import Courier
from orchestrd.engine.troubles import Troubles
from orchestrd.engine.trying import try_channels
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.errors import RefusedError, TransientError, UsageError
from orchestrd.model.event import Event, EventType
from orchestrd.model.limits import NOTIFY_AGAIN_S, NOTIFY_ANSWER_S, NOTIFY_END_S, NOTIFY_GIVEN_UP_S
from orchestrd.model.notice import Notice, Priority
from orchestrd.model.notice_document import NoticeRequest
from orchestrd.model.notice_settings import ChannelSettings, NotifySettings
from orchestrd.model.words import State
from orchestrd.testing.notifier import ScriptedNotifier
from orchestrd.testing.world import Script
from tests.engine import rig as rigs
from tests.engine.rig import ID, OTHER, Rig, survivor

BROKEN = TransientError("the channel phone failed: it is scripted to")


def running(rig: Rig | None = None, **settings: Any) -> AbstractAsyncContextManager[Rig]:
    """Run an engine without the courier of its own."""
    rig = rig or Rig(**settings)
    rig.omitted.add("courier")
    return rigs.running(rig)


class Bench:
    """A courier beside an engine, over channels that are scripted."""

    def __init__(self, rig: Rig, *names: str, notify: NotifySettings | None = None) -> None:
        self.rig = rig
        self.made: list[ScriptedNotifier] = []
        self.notifiers = {name: ScriptedNotifier(name) for name in names}
        self.mistakes: dict[str, UsageError] = {}
        self.troubles = Troubles(rig.on_error)
        self.channels = Channels(self._make)
        self.courier = Courier(
            channels=self.channels,
            roster=rig.service._roster,
            mailboxes=rig.mailboxes,
            clock=rig.clock,
            troubles=self.troubles,
            on_error=rig.on_error,
        )
        self.use(notify or NotifySettings(), *names)

    def use(self, notify: NotifySettings, *names: str, **changes: Any) -> None:
        channels = {name: ChannelSettings(kind="desktop", **changes) for name in names}
        self.courier.use(notify, channels, UTC)

    def _make(self, name: str, _: ChannelSettings) -> ScriptedNotifier:
        if mistake := self.mistakes.get(name):
            raise mistake
        self.made.append(self.notifiers[name])
        return self.notifiers[name]

    def told(self, name: str) -> list[str]:
        """Say what was told over a channel, by the keys."""
        return [notice.key for notices in self.notifiers[name].told for notice in notices]

    def intend(self, *keys: str, session: str = ID, priority: Priority = Priority.URGENT) -> None:
        """Let another hand put notices into the record."""
        record = self.rig.record(session)
        at = self.rig.clock.now().at
        ours = [effect for effect in record.effects if effect.kind is not EffectKind.NOTIFY]
        notices = [Notice(key=key, priority=priority, title=f"about {key}", text="", at=at) for key in keys]
        theirs = [Effect(id=one.key, kind=EffectKind.NOTIFY, generation=1, notice=one) for one in notices]
        self.rig.edit(replace(record, revision=record.revision + 1, effects=(*ours, *theirs), effects_made=99))

    async def over(self, session: str = ID) -> list[Event]:
        """Wait until nothing is to be told, and give what the journal has of it."""
        await self.rig.when(lambda: self.rig.events(EventType.NOTICE_TOLD, EventType.NOTICE_FAILED) or None)
        await self.rig.when(lambda: not self.rig.record(session).effects)
        return self.rig.events(EventType.NOTICE_TOLD, EventType.NOTICE_FAILED)


async def bench(rig: Rig, *names: str, notify: NotifySettings | None = None) -> Bench:
    rig.look_s = 0.1
    found = Bench(rig, *names, notify=notify)
    await found.courier.start()
    return found


async def test_a_notice_is_told_over_every_channel_and_committed_for_each() -> None:
    async with running() as rig:
        await rig.run()
        stand = await bench(rig, "phone", "desk")
        stand.notifiers["desk"].takes_s = 3.0

        stand.intend("need")
        events = await stand.over()
        await stand.courier.stop()

    assert (stand.told("phone"), stand.told("desk")) == (["need"], ["need"])
    assert [(event.type, event.message, event.to) for event in events] == [
        (EventType.NOTICE_TOLD, "need", "phone"),
        (EventType.NOTICE_TOLD, "need", "desk"),
    ]


async def test_what_comes_together_from_several_sessions_is_told_together() -> None:
    async with running() as rig:
        await rig.run()
        await rig.run(OTHER)
        stand = await bench(rig, "phone")

        stand.intend("a", "b")
        stand.intend("c", session=OTHER)
        await stand.over()
        await stand.over(OTHER)
        await stand.courier.stop()

    assert sorted(stand.told("phone")) == ["a", "b", "c"]
    assert stand.notifiers["phone"].tries <= 2


async def test_without_a_channel_it_is_over_at_once_and_told_to_nobody() -> None:
    async with running() as rig:
        await rig.run()
        stand = await bench(rig)

        stand.intend("need")
        (event,) = await stand.over()
        await stand.courier.stop()

    assert (event.type, event.message, event.to, event.text) == (EventType.NOTICE_TOLD, "need", None, "about need")


async def test_a_channel_that_fails_is_tried_again_and_no_other_waits_for_it() -> None:
    async with running() as rig:
        await rig.run()
        stand = await bench(rig, "phone", "desk")
        stand.notifiers["phone"].error = BROKEN

        stand.intend("need")
        await rig.when(lambda: stand.told("desk") and stand.notifiers["phone"].tries)
        reached = await rig.when(lambda: rig.record().effects[0].reached)
        trouble = stand.troubles.newest
        stand.notifiers["phone"].error = None
        await stand.over()
        await stand.courier.stop()

    assert reached == ("desk",)
    assert trouble == BROKEN.message
    assert stand.troubles.newest is None
    assert stand.told("phone") == ["need"]
    assert asyncio.get_running_loop().time() >= NOTIFY_AGAIN_S


async def test_a_daemon_that_starts_again_goes_on_with_the_channels_that_were_not_told() -> None:
    first = Rig()
    first.omitted.add("courier")
    first.build()
    await first.engine.start()
    await first.run()
    stand = await bench(first, "phone", "desk")
    stand.notifiers["phone"].error = BROKEN
    stand.intend("need")
    await first.when(lambda: first.record().effects and first.record().effects[0].reached)

    async with running(survivor(first)) as rig:
        again = await bench(rig, "phone", "desk")
        await again.over()
        await again.courier.stop()
        await stand.courier.stop()
    await first.engine.stop()

    assert (again.told("phone"), again.told("desk")) == (["need"], [])


async def test_a_notice_that_nobody_took_for_a_day_is_given_up_and_says_why() -> None:
    async with running(interval_s=600.0) as rig:
        await rig.run()
        stand = await bench(rig, "phone", "desk")
        stand.notifiers["phone"].error = BROKEN

        stand.intend("need")
        async with asyncio.timeout(2 * NOTIFY_GIVEN_UP_S):
            while rig.record().effects or not rig.events(EventType.NOTICE_FAILED):  # noqa: ASYNC110
                await asyncio.sleep(600.0)
        await stand.courier.stop()

    (event,) = rig.events(EventType.NOTICE_FAILED)
    assert (event.message, event.to, event.error) == ("need", "desk", f"phone: {BROKEN.message}")
    assert stand.notifiers["phone"].tries < 50


async def test_what_a_channel_refuses_is_given_up_and_costs_what_came_with_it_nothing() -> None:
    async with running() as rig:
        await rig.run()
        stand = await bench(rig, "phone")
        phone = stand.notifiers["phone"]
        tell = phone.tell

        async def particular(notices: Any) -> None:
            phone.error = RefusedError("too long") if any(one.key == "bad" for one in notices) else None
            await tell(notices)

        phone.tell = particular  # type: ignore[method-assign]
        stand.intend("good", "bad", "better")
        await stand.over()
        await stand.courier.stop()

    assert sorted(stand.told("phone")) == ["better", "good"]
    assert [event.message for event in rig.events(EventType.NOTICE_FAILED)] == ["bad"]


async def test_a_notice_that_is_taken_back_is_not_told_any_more() -> None:
    async with running() as rig:
        await rig.run()
        stand = await bench(rig, "phone", notify=NotifySettings(digest="15m", digest_below=Priority.URGENT))
        stand.intend("need", priority=Priority.INFO)
        await rig.when(lambda: rig.record().effects)

        stand.intend()
        await rig.when(lambda: not rig.record().effects)
        await asyncio.sleep(3_600.0)
        await stand.courier.stop()

    assert stand.told("phone") == []


async def test_what_is_taken_back_while_it_is_told_ends_quietly() -> None:
    async with running() as rig:
        await rig.run()
        stand = await bench(rig, "phone")
        stand.notifiers["phone"].takes_s = 12.0
        stand.intend("need")
        await rig.when(lambda: stand.notifiers["phone"].tries)

        stand.intend()
        await rig.when(lambda: not rig.record().effects)
        await rig.when(lambda: stand.told("phone"))
        await stand.courier.stop()

    assert rig.events(EventType.NOTICE_TOLD) == []


async def test_quiet_hours_end_also_where_the_machine_has_slept_meanwhile() -> None:
    async with running(interval_s=60.0) as rig:
        await rig.run()
        begins = rig.clock.now().at
        ends = begins + timedelta(hours=8)
        quiet = f"{begins:%H:%M}-{ends:%H:%M}"
        stand = await bench(rig, "phone", notify=NotifySettings(quiet=quiet))
        stand.intend("need", priority=Priority.ACTION)
        await rig.when(lambda: rig.record().effects)
        await asyncio.sleep(3_600.0)
        silent = stand.told("phone") == []

        rig.clock.sleep(8 * 3_600.0)
        await asyncio.sleep(120.0)
        await stand.courier.stop()

    assert silent
    assert stand.told("phone") == ["need"]


async def test_a_channel_that_never_answers_is_called_off() -> None:
    async with running() as rig:
        await rig.run()
        stand = await bench(rig, "phone")
        stand.notifiers["phone"].takes_s = 10_000.0

        stand.intend("need")
        await rig.when(lambda: stand.troubles.newest)
        took_s = asyncio.get_running_loop().time()
        await stand.courier.stop()

    assert stand.troubles.newest == "the channel phone did not take it within 20 seconds"
    assert NOTIFY_ANSWER_S < took_s < NOTIFY_ANSWER_S + NOTIFY_END_S + 15.0


async def test_what_foreign_code_raises_is_not_repeated() -> None:
    async with running() as rig:
        await rig.run()
        stand = await bench(rig, "phone")
        stand.notifiers["phone"].error = ValueError("https://example.org/s3cret")

        stand.intend("need")
        await rig.when(lambda: stand.troubles.newest)
        await stand.courier.stop()

    assert stand.troubles.newest == "the channel phone failed with ValueError"
    assert not rig.said("s3cret")


async def test_a_channel_that_cannot_be_made_is_named_and_is_tried_at_once_when_it_is_mended() -> None:
    async with running() as rig:
        await rig.run()
        stand = await bench(rig, "phone")
        stand.mistakes["phone"] = UsageError("the channel phone has no topic")
        stand.intend("need")
        await rig.when(lambda: stand.troubles.newest)
        broken_for_s = asyncio.get_running_loop().time()

        stand.mistakes = {}
        stand.use(NotifySettings(), "phone", topic="agents")
        await stand.over()
        took_s = asyncio.get_running_loop().time() - broken_for_s
        await stand.courier.stop()

    assert stand.told("phone") == ["need"]
    assert stand.troubles.newest is None
    assert took_s < NOTIFY_AGAIN_S


async def test_a_reload_makes_only_those_again_that_are_set_otherwise_and_closes_the_others() -> None:
    async with running() as rig:
        await rig.run()
        stand = await bench(rig, "phone", "desk")
        stand.intend("a")
        await stand.over()

        stand.use(NotifySettings(), "phone")
        stand.intend("b")
        await stand.over()
        await rig.when(lambda: stand.told("phone") == ["a", "b"])
        closed = stand.notifiers["desk"].is_closed
        await stand.courier.stop()

    assert [notifier.name for notifier in stand.made] == ["phone", "desk"]
    assert stand.told("desk") == ["a"]
    assert (closed, stand.notifiers["phone"].is_closed) == (True, True)


async def test_a_reload_while_a_channel_is_told_does_not_tell_it_twice() -> None:
    async with running() as rig:
        await rig.run()
        stand = await bench(rig, "phone")
        stand.notifiers["phone"].takes_s = 5.0
        stand.intend("need")
        await rig.when(lambda: stand.notifiers["phone"].tries)

        stand.use(NotifySettings(digest="1m"), "phone")
        await stand.over()
        await stand.courier.stop()

    assert stand.told("phone") == ["need"]


async def test_a_full_disk_has_nobody_told_twice() -> None:
    async with running() as rig:
        await rig.run()
        stand = await bench(rig, "phone")
        stand.intend("need")
        await rig.when(lambda: rig.record().effects)
        with rig.full_for(ID):
            await asyncio.sleep(5.0)

        await stand.over()
        await stand.courier.stop()

    assert stand.told("phone") == ["need"]


async def test_an_ended_session_is_put_away_only_once_somebody_was_told_of_it() -> None:
    async with running(archive_after_s=60.0, interval_s=10.0) as rig:
        await rig.run(script=Script(exits_after_s=1.0))
        stand = await bench(rig, "phone", notify=NotifySettings(digest="30m"))
        stand.intend("need", priority=Priority.INFO)
        await rig.until(ID, State.COMPLETED)

        await asyncio.sleep(1_200.0)
        waiting = rig.state()
        await rig.when(lambda: stand.told("phone"))
        await rig.when(lambda: rig.state() is None)
        await stand.courier.stop()

    assert waiting is State.COMPLETED
    assert stand.told("phone") == ["need"]


async def test_a_session_that_a_person_has_put_away_has_nothing_to_say_any_more() -> None:
    async with running() as rig:
        await rig.run(script=Script(exits_after_s=1.0))
        stand = await bench(rig, "phone", notify=NotifySettings(digest="1h"))
        stand.intend("need", priority=Priority.INFO)
        await rig.until(ID, State.COMPLETED)

        await rig.service.archive(rig.record().id)
        await asyncio.sleep(7_200.0)
        await stand.courier.stop()

    assert stand.told("phone") == []
    assert rig.errors == []


async def test_a_channel_that_cannot_be_made_is_said_before_anybody_is_to_be_told() -> None:
    async with running() as rig:
        stand = Bench(rig, "phone")
        stand.mistakes["phone"] = UsageError("the channel phone has no topic")
        await stand.courier.start()

        trouble = await rig.when(lambda: stand.troubles.newest)
        await stand.courier.stop()

    assert trouble == "the channel phone has no topic"


async def test_what_waits_for_a_channel_is_told_at_once_when_a_person_has_found_it_mended() -> None:
    async with running() as rig:
        await rig.run()
        stand = await bench(rig, "phone")
        stand.notifiers["phone"].error = BROKEN
        stand.intend("need")
        await rig.when(lambda: stand.troubles.newest)
        stand.notifiers["phone"].error = None
        mended_s = asyncio.get_running_loop().time()

        await try_channels(stand.channels, NoticeRequest(key="try", text="hello"), rig.clock)
        await stand.over()
        took_s = asyncio.get_running_loop().time() - mended_s
        await stand.courier.stop()

    assert stand.told("phone") == ["try", "need"]
    assert stand.troubles.newest is None
    assert took_s < NOTIFY_AGAIN_S / 2

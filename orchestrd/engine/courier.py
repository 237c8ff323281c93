"""The courier: tells people what sessions have to say to them, over the channels that are set.

`orchestrd.core.notifying` decides; this carries it out, the channels side by side. What a channel was told is committed
before the notice is over, so that a crash repeats at most what was being told just then, with the key it had. A notice
that no channel is routed to is over at once, and told to nobody: the journal has it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import tzinfo

from msgspec.structs import replace

from orchestrd.core.notifying import ChannelState, Delivery, Pending, failed, gives_up, plan, waiting_for
from orchestrd.engine.channels import Channels
from orchestrd.engine.mailbox import Mailboxes
from orchestrd.engine.performing import Performer
from orchestrd.engine.roster import Roster
from orchestrd.engine.tasks import OnError, Subject
from orchestrd.engine.troubles import Troubles
from orchestrd.model.command import Notified
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.errors import OrchestrdError, RefusedError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import NOTIFY_LOOK_S
from orchestrd.model.notice_settings import ChannelSettings, NotifySettings
from orchestrd.ports import Clock

Key = tuple[SessionId, str]  # a session and one of its effects


class Courier(Performer):
    """Performs the effect NOTIFY, of all sessions together."""

    name = "courier"
    kinds = frozenset({EffectKind.NOTIFY})

    def __init__(
        self,
        *,
        channels: Channels,
        roster: Roster,
        mailboxes: Mailboxes,
        clock: Clock,
        troubles: Troubles,
        on_error: OnError,
    ) -> None:
        super().__init__(roster, mailboxes, on_error)
        self._channels = channels
        self._clock = clock
        self._troubles = troubles
        self._pending: dict[Key, Pending] = {}
        self._errors: dict[Key, dict[str, str]] = {}  # of the channels that have given one up
        self._states: dict[str, ChannelState] = {}
        self._timer: asyncio.Handle | None = None
        channels.on_told(self._works)

    async def started(self) -> None:
        """Go on with what the last daemon left."""
        await super().started()
        self._tasks.spawn("make channels", self._make_channels())

    async def stopped(self) -> None:
        """Let go of the channels; what was not told stands in the records."""
        if self._timer is not None:
            self._timer.cancel()
        await self._channels.close()

    def use(self, notify: NotifySettings, channels: Mapping[str, ChannelSettings], zone: tzinfo) -> None:
        """Go on with what is set now: every channel is tried again at once, for it may have been mended."""
        for name in self._channels.names:
            self._troubles.works(_part(name))
        self._channels.take(notify, channels, zone)
        self._states = {name: ChannelState(is_telling=True) for name, was in self._states.items() if was.is_telling}
        if self._is_open:
            self._tasks.spawn("make channels", self._make_channels())
            self._look_soon()

    def waiting(self, session: SessionId) -> dict[str, str]:
        """Say by effect what for the notices of a session wait; those that are being told now are left out."""
        pending = [each for each in self._pending.values() if each.session == session]
        return waiting_for(pending, self._channels.routing, self._states, self._clock.now())

    def take(self, session: SessionId, fresh: Sequence[Effect]) -> None:
        """See to notices that are new."""
        for effect in fresh:
            if effect.notice is not None:
                self._pending[session, effect.id] = Pending(
                    session=session, effect=effect.id, notice=effect.notice, reached=effect.reached
                )
        self._look_soon()

    def withdrawn(self, session: SessionId, effects: frozenset[str]) -> None:
        """Forget what is over, or was taken back; what is being told is told."""
        for effect in effects:
            self._pending.pop((session, effect), None)
            self._errors.pop((session, effect), None)

    async def _make_channels(self) -> None:
        await self._channels.close_outdated()
        for name in self._channels.names:
            try:
                await self._channels.prepare(name)
            except OrchestrdError as error:
                self._troubles.failed(_part(name), error)

    def _look_soon(self) -> None:
        """Look once all that has come together is there."""
        self._look_in(0.0)

    def _look_in(self, wait_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(min(wait_s, NOTIFY_LOOK_S), self._look)

    def _look(self) -> None:
        if self._is_stopping:
            return
        there = self._roster.get  # a session that a person has put away has nothing to say any more
        self._pending = {key: each for key, each in self._pending.items() if there(each.session)}
        planned = plan(tuple(self._pending.values()), self._channels.routing, self._states, self._clock.now())
        for each in planned.over:
            self._settle(each)
        for delivery in planned.deliveries:
            self._states[delivery.channel] = replace(self._state(delivery.channel), is_telling=True)
            self._tasks.spawn(f"tell {delivery.channel}", self._deliver(delivery))
        if planned.wait_s is not None:
            self._look_in(planned.wait_s)

    def _state(self, channel: str) -> ChannelState:
        return self._states.get(channel, ChannelState())

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            await self._channels.tell(delivery.channel, [each.notice for each in delivery.pending])
        except RefusedError as error:
            self._refused(delivery, error)
        except OrchestrdError as error:
            self._failed(delivery, error)
        else:
            self._told(delivery)
        self._look()
        for each in self._left_of(delivery):  # those that are over are told of as such
            if delivery.channel in each.reached:
                progress = Notified(effect=each.effect, reached=each.reached, is_over=False)
                await self.report(each.session, progress)

    def _works(self, channel: str) -> None:
        """A channel was told something: what waits for it need not wait any longer."""
        self._troubles.works(_part(channel))
        if self._state(channel).failures and not self._state(channel).is_telling:
            self._states[channel] = ChannelState()
            self._look_soon()

    def _told(self, delivery: Delivery) -> None:
        self._states[delivery.channel] = ChannelState()
        for each in self._left_of(delivery):
            self._put(replace(each, reached=(*each.reached, delivery.channel)))

    def _failed(self, delivery: Delivery, error: OrchestrdError) -> None:
        self._troubles.failed(_part(delivery.channel), error)
        now = self._clock.now()
        self._states[delivery.channel] = failed(self._state(delivery.channel), now)
        for each in self._left_of(delivery):
            if gives_up(each.notice, self._channels.routing, now.at):
                self._give_up(each, delivery.channel, error)

    def _refused(self, delivery: Delivery, error: OrchestrdError) -> None:
        """It will never take these. Of several it may be one that it does not take: they are told one by one."""
        is_one = len(delivery.pending) == 1
        self._states[delivery.channel] = ChannelState() if is_one else ChannelState(together=1)
        if is_one:
            self._on_error(_part(delivery.channel), error)
            for each in self._left_of(delivery):
                self._give_up(each, delivery.channel, error)

    def _give_up(self, each: Pending, channel: str, error: OrchestrdError) -> None:
        self._put(replace(each, given_up=(*each.given_up, channel)))
        self._errors.setdefault((each.session, each.effect), {})[channel] = error.message

    def _left_of(self, delivery: Delivery) -> list[Pending]:
        """Give what was told as it is known now, without what was taken back or is over."""
        known = (self._pending.get((each.session, each.effect)) for each in delivery.pending)
        return [each for each in known if each is not None]

    def _put(self, each: Pending) -> None:
        self._pending[each.session, each.effect] = each

    def _settle(self, over: Pending) -> None:
        key = over.session, over.effect
        del self._pending[key]
        errors = self._errors.pop(key, {})
        told = "; ".join(f"{channel}: {message}" for channel, message in errors.items()) or None
        ended = Notified(effect=over.effect, reached=over.reached, is_over=True, error=told)
        self._tasks.spawn(f"end notice of {over.session}", self._end(over.session, ended), Subject(over.session))

    async def _end(self, session: SessionId, ended: Notified) -> None:
        await self.report(session, ended)


def _part(channel: str) -> str:
    """Name a channel among the troubles of the daemon."""
    return f"channel {channel}"

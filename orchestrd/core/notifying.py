"""Notifying: which channel is to be told what now, and when to look again.

A notice goes to the channels that its priority is routed to, over each of them once: of several with one key of one
session, which are one need, only the newest is told, and what was told of the others counts. Quiet hours and the digest
put it off and lose nothing. Several that are due on a channel at once are told together.

Invariant: a channel is judged by itself. One that fails is tried again less and less often, and no other waits for it;
what it has not taken for NOTIFY_GIVEN_UP_S, though it was due, is given up on that channel, and on no other.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo

from msgspec import Struct
from msgspec.structs import replace

from orchestrd.core.duration import duration_of, seconds_of
from orchestrd.core.quiet_hours import QuietHours, quiet_hours
from orchestrd.model.ids import SessionId
from orchestrd.model.instant import Instant
from orchestrd.model.limits import NOTICES_TOGETHER_MAX, NOTIFY_AGAIN_S, NOTIFY_AGAIN_S_MAX, NOTIFY_GIVEN_UP_S
from orchestrd.model.notice import Notice, Priority
from orchestrd.model.notice_settings import ChannelSettings, NotifySettings


class Pending(Struct, frozen=True, kw_only=True):
    """A notice that stands in the record of a session, and the channels that are through with it."""

    session: SessionId
    effect: str
    notice: Notice
    reached: tuple[str, ...] = ()
    given_up: tuple[str, ...] = ()


class Routing(Struct, frozen=True, kw_only=True):
    """Who is told what, and when."""

    routes: Mapping[Priority, tuple[str, ...]]
    quiet: QuietHours | None = None
    quiet_below: Priority = Priority.URGENT
    digest_s: float = 0.0
    digest_below: Priority = Priority.ACTION

    def is_silenced(self, priority: Priority, now: datetime) -> bool:
        """Tell whether it has to wait for the end of quiet hours."""
        return self.quiet is not None and priority.rank < self.quiet_below.rank and self.quiet.holds(now)

    def is_collected(self, priority: Priority) -> bool:
        """Tell whether it waits for others, to be told with them."""
        return self.digest_s > 0 and priority.rank < self.digest_below.rank

    def due_at(self, notice: Notice) -> datetime:
        """Say since when it could have been told."""
        at = notice.at
        if self.quiet is not None and self.is_silenced(notice.priority, at):
            at = self.quiet.end(at)
        return at + timedelta(seconds=self.digest_s) if self.is_collected(notice.priority) else at


class ChannelState(Struct, frozen=True, kw_only=True):
    """How a channel does. Known since the daemon started only: after that each channel is tried at once."""

    failures: int = 0  # in a row
    again_up_s: float = 0.0  # it is not tried before, by the clock that counts from the boot
    is_telling: bool = False  # it is at a delivery
    together: int = NOTICES_TOGETHER_MAX  # so many are told in one


class Delivery(Struct, frozen=True, kw_only=True):
    """What one channel is to be told now, what matters most first."""

    channel: str
    pending: tuple[Pending, ...]


class Plan(Struct, frozen=True, kw_only=True):
    """What to do now. `wait_s`: when to look again, if nothing happens before; null: not before something does."""

    deliveries: tuple[Delivery, ...] = ()
    over: tuple[Pending, ...] = ()  # nobody is left to be told of these; `reached` is all who were
    wait_s: float | None = None


class _Need(Struct, frozen=True, kw_only=True):
    """All the notices of one need."""

    notices: tuple[Pending, ...]  # the newest last
    reached: tuple[str, ...]
    left: tuple[str, ...]  # the channels that are not through with it

    @property
    def newest(self) -> Pending:
        return self.notices[-1]

    @property
    def order(self) -> tuple[int, datetime, str, str]:
        """What matters most first, and of that the oldest."""
        notice = self.newest.notice
        return -notice.priority.rank, notice.at, self.newest.session, notice.key


def routing_of(settings: NotifySettings, channels: Mapping[str, ChannelSettings], zone: tzinfo) -> Routing:
    """Route what is set over the channels that are on; where nothing is set, over all of them."""
    on = tuple(name for name, channel in channels.items() if channel.enabled)
    wanted = {priority: getattr(settings, priority.value) for priority in Priority}
    return Routing(
        routes={
            priority: on if names is None else tuple(dict.fromkeys(name for name in names if name in on))
            for priority, names in wanted.items()
        },
        quiet=None if settings.quiet is None else quiet_hours(settings.quiet, zone),
        quiet_below=settings.quiet_below,
        digest_s=0.0 if settings.digest is None else seconds_of(settings.digest),
        digest_below=settings.digest_below,
    )


def plan(pending: Sequence[Pending], routing: Routing, channels: Mapping[str, ChannelState], now: Instant) -> Plan:
    """Say who is to be told what now, what is over, and when to look again."""
    needs = _needs(pending, routing)
    deliveries: list[Delivery] = []
    waits: list[float] = []
    for channel in dict.fromkeys(name for need in needs for name in need.left):
        state = channels.get(channel, ChannelState())
        if state.is_telling:
            continue  # its end is an occasion to look again
        due, wait_s = _due([need for need in needs if channel in need.left], routing, now.at)
        if due and now.up_s < state.again_up_s:
            due, wait_s = [], state.again_up_s - now.up_s
        if due:
            deliveries.append(Delivery(channel=channel, pending=tuple(need.newest for need in due[: state.together])))
        if wait_s is not None:
            waits.append(wait_s)
    over = tuple(replace(each, reached=need.reached) for need in needs if not need.left for each in need.notices)
    return Plan(deliveries=tuple(deliveries), over=over, wait_s=min(waits, default=None))


def waiting_for(
    pending: Sequence[Pending], routing: Routing, channels: Mapping[str, ChannelState], now: Instant
) -> dict[str, str]:
    """Say of the notices of one session, by their effects, what for those wait that nobody is being told now."""
    waiting: dict[str, str] = {}
    for need in _needs(pending, routing):
        if why := _put_off(need, routing, now.at) or _paused(need, channels, now):
            waiting |= {each.effect: why for each in need.notices}
    return waiting


def failed(state: ChannelState, now: Instant) -> ChannelState:
    """A channel could not be told: it is tried again, later each time."""
    wait_s = min(NOTIFY_AGAIN_S * 2.0 ** min(state.failures, 32), NOTIFY_AGAIN_S_MAX)
    return replace(state, failures=state.failures + 1, again_up_s=now.up_s + wait_s, is_telling=False)


def gives_up(notice: Notice, routing: Routing, now: datetime) -> bool:
    """Tell whether a channel that has failed just now is not tried with this notice any more."""
    return now - routing.due_at(notice) >= timedelta(seconds=NOTIFY_GIVEN_UP_S)


def _needs(pending: Sequence[Pending], routing: Routing) -> list[_Need]:
    """Put together what is one need, in the order in which it is told."""
    together: dict[tuple[SessionId, str], list[Pending]] = {}
    for each in sorted(pending, key=lambda each: each.notice.at):
        together.setdefault((each.session, each.notice.key), []).append(each)
    needs = [_need(notices, routing) for notices in together.values()]
    return sorted(needs, key=lambda need: need.order)


def _need(notices: Sequence[Pending], routing: Routing) -> _Need:
    reached = tuple(dict.fromkeys(channel for each in notices for channel in each.reached))
    through = {*reached, *(channel for each in notices for channel in each.given_up)}
    left = tuple(name for name in routing.routes.get(notices[-1].notice.priority, ()) if name not in through)
    return _Need(notices=tuple(notices), reached=reached, left=left)


def _due(waiting: Sequence[_Need], routing: Routing, now: datetime) -> tuple[list[_Need], float | None]:
    """Say what may be told now; second, how long it is until more of it may."""
    loud = [need for need in waiting if not routing.is_silenced(need.newest.notice.priority, now)]
    waits = []
    if routing.quiet is not None and len(loud) < len(waiting):
        waits.append((routing.quiet.end(now) - now).total_seconds())
    collected = [need for need in loud if routing.is_collected(need.newest.notice.priority)]
    digest_wait_s = min((_digest_wait_s(need, routing, now) for need in collected), default=0.0)
    if digest_wait_s > 0:
        waits.append(digest_wait_s)
        loud = [need for need in loud if not routing.is_collected(need.newest.notice.priority)]
    return loud, min(waits, default=None)


def _digest_wait_s(need: _Need, routing: Routing, now: datetime) -> float:
    """Say how long this one still waits for others; one from the future, by a clock that was set back, does not."""
    age_s = (now - need.notices[0].notice.at).total_seconds()
    return max(0.0, routing.digest_s - age_s) if age_s >= 0 else 0.0


def _put_off(need: _Need, routing: Routing, now: datetime) -> str | None:
    priority = need.newest.notice.priority
    if routing.quiet is not None and routing.is_silenced(priority, now):
        return f"it waits for the end of quiet hours, {routing.quiet.ends:%H:%M}"
    if routing.is_collected(priority) and (wait_s := _digest_wait_s(need, routing, now)) > 0:
        return f"it is told with others, in {duration_of(wait_s)} at the latest"
    return None


def _paused(need: _Need, channels: Mapping[str, ChannelState], now: Instant) -> str | None:
    """Where one channel can be tried, somebody is being told."""
    states = [channels.get(name, ChannelState()) for name in need.left]
    again_up_s = min((state.again_up_s for state in states if not state.is_telling), default=0.0)
    if any(state.is_telling for state in states) or again_up_s <= now.up_s:
        return None
    again_in = duration_of(again_up_s - now.up_s)
    return f"it could not be told over {', '.join(need.left)}: tried again in {again_in}"

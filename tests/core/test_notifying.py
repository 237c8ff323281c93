"""Who is told what, and when: lives of notices and channels, in which everything may fail, restart and be asleep."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrd.core.notifying import (
    ChannelState,
    Pending,
    Plan,
    Routing,
    failed,
    gives_up,
    plan,
    routing_of,
    waiting_for,
)
from orchestrd.core.quiet_hours import QuietHours
from orchestrd.model.ids import SessionId
from orchestrd.model.instant import Instant
from orchestrd.model.limits import NOTICES_TOGETHER_MAX, NOTIFY_AGAIN_S, NOTIFY_AGAIN_S_MAX, NOTIFY_GIVEN_UP_S
from orchestrd.model.notice import Notice, Priority
from orchestrd.model.notice_settings import ChannelSettings, NotifySettings

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
INFO, WARNING, ACTION, URGENT = Priority
SESSION = SessionId("aaaaaaaa")
BOTH = Routing(routes=dict.fromkeys(Priority, ("phone", "desk")))
PHONE = Routing(routes=dict.fromkeys(Priority, ("phone",)))
NIGHT = QuietHours(begins=time(22), ends=time(7), zone=UTC)


def instant(after_s: float = 0.0) -> Instant:
    return Instant(at=NOON + timedelta(seconds=after_s), boot="boot", up_s=1_000.0 + after_s)


def pending(
    key: str = "need",
    priority: Priority = URGENT,
    *,
    after_s: float = 0.0,
    effect: str = "1",
    reached: tuple[str, ...] = (),
    given_up: tuple[str, ...] = (),
) -> Pending:
    notice = Notice(key=key, priority=priority, title="t", text="", at=NOON + timedelta(seconds=after_s))
    return Pending(session=SESSION, effect=effect, notice=notice, reached=reached, given_up=given_up)


def told(planned: Plan) -> dict[str, list[str]]:
    """Say which channel is told what, by the keys."""
    return {each.channel: [one.notice.key for one in each.pending] for each in planned.deliveries}


# ---- routes ----------------------------------------------------------------------------------------------------------


def test_each_channel_that_a_priority_is_routed_to_is_told_and_no_other() -> None:
    routing = Routing(routes={INFO: ("desk",), URGENT: ("phone", "desk")})

    planned = plan([pending("a", INFO), pending("b", URGENT)], routing, {}, instant())

    assert told(planned) == {"phone": ["b"], "desk": ["b", "a"]}


def test_a_notice_that_is_routed_nowhere_is_over_and_was_told_to_nobody() -> None:
    planned = plan([pending(priority=INFO)], Routing(routes={URGENT: ("phone",)}), {}, instant())

    assert planned == Plan(over=(pending(priority=INFO),))


def test_a_channel_that_was_told_is_not_told_again_and_when_all_were_it_is_over() -> None:
    half, whole = pending(reached=("phone",)), pending(reached=("phone", "desk"))

    assert told(plan([half], BOTH, {}, instant())) == {"desk": ["need"]}
    assert plan([whole], BOTH, {}, instant()) == Plan(over=(whole,))


def test_of_several_with_one_key_the_newest_is_told_and_all_end_together() -> None:
    older, newer = pending(effect="1"), pending(effect="2", after_s=5.0)

    planned = plan([newer, older], PHONE, {}, instant(6.0))
    after = plan([older, replace(newer, reached=("phone",))], PHONE, {}, instant(7.0))

    assert [each.pending for each in planned.deliveries] == [(newer,)]
    assert {(each.effect, each.reached) for each in after.over} == {("1", ("phone",)), ("2", ("phone",))}


def test_a_channel_that_was_told_an_older_one_of_that_key_is_not_told_the_newer() -> None:
    older, newer = pending(effect="1", reached=("phone",)), pending(effect="2", after_s=5.0)

    assert told(plan([older, newer], BOTH, {}, instant(6.0))) == {"desk": ["need"]}


def test_what_matters_most_comes_first_and_of_that_the_oldest() -> None:
    waiting = [pending("a", INFO), pending("b", URGENT, after_s=2.0), pending("c", URGENT, after_s=1.0)]

    assert told(plan(waiting, PHONE, {}, instant(3.0))) == {"phone": ["c", "b", "a"]}


def test_no_more_are_told_together_than_may_be() -> None:
    waiting = [pending(str(number), after_s=number) for number in range(NOTICES_TOGETHER_MAX + 1)]

    assert len(told(plan(waiting, PHONE, {}, instant(99.0)))["phone"]) == NOTICES_TOGETHER_MAX
    assert told(plan(waiting, PHONE, {"phone": ChannelState(together=1)}, instant(99.0))) == {"phone": ["0"]}


# ---- channels --------------------------------------------------------------------------------------------------------


def test_a_channel_that_failed_is_left_alone_for_a_while_and_no_other_waits_for_it() -> None:
    states = {"phone": failed(ChannelState(), instant())}

    planned = plan([pending()], BOTH, states, instant(NOTIFY_AGAIN_S - 1.0))
    later = plan([pending(reached=("desk",))], BOTH, states, instant(NOTIFY_AGAIN_S))

    assert (told(planned), planned.wait_s) == ({"desk": ["need"]}, 1.0)
    assert told(later) == {"phone": ["need"]}


def test_a_channel_that_goes_on_failing_is_tried_less_and_less_often_down_to_a_bound() -> None:
    state, waits = ChannelState(), []
    for _ in range(100):
        state = failed(state, instant())
        waits.append(state.again_up_s - instant().up_s)

    assert waits[:3] == [NOTIFY_AGAIN_S, 2 * NOTIFY_AGAIN_S, 4 * NOTIFY_AGAIN_S]
    assert waits == sorted(waits)
    assert waits[-1] == NOTIFY_AGAIN_S_MAX


def test_a_channel_that_is_being_told_is_not_told_anything_else_meanwhile() -> None:
    planned = plan([pending()], BOTH, {"phone": ChannelState(is_telling=True)}, instant())

    assert told(planned) == {"desk": ["need"]}
    assert planned.wait_s is None


def test_a_channel_that_has_given_it_up_does_not_keep_it_from_being_over() -> None:
    ended = pending(reached=("desk",), given_up=("phone",))

    assert plan([ended], BOTH, {}, instant()).over == (ended,)


def test_it_is_given_up_only_once_it_has_been_due_for_long() -> None:
    routing = replace(PHONE, quiet=NIGHT, digest_s=900.0)
    at_night = pending(priority=INFO, after_s=11 * 3_600.0).notice
    due_at = NOON + timedelta(hours=19, minutes=15)

    assert not gives_up(at_night, routing, due_at + timedelta(seconds=NOTIFY_GIVEN_UP_S - 1))
    assert gives_up(at_night, routing, due_at + timedelta(seconds=NOTIFY_GIVEN_UP_S))
    assert gives_up(replace(at_night, priority=URGENT), routing, at_night.at + timedelta(seconds=NOTIFY_GIVEN_UP_S))


# ---- quiet hours, digest ---------------------------------------------------------------------------------------------


def test_in_quiet_hours_only_what_matters_that_much_is_told_and_the_rest_at_their_end() -> None:
    routing, evening = replace(PHONE, quiet=NIGHT), 11 * 3_600.0
    waiting = [pending("a", ACTION, after_s=evening), pending("b", URGENT, after_s=evening)]

    planned = plan(waiting, routing, {}, instant(evening))
    held = plan(waiting[:1], routing, {}, instant(evening))
    morning = plan(waiting[:1], routing, {}, instant(evening + 8 * 3_600.0))

    assert told(planned) == {"phone": ["b"]}
    assert (held.deliveries, held.wait_s) == ((), 8 * 3_600.0)
    assert told(morning) == {"phone": ["a"]}


def test_what_matters_little_is_collected_and_told_together_when_the_first_of_it_has_waited() -> None:
    routing = replace(PHONE, digest_s=900.0)
    waiting = [pending("a", INFO), pending("b", WARNING, after_s=600.0)]

    early = plan(waiting, routing, {}, instant(600.0))
    due = plan(waiting, routing, {}, instant(900.0))

    assert (early.deliveries, early.wait_s) == ((), 300.0)
    assert told(due) == {"phone": ["b", "a"]}


def test_what_matters_is_told_at_once_and_leaves_the_collected_to_wait() -> None:
    planned = plan([pending("a", INFO), pending("b", ACTION)], replace(PHONE, digest_s=900.0), {}, instant(1.0))

    assert (told(planned), planned.wait_s) == ({"phone": ["b"]}, 899.0)


def test_a_clock_that_was_set_back_keeps_nothing_waiting() -> None:
    planned = plan([pending(priority=INFO, after_s=9_999.0)], replace(PHONE, digest_s=900.0), {}, instant())

    assert told(planned) == {"phone": ["need"]}


# ---- why nobody is told yet ------------------------------------------------------------------------------------------


def test_what_is_being_told_waits_for_nothing() -> None:
    failing = {"phone": failed(ChannelState(), instant())}

    assert waiting_for([pending()], PHONE, {}, instant()) == {}
    assert waiting_for([pending()], BOTH, failing, instant()) == {}
    assert waiting_for([pending()], PHONE, failing, instant(NOTIFY_AGAIN_S)) == {}
    assert waiting_for([pending()], PHONE, {"phone": ChannelState(is_telling=True)}, instant()) == {}


def test_what_is_put_off_says_what_for_and_until_when() -> None:
    night, digest = replace(PHONE, quiet=NIGHT), replace(PHONE, digest_s=900.0)
    evening, failing = 11 * 3_600.0, {"phone": failed(ChannelState(), instant())}
    older, newer = pending(priority=ACTION, after_s=evening), pending(priority=ACTION, after_s=evening, effect="2")

    assert waiting_for([older, newer], night, {}, instant(evening)) == dict.fromkeys(
        "12", "it waits for the end of quiet hours, 07:00"
    )
    assert waiting_for([pending(priority=INFO)], digest, {}, instant(60.0)) == {
        "1": "it is told with others, in 14m at the latest"
    }
    assert waiting_for([pending()], PHONE, failing, instant(NOTIFY_AGAIN_S - 5.0)) == {
        "1": "it could not be told over phone: tried again in 5s"
    }


# ---- settings --------------------------------------------------------------------------------------------------------

CHANNELS = {name: ChannelSettings(kind="desktop", enabled=name != "off") for name in ("phone", "desk", "off")}


def test_where_nothing_is_set_every_channel_that_is_on_is_told_everything_at_once() -> None:
    assert routing_of(NotifySettings(), CHANNELS, UTC) == BOTH


def test_what_is_set_is_followed_and_what_is_not_on_is_left_out() -> None:
    settings = NotifySettings(
        info=(), urgent=("phone", "off", "phone"), quiet="22:00-07:00", quiet_below=ACTION, digest="15m"
    )

    routing = routing_of(settings, CHANNELS, ZoneInfo("Europe/Berlin"))

    assert routing.routes == {INFO: (), WARNING: ("phone", "desk"), ACTION: ("phone", "desk"), URGENT: ("phone",)}
    assert routing.quiet == replace(NIGHT, zone=ZoneInfo("Europe/Berlin"))
    assert (routing.quiet_below, routing.digest_s, routing.digest_below) == (ACTION, 900.0, ACTION)


# ---- laws ------------------------------------------------------------------------------------------------------------

HOURS = st.integers(0, 23).map(time)
COMING_S = 10 * 3_600.0


@dataclass
class Life:
    """Carries plans out, as a courier does: a channel works from some moment on, and the daemon may start again."""

    routing: Routing
    works_from_s: Mapping[str, float]
    waiting: dict[str, Pending]
    states: dict[str, ChannelState] = field(default_factory=dict)
    tellings: list[tuple[str, str, float]] = field(default_factory=list)  # channel, key, when
    tries: int = 0
    over: set[str] = field(default_factory=set)

    def look(self, now_s: float) -> float | None:
        planned = plan(list(self.waiting.values()), self.routing, self.states, instant(now_s))
        for each in planned.over:
            self.over.add(self.waiting.pop(each.effect).effect)
        for delivery in planned.deliveries:
            self.tries += 1
            works = self.works_from_s[delivery.channel] <= now_s
            state = self.states.get(delivery.channel, ChannelState())
            self.states[delivery.channel] = ChannelState() if works else failed(state, instant(now_s))
            for each in delivery.pending:
                self._settle(each, delivery.channel, now_s, works=works)
        return 0.0 if planned.deliveries else planned.wait_s

    def _settle(self, told: Pending, channel: str, now_s: float, *, works: bool) -> None:
        each = self.waiting[told.effect]  # another channel may have been told in the same look
        if works:
            self.tellings.append((channel, each.notice.key, now_s))
            self.waiting[each.effect] = replace(each, reached=(*each.reached, channel))
        elif gives_up(each.notice, self.routing, instant(now_s).at):
            self.waiting[each.effect] = replace(each, given_up=(*each.given_up, channel))

    def live(self, restart_after: int | None = None) -> float:
        """Look whenever a plan asks for it until nothing waits; gives how long that took."""
        now_s = COMING_S  # all of them have come
        for look in range(500):
            if look == restart_after:  # what channels do is forgotten, and so is what was given up
                self.states = {}
                self.waiting = {effect: replace(each, given_up=()) for effect, each in self.waiting.items()}
            wait_s = self.look(now_s)
            if wait_s is None:
                return now_s
            now_s += wait_s
        raise AssertionError("it never comes to rest")


def notices(draw: st.DrawFn) -> dict[str, Pending]:
    kinds = st.tuples(st.sampled_from("abcde"), st.sampled_from(Priority), st.integers(0, int(COMING_S)))
    drawn = draw(st.lists(kinds, max_size=30))
    return {
        str(number): pending(key, priority, after_s=after_s, effect=str(number))
        for number, (key, priority, after_s) in enumerate(drawn)
    }


@st.composite
def lives(draw: st.DrawFn, works_within_s: float = 22 * 3_600.0) -> Life:
    names = ("phone", "desk", "mail")
    routes = {priority: tuple(draw(st.lists(st.sampled_from(names), unique=True))) for priority in Priority}
    quiet = draw(st.none() | st.builds(QuietHours, begins=HOURS, ends=HOURS, zone=st.just(UTC)))
    routing = Routing(
        routes=routes,
        quiet=quiet,
        quiet_below=draw(st.sampled_from(Priority)),
        digest_s=draw(st.sampled_from((0.0, 60.0, 7_200.0))),
        digest_below=draw(st.sampled_from(Priority)),
    )
    works_from_s = {name: draw(st.floats(0, works_within_s)) for name in names}
    return Life(routing, works_from_s, notices(draw))


def newest(waiting: Mapping[str, Pending]) -> dict[str, Pending]:
    return {each.notice.key: each for each in sorted(waiting.values(), key=lambda each: each.notice.at)}


@given(life=lives(), restart_after=st.none() | st.integers(0, 40))
def test_every_routed_channel_that_works_in_time_is_told_of_every_need_once_and_everything_ends(
    life: Life, restart_after: int | None
) -> None:
    wanted = {
        (channel, key)
        for key, each in newest(life.waiting).items()
        for channel in life.routing.routes[each.notice.priority]
    }
    effects = set(life.waiting)

    life.live(restart_after)

    assert sorted((channel, key) for channel, key, _ in life.tellings) == sorted(wanted)
    assert life.over == effects


@given(life=lives())
def test_quiet_hours_are_kept_and_only_put_off(life: Life) -> None:
    priorities = {key: each.notice.priority for key, each in newest(life.waiting).items()}

    life.live()

    silenced = [key for _, key, s in life.tellings if life.routing.is_silenced(priorities[key], instant(s).at)]
    assert silenced == []


@given(life=lives(), broken=st.sampled_from(("phone", "desk", "mail")))
def test_a_channel_that_never_works_delays_no_other_and_is_given_up(life: Life, broken: str) -> None:
    without = Life(
        replace(
            life.routing,
            routes={
                priority: tuple(name for name in names if name != broken)
                for priority, names in life.routing.routes.items()
            },
        ),
        life.works_from_s,
        dict(life.waiting),
    )
    life.works_from_s = {**life.works_from_s, broken: float("inf")}
    effects = set(life.waiting)

    without.live()
    life.live()

    assert sorted(life.tellings) == sorted(without.tellings)
    assert life.over == effects


@given(life=lives(works_within_s=float("inf")))
def test_tries_and_waits_are_bounded_whatever_fails(life: Life) -> None:
    life.works_from_s = dict.fromkeys(life.works_from_s, float("inf"))

    ended_s = life.live()

    assert life.tries <= 3 * 60
    assert ended_s <= COMING_S + NOTIFY_GIVEN_UP_S + 48 * 3_600.0


@pytest.mark.parametrize("together", [1, NOTICES_TOGETHER_MAX])
def test_a_plan_changes_nothing_that_it_is_given(together: int) -> None:
    waiting, states = [pending("a"), pending("b")], {"phone": ChannelState(together=together)}

    first = plan(waiting, BOTH, states, instant())

    assert first == plan(waiting, BOTH, states, instant())
    assert waiting == [pending("a"), pending("b")]

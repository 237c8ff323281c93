import asyncio

from hypothesis import given
from hypothesis import strategies as st

from orchestrd.engine.bus import Bus, Notice

BATCHES = st.lists(st.one_of(st.integers(1, 12), st.just("take")), max_size=30)


def notices(first: int, count: int) -> list[Notice]:
    return [Notice(number, b"%d" % number) for number in range(first, first + count)]


@given(acts=BATCHES, capacity=st.integers(1, 8))
def test_what_is_received_and_what_is_lost_is_what_was_published(acts: list[int | str], capacity: int) -> None:
    bus, published, received = Bus(), 0, 0
    subscription = bus.subscribe(capacity)

    for act in acts:
        if isinstance(act, int):
            bus.publish(notices(published + 1, act))
            published += act
        else:
            received += len(subscription.take())
    received += len(subscription.take())

    assert received + subscription.lost == published


def test_a_slow_subscriber_loses_the_oldest_and_is_told_how_many() -> None:
    bus = Bus()
    slow = bus.subscribe(capacity=2)

    bus.publish(notices(1, 5))

    assert [notice.sequence for notice in slow.take()] == [4, 5]
    assert slow.lost == 3


def test_one_that_never_takes_costs_the_others_nothing() -> None:
    bus = Bus()
    never, always = bus.subscribe(capacity=1), bus.subscribe(capacity=10)

    bus.publish(notices(1, 3))

    assert len(always.take()) == 3
    assert (always.lost, never.lost) == (0, 2)


async def test_a_waiter_is_woken_by_what_is_published() -> None:
    bus = Bus()
    subscription = bus.subscribe()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(subscription.wait())
        await asyncio.sleep(1.0)
        assert not waiting.done()

        bus.publish(notices(1, 1))

    assert [notice.sequence for notice in subscription.take()] == [1]


async def test_a_waiter_is_let_go_when_its_subscription_is_closed() -> None:
    subscription = Bus().subscribe()
    async with asyncio.TaskGroup() as group:
        group.create_task(subscription.wait())
        await asyncio.sleep(1.0)

        subscription.close()

    assert subscription.take() == []


async def test_a_closed_subscription_hears_nothing_more_and_never_waits_again() -> None:
    bus = Bus()
    subscription = bus.subscribe()
    subscription.close()

    bus.publish(notices(1, 1))
    await subscription.wait()

    assert subscription.take() == []


async def test_whoever_subscribes_to_a_closed_bus_is_let_go_at_once() -> None:
    bus = Bus()
    early = bus.subscribe()
    bus.close()

    late = bus.subscribe()
    await late.wait()

    assert early.is_closed
    assert late.is_closed

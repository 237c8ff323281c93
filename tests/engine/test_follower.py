import asyncio

import pytest

from orchestrd.codec import sequence_of
from orchestrd.engine.bus import Bus, Notice
from orchestrd.engine.follower import JournalFollower
from orchestrd.model.errors import TransientError
from orchestrd.model.limits import SUBSCRIBER_EVENTS_MAX
from orchestrd.ports import Page
from orchestrd.testing.history import decode_event
from tests.engine.rig import ID, running


class Journal:
    """The reading half of a store: lines by number, from `kept` on, at most `page` of them at a time."""

    def __init__(self, page: int = 3) -> None:
        self.lines: list[bytes] = []
        self.kept = 1
        self.reads = 0
        self.error: Exception | None = None
        self._page = page

    def read(self, after: int, limit_bytes: int) -> Page:
        self.reads += 1
        if self.error is not None:
            raise self.error
        first = max(after + 1, self.kept)
        lines = tuple(self.lines[first - 1 : first - 1 + self._page])
        gap = (after + 1, first - 1) if first > after + 1 and lines else None
        return Page(lines=lines, last=first + len(lines) - 1 if lines else after, gap=gap)


class Stream:
    """A journal with its bus, and one follower of it."""

    def __init__(self, after: int = 0, **journal: int) -> None:
        self.journal = Journal(**journal)
        self.bus = Bus()
        self.after = after

    def grow(self, count: int, *, publish: bool = True) -> None:
        first = len(self.journal.lines) + 1
        fresh = [Notice(number, b"%d" % number) for number in range(first, first + count)]
        self.journal.lines += [notice.line for notice in fresh]
        if publish:
            self.bus.publish(fresh)

    def follow(self) -> JournalFollower:
        return JournalFollower(self.journal, self.bus, self.after)  # type: ignore[arg-type]  # the half that it uses


async def take(follower: JournalFollower, count: int) -> list[bytes]:
    lines: list[bytes] = []
    while len(lines) < count:
        lines += await anext(follower)
    return lines


def numbers(first: int, last: int) -> list[bytes]:
    return [b"%d" % number for number in range(first, last + 1)]


async def test_a_follower_reads_what_is_there_and_goes_on_with_what_comes() -> None:
    stream = Stream()
    stream.grow(7)
    follower = stream.follow()

    old = await take(follower, 7)
    stream.grow(2)
    new = await take(follower, 2)

    assert old + new == numbers(1, 9)


async def test_one_that_keeps_up_reads_the_journal_no_more() -> None:
    stream = Stream()
    async with asyncio.TaskGroup() as group:
        following = group.create_task(take(stream.follow(), 5))
        await asyncio.sleep(1.0)
        reads = stream.journal.reads
        for _ in range(5):
            stream.grow(1)
            await asyncio.sleep(1.0)

    assert following.result() == numbers(1, 5)
    assert stream.journal.reads == reads


async def test_all_that_waits_comes_at_once() -> None:
    stream = Stream()
    follower = stream.follow()
    async with asyncio.TaskGroup() as group:
        following = group.create_task(follower.__anext__())
        await asyncio.sleep(1.0)
        stream.grow(20)

    assert list(following.result()) == numbers(1, 20)


async def test_a_slow_follower_that_lost_some_is_caught_up_from_the_journal() -> None:
    stream = Stream(page=500)
    follower = stream.follow()
    async with asyncio.TaskGroup() as group:
        following = group.create_task(take(follower, 1))
        await asyncio.sleep(1.0)
        stream.grow(1)

    stream.grow(SUBSCRIBER_EVENTS_MAX + 10)
    lines = await take(follower, SUBSCRIBER_EVENTS_MAX + 10)

    assert following.result() + lines == numbers(1, SUBSCRIBER_EVENTS_MAX + 11)


async def test_what_is_committed_while_the_journal_is_read_comes_once() -> None:
    stream = Stream(page=500)
    stream.grow(3)
    follower = stream.follow()
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(take(follower, 5))
        await asyncio.sleep(0)
        stream.grow(2)

    assert reading.result() == numbers(1, 5)
    stream.grow(1)
    assert await take(follower, 1) == numbers(6, 6)


async def test_a_gap_is_told_once_and_only_where_the_journal_no_longer_reaches_back() -> None:
    stream = Stream(after=2, page=500)
    stream.grow(9)
    stream.journal.kept = 6
    follower = stream.follow()

    lines = await take(follower, 5)
    stream.grow(1)
    more = await take(follower, 1)

    assert lines == [b'{"type":"gap","from":3,"to":5}', *numbers(6, 9)]
    assert more == numbers(10, 10)


async def test_a_follower_that_is_closed_ends_wherever_it_is() -> None:
    stream = Stream()
    follower = stream.follow()
    async with asyncio.TaskGroup() as group:
        following = group.create_task(_to_the_end(follower))
        await asyncio.sleep(1.0)

        follower.close()

    assert following.result() == []


async def test_a_follower_closed_in_the_midst_of_its_backlog_gives_no_more_of_it() -> None:
    stream = Stream(page=1)
    stream.grow(5)
    follower = stream.follow()
    first = await anext(follower)

    follower.close()

    assert list(first) == numbers(1, 1)
    assert await _to_the_end(follower) == []


async def test_every_follower_ends_with_the_bus() -> None:
    stream = Stream()
    followers = [stream.follow() for _ in range(3)]
    async with asyncio.TaskGroup() as group:
        following = [group.create_task(_to_the_end(follower)) for follower in followers]
        await asyncio.sleep(1.0)

        stream.bus.close()

    assert [task.result() for task in following] == [[], [], []]


async def test_a_follower_that_never_reads_costs_the_others_nothing() -> None:
    async with running() as rig:
        rig.service.follow(0)
        reader = rig.service.follow(0)

        await rig.run()
        lines = await take(reader, 5)

    assert [sequence_of(line) for line in lines] == list(range(1, len(lines) + 1))


async def test_a_follower_without_a_cursor_begins_with_what_comes_now() -> None:
    async with running() as rig:
        await rig.run()
        newest = rig.events()[-1].sequence
        follower = rig.service.follow(None)

        await rig.spawn("bbbbbbbb")
        lines = await take(follower, 1)

    assert sequence_of(lines[0]) == newest + 1


async def test_a_journal_that_cannot_be_read_is_told_to_the_reader() -> None:
    stream = Stream()
    stream.journal.error = TransientError("the disk is away")

    with pytest.raises(TransientError, match="the disk is away"):
        await anext(stream.follow())


async def test_when_an_event_is_seen_the_disk_is_at_its_revision() -> None:
    seen: list[tuple[int, int]] = []
    async with running() as rig:
        follower = rig.service.follow(None)
        await rig.run()

        for line in await take(follower, 5):
            event = decode_event(line)
            if event is not None and event.session == ID:
                seen.append((event.revision or 0, rig.record(ID).revision))

    assert len(seen) == 5
    assert all(revision <= stored for revision, stored in seen)


async def _to_the_end(follower: JournalFollower) -> list[bytes]:
    return [line async for lines in follower for line in lines]

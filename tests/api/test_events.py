"""The event stream: in order, from a cursor, in three forms, at the pace of its reader."""

from asyncio import timeout

import msgspec
import pytest

from orchestrd.api.app import App
from orchestrd.model.event import EventType
from tests.api.fake_service import FakeClock, FakeService
from tests.asgi import Reader, call, reading
from tests.documents import a_document

NDJSON = {"Accept": "application/x-ndjson"}


@pytest.fixture
async def service() -> FakeService:
    return FakeService()


@pytest.fixture
def app(service: FakeService) -> App:
    return App(service, FakeClock())


def _numbers(chunk: bytes) -> list[int]:
    return [msgspec.json.decode(line)["sequence"] for line in chunk.splitlines()]


async def _is_silent(reader: Reader) -> bool:
    try:
        async with timeout(3600):
            await reader.message()
    except TimeoutError:
        return True
    return False


async def test_a_stream_without_a_cursor_begins_now(app: App, service: FakeService) -> None:
    service.write()

    async with reading(app, "/v1/events", NDJSON) as reader:
        head = await reader.message()
        service.write()

        assert (head["status"], dict(head["headers"])[b"orch-cursor"]) == (200, b"1")
        assert _numbers(await reader.chunk()) == [2]


async def test_a_reader_that_comes_back_with_its_cursor_misses_nothing(app: App, service: FakeService) -> None:
    for _ in range(5):
        service.write()

    async with reading(app, "/v1/events?since=1", {**NDJSON, "Last-Event-ID": "3"}) as reader:
        await reader.message()

        assert _numbers(await reader.chunk()) == [4, 5]


async def test_everything_that_is_pending_leaves_in_one_chunk(app: App, service: FakeService) -> None:
    async with reading(app, "/v1/events", NDJSON) as reader:
        await reader.message()
        for _ in range(100):
            service.write()

        assert _numbers(await reader.chunk()) == list(range(1, 101))


async def test_server_sent_events_are_the_default_and_carry_the_cursor(app: App, service: FakeService) -> None:
    service.write("abcdefgh", to="pending")

    async with reading(app, "/v1/events?since=0") as reader:
        head = await reader.message()
        chunk = await reader.chunk()

        assert dict(head["headers"])[b"content-type"] == b"text/event-stream; charset=utf-8"
        assert chunk == b"id: 1\ndata: " + service.journal[0] + b"\n\n"


async def test_people_get_lines_they_can_read(app: App, service: FakeService) -> None:
    service.write("abcdefgh", to="pending")

    answer = await call(app, "GET", "/v1/events?follow=0", headers={"Accept": "text/plain"})

    assert answer.body.decode() == "     1  2026-11-20 12:00:00Z  abcdefgh.1  pending\n"


async def test_a_reader_that_does_not_follow_gets_what_there_is_and_the_end(app: App, service: FakeService) -> None:
    for _ in range(3):
        service.write()

    answer = await call(app, "GET", "/v1/events?follow=0", headers=NDJSON)

    assert answer.body == b"\n".join(service.journal) + b"\n"


async def test_what_happens_after_the_question_is_not_part_of_the_answer(app: App, service: FakeService) -> None:
    service.write()
    service.write()

    async with reading(app, "/v1/events?follow=0", NDJSON) as reader:
        await reader.message()
        service.write()

        assert _numbers(await reader.chunk()) == [1, 2]
        assert (await reader.message())["more_body"] is False


@pytest.mark.parametrize("query", ["follow=0", "follow=0&since=2"])
async def test_nothing_new_is_an_empty_answer_at_once(app: App, service: FakeService, query: str) -> None:
    if "since" in query:
        service.write()
        service.write()

    answer = await call(app, "GET", f"/v1/events?{query}", headers=NDJSON)

    assert (answer.status, answer.body, service.followers) == (200, b"", [])


async def test_a_cursor_older_than_what_is_kept_is_told_of_the_gap_first(app: App, service: FakeService) -> None:
    for _ in range(9):
        service.write("abcdefgh")
    service.kept_from = 8
    service.put(a_document("bbbbbbbb"))

    answer = await call(app, "GET", "/v1/events?follow=0&since=3&session=bbbbbbbb", headers=NDJSON)
    events = await call(app, "GET", "/v1/events?follow=0&since=3&session=bbbbbbbb")

    assert answer.body == b'{"type":"gap","from":4,"to":7}\n'
    assert events.body == b'id: 7\ndata: {"type":"gap","from":4,"to":7}\n\n'


async def test_only_what_is_asked_for_is_sent(app: App, service: FakeService) -> None:
    service.put(a_document("abcdefgh", name="frontend"))
    service.archived.add("bbbbbbbb")
    service.write("abcdefgh")
    service.write("bbbbbbbb")
    service.write("abcdefgh", EventType.ACTIVITY_CHANGED)
    service.write(None, EventType.DAEMON_STARTED)

    async def numbers(query: str) -> list[int]:
        return _numbers((await call(app, "GET", f"/v1/events?follow=0&{query}", headers=NDJSON)).body)

    assert await numbers("session=abcdefgh") == await numbers("session=frontend") == [1, 3]
    assert await numbers("session=abcdefgh&session=bbbbbbbb") == [1, 2, 3]
    assert await numbers("type=activity_changed&type=daemon_started") == [3, 4]
    assert await numbers("session=abcdefgh&type=state_changed") == [1]


async def test_a_comma_may_be_part_of_a_name(app: App, service: FakeService) -> None:
    service.put(a_document(name="a,b"))
    service.write("abcdefgh")

    answer = await call(app, "GET", "/v1/events?follow=0&session=a,b", headers=NDJSON)

    assert _numbers(answer.body) == [1]


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("since=-1", 400, "since"),
        ("since=99", 409, "ahead of event 1"),
        ("type=state_chnged", 400, "state_changed"),
        ("session=nobody", 404, "nobody"),
        ("session=zzzzzzzz", 404, "zzzzzzzz"),
        ("follow=maybe", 400, "follow"),
    ],
)
async def test_a_question_that_has_no_answer_is_refused(
    app: App, service: FakeService, query: str, status: int, said: str
) -> None:
    service.write()

    answer = await call(app, "GET", f"/v1/events?{query}")

    assert answer.status == status
    assert said in answer.json["detail"]
    assert service.followers == []


async def test_a_bad_last_event_id_is_named(app: App) -> None:
    answer = await call(app, "GET", "/v1/events", headers={"Last-Event-ID": "x"})

    assert (answer.status, "Last-Event-ID" in answer.json["detail"]) == (400, True)


async def test_a_reader_that_hangs_up_is_noticed_and_forgotten(app: App, service: FakeService) -> None:
    async with reading(app, "/v1/events", NDJSON) as reader:
        await reader.message()

    assert service.followers[0].is_closed


async def test_a_reader_that_stands_still_holds_up_nobody(app: App, service: FakeService) -> None:
    async with reading(app, "/v1/events", NDJSON) as dead, reading(app, "/v1/events", NDJSON) as alive:
        await alive.message()
        await dead.message()
        dead.may_send.clear()
        for number in range(1, 4):
            service.write()

            assert _numbers(await alive.chunk()) == [number]
        assert dead.is_drained()
        dead.may_send.set()

        assert _numbers(await dead.chunk()) == [1]
        assert _numbers(await dead.chunk()) == [2, 3]


async def test_a_quiet_journal_sends_nothing(app: App) -> None:
    async with reading(app, "/v1/events", NDJSON) as reader:
        await reader.message()

        assert await _is_silent(reader)


async def test_closing_the_streams_gives_each_its_proper_end(app: App) -> None:
    async with reading(app, "/v1/events", NDJSON) as one, reading(app, "/v1/events") as other:
        await one.message()
        await other.message()

        app.close_streams()

        assert [(await reader.message())["more_body"] for reader in (one, other)] == [False, False]


async def test_closing_an_answer_before_its_last_event_cuts_it_off(
    app: App, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.write()
    facts = msgspec.structs.replace(service.facts(), sequence=2)
    monkeypatch.setattr(service, "facts", lambda: facts)

    async with reading(app, "/v1/events?follow=0", NDJSON) as reader:
        await reader.message()
        await reader.chunk()
        app.close_streams()

        assert await _is_silent(reader)


async def test_a_stream_that_breaks_is_cut_off_and_not_ended(
    app: App, service: FakeService, capsys: pytest.CaptureFixture[str]
) -> None:
    service.write()
    service.fault = OSError("the disk is gone")

    answer = await call(app, "GET", "/v1/events?follow=0", headers=NDJSON)

    assert (answer.status, answer.body) == (200, b"")
    assert "request_failed" in capsys.readouterr().out

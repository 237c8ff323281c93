"""Webhooks on a real socket: one route, bounded, and nothing else of the API."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
import pytest

from orchestrd.api import connection
from orchestrd.api.webhooks import WebhookServer
from orchestrd.model import limits
from orchestrd.model.errors import OrchestrdError, RefusedError, UsageError

GENEROUS_S = 60.0


class FakeForge:
    """Remembers what it was brought, and refuses what it is told to refuse."""

    name = "github"

    def __init__(self) -> None:
        self.taken: list[tuple[Mapping[str, str], bytes]] = []
        self.error: Exception | None = None

    async def take_delivery(self, headers: Mapping[str, str], body: bytes) -> None:
        self.taken.append((headers, body))
        if self.error is not None:
            raise self.error


@pytest.fixture
def forge() -> FakeForge:
    return FakeForge()


@pytest.fixture
def reports() -> list[OrchestrdError | None]:
    return []


@asynccontextmanager
async def listening(
    forge: FakeForge, reports: list[OrchestrdError | None], address: str = "127.0.0.1:0"
) -> AsyncIterator[tuple[WebhookServer, httpx.AsyncClient]]:
    server = WebhookServer(address or None, lambda: {"github": forge}, lambda _, error: reports.append(error))
    await server.started()
    url = f"http://127.0.0.1:{server.port or 1}"
    try:
        async with httpx.AsyncClient(base_url=url, timeout=GENEROUS_S, trust_env=False) as client:
            yield server, client
    finally:
        await server.stopped()


async def test_a_delivery_is_brought_to_its_forge_and_accepted(
    forge: FakeForge, reports: list[OrchestrdError | None]
) -> None:
    async with listening(forge, reports) as (_, client):
        answered = await client.post("/v1/webhooks/github", content=b"{}", headers={"X-GitHub-Event": "push"})

    assert (answered.status_code, answered.content) == (202, b"")
    ((headers, body),) = forge.taken
    assert (headers["x-github-event"], body) == ("push", b"{}")
    assert reports == [None]


@pytest.mark.parametrize("path", ["/v1/status", "/v1/sessions", "/v1/events", "/", "/v1/webhooks/gitlab"])
async def test_nothing_else_of_the_api_is_there(
    forge: FakeForge, reports: list[OrchestrdError | None], path: str
) -> None:
    async with listening(forge, reports) as (_, client):
        answered = await client.post(path)

    assert answered.status_code == 404
    assert forge.taken == []


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RefusedError("not signed", code="bad_signature"), 401),
        (RefusedError("no secret", code="no_secret"), 403),
        (UsageError("no repository", code="bad_delivery"), 400),
        (ZeroDivisionError("of ours"), 500),
    ],
)
async def test_what_is_refused_is_told_so_and_not_why_inside(
    forge: FakeForge, reports: list[OrchestrdError | None], error: Exception, status: int
) -> None:
    forge.error = error

    async with listening(forge, reports) as (_, client):
        answered = await client.post("/v1/webhooks/github", content=b"{}")

    assert answered.status_code == status
    assert "of ours" not in answered.text


async def test_a_body_that_is_too_long_is_not_taken(
    forge: FakeForge, reports: list[OrchestrdError | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrd.api.webhooks.WEBHOOK_BODY_BYTES_MAX", 10)

    async with listening(forge, reports) as (_, client):
        answered = await client.post("/v1/webhooks/github", content=b"x" * 11)

    assert answered.status_code == 413
    assert forge.taken == []


async def test_who_only_looks_is_told_that_this_is_for_posting(
    forge: FakeForge, reports: list[OrchestrdError | None]
) -> None:
    async with listening(forge, reports) as (_, client):
        assert (await client.get("/v1/webhooks/github")).status_code == 405


async def test_there_are_few_places_and_one_more_is_turned_away(
    forge: FakeForge, reports: list[OrchestrdError | None]
) -> None:
    async with listening(forge, reports) as (server, _):
        held = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(limits.WEBHOOK_CONNECTIONS_MAX)]
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        said = await reader.read()

        for _, open_one in [*held, (reader, writer)]:
            open_one.close()
        assert b"503" in said


async def test_who_says_nothing_is_turned_away_in_time(
    forge: FakeForge, reports: list[OrchestrdError | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "REQUEST_HEAD_S", 0.05)

    async with listening(forge, reports) as (server, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        async with asyncio.timeout(GENEROUS_S):
            said = await reader.read()
        writer.close()

    assert b"408" in said


async def test_an_address_that_is_taken_is_told_and_the_daemon_goes_on(
    forge: FakeForge, reports: list[OrchestrdError | None]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        async with listening(forge, reports, address) as (server, _):
            port = server.port

    (error,) = reports
    assert port is None
    assert error is not None
    assert error.message.startswith(f"cannot listen for webhooks on {address}: ")


async def test_after_a_stop_nobody_listens(forge: FakeForge, reports: list[OrchestrdError | None]) -> None:
    async with listening(forge, reports) as (server, _):
        port = server.port

    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection("127.0.0.1", port)


async def test_it_moves_to_another_address_and_answers_there_only(
    forge: FakeForge, reports: list[OrchestrdError | None]
) -> None:
    async with listening(forge, reports) as (server, _):
        before = server.port
        await server.move("localhost:0", server.bound("localhost:0"))
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client:
            answered = await client.post("/v1/webhooks/github", content=b"{}")
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection("127.0.0.1", before)

    assert answered.status_code == 202
    assert reports == [None, None]


async def test_another_address_that_is_taken_is_refused_and_it_stays_where_it_is(
    forge: FakeForge, reports: list[OrchestrdError | None]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with listening(forge, reports) as (server, client):
            with pytest.raises(RefusedError, match="cannot listen for webhooks"):
                server.bound(f"127.0.0.1:{taken.getsockname()[1]}")
            answered = await client.post("/v1/webhooks/github", content=b"{}")

    assert answered.status_code == 202


async def test_what_was_begun_before_it_moved_is_answered(
    forge: FakeForge, reports: list[OrchestrdError | None]
) -> None:
    async with listening(forge, reports) as (server, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST /v1/webhooks/github HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{")
        await writer.drain()
        moving = asyncio.ensure_future(server.move("localhost:0", server.bound("localhost:0")))
        writer.write(b"}")
        said = await reader.readline()
        await moving
        writer.close()

    assert b"202" in said
    assert [body for _, body in forge.taken] == [b"{}"]


async def test_where_nothing_is_to_be_heard_any_more_nobody_listens(
    forge: FakeForge, reports: list[OrchestrdError | None]
) -> None:
    async with listening(forge, reports) as (server, _):
        await server.move(None, server.bound(None))
        port = server.port

    assert (port, reports) == (None, [None, None])


async def test_what_could_not_be_had_at_the_start_is_tried_again(
    forge: FakeForge, reports: list[OrchestrdError | None]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        async with listening(forge, reports, address) as (server, _):
            still_taken = server.bound(address)
            taken.close()
            await server.move(address, server.bound(address))
            port = server.port

    assert still_taken is None
    assert f"127.0.0.1:{port}" == address
    assert reports[-1] is None


async def test_without_an_address_nobody_listens(forge: FakeForge, reports: list[OrchestrdError | None]) -> None:
    async with listening(forge, reports, "") as (server, _):
        port = server.port

    assert (port, reports) == (None, [])

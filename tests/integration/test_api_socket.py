"""The API on a real unix socket: who may speak, what a bad speaker costs, and how it stops."""

import asyncio
import contextlib
import os
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from orchestrd import __version__
from orchestrd.api import connection
from orchestrd.api.server import ApiServer
from orchestrd.core.layout import Layout
from orchestrd.endpoint import Address
from orchestrd.model.errors import RefusedError
from orchestrd.model.limits import UNTAKEN_BYTES_MAX
from tests.api.fake_service import FakeClock, FakeService
from tests.documents import a_document

GET_VERSION = b"GET /v1/version HTTP/1.1\r\nhost: x\r\n\r\n"
FOLLOW = b"GET /v1/events HTTP/1.1\r\nhost: x\r\naccept: application/x-ndjson\r\n\r\n"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def service(tmp_path: Path) -> FakeService:
    (tmp_path / "run").mkdir()
    return FakeService(str(tmp_path))


@asynccontextmanager
async def _serving(service: FakeService) -> AsyncIterator[ApiServer]:
    server = ApiServer(service, service.layout, FakeClock())
    await server.started()
    try:
        yield server
    finally:
        await server.stopped()


@asynccontextmanager
async def _connected(layout: Layout) -> AsyncIterator[Streams]:
    with Address(layout.socket) as address:
        reader, writer = await asyncio.open_unix_connection(address)
    try:
        yield reader, writer
    finally:
        writer.close()


async def _asked(layout: Layout, request: bytes) -> bytes:
    """Send bytes and read to the end, as the fast paths of the command line do."""
    async with _connected(layout) as (reader, writer):
        writer.write(request)
        return await reader.read()


async def _answers(layout: Layout) -> bool:
    return __version__.encode() in await _asked(layout, b"GET /v1/version HTTP/1.0\r\n\r\n")


async def test_the_socket_is_ours_alone_and_goes_when_we_go(service: FakeService) -> None:
    path = Path(service.layout.socket)

    async with _serving(service):
        mode = path.stat().st_mode

        assert (stat.S_ISSOCK(mode), stat.S_IMODE(mode)) == (True, 0o600)
        assert await _answers(service.layout)

    assert not path.exists()


async def test_an_old_request_is_answered_to_the_end_of_the_connection(service: FakeService) -> None:
    service.put(a_document())
    service.write("abcdefgh")

    async with _serving(service):
        table = await _asked(service.layout, b"GET /v1/status HTTP/1.0\r\nAccept: text/plain\r\n\r\n")
        lines = await _asked(
            service.layout, b"GET /v1/events?follow=0 HTTP/1.0\r\nAccept: application/x-ndjson\r\n\r\n"
        )

    head, _, body = lines.partition(b"\r\n\r\n")
    assert body == service.journal[0] + b"\n"
    assert b"transfer-encoding" not in head.lower()
    assert f"orch-version: {__version__}".encode() in head
    assert table.partition(b"\r\n\r\n")[2].startswith(b"ID ")


async def test_an_old_request_follows_until_the_daemon_stops(service: FakeService) -> None:
    async with _serving(service) as server, _connected(service.layout) as (reader, writer):
        writer.write(b"GET /v1/events HTTP/1.0\r\nAccept: application/x-ndjson\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        service.write()

        assert await reader.readline() == service.journal[0] + b"\n"

        await server.stopped()

        assert await reader.read() == b""


async def test_a_home_deeper_than_a_socket_address_is_reached_all_the_same(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120) / "home"
    (deep / "run").mkdir(parents=True)
    service = FakeService(str(deep))

    async with _serving(service):
        assert await _answers(service.layout)
        assert stat.S_IMODE((deep / "run" / "daemon.sock").stat().st_mode) == 0o600

    assert not (deep / "run" / "daemon.sock").exists()


async def test_a_stale_socket_or_any_other_file_is_replaced(service: FakeService) -> None:
    path = Path(service.layout.socket)
    subprocess.run(  # a process that died with its socket bound
        [sys.executable, "-c", f"import socket; socket.socket(socket.AF_UNIX).bind({str(path)!r})"], check=True
    )
    assert path.is_socket()

    async with _serving(service):
        assert await _answers(service.layout)
    path.write_text("not a socket")

    async with _serving(service):
        assert await _answers(service.layout)


async def test_a_socket_on_which_someone_answers_is_left_to_them(service: FakeService) -> None:
    second = ApiServer(service, service.layout, FakeClock())

    async with _serving(service):
        with pytest.raises(RefusedError) as refused:
            await second.started()

        await second.stopped()

        assert refused.value.code == "already_running"
        assert await _answers(service.layout)


async def test_a_stop_removes_no_socket_but_its_own(service: FakeService) -> None:
    path = Path(service.layout.socket)

    async with _serving(service):
        path.unlink()
        path.write_text("another's")

    assert path.read_text() == "another's"


async def test_a_stop_is_harmless_when_its_file_is_gone(service: FakeService) -> None:
    async with _serving(service):
        Path(service.layout.socket).unlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
async def test_another_user_is_turned_away_before_anything_is_read(service: FakeService) -> None:
    strange = "import os, socket, sys; c = socket.socket(socket.AF_UNIX); os.chdir(sys.argv[1]); os.setuid(65534); "

    async with _serving(service):
        Path(service.layout.socket).chmod(0o666)  # as if the modes had been lost
        Path(service.layout.run).chmod(0o755)
        stranger = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            strange + "c.connect('daemon.sock'); print(c.recv(4096))",
            service.layout.run,
            stdout=subprocess.PIPE,
        )
        said, _ = await stranger.communicate()

        assert b"HTTP/1.1 403" in said
        assert b'"code":"forbidden"' in said
        assert await _answers(service.layout)


@pytest.mark.parametrize(
    "garbage",
    [b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET /" + b"a" * 100_000, b"\0" * 4096 + b"\n\n"],
)
async def test_garbage_is_answered_as_such_and_harms_nobody(service: FakeService, garbage: bytes) -> None:
    async with _serving(service):
        said = await _asked(service.layout, garbage)

        assert said.startswith(b"HTTP/1.1 400")
        assert await _answers(service.layout)


async def test_half_a_request_is_closed_after_its_time(service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "REQUEST_HEAD_S", 0.2)

    async with _serving(service), _connected(service.layout) as (reader, writer):
        writer.write(GET_VERSION[:-2])

        assert b'"code":"slow_request"' in await reader.read()


async def test_the_second_request_of_a_connection_has_its_time_too(
    service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "REQUEST_HEAD_S", 0.2)

    async with _serving(service), _connected(service.layout) as (reader, writer):
        writer.write(GET_VERSION + GET_VERSION + GET_VERSION[:-2])
        said = await reader.read()

    assert (said.count(b"HTTP/1.1 200"), said.count(b"HTTP/1.1 408")) == (2, 1)


async def test_a_stream_outlives_the_time_for_a_head(service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "REQUEST_HEAD_S", 0.1)

    async with _serving(service), _connected(service.layout) as (reader, writer):
        writer.write(FOLLOW)
        await reader.readuntil(b"\r\n\r\n")
        async with _connected(service.layout) as (idle, _):
            await idle.read()  # closed by its own timer, so as much time has passed for the stream
        service.write()

        assert await reader.readuntil(b"}\n")


async def test_a_hundred_idle_connections_are_no_hindrance(service: FakeService) -> None:
    async with _serving(service):
        idle = [await asyncio.open_unix_connection(service.layout.socket) for _ in range(100)]

        assert await _answers(service.layout)

        for _, writer in idle:
            writer.close()


async def test_one_connection_too_many_is_told_so(service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection.Connection, "connections_max", 2)

    async with (
        _serving(service),
        _connected(service.layout),
        _connected(service.layout),
        _connected(service.layout) as (third, _),
    ):
        assert b"HTTP/1.1 503" in await third.read()


async def test_a_subscriber_that_never_reads_costs_the_others_nothing_and_a_stop_a_moment(
    service: FakeService,
) -> None:
    loop = asyncio.get_running_loop()

    async with _serving(service) as server, _connected(service.layout) as (_, deaf):
        deaf.transport.pause_reading()  # type: ignore[attr-defined]
        deaf.write(FOLLOW)
        async with _connected(service.layout) as (reader, writer):
            writer.write(FOLLOW)
            await reader.readuntil(b"\r\n\r\n")
            for _ in range(20_000):
                service.write("abcdefgh", to="a state with a long name, to fill the buffers of the socket soon")
            seen = b""
            while b'"sequence":20000,' not in seen:
                seen = seen[-64:] + await reader.read(1 << 20)
            began = loop.time()
            await server.stopped()

    assert loop.time() - began < 5
    assert all(follower.is_closed for follower in service.followers)


async def test_a_subscriber_that_never_reads_leaves_little_behind_in_the_daemon(service: FakeService) -> None:
    async with _serving(service) as server, _connected(service.layout) as (reader, deaf):
        deaf.write(FOLLOW)
        await reader.readuntil(b"\r\n\r\n")
        deaf.transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(5_000):  # one at a time, so that no single answer is large
            service.write("abcdefgh")
            await asyncio.sleep(0)

        (served,) = server._serving._state.connections
        held = served.transport.get_write_buffer_size()

    assert UNTAKEN_BYTES_MAX / 2 < held < UNTAKEN_BYTES_MAX * 2


async def test_a_stop_ends_open_streams_properly_and_cuts_nobody_off(
    service: FakeService, capsys: pytest.CaptureFixture[str]
) -> None:
    async with _serving(service) as server:
        open_streams = [await asyncio.open_unix_connection(service.layout.socket) for _ in range(50)]
        for reader, writer in open_streams:
            writer.write(FOLLOW)
            await reader.readuntil(b"\r\n\r\n")
        await server.stopped()

        assert [await reader.read() for reader, _ in open_streams] == [b"0\r\n\r\n"] * 50
        assert "Traceback" not in "".join(capsys.readouterr())
        for _, writer in open_streams:
            writer.close()


@pytest.mark.parametrize("turns", range(6))  # of the loop between the knock and the stop
async def test_who_comes_while_the_daemon_stops_is_told_so_and_not_served(service: FakeService, turns: int) -> None:
    loop = asyncio.get_running_loop()
    said = b""

    async with _serving(service) as server:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as late:
            late.setblocking(False)
            late.connect(service.layout.socket)
            for _ in range(turns):
                await asyncio.sleep(0)
            await server.stopped()
            with contextlib.suppress(ConnectionError):
                await loop.sock_sendall(late, GET_VERSION)
                async with asyncio.timeout(5):
                    said = await loop.sock_recv(late, 4096)

    assert said == b"" or (b"HTTP/1.1 503" in said and b'"code":"stopped"' in said)


async def test_answers_over_the_socket_are_what_the_app_answers(service: FakeService) -> None:
    service.put(a_document())

    async with _serving(service):
        said = await _asked(service.layout, b"GET /v1/sessions/fix-login HTTP/1.0\r\n\r\n")

    assert msgspec.json.decode(said.partition(b"\r\n\r\n")[2])["id"] == "abcdefgh"

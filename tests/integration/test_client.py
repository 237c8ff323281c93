"""Both clients over a real socket: the same answers, and the same sense when a daemon is slow, rude or gone."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrd import versions
from orchestrd.api.server import ApiServer
from orchestrd.client import Client, asynchronous, blocking, calls, connection
from orchestrd.client.asynchronous import AsyncClient
from orchestrd.codec import encode_record
from orchestrd.core.choice import gap_line
from orchestrd.model.document import CleanRequest
from orchestrd.model.errors import NotFoundError, OrchestrdError, TimedOutError, UnreachableError
from orchestrd.model.limits import CLEAN_S
from orchestrd.model.words import Receipt
from tests.api.fake_service import FakeClock, FakeService
from tests.core.reacting import session_of
from tests.documents import a_document, a_request


class InAThread:
    """The blocking client, as a loop may use it: what a test awaits runs in a thread."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        return lambda *given, **named: asyncio.to_thread(getattr(self._client, verb), *given, **named)

    async def events(self, *given: Any, **named: Any) -> AsyncIterator[bytes]:
        lines: Iterator[bytes] = await asyncio.to_thread(self._client.events, *given, **named)
        while (line := await asyncio.to_thread(next, lines, None)) is not None:
            yield line


@pytest.fixture
async def service(tmp_path: Path) -> FakeService:
    (tmp_path / "run").mkdir()
    service = FakeService(str(tmp_path))
    service.put(a_document())
    return service


@pytest.fixture
def notices() -> list[str]:
    return []


@pytest.fixture(params=["blocking", "asynchronous"])
def client(request: pytest.FixtureRequest, tmp_path: Path, notices: list[str]) -> Any:
    if request.param == "blocking":
        return InAThread(Client(str(tmp_path), notice=notices.append))
    return AsyncClient(str(tmp_path), notice=notices.append)


@pytest.fixture
def _inside_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no daemon is ever started."""
    monkeypatch.setenv("ORCH_RUN", "abcdefgh:1:nonce")


@asynccontextmanager
async def _serving(service: FakeService) -> AsyncIterator[ApiServer]:
    server = ApiServer(service, service.layout, FakeClock())
    await server.started()
    try:
        yield server
    finally:
        await server.stopped()


@asynccontextmanager
async def _rude(service: FakeService, says: bytes | None) -> AsyncIterator[list[asyncio.StreamWriter]]:
    """A daemon that says this and hangs up, with null nothing at all; gives the connections that were made to it."""
    done, connections = asyncio.Event(), list[asyncio.StreamWriter]()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        if says is None:
            await done.wait()
        else:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(says)
        writer.close()

    server = await asyncio.start_unix_server(talk, service.layout.socket)
    try:
        yield connections
    finally:
        done.set()
        server.close()


async def test_reading_is_the_daemon_s_own_word(client: Any, service: FakeService) -> None:
    async with _serving(service):
        status = await client.status(with_ended=True, project="webshop")

        assert (status.daemon.pid, [told.id for told in status.sessions]) == (4711, ["abcdefgh"])
        assert (await client.show("abc")).name == "fix-login"
        assert (await client.explain("abc")).state_rule == "because"
        with pytest.raises(NotFoundError, match="'nobody'"):
            await client.show("nobody")


async def test_reactions_are_the_daemon_s_own_and_without_one_those_of_the_disk(
    client: Any, service: FakeService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    archive = tmp_path / "archive" / "abcdefgh"
    archive.mkdir(parents=True)
    (archive / "abcdefgh.json").write_bytes(encode_record(session_of()))

    async with _serving(service):
        known, judged = await client.reactions(), await client.judge("abc")
        service.told.clear()
        archived = await client.judge("abcdefgh")
    on_disk = await client.reactions()

    assert [one.reaction.name for one in known.reactions] == ["ci-failed"]
    assert (judged.is_recorded, [one.kind for one in judged.judged]) == (False, ["waiting"])
    assert (archived.is_recorded, len(archived.judged)) == (True, len(on_disk.reactions))


async def test_changing_is_told_to_the_daemon(client: Any, service: FakeService) -> None:
    service.receipt = Receipt.TYPED

    async with _serving(service):
        spawned = await client.spawn(a_request("bbbbbbbb"))
        again = await client.spawn(a_request("bbbbbbbb"))
        reply = await client.send("abc", "go on", message="m1")
        answered = await client.answer("abc", "d1", "deny", text="no")
        stopped = await client.stop("abc", grace_s=3)
        killed = await client.kill("abc")
        revived = await client.revive("abc")

    assert (spawned.is_spooled, spawned.document.state, again) == (False, "pending", spawned)
    assert reply.receipt is answered.receipt is Receipt.TYPED
    assert (stopped.document.state, killed.is_spooled, revived.generation) == ("stopping", False, 2)
    assert [type(command).__name__ for command in service.commands] == ["Send", "Answer", "Stop", "Kill", "Revive"]


async def test_a_clean_is_told_to_the_daemon_which_may_take_its_time(client: Any, service: FakeService) -> None:
    async with _serving(service):
        report = await client.clean("abc", "nobody", dry_run=True)

    assert report == service.report
    assert service.cleaned == [CleanRequest(dry_run=True, sessions=("abc", "nobody"))]
    assert calls.clean(service.cleaned[0]).answer_s == CLEAN_S


async def test_kept_events_end_and_followed_ones_go_on(client: Any, service: FakeService) -> None:
    service.write("abcdefgh")
    service.write()

    async with _serving(service):
        kept = [line async for line in client.events()]
        followed = client.events(1, follow=True)
        first = await anext(followed)
        service.write()
        second = await anext(followed)

        assert kept == service.journal[:2]
        assert [first, second] == service.journal[1:]
        with contextlib.suppress(AttributeError):
            await followed.aclose()


async def test_a_follower_misses_nothing_while_one_daemon_follows_another(client: Any, service: FakeService) -> None:
    async with _serving(service):
        lines = client.events(follow=True, sessions=["abcdefgh"])
        first = asyncio.ensure_future(anext(lines))
        await service.followed.wait()
        service.write("abcdefgh")
        await first
    service.write("abcdefgh")
    service.write("bbbbbbbb")

    async with _serving(service):
        assert await anext(lines) == service.journal[1]


async def test_a_wait_ends_with_what_was_waited_for(client: Any, service: FakeService) -> None:
    async with _serving(service):
        waiting = asyncio.ensure_future(client.wait(["fix-login"]))
        await service.followed.wait()
        service.put(a_document(state="completed", exit_code=0))
        service.write("abcdefgh", to="completed")
        (waited,) = await waiting

        assert (waited.is_met, waited.document.exit_code) == (True, 0)
        assert (await client.wait(["abc"], goal="failed"))[0].is_met is False


async def test_a_wait_whose_end_fell_into_a_gap_ends(client: Any, service: FakeService) -> None:
    async with _serving(service):
        waiting = asyncio.ensure_future(client.wait(["fix-login"]))
        await service.followed.wait()
        service.put(a_document(state="completed", exit_code=0))
        service.journal.append(gap_line(1, 9))
        service.grown.set()
        async with asyncio.timeout(10):
            (waited,) = await waiting

    assert waited.is_met


async def test_a_wait_is_bounded(client: Any, service: FakeService) -> None:
    async with _serving(service):
        with pytest.raises(TimedOutError):
            await client.wait(["abc"], timeout_s=0.2)


async def test_without_a_daemon_reading_is_from_the_disk(client: Any, service: FakeService, notices: list[str]) -> None:
    assert (await client.status()).daemon is None
    assert [line async for line in client.events()] == []
    assert notices == []


@pytest.mark.usefixtures("_inside_a_run")
async def test_what_can_be_is_spooled_where_no_daemon_starts(
    client: Any, service: FakeService, notices: list[str]
) -> None:
    taken = await client.spawn(a_request("bbbbbbbb"))
    stopped = await client.stop("bbb")
    with pytest.raises(UnreachableError) as refused:
        await client.revive("bbb")

    assert (taken.is_spooled, stopped.is_spooled, refused.value.code) == (True, True, "in_a_run")
    assert any("spooled" in notice for notice in notices)


@pytest.mark.usefixtures("_inside_a_run")
@pytest.mark.parametrize(
    "says",
    [
        None,
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
async def test_a_daemon_that_is_slow_or_goes_away_is_as_good_as_none(
    client: Any, service: FakeService, monkeypatch: pytest.MonkeyPatch, notices: list[str], says: bytes | None
) -> None:
    for module in (blocking, asynchronous):
        monkeypatch.setattr(module, "ANSWER_S", 0.1)
        monkeypatch.setattr(module, "LOOK_ANSWER_S", 0.1)

    async with _rude(service, says):
        assert (await client.status()).daemon is None
        assert [line async for line in client.events()] == []
        assert (await client.spawn(a_request("bbbbbbbb"))).is_spooled
        with pytest.raises(UnreachableError):
            await client.revive("bbb")

    assert notices


async def test_who_only_looks_waits_once_for_a_daemon_that_hangs(
    client: Any, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (blocking, asynchronous):
        monkeypatch.setattr(module, "LOOK_ANSWER_S", 0.1)

    async with _rude(service, None) as heard:
        for _ in range(3):
            assert (await client.status()).daemon is None
            assert [line async for line in client.events()] == []

    assert len(heard) == 1


async def test_a_wait_is_bounded_though_the_daemon_hangs(tmp_path: Path, service: FakeService) -> None:
    from orchestrd.store.inbox import spool_spawn

    await asyncio.to_thread(spool_spawn, service.layout, a_request("bbbbbbbb"), 1)
    home = Client(str(tmp_path))
    home.leave_alone()

    async with _rude(service, None):
        with pytest.raises(TimedOutError):
            await asyncio.to_thread(home.wait, ["bbbbbbbb"], timeout_s=0.2)


async def test_a_daemon_that_hung_is_asked_again_once_it_has_answered(
    tmp_path: Path, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocking, "LOOK_ANSWER_S", 0.1)
    home = Client(str(tmp_path))
    client = InAThread(home)
    async with _rude(service, None):
        await client.status()
        assert home.is_silent
        with pytest.raises(UnreachableError, match="does not answer"):
            await client.ensure_daemon()
    monkeypatch.undo()

    async with _serving(service):
        assert await client.ensure_daemon() is False
        assert (await client.status()).daemon is not None


async def test_what_is_no_daemon_at_all_is_said(client: Any, service: FakeService) -> None:
    async with _rude(service, b"SSH-2.0\r\n\r\n"):
        with pytest.raises(OrchestrdError) as refused:
            await client.show("abc")

    assert refused.value.code == "no_http"


async def test_a_refused_stream_is_an_error_and_not_an_end(client: Any, service: FakeService) -> None:
    async with _serving(service):
        with pytest.raises(OrchestrdError, match="ahead of event 0"):
            [line async for line in client.events(99)]


async def test_a_message_whose_receipt_was_cut_off_is_sent_again_and_a_revive_is_not(
    client: Any, service: FakeService
) -> None:
    server = ApiServer(service, service.layout, FakeClock())

    async def dies_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        dying.close()
        await server.started()
        writer.close()

    dying = await asyncio.start_unix_server(dies_first, service.layout.socket)
    try:
        assert (await client.send("abc", "go on", message="m1")).receipt is Receipt.SUBMITTED
    finally:
        await server.stopped()
    async with _rude(service, b""):
        with pytest.raises(UnreachableError) as refused:
            await client.revive("abc")

    assert refused.value.code == "cut_off"
    assert [type(command).__name__ for command in service.commands] == ["Send"]


async def test_lines_that_a_dying_daemon_did_not_send_come_from_the_disk(client: Any, service: FakeService) -> None:
    service.write()
    line = service.journal[0] + b"\n"
    half = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(line), line)

    async with _rude(service, half):
        lines = [line async for line in client.events()]

    assert lines == service.journal


async def test_an_answer_beyond_the_bound_is_refused(
    client: Any, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "ANSWER_BYTES_MAX", 10)

    async with _serving(service):
        with pytest.raises(OrchestrdError) as refused:
            await client.show("abc")

    assert refused.value.code == "too_large"


async def test_another_version_is_told_once(
    tmp_path: Path, service: FakeService, monkeypatch: pytest.MonkeyPatch, notices: list[str]
) -> None:
    monkeypatch.setattr(versions, "__version__", "9.9.9")
    client = InAThread(Client(str(tmp_path), notice=notices.append))

    async with _serving(service):
        await client.status()
        await client.show("abc")

    assert notices == [f"orch: {versions.notice('0.1.0')}"]


async def test_who_is_turned_away_learns_why(
    client: Any, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestrd.api import connection as served

    monkeypatch.setattr(served, "peer_uid", lambda _: 12345)

    async with _serving(service):
        with pytest.raises(OrchestrdError) as refused:
            await client.show("abc")

    assert refused.value.code == "forbidden"


async def test_a_daemon_that_answers_is_not_started_again(tmp_path: Path, service: FakeService) -> None:
    client = InAThread(Client(str(tmp_path)))

    async with _serving(service):
        assert await client.ensure_daemon() is False


async def test_answers_are_typed_and_tolerant(service: FakeService) -> None:
    document = msgspec.json.decode(msgspec.json.encode(a_document())) | {"from_the_future": 1, "state": "dreaming"}

    assert calls.show("abc").read(200, msgspec.json.encode(document)).state == "dreaming"

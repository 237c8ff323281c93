"""The API on a socket that somebody else holds: passed on by a supervisor, or held against us by one."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrd.api.server import ApiServer
from orchestrd.endpoint import supervisor_behind
from orchestrd.model.errors import RefusedError
from tests.api.fake_service import FakeClock, FakeService
from tests.integration.test_api_socket import _answers
from tests.supervisors import listening_as_systemd, passed_on


@pytest.fixture
async def service(shallow: Path) -> FakeService:
    (shallow / "run").mkdir()
    return FakeService(str(shallow))


@pytest.fixture
def place(service: FakeService) -> Path:
    return Path(service.layout.socket)


@pytest.fixture
def descriptors() -> Iterator[list[int]]:
    """What a supervisor holds; a server is given copies, as a process of its own would have."""
    held: list[int] = []
    yield held
    for descriptor in held:
        os.close(descriptor)


def server_on(service: FakeService, *descriptors: int) -> ApiServer:
    return ApiServer(service, service.layout, FakeClock(), [os.dup(descriptor) for descriptor in descriptors])


async def test_a_socket_that_was_passed_on_is_answered_and_outlives_its_server(
    service: FakeService, place: Path, descriptors: list[int]
) -> None:
    descriptors.append(passed_on(place))
    before = place.stat().st_ino

    for _ in range(2):
        server = server_on(service, *descriptors)
        await server.started()

        assert await _answers(service.layout)

        await server.stopped()

    assert place.stat().st_ino == before


async def test_who_connects_between_two_daemons_is_answered_by_the_next(
    service: FakeService, place: Path, descriptors: list[int]
) -> None:
    descriptors.append(passed_on(place))
    with socket.socket(socket.AF_UNIX) as early:
        early.connect(str(place))
        early.sendall(b"GET /v1/version HTTP/1.0\r\n\r\n")
        server = server_on(service, *descriptors)

        await server.started()

        assert await _answers(service.layout)
        early.settimeout(5)
        assert early.recv(100).startswith(b"HTTP/1.1 200")
        await server.stopped()


async def test_what_was_passed_on_is_not_handed_down(service: FakeService, place: Path, descriptors: list[int]) -> None:
    descriptors.append(passed_on(place))
    mine = os.dup(descriptors[0])
    os.set_inheritable(mine, True)
    server = ApiServer(service, service.layout, FakeClock(), [mine])

    await server.started()

    assert not os.get_inheritable(mine)
    await server.stopped()


async def test_the_socket_of_the_home_is_found_among_others(
    service: FakeService, place: Path, descriptors: list[int]
) -> None:
    descriptors += [passed_on(place.with_name("other")), passed_on(place)]
    server = server_on(service, *descriptors)

    await server.started()

    assert await _answers(service.layout)
    await server.stopped()


@pytest.mark.parametrize("kind", ["elsewhere", "removed", "not listening", "a pipe"])
async def test_a_socket_that_no_client_of_this_home_finds_is_refused(
    service: FakeService, place: Path, descriptors: list[int], kind: str
) -> None:
    descriptors.append(descriptor_of(kind, place))
    server = server_on(service, *descriptors)

    with pytest.raises(RefusedError) as refused:
        await server.started()

    assert refused.value.code == "no_socket"
    assert str(place) in refused.value.message
    assert refused.value.hint == f"ListenStream={place} in its socket unit"


def descriptor_of(kind: str, place: Path) -> int:
    if kind == "elsewhere":
        return passed_on(place.with_name("other"))
    if kind == "a pipe":
        reads, writes = os.pipe()
        os.close(writes)
        return reads
    if kind == "not listening":
        bound = socket.socket(socket.AF_UNIX)
        bound.bind(str(place))
        return bound.detach()
    descriptor = passed_on(place)
    place.unlink()
    return descriptor


async def test_a_socket_that_systemd_holds_is_never_taken_from_it(service: FakeService, place: Path) -> None:
    with listening_as_systemd(place) as pid:
        before = place.stat().st_ino
        server = ApiServer(service, service.layout, FakeClock())

        with pytest.raises(RefusedError) as refused:
            await server.started()

        assert refused.value.code == "already_running"
        assert refused.value.message.startswith(f"systemd (pid {pid}) listens on {place}")
        assert place.stat().st_ino == before


async def test_a_daemon_is_not_taken_for_a_supervisor(service: FakeService, place: Path) -> None:
    server = ApiServer(service, service.layout, FakeClock())
    await server.started()

    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(place))

        assert await asyncio.to_thread(supervisor_behind, client) is None

    await server.stopped()

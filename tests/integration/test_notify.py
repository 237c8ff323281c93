"""What a supervisor is told, over a real socket, and what is taken from it."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrd.notify import NotifySocket, Supervision, take_supervision
from tests.supervisors import NotifyEnd


@pytest.fixture(params=["path", "abstract"])
def supervisor(request: pytest.FixtureRequest, shallow: Path) -> Iterator[NotifyEnd]:
    end = NotifyEnd(f"@orchestrd-test-{os.getpid()}" if request.param == "abstract" else str(shallow / "notify"))
    yield end
    end.close()


async def test_every_message_arrives_as_sd_notify_writes_it(supervisor: NotifyEnd) -> None:
    notify = NotifySocket(supervisor.address, "at work")
    before = asyncio.get_running_loop().time()

    await notify.status("recovering\nthe home")
    await notify.ready()
    await notify.well()
    await notify.reloading()
    await notify.status(None)
    await notify.stopping()

    status, ready, well, reloading, again, stopping = supervisor.messages()
    assert status == {"STATUS": "recovering the home"}
    assert ready == {"READY": "1", "STATUS": "at work"}
    assert well == {"WATCHDOG": "1"}
    assert reloading["RELOADING"] == "1"
    assert before <= int(reloading["MONOTONIC_USEC"]) / 1e6 <= asyncio.get_running_loop().time()
    assert again == {"STATUS": "at work"}
    assert stopping == {"STOPPING": "1", "STATUS": "stopping"}
    notify.close()


async def test_without_a_supervisor_nothing_is_opened_and_nothing_is_told() -> None:
    notify = NotifySocket(None, "at work")

    await notify.ready()

    assert notify._socket is None
    notify.close()


async def test_a_supervisor_that_is_gone_costs_nothing(shallow: Path) -> None:
    notify = NotifySocket(str(shallow / "nobody"), "at work")

    await notify.ready()
    await notify.well()

    notify.close()


async def test_a_supervisor_that_takes_nothing_is_waited_for_within_a_bound(
    shallow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrd.notify.NOTIFY_S", 0.05)
    end = NotifyEnd(str(shallow / "notify"))
    notify = NotifySocket(end.address, "at work")

    for _ in range(int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text()) + 3):
        await notify.well()

    notify.close()
    end.close()


def test_what_a_supervisor_gives_is_taken_out_of_the_environment() -> None:
    environ = {
        "NOTIFY_SOCKET": "/run/notify",
        "WATCHDOG_PID": "7",
        "WATCHDOG_USEC": "30000000",
        "LISTEN_PID": "7",
        "LISTEN_FDS": "2",
        "LISTEN_FDNAMES": "a:b",
        "HOME": "/home/me",
    }

    given = take_supervision(environ, 7)

    assert given == Supervision(address="/run/notify", watchdog_s=30.0, sockets=(3, 4))
    assert environ == {"HOME": "/home/me"}


def test_what_was_meant_for_another_process_is_not_taken_for_ours() -> None:
    given = take_supervision(
        {"WATCHDOG_PID": "6", "WATCHDOG_USEC": "30000000", "LISTEN_PID": "6", "LISTEN_FDS": "1"}, 7
    )

    assert given == Supervision()


def test_a_watchdog_without_a_pid_is_for_whoever_reads_it() -> None:
    assert take_supervision({"WATCHDOG_USEC": "1500000"}, 7).watchdog_s == 1.5


@pytest.mark.parametrize(
    "environ",
    [
        {"NOTIFY_SOCKET": "vsock:2:1234"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "0"},
        {"LISTEN_PID": "7", "LISTEN_FDS": "-1"},
        {"LISTEN_PID": "7"},
    ],
)
def test_what_makes_no_sense_is_nothing(environ: dict[str, str]) -> None:
    assert take_supervision(environ, 7) == Supervision()

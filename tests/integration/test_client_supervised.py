"""Clients at a socket that systemd holds, while its service does not come up: who listens there, and what to do."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrd.client import calls
from orchestrd.client.asynchronous import _Connection
from orchestrd.client.connection import Connection
from orchestrd.model.errors import UnreachableError
from tests.supervisors import listening_as_systemd, passed_on

SOON_S = 0.2


def ask(path: Path) -> None:
    with Connection(str(path), SOON_S) as connection:
        connection.ask(calls.health())


def ask_in_a_loop(path: Path) -> None:
    async def asked() -> None:
        async with _Connection(str(path), SOON_S) as connection:
            await connection.ask(calls.health())

    asyncio.run(asked())


@pytest.mark.parametrize("asks", [ask, ask_in_a_loop])
def test_a_client_says_who_listens_where_no_daemon_comes_up(shallow: Path, asks: Callable[[Path], None]) -> None:
    with listening_as_systemd(shallow / "socket") as pid, pytest.raises(UnreachableError) as raised:
        asks(shallow / "socket")

    assert raised.value.code == "unresponsive"
    assert raised.value.message == f"systemd (pid {pid}) listens for the daemon, and that does not answer within 0.2 s"
    assert raised.value.hint == "orch daemon status"


@pytest.mark.parametrize("asks", [ask, ask_in_a_loop])
def test_a_daemon_that_hangs_is_not_taken_for_systemd(shallow: Path, asks: Callable[[Path], None]) -> None:
    listening = passed_on(shallow / "socket")

    with pytest.raises(UnreachableError) as raised:
        asks(shallow / "socket")

    os.close(listening)
    assert raised.value.message == "the daemon does not answer within 0.2 s"
    assert raised.value.hint == "orch daemon restart"

"""A daemon that publishes events when it is told to: everything is real but the runs, which follow a script.

It is a process of its own, as the daemon is, and takes one command a line on its stdin. `die K` lets K of its sessions
end at once, so that their events come through mailboxes, ledger, journal and bus to the readers on its socket. `bare K`
writes K lines to the readers of another socket, with nothing in between: the peer. Each is answered with the moment, on
the clock of `time.perf_counter` that all processes share, from which on the events could be told: they were durable.
"""

import asyncio
import itertools
import sys
import time
from collections.abc import Iterable, Sequence

from benchmarks.scripted import engine_over, fail, living, populated, scripted
from orchestrd import logs
from orchestrd.api.server import ApiServer
from orchestrd.clock import SystemClock
from orchestrd.core.layout import Layout
from orchestrd.daemon import Face
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.ids import SessionId
from orchestrd.model.session import Home, Session
from orchestrd.ports import Stored
from orchestrd.store.files import FileStore
from orchestrd.testing.world import World

INTERVAL_S = 3_600.0  # between two ticks: none but the first
HEAD = b"HTTP/1.1 200 OK\r\n\r\n"  # so that one kind of reader does for both sockets
LINE = b'{"sequence":1,"type":"state_changed","padding":"' + b"." * 320 + b'"}\n'  # as long as a real one


def bare_socket(layout: Layout) -> str:
    """Say where the bare lines come from."""
    return f"{layout.run}/bare.sock"


def say(moment: float) -> None:
    """Answer a command."""
    print(moment, flush=True)


class TellingStore(FileStore):
    """A store that says, of the first commit after it was told to expect one, when it had become durable."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self.is_expecting = False

    def commit(self, batch: Sequence[Session | Home]) -> list[Stored | OrchestrdError]:
        """Commit, and say so."""
        answers = super().commit(batch)
        if self.is_expecting:
            self.is_expecting = False
            say(time.perf_counter())
        return answers


class Fountain:
    """The sessions that are still to end, and the readers of the bare lines."""

    def __init__(self, store: TellingStore, world: World, sessions: Iterable[SessionId]) -> None:
        self._store = store
        self._world = world
        self._sessions = iter(sessions)
        self._readers: list[asyncio.StreamWriter] = []

    def accept(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a reader of bare lines."""
        writer.write(HEAD)
        self._readers.append(writer)

    def obey(self, verb: str, number: int) -> None:
        """Do one command."""
        if verb == "bare":
            self._pour(number)
        else:
            self._let_die(number)

    def _pour(self, number: int) -> None:
        begun, data = time.perf_counter(), LINE * number
        for reader in self._readers:
            reader.write(data)
        say(begun)

    def _let_die(self, number: int) -> None:
        self._store.is_expecting = True
        for session in itertools.islice(self._sessions, number):
            self._world.exit(session)


async def run(layout: Layout, number: int) -> None:
    """Serve until stdin ends."""
    world, sessions = populated(layout, number)
    store, runtimes = TellingStore(layout), scripted(world)
    engine = engine_over(layout, runtimes, store, interval_s=INTERVAL_S)
    engine.registry.add(Face("api", ApiServer(engine.service, layout, SystemClock()), fail))
    fountain = Fountain(store, world, sessions)
    async with living(engine, runtimes), await asyncio.start_unix_server(fountain.accept, bare_socket(layout)):
        say(time.perf_counter())
        async for line in await _commands():
            verb, count = line.split()
            fountain.obey(verb.decode(), int(count))


async def _commands() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


if __name__ == "__main__":
    logs.configure()  # to stderr: stdout is for answers
    asyncio.run(run(Layout(sys.argv[1]), int(sys.argv[2])))

"""supervisor, circus and pm2: each keeps a number of sleeping processes in a temporary place, as its manual says.

Their defaults are left alone, but for the sockets (files of the place), the descriptors where the default does not bear
as many processes, and what would call home.
"""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from benchmarks.measuring import MILLISECONDS
from benchmarks.peers.places import Marked, children_of, end, environment, program, until
from benchmarks.processes import run_silent

DESCRIPTORS = 8_192  # supervisor holds several for each process
SUPERVISORD = """[unix_http_server]
file={place}/control.sock
[supervisord]
nodaemon=true
logfile={place}/daemon.log
pidfile={place}/daemon.pid
childlogdir={place}
minfds={descriptors}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{place}/control.sock
[program:kept]
command={command}
numprocs={number}
process_name=%(program_name)s%(process_num)d
"""
CIRCUS = """[circus]
endpoint = ipc://{place}/control.sock
pubsub_endpoint = ipc://{place}/events.sock
[watcher:kept]
cmd = {command}
numprocesses = {number}
"""


class Supervisor(ABC):
    """One daemon that keeps processes. Everything that it has started ends with it."""

    name: ClassVar[str]
    home: ClassVar[str]  # below `.venv/peers`
    programs: ClassVar[tuple[str, ...]]  # the command that asks the daemon comes last

    def __init__(self, place: Path, number: int) -> None:
        self.place = place
        self.number = number
        self.kept = Marked()
        self.pid = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._write()

    @classmethod
    def is_there(cls) -> bool:
        """Tell whether it is installed."""
        return all(program(cls.home, name) for name in cls.programs)

    def start(self) -> float:
        """Start it, also after a crash; gives the milliseconds until it has as many processes as it is to keep."""
        begun = time.perf_counter()
        self._begin()
        until(lambda: len(children_of(self.pid)) >= self.number, f"{self.name} keeps {self.number} processes")
        return (time.perf_counter() - begun) * MILLISECONDS

    def ask(self) -> float:
        """Ask it for its processes, by its command; gives milliseconds."""
        return run_silent(self._question(), self._environment())

    def replace_one(self) -> float:
        """Kill one of its processes; gives the milliseconds until there is another."""
        before = children_of(self.pid)
        begun = time.perf_counter()
        os.kill(min(before), signal.SIGKILL)
        until(lambda: bool(children_of(self.pid) - before), f"{self.name} replaces a process")
        return (time.perf_counter() - begun) * MILLISECONDS

    def crash(self) -> None:
        """End it as a crash does; what it keeps lives on."""
        end(self.pid)
        if self._process is not None:
            self._process.wait()

    def close(self) -> None:
        """End it, and then what it has kept."""
        if self.pid:
            self.crash()
        self.kept.end()

    @abstractmethod
    def _write(self) -> None:
        """Write its configuration."""

    @abstractmethod
    def _begin(self) -> None:
        """Start it and note its pid."""

    @abstractmethod
    def _question(self) -> tuple[str, ...]:
        """Give the command line that lists its processes."""

    def _program(self, name: str) -> str:
        return str(program(self.home, name))

    def _environment(self) -> dict[str, str]:
        return environment(self.place)

    def _begin_in_foreground(self, *argv: str) -> None:
        with (self.place / "output").open("ab") as output:
            self._process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=self._environment(), cwd=self.place
            )
        self.pid = self._process.pid

    def _filled(self, template: str) -> str:
        command = " ".join(self.kept.argv)
        return template.format(place=self.place, command=command, number=self.number, descriptors=DESCRIPTORS)


class Supervisord(Supervisor):
    """supervisor, the classic."""

    name, home, programs = "supervisor", "supervisors", ("supervisord", "supervisorctl")

    def _write(self) -> None:
        (self.place / "conf").write_text(self._filled(SUPERVISORD))

    def _begin(self) -> None:
        self._begin_in_foreground(self._program("supervisord"), "-c", str(self.place / "conf"))

    def _question(self) -> tuple[str, ...]:
        return self._program("supervisorctl"), "-c", str(self.place / "conf"), "status"


class Circus(Supervisor):
    """circus, on ZeroMQ."""

    name, home, programs = "circus", "supervisors", ("circusd", "circusctl")

    def _write(self) -> None:
        (self.place / "circus.ini").write_text(self._filled(CIRCUS))

    def _begin(self) -> None:
        self._begin_in_foreground(self._program("circusd"), str(self.place / "circus.ini"))

    def _question(self) -> tuple[str, ...]:
        endpoint = f"ipc://{self.place}/control.sock"
        return self._program("circusctl"), "--endpoint", endpoint, "numprocesses", "kept"


class Pm2(Supervisor):
    """pm2: its command starts its daemon, which goes into the background."""

    name, home, programs = "pm2", "pm2", ("pm2",)

    def _write(self) -> None:
        command, *arguments = self.kept.argv
        kept = {"name": "kept", "script": command, "args": arguments, "interpreter": "none", "exec_mode": "fork"}
        (self.place / "kept.json").write_text(json.dumps({"apps": [{**kept, "instances": self.number}]}))

    def _begin(self) -> None:
        if self.pid:
            self._tell("resurrect")
        else:
            self._tell("start", str(self.place / "kept.json"))
            self._tell("save")
        self.pid = int((self.place / "daemon" / "pm2.pid").read_text())

    def _question(self) -> tuple[str, ...]:
        return self._program("pm2"), "list"

    def _environment(self) -> dict[str, str]:
        quiet = {"PM2_DISABLE_VERSION_CHECK": "true", "PM2_DISCRETE_MODE": "true"}
        return environment(self.place, PM2_HOME=str(self.place / "daemon"), **quiet)

    def _tell(self, *words: str) -> None:
        run_silent((self._program("pm2"), *words), self._environment())


SUPERVISORS: Sequence[type[Supervisor]] = (Supervisord, Circus, Pm2)


@contextlib.contextmanager
def kept_by(kind: type[Supervisor], number: int) -> Iterator[Supervisor]:
    """Make a supervisor in a temporary place; it is not started yet."""
    with (
        tempfile.TemporaryDirectory(prefix="orch-peer-", ignore_cleanup_errors=True) as place,
        contextlib.closing(kind(Path(place), number)) as made,
    ):
        yield made

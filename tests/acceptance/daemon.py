"""Real daemons in homes of their own, for acceptance tests: started, killed, asked, and watched from outside.

Whatever a test leaves alive is ended by `Home.clear`, by identity: daemons, launchers, agents, what these have started,
and the tmux server. Nothing here waits without a bound.
"""

import collections
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from orchestrd.client import calls
from orchestrd.client.blocking import Client
from orchestrd.client.calls import Call
from orchestrd.client.connection import Connection
from orchestrd.client.requests import spawn_request
from orchestrd.codec import Decoded, decode_session
from orchestrd.core.layout import Layout
from orchestrd.model.document import DaemonFacts, Document, SendReply, SendRequest, SpawnRequest
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.event import Event
from orchestrd.model.ids import SessionId
from orchestrd.model.session import Home as HomeRecord
from orchestrd.model.session import Session
from orchestrd.model.words import TERMINAL, Authority
from orchestrd.testing.history import decode_event
from tests.acceptance.processes import Identity, bearing, children_of, end, until
from tests.acceptance.tmux import Tmux, descriptors_of

T = TypeVar("T")

INTERVAL_S = 0.5
ANSWER_S = 15.0  # a daemon answers that long after its start at the latest, on a busy machine too
STOP_S = 15.0
USER = Authority.USER
ALMIGHTY = "dac_override,dac_read_search"  # what lets root pass by the modes of files
BOUND_BY_MODES = (
    "setpriv",
    f"--inh-caps=-{ALMIGHTY.replace(',', ',-')}",
    f"--bounding-set=-{ALMIGHTY.replace(',', ',-')}",
)


class Daemon:
    """One daemon process, started by what stands before it; what it says goes to the file `said`."""

    def __init__(
        self,
        layout: Layout,
        said: Path,
        *options: str,
        before: Sequence[str] = (),
        is_measured: bool = True,
        passed: Sequence[int] = (),
    ) -> None:
        self.layout = layout
        self.said = said
        with said.open("ab") as words:
            self.process = subprocess.Popen(
                [*before, sys.executable, "-m", "orchestrd", "run", "--interval", f"{INTERVAL_S:g}", *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=words,
                cwd="/",
                env=_environment(layout, is_measured=is_measured),
                start_new_session=True,
                pass_fds=passed,
            )
        self.pid = self.process.pid

    def answers(self) -> bool:
        """Tell whether this very process answers on the socket of its home."""
        try:
            with Connection(self.layout.socket) as connection:
                return connection.ask(calls.health()).pid == self.pid
        except OrchestrdError:
            return False

    def until_it_answers(self) -> None:
        until(lambda: self.answers() or self.has_ended(), "the daemon answers", within_s=ANSWER_S)
        assert not self.has_ended(), f"the daemon ended with {self.process.returncode}: {self.words()}"

    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(STOP_S)

    def stop(self) -> int:
        """Stop gracefully and give the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_S)

    def words(self) -> str:
        return self.said.read_text(errors="replace")[-4_000:]

    def descriptors(self) -> collections.Counter[str]:
        """Count what the daemon holds open, by what it is."""
        return descriptors_of(self.pid, str(self.said.parent))

    def children(self) -> list[int]:
        return children_of(self.pid)

    def resident_bytes(self) -> int:
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


class Home:
    """One home in a temporary place, with `marks` beside it for what agents leave behind."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.layout = Layout(str(place / "home"))
        self.marks = place / "marks"
        self.marks.mkdir()
        self.tmux = Tmux(self.layout.tmux_socket)
        self.daemons: list[Daemon] = []
        self.sessions: set[str] = set()

    # ---- daemons -----------------------------------------------------------------------------------------------------

    def begin(
        self, *options: str, before: Sequence[str] = (), is_measured: bool = True, passed: Sequence[int] = ()
    ) -> Daemon:
        """Start a daemon, with these descriptors of ours, and wait for nothing."""
        said = self.place / f"daemon.{len(self.daemons)}"
        daemon = Daemon(self.layout, said, *options, before=before, is_measured=is_measured, passed=passed)
        self.daemons.append(daemon)
        return daemon

    def start(self, *options: str, before: Sequence[str] = (), is_measured: bool = True) -> Daemon:
        """Start a daemon that answers."""
        daemon = self.begin(*options, before=before, is_measured=is_measured)
        daemon.until_it_answers()
        return daemon

    def clear(self) -> None:
        """End everything that ever began here."""
        for daemon in self.daemons:
            if not daemon.has_ended():
                daemon.process.send_signal(signal.SIGTERM)
        for daemon in self.daemons:
            try:
                daemon.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                daemon.kill()
        until(self._is_empty, "everything that the test has started is gone")

    def _is_empty(self) -> bool:
        found = list(self.processes())
        for process in found:
            end(process, self._is_ours)
        return self.tmux.clear() and not found

    def processes(self, *sessions: str) -> Iterator[Identity]:
        """Find what lives of these sessions, or of all that were ever spawned here."""
        wanted = sessions or tuple(self.sessions)
        return bearing(lambda environment: environment.get("ORCH_RUN", "").partition(":")[0] in wanted)

    def _is_ours(self, environment: dict[str, str]) -> bool:
        return environment.get("ORCH_RUN", "").partition(":")[0] in self.sessions

    # ---- asking ------------------------------------------------------------------------------------------------------

    @property
    def client(self) -> Client:
        """A client as users have it; reading and waiting never start a daemon."""
        return Client(self.layout.home)

    def ask(self, call: Call[T]) -> T:
        """Ask the daemon once. Raises UnreachableError without one."""
        with Connection(self.layout.socket) as connection:
            return connection.ask(call)

    def request(self, script: str, *, environment: dict[str, str] | None = None, **settings: object) -> SpawnRequest:
        """Ask for a session that runs a script of sh."""
        values = {"PATH": os.environ["PATH"], "HOME": str(self.place), "MARKS": str(self.marks), **(environment or {})}
        request = spawn_request(
            argv=["sh", "-c", script],
            directory=str(self.place),
            env_names=["MARKS", *(environment or {})],
            environ=values,
            **{"runtime": "process", **settings},  # type: ignore[arg-type] # the settings of spawn_request
        )
        self.sessions.add(request.id)
        return request

    def spawn(self, script: str, *, environment: dict[str, str] | None = None, **settings: object) -> SessionId:
        return self.ask(calls.spawn(self.request(script, environment=environment, **settings))).id

    def show(self, session: str) -> Document:
        return self.ask(calls.show(session))

    def send(self, session: str, text: str, message: str = "m", *, is_command: bool = False) -> SendReply:
        return self.ask(calls.send(session, SendRequest(message=message, text=text, is_command=is_command)))

    def stop(self, session: str, grace_s: float | None = None) -> Document:
        return self.ask(calls.stop(session, USER, grace_s))

    def kill(self, session: str) -> Document:
        return self.ask(calls.kill(session, USER))

    def revive(self, session: str) -> Document:
        return self.ask(calls.revive(session, USER))

    def documents(self) -> dict[str, Document]:
        return {told.id: told for told in self.ask(calls.status(with_ended=True, project=None)).sessions}

    def facts(self) -> DaemonFacts:
        told = self.ask(calls.status(with_ended=False, project=None)).daemon
        assert told is not None
        return told

    def reach(self, session: str, goal: str, *, within_s: float = 15.0) -> Document:
        """Wait on the event stream until a session has reached a state or an activity; fails where it cannot."""
        waited = self.client.wait([session], goal=goal, timeout_s=within_s)[0]
        assert waited.is_met, f"{session} never was {goal}: {waited.document}"
        return waited.document

    def until_over(self, *sessions: str, within_s: float = 30.0) -> dict[str, Document]:
        """Wait until these sessions, or all, have ended; gives their documents."""
        told: dict[str, Document] = {}

        def are_over() -> bool:
            told.update(self.documents())
            return all(told[session].state in TERMINAL for session in sessions or told)

        until(are_over, "all sessions have ended", within_s=within_s)
        return told

    def follow(self, since: int, *, within_s: float = 15.0) -> Iterator[Event]:
        """Follow the stream of one daemon as events; a gap fails."""
        with Connection(self.layout.socket) as connection:
            call = calls.events(since, follow=True, sessions=(), types=())
            for line in connection.lines(call, time.monotonic() + within_s):
                yield event_of(line)

    # ---- what is on disk ---------------------------------------------------------------------------------------------

    def record(self, session: str) -> Session:
        """Read a record as it stands on disk."""
        name = SessionId(session)
        found = decode_session(Path(self.layout.record(name)).read_bytes(), name, self.layout.log(name))
        assert isinstance(found, Decoded), found
        return found.record

    def record_of_home(self) -> HomeRecord:
        """Read `home.json`."""
        return msgspec.json.decode(Path(self.layout.home_record).read_bytes(), type=HomeRecord)

    def records(self) -> dict[str, Session]:
        return {path.stem: self.record(path.stem) for path in Path(self.layout.sessions).glob("????????.json")}

    def journal(self) -> list[Event]:
        """Read every line of the journal, voids among them."""
        return [event_of(line) for segment in self.segments() for line in segment.read_bytes().splitlines()]

    def segments(self) -> list[Path]:
        return sorted(Path(self.layout.journal).glob("*.jsonl"))

    def quarantined(self) -> list[str]:
        return sorted(path.name for path in Path(self.layout.quarantine).iterdir())

    def log(self, session: str) -> str:
        path = Path(self.layout.log(session))
        return path.read_text(errors="replace") if path.exists() else ""

    def mark(self, name: str) -> list[str]:
        """Read the lines that agents have left under a name."""
        path = self.marks / name
        return path.read_text().splitlines() if path.exists() else []


def event_of(line: bytes) -> Event:
    event = decode_event(line)
    assert event is not None, f"no event: {line[:200]!r}"
    return event


def _environment(layout: Layout, *, is_measured: bool) -> dict[str, str]:
    """A daemon that is killed could not save what coverage has counted, so it need not count."""
    dropped = ("ORCH_",) if is_measured else ("ORCH_", "COVERAGE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {**kept, "ORCH_HOME": layout.home}

"""Starting the daemon: over an empty home, and after a crash with many runs alive.

What matters most after a crash is that every run is found again and none is started a second time.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.daemons import Daemon, daemon
from benchmarks.measuring import Effort, alternate, figures
from benchmarks.processes import HTTP_STACK, bearing_marks, environment, run_silent
from benchmarks.rows import Row, at_least, at_most
from orchestrd.model.ids import SessionId

FAMILY = "recoveries"
READY_MS = 250.0
STACK = "an interpreter that imports the HTTP stack and ends"
PROCESSES_OF_A_RUN = 2  # launcher and agent
REASON = "most of it is imports: the daemon's own come on top of those of the HTTP stack"


def measure(effort: Effort) -> Iterator[Row]:
    """Measure a start over nothing, then starts after crashes."""
    rounds, number = effort.of(10, 3), effort.of(100, 20)
    with daemon() as place:
        yield _restarts(place, "start the daemon over an empty home, until it answers", rounds)
        sessions = place.begin(number)
        agents = {session: place.agent(session) for session in sessions}
        yield _restarts(place, f"start it after kill -9 with {number} live runs, until it answers", rounds)
        _let_it_look(place)
        yield _adopted(place, agents)
        yield _doubled(sessions)


def _restarts(place: Daemon, what: str, rounds: int) -> Row:
    def restart() -> float:
        place.kill()
        return place.start()

    stack = (sys.executable, "-c", HTTP_STACK)
    ours, peer = alternate([restart, lambda: run_silent(stack, environment(place.layout))], rounds)
    return Row(
        family=FAMILY,
        what=what,
        unit="ms",
        ours=ours,
        peer_name=STACK,
        peer=peer,
        target=(at_most(READY_MS),),
        reason=REASON,
    )


def _adopted(place: Daemon, agents: Mapping[SessionId, int]) -> Row:
    """Count the sessions that run on, in the same generation and with the same agent as before all the crashes."""
    found = {document.id: document for document in place.client.status().sessions}
    same = [
        session
        for session, agent in agents.items()
        if found[session].state == "running" and found[session].generation == 1 and place.agent(session) == agent
    ]
    return Row(
        family=FAMILY,
        what=f"of {len(agents)} live runs adopted, after all these crashes",
        unit="%",
        ours=figures([100 * len(same) / len(agents)]),
        target=(at_least(100.0),),
    )


def _doubled(sessions: Sequence[str]) -> Row:
    """Count the processes of these sessions beyond one launcher and one agent each."""
    processes = bearing_marks(sessions)
    return Row(
        family=FAMILY,
        what="processes started a second time",
        unit="",
        ours=figures([len(processes) - PROCESSES_OF_A_RUN * len(sessions)]),
        target=(at_most(0.0),),
    )


def _let_it_look(place: Daemon) -> None:
    """Wait until the daemon has ticked over all runs: a session begun now is seen to run after them."""
    place.begin(1)

"""One look at one run: from the records in its directory and the processes they name to observations.

Order matters. The processes are looked at first and the exit record is read after that: if they are gone and there is
no record, then there never will be one. The records carry their boot, so nothing of an earlier boot is looked for in
this one; an exit record counts whatever its boot. What is called alive is the agent: a launcher that outlives it, with
nothing recorded yet, proves nothing.

While nothing happens both are held by pidfds, and a look asks the system for neither. That an agent has ended wakes
nobody: its launcher is about to record it, and its own end tells.
"""

import resource

from msgspec import Struct

from orchestrd.core.launch import ClaimRecord, ExitRecord, ProcessIdentity, StartRecord, utc
from orchestrd.model.limits import DESCRIPTORS_PER_AGENT_HELD, ERROR_CHARS_MAX
from orchestrd.model.observation import Cause, Exited, Observation, Sighted, Started, Vanished
from orchestrd.model.run import Look, Run
from orchestrd.model.words import Liveness
from orchestrd.runtimes.handle import Handle, decode_handle
from orchestrd.runtimes.processes import ProcessTable, holding, is_over, take_hold
from orchestrd.runtimes.rundir import RunDirectory
from orchestrd.runtimes.watchlist import RunKey, Watchlist

OBSERVER = "process"


class Trail(Struct, frozen=True, kw_only=True):
    """Where to look for a run: the boot it belongs to, and its processes by the word for each.

    `is_known` is false while nothing tells anything: not launched yet, or a claim that is not written yet.
    """

    boot: str | None
    processes: tuple[tuple[str, ProcessIdentity], ...] = ()
    is_known: bool = True


def trail_of(handle: Handle | None, start: StartRecord | None, claim: ClaimRecord | None, *, is_claimed: bool) -> Trail:
    """Follow the records from the latest to the earliest: start, claim, handle."""
    if start is not None:
        return Trail(boot=start.boot, processes=(("launcher", start.launcher), ("agent", start.agent)))
    if claim is not None:
        launcher = ProcessIdentity(pid=claim.pid, started_ticks=0)
        return Trail(boot=claim.boot, processes=(("launcher", launcher),) if claim.by == "launcher" else ())
    if handle is not None and not is_claimed:
        return Trail(boot=handle.boot, processes=(("launcher", handle.launcher),))
    return Trail(boot=handle.boot if handle else None, is_known=False)


class Looker:
    """Looks at runs, and remembers of each what cannot change any more. Blocking; looks come from one thread."""

    def __init__(self, table: ProcessTable, watchlist: Watchlist) -> None:
        self._table = table
        self._watchlist = watchlist
        self._starts: dict[RunKey, StartRecord] = {}
        self._agents = Watchlist()  # whose launchers live; of the thread that looks
        self._agents_max = resource.getrlimit(resource.RLIMIT_NOFILE)[0] // DESCRIPTORS_PER_AGENT_HELD

    def begin_pass(self) -> None:
        """Let go of the agents that have ended since the last pass."""
        self._agents.ended()

    def close(self) -> None:
        """Let go of everything."""
        self._agents.close()

    def look(self, run: Run, directory: RunDirectory, boot: str) -> Look:
        """Look once at a run; what cannot be looked at is unknown, with the reason.

        A hooks.jsonl that cannot be read tells nothing, and hides nothing of the rest.
        """
        try:
            facts = self._facts(run, directory, boot)
        except OSError as error:
            facts = (_sighted(run, Liveness.UNKNOWN, str(error)),)
        try:
            lines, offset = directory.hook_lines(run.hooks_offset)
        except OSError:
            lines, offset = (), run.hooks_offset
        start = self.seen_start(run)
        return Look(
            run=run,
            observations=facts,
            hook_lines=lines,
            hooks_offset=offset,
            agent_pid=start.agent.pid if start else None,
            agent_started_ticks=start.agent.started_ticks if start else None,
        )

    def start_of(self, run: Run, directory: RunDirectory) -> StartRecord | None:
        """Give the run's start record, from memory once it has been seen."""
        key = (run.session, run.generation)
        start = self._starts.get(key) or directory.start()
        if start is not None:
            self._starts[key] = start
        return start

    def seen_start(self, run: Run) -> StartRecord | None:
        """Give the start record that has been seen already; on any thread."""
        return self._starts.get((run.session, run.generation))

    def trail(self, run: Run, directory: RunDirectory) -> Trail:
        """Find out where the processes of a run would be."""
        start = self.start_of(run, directory)
        claim = None if start else directory.claim()
        is_claimed = start is not None or directory.has_claim()
        return trail_of(decode_handle(run.handle), start, claim, is_claimed=is_claimed)

    def forget(self, run: Run) -> None:
        """Forget what is remembered of a run."""
        self._starts.pop((run.session, run.generation), None)

    def _facts(self, run: Run, directory: RunDirectory, boot: str) -> tuple[Observation, ...]:
        key = (run.session, run.generation)
        known = self._starts.get(key)
        if run.is_started and known and self._watchlist.holds(key) and self._sees_agent(key, known.agent):
            return (_sighted(run, Liveness.ALIVE),)
        trail = self.trail(run, directory)
        living = self._living(run, trail, boot)
        if living is None:  # what a launcher wrote between the two, before it died, may name an agent that lives
            trail = self.trail(run, directory)
            living = self._living(run, trail, boot)
        start = self.start_of(run, directory)
        if living == "launcher" and start is not None and not self._sees_agent(key, start.agent):
            living = "launcher alone"
        exit_ = directory.exit()
        beginning = () if start is None or run.is_started else (_started(run, start),)
        return (*beginning, _verdict(run, trail, living, exit_, boot))

    def _sees_agent(self, key: RunKey, agent: ProcessIdentity) -> bool:
        """Tell whether the agent lives, and hold on to it, so that no later look has to ask the system."""
        if self._agents.holds(key):
            return True
        has_room = len(self._agents) < self._agents_max
        hold = take_hold(agent.pid) if has_room else None  # before the look: so what is seen is what is held
        try:
            if is_over(self._table, agent):
                return False
            pidfd = hold.release() if hold and not hold.has_ended() else None
            if pidfd is not None:
                self._agents.add(key, pidfd)
        finally:
            if hold is not None:
                hold.close()
        return True

    def _living(self, run: Run, trail: Trail, boot: str) -> str | None:
        """Say which process of the run lives, and hold on to it; null when none does."""
        key = (run.session, run.generation)
        if self._watchlist.holds(key):
            return "launcher"
        if trail.boot != boot:
            return None
        for word, identity in trail.processes:
            with holding(self._table, identity, run.mark) as hold:
                if hold is None:
                    continue
                pidfd = hold.release()
                if pidfd is not None:
                    self._watchlist.add(key, pidfd)
                return word
        return None


def _verdict(run: Run, trail: Trail, living: str | None, exit_: ExitRecord | None, boot: str) -> Observation:
    if exit_ is not None:
        return exited(run, exit_)
    if living == "launcher alone":
        return _sighted(run, Liveness.UNKNOWN, "the agent has ended; its launcher has not recorded it yet")
    if living is not None:
        return _sighted(run, Liveness.ALIVE, "" if living == "launcher" else "its launcher is gone, the agent lives")
    if trail.boot not in (None, boot):
        return Vanished(generation=run.generation, observer=OBSERVER, cause=Cause.OTHER_BOOT)
    if not trail.is_known:
        return _sighted(run, Liveness.UNKNOWN, "no launcher of it is known yet")
    return Vanished(generation=run.generation, observer=OBSERVER, cause=Cause.PROCESS_GONE)


def exited(run: Run, record: ExitRecord) -> Exited:
    """Tell of the end that a launcher has recorded."""
    left = ", ".join(str(one.pid) for one in record.left)
    error = record.error or (f"outlived the end of the agent: pid {left}" if left else None)
    return Exited(
        generation=run.generation,
        observer=OBSERVER,
        exit_code=record.exit_code,
        exit_signal=record.exit_signal,
        at=utc(record.at),
        error=error[:ERROR_CHARS_MAX] if error else None,
        ended=record.ended,
        hung_up=record.hung_up,
        setup_failed=record.setup_failed,
    )


def _started(run: Run, start: StartRecord) -> Started:
    return Started(generation=run.generation, observer=OBSERVER, pid=start.agent.pid, at=utc(start.at))


def _sighted(run: Run, verdict: Liveness, excerpt: str = "") -> Sighted:
    return Sighted(generation=run.generation, observer=OBSERVER, verdict=verdict, excerpt=excerpt)

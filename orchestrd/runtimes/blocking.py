"""Everything a runtime with launchers does that blocks, as plain calls; none of them is made on the loop."""

import signal
from collections.abc import Callable, Sequence

from orchestrd.core.launch import ProcessIdentity, encode_order
from orchestrd.core.layout import Layout
from orchestrd.model.errors import TransientError, UsageError
from orchestrd.model.observation import Exited
from orchestrd.model.run import Look, Order, Run
from orchestrd.ports import Clock
from orchestrd.runtimes.handle import Handle, decode_handle, encode_handle
from orchestrd.runtimes.looking import Looker, exited
from orchestrd.runtimes.processes import Process, ProcessTable, holding, is_over
from orchestrd.runtimes.rundir import RunDirectory
from orchestrd.runtimes.sweeping import Quarry, Sweeper, quarry_of
from orchestrd.runtimes.watchlist import Watchlist

Start = Callable[[str, Run], int]  # how a launcher for a run directory is started; gives its pid, or raises OSError


class InDoubtError(OSError):
    """What was asked for may have been done, or may be done yet."""


class BlockingRuns:
    """Launches, looks and signals. Raises OSError where a method does not say otherwise."""

    def __init__(self, layout: Layout, clock: Clock, table: ProcessTable, watchlist: Watchlist) -> None:
        self._layout = layout
        self._clock = clock
        self._table = table
        self._watchlist = watchlist
        self._looker = Looker(table, watchlist)

    def launch(self, order: Order, start: Start) -> str:
        """Start a launcher and give the handle.

        Raises OrchestrdError when nothing was and nothing can be started, OSError when that is in doubt.
        """
        _refuse_nul(order)
        directory = self.directory(order.run)
        is_first = not directory.has_order()
        try:
            directory.write_order(order)
            pid = start(directory.path, order.run)
        except OSError as error:
            is_certain = is_first and not isinstance(error, InDoubtError)
            if is_certain or directory.take_claim():
                raise _not_launched(order, error) from error
            claim = directory.claim()  # an earlier launcher has gone through that door already
            return self._handle(claim.pid if claim else 0, 0)
        return self._handle(pid, self._table.started_ticks(pid) or 0)

    def has_begun(self, run: Run, handle: str) -> bool | None:
        """Tell whether the run is claimed; false when what was started is over without, null while that is open."""
        was_over = is_over(self._table, _launcher_in(handle))  # first: who claims may be over right after it
        if self.directory(run).has_claim():
            return True
        return False if was_over else None

    def end_unless_claimed_by(self, run: Run, handle: str) -> bool:
        """Kill what this launch has started, if the claim is another's; while nobody has it, it may take it yet.

        False: look again, for it is not over yet. In the middle of an exec it shows no mark, and is nobody's.
        """
        started, claim = _launcher_in(handle), self.directory(run).claim()
        if claim is None:
            return False
        if claim.pid == started.pid:
            return True
        with holding(self._table, started, run.mark) as hold:
            if hold is not None:
                hold.send(signal.SIGKILL)
        return is_over(self._table, started)

    def look_at_all(self, runs: Sequence[Run]) -> list[Look]:
        """Look once at each."""
        boot = self._boot()
        self._looker.begin_pass()
        return [self._looker.look(run, self.directory(run), boot) for run in runs]

    def terminate(self, run: Run) -> bool:
        """Pass TERM to the agent's group, through its launcher where that lives; true when the run never will start."""
        directory = self.directory(run)
        if directory.take_claim() or directory.is_refused():
            return True
        quarry = quarry_of(run.mark, self._looker.trail(run, directory), self._boot())
        if not self._ask_launcher(quarry):
            self._ask_everybody(quarry)
        return False

    def take_claim(self, run: Run) -> None:
        """Make sure that no launcher can start this run any more."""
        self.directory(run).take_claim()

    def kill_once(self, run: Run, sweeper: Sweeper, *, spare_launcher: bool) -> tuple[list[Process], str | None]:
        """Look for the run once and kill what is found."""
        directory = self.directory(run)
        trail, record = self._looker.trail(run, directory), directory.exit()
        quarry = quarry_of(run.mark, trail, self._boot(), record.left if record else ())
        return sweeper.kill_once(quarry, spare_launcher=spare_launcher)

    def exit_of(self, run: Run) -> Exited | None:
        """Read what the launcher recorded of the end."""
        record = self.directory(run).exit()
        return None if record is None else exited(run, record)

    def launcher_of(self, run: Run) -> int | None:
        """Give the pid of the run's launcher; null when it does not live, or not in this boot."""
        trail = self._looker.trail(run, self.directory(run))
        launcher = dict(trail.processes).get("launcher")
        if launcher is None or trail.boot != self._boot():
            return None
        with holding(self._table, launcher, run.mark) as hold:
            return None if hold is None else launcher.pid

    def agent_of(self, run: Run) -> ProcessIdentity | None:
        """Name the run's agent; null while no start record does."""
        start = self._looker.start_of(run, self.directory(run))
        return None if start is None else start.agent

    def seen_launcher(self, run: Run) -> int | None:
        """Give the pid that a look has read for the run's launcher, without looking. On any thread."""
        start = self._looker.seen_start(run)
        return None if start is None else start.launcher.pid

    def directory(self, run: Run) -> RunDirectory:
        """Give the directory of a run."""
        return RunDirectory(self._layout.run_directory(run.session, run.generation))

    def forget(self, run: Run) -> None:
        """Let go of what is remembered of a run that is over."""
        self._looker.forget(run)

    def close(self) -> None:
        """Let go of everything."""
        self._looker.close()

    def _boot(self) -> str:
        return self._clock.now().boot

    def _handle(self, pid: int, started_ticks: int) -> str:
        launcher = ProcessIdentity(pid=pid, started_ticks=started_ticks)
        return encode_handle(Handle(boot=self._boot(), launcher=launcher))

    def _ask_launcher(self, quarry: Quarry) -> bool:
        """Send TERM to the launcher, which passes it on; false when there is none any more."""
        if quarry.launcher is None:
            return False
        with holding(self._table, quarry.launcher, quarry.mark) as hold:
            if hold is not None:
                hold.send(signal.SIGTERM)
            return hold is not None

    def _ask_everybody(self, quarry: Quarry) -> None:
        """Send TERM to the agent's group, or while no record names it yet to all that bears the mark."""
        sweeper = Sweeper(self._table)
        agent = quarry.agent
        found = [one for one in sweeper.find(quarry) if agent is None or one.group == agent.pid]
        sweeper.signal_all(found, signal.SIGTERM)


def _launcher_in(handle: str) -> ProcessIdentity:
    decoded = decode_handle(handle)
    assert decoded is not None, "a launch has just given it"
    return decoded.launcher


def _not_launched(order: Order, error: OSError) -> TransientError:
    return TransientError(
        f"the launcher of {order.run.session} could not be started: {error}",
        code="launch_failed",
        hint=f"orch revive {order.run.session}",
    )


def _refuse_nul(order: Order) -> None:
    """Fields are told apart by NUL in the order, so none may hold one."""
    separators = 4 + len(order.environment) + len(order.argv)
    if encode_order(order).count(b"\0") != separators:
        raise UsageError(
            f"the command line or environment of {order.run.session} holds a NUL character",
            hint="orch spawn without it",
        )

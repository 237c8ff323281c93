"""Everything the process runtime does that blocks, as plain calls; one thread makes them all, one after the other."""

import os
import signal
from collections.abc import Sequence

from orchestrd.core.launch import ProcessIdentity, encode_order
from orchestrd.core.layout import Layout
from orchestrd.model.errors import TransientError, UsageError
from orchestrd.model.observation import Exited
from orchestrd.model.run import Look, Order, Run
from orchestrd.ports import Clock
from orchestrd.runtimes.handle import Handle, encode_handle
from orchestrd.runtimes.looking import Looker, exited
from orchestrd.runtimes.processes import Process, ProcessTable, holding, take_hold
from orchestrd.runtimes.rundir import RunDirectory
from orchestrd.runtimes.starting import LauncherCommand
from orchestrd.runtimes.stdin import open_to_type, type_line
from orchestrd.runtimes.sweeping import Quarry, Sweeper, quarry_of
from orchestrd.runtimes.watchlist import Watchlist


class BlockingRuntime:
    """Launches, looks, signals and types. Raises OSError where a method does not say otherwise."""

    def __init__(self, layout: Layout, clock: Clock, table: ProcessTable, watchlist: Watchlist) -> None:
        self._layout = layout
        self._clock = clock
        self._table = table
        self._watchlist = watchlist
        self._looker = Looker(table, watchlist)
        self._command = LauncherCommand()

    def launch(self, order: Order) -> str:
        """Start a launcher and give the handle.

        Raises OrchestrdError when nothing was and nothing can be started, OSError when that is in doubt.
        """
        _refuse_nul(order)
        directory = self._directory(order.run)
        is_first = not directory.has_order()
        try:
            directory.write_order(order)
            pid = self._command.start(directory.path, order.run.mark)
        except OSError as error:
            if is_first or directory.take_claim():
                raise _not_launched(order, error) from error
            claim = directory.claim()  # an earlier launcher has gone through that door already
            return self._handle(claim.pid if claim else 0, 0)
        self._watch_child(order.run, pid)
        return self._handle(pid, self._table.started_ticks(pid) or 0)

    def look_at_all(self, runs: Sequence[Run]) -> list[Look]:
        """Look once at each."""
        boot = self._boot()
        return [self._looker.look(run, self._directory(run), boot) for run in runs]

    def terminate(self, run: Run) -> bool:
        """Pass TERM to the agent's group, through its launcher where that lives; true when the run never will start."""
        directory = self._directory(run)
        if directory.take_claim() or directory.is_refused():
            return True
        quarry = quarry_of(run.mark, self._looker.trail(run, directory), self._boot())
        if not self._ask_launcher(quarry):
            self._ask_everybody(quarry)
        return False

    def take_claim(self, run: Run) -> None:
        """Make sure that no launcher can start this run any more."""
        self._directory(run).take_claim()

    def kill_once(self, run: Run, sweeper: Sweeper, *, spare_launcher: bool) -> tuple[list[Process], str | None]:
        """Look for the run once and kill what is found."""
        directory = self._directory(run)
        trail, record = self._looker.trail(run, directory), directory.exit()
        quarry = quarry_of(run.mark, trail, self._boot(), record.left if record else ())
        return sweeper.kill_once(quarry, spare_launcher=spare_launcher)

    def exit_of(self, run: Run) -> Exited | None:
        """Read what the launcher recorded of the end."""
        record = self._directory(run).exit()
        return None if record is None else exited(run, record)

    def type(self, run: Run, text: str) -> tuple[int, bool]:
        """Type a line; give the open FIFO, which is the caller's to close, and whether the whole line went in.

        Raises RefusedError, with nothing typed.
        """
        fifo = open_to_type(self._directory(run).stdin)
        try:
            return fifo, type_line(fifo, text.encode("utf-8", "replace") + b"\n")
        except BaseException:
            os.close(fifo)
            raise

    def forget(self, run: Run) -> None:
        """Let go of what is remembered of a run that is over."""
        self._looker.forget(run)

    def _directory(self, run: Run) -> RunDirectory:
        return RunDirectory(self._layout.run_directory(run.session, run.generation))

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

    def _watch_child(self, run: Run, pid: int) -> None:
        hold = take_hold(pid)
        pidfd = hold.release() if hold else None
        if pidfd is None:
            self._watchlist.add_child(pid)
        else:
            self._watchlist.add((run.session, run.generation), pidfd)


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

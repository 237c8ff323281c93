"""A world of scripted runs: what agents do is written down beforehand, and time alone makes it happen.

A run's state is computed from its script and the clock, never from a task or a timer. So the world outlives any number
of daemons and event loops, as processes outlive a daemon; only its clock may have to be replaced.
"""

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from orchestrd.model.ids import SessionId
from orchestrd.model.run import Order
from orchestrd.model.words import Receipt
from orchestrd.ports import Clock

RunKey = tuple[SessionId, int]


class Script(Struct, frozen=True, kw_only=True):
    """What one agent does. Seconds count from its launch; null means never."""

    launch_error: str | None = None  # no launcher can be started
    start_error: str | None = None  # the launcher cannot start the agent, and records that
    starts_after_s: float | None = 0.0
    exits_after_s: float | None = None
    exit_code: int | None = 0
    exit_signal: str | None = None
    is_recorded: bool = True  # false: launcher and agent vanish, and nobody knows how it ended
    reports: tuple[tuple[float, bytes], ...] = ()  # lines of hooks.jsonl, each with its time
    screens: tuple[tuple[float, str], ...] = ()  # what its terminal shows from then on
    heeds_term_after_s: float | None = 0.0
    kills_survived: int = 0
    receipt: Receipt = Receipt.SUBMITTED  # what becomes of a text typed into it
    holds: tuple[str, ...] = ()  # ids of decisions that it waits for, each in a FIFO


class End(Struct, frozen=True, kw_only=True):
    """How and when a run was over, in seconds of the clock."""

    at_s: float
    exit_code: int | None
    exit_signal: str | None
    is_recorded: bool
    error: str | None = None


class ScriptedRun:
    """One run and what was done to it."""

    def __init__(self, script: Script, pid: int, boot: str, launched_s: float) -> None:
        self.script = script
        self.pid = pid
        self.boot = boot
        self.launched_s = launched_s
        self.lines = [(launched_s + after_s, line) for after_s, line in script.reports]
        self.typed: list[str] = []
        self.held = set(script.holds)
        self.answers: list[tuple[str, str]] = []  # ids of decisions, each with what was given
        self.pressed: list[str] = []
        self.has_started: bool | None = None
        self.kills = 0
        self._ends: list[End] = self._scripted_ends()

    def started_s(self) -> float | None:
        """Tell when the agent starts; null when it never does."""
        if self.has_started is not None:  # before the power went off
            return self.launched_s if self.has_started else None
        starts, end = self._after(self.script.starts_after_s), self.first_end()
        if starts is None or self.script.start_error is not None or (end is not None and end.at_s < starts):
            return None
        return starts

    def screen(self, now_s: float) -> str | None:
        """Tell what its terminal shows."""
        shown = [text for after_s, text in self.script.screens if self.launched_s + after_s <= now_s]
        return shown[-1] if shown else None

    def first_end(self) -> End | None:
        """Tell how the run ends, as far as is known now."""
        return min(self._ends, key=lambda end: end.at_s, default=None)

    def end(self, now_s: float) -> End | None:
        """Tell how the run has ended; null while it lives."""
        end = self.first_end()
        return end if end is not None and end.at_s <= now_s else None

    def ends_at(self, at_s: float, exit_code: int | None, exit_signal: str | None) -> None:
        """Let the run end then, unless it does so before."""
        recorded = self.script.is_recorded
        self._ends.append(End(at_s=at_s, exit_code=exit_code, exit_signal=exit_signal, is_recorded=recorded))

    def cut(self, now_s: float) -> None:
        """Stop at once, unrecorded unless it was over; for the next boot all of it was before its beginning."""
        end, started_s = self.end(now_s), self.started_s()
        self.has_started = started_s is not None and started_s <= now_s
        self.launched_s = 0.0
        self._ends = [] if end is None else [replace(end, at_s=0.0)]
        self.lines = [(0.0, line) for at_s, line in self.lines if at_s <= now_s]

    def hooks(self, now_s: float) -> bytes:
        """Give hooks.jsonl as it stands."""
        return b"".join(line + b"\n" for at_s, line in self.lines if at_s <= now_s)

    def _after(self, seconds: float | None) -> float | None:
        return None if seconds is None else self.launched_s + seconds

    def _scripted_ends(self) -> list[End]:
        script, ends = self.script, self._after(self.script.exits_after_s)
        if script.start_error is not None:
            error = script.start_error
            return [End(at_s=self.launched_s, exit_code=None, exit_signal=None, is_recorded=True, error=error)]
        if ends is None:
            return []
        code = None if script.exit_signal else script.exit_code
        return [End(at_s=ends, exit_code=code, exit_signal=script.exit_signal, is_recorded=script.is_recorded)]


class World:
    """All scripted runs of a machine. `clock` may be replaced, as the loop is; answers take `latency_s`.

    While `outage` is set every look fails with it; a session in `unseen` cannot be looked at.
    """

    def __init__(self, clock: Clock, script_of: Callable[[Order], Script] = lambda _: Script()) -> None:
        self.clock = clock
        self.latency_s = 0.0
        self.outage: Exception | None = None
        self.unseen: set[SessionId] = set()
        self.runs: dict[RunKey, ScriptedRun] = {}
        self.refused: set[RunKey] = set()  # runs whose claim a kill took first
        self.launches = 0  # launchers started, those included that found the claim taken
        self.watchers: list[Callable[[RunKey], None]] = []  # told when a run is made to end
        self._script_of = script_of

    def now_s(self) -> float:
        """Give seconds since boot."""
        return self.clock.now().up_s

    def launch(self, order: Order) -> None:
        """Start a launcher. Raises ValueError where the script says that this fails."""
        key = (order.run.session, order.run.generation)
        script = self._script_of(order)
        if script.launch_error is not None:
            self.refused.add(key)
            raise ValueError(script.launch_error)
        self.launches += 1
        if key not in self.runs and key not in self.refused:
            now = self.clock.now()
            self.runs[key] = ScriptedRun(script, 10_000 + len(self.runs), now.boot, now.up_s)

    def refuse(self, key: RunKey) -> bool:
        """Take the claim of a run, and tell whether it never ran and so never will."""
        if key in self.runs:
            return False
        self.refused.add(key)
        return True

    def running(self) -> list[RunKey]:
        """List what lives right now: for laws such as "one live run per session"."""
        now = self.clock.now()
        return [key for key, run in self.runs.items() if run.boot == now.boot and run.end(now.up_s) is None]

    def report(self, session: SessionId, line: bytes) -> None:
        """Let the newest run of a session append a line to its hooks.jsonl now."""
        self.newest(session).lines.append((self.now_s(), line))

    def exit(self, session: SessionId, code: int | None = 0, signal_name: str | None = None) -> None:
        """Let the newest run of a session end now."""
        key = self._newest(session)
        self.runs[key].ends_at(self.now_s(), None if signal_name else code, signal_name)
        for watcher in self.watchers:
            watcher(key)

    def power_off(self) -> None:
        """Let everything that lives be gone; records stay. The clock is rebooted next."""
        now_s = self.now_s()
        for run in self.runs.values():
            run.cut(now_s)

    def newest(self, session: SessionId) -> ScriptedRun:
        """Give the newest run of a session. Raises KeyError when it has none."""
        return self.runs[self._newest(session)]

    def _newest(self, session: SessionId) -> RunKey:
        return max((key for key in self.runs if key[0] == session), default=(session, 0))

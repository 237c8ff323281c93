"""Scopes of systemd: each run, and the tmux server, in a cgroup of its own beside that of the daemon.

What the daemon starts would share its cgroup, and so its fate whenever systemd ends all that is in it, or the kernel
runs out of the memory that is meant for it. `systemd-run --user --scope` puts itself into a scope of its own and then
becomes what it was told to run, under the same pid: whoever is in a scope is found, watched and swept as everywhere.
There the limits hold that a user has set for each agent, and `systemctl --user status orchestrd.slice` shows them all.

A scope is never a reason for a launch to fail. What systemd would take is tried once, on nothing; a launcher that has
not claimed its run in time is started once more without a scope (`LaunchedRuntime.launch`), and scopes are left alone
for a while. The claim is what makes that safe: one of the two finds it taken, and goes away.

systemd-run asks the user's manager by the private socket in XDG_RUNTIME_DIR, and adds INVOCATION_ID. Both names are
taken out again on the way, by env(1): a launcher has the mark of its run in its environment and nothing else, and a
tmux server does not learn how to reach the manager. That matters: a tmux built with systemd would move every pane
into a `tmux-spawn-*.scope`, where our limits do not hold. One that finds a way to the manager all the same does no
harm, since a launcher enters its own scope after tmux has done so. Panes that people open themselves stay in the scope
of the server, which has no limits.

Used where the daemon itself stands below the user's manager: elsewhere (a login over ssh, a container, cron) scopes
would end with that manager, which the daemon does not. Under systemd the scopes of runs are called
`orchestrd-<session>-<generation>.scope` and that of the server `orchestrd-tmux-<random>.scope`, in `orchestrd.slice`.
"""

import os
import secrets
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from orchestrd.model.errors import OrchestrdError, TransientError
from orchestrd.model.limits import SCOPE_RETRY_S, SCOPE_S
from orchestrd.model.run import Run
from orchestrd.model.settings import Limits
from orchestrd.ports import Clock

SLICE = "orchestrd.slice"
RUNTIME_DIRECTORY = "XDG_RUNTIME_DIR"
LEFT_BEHIND = (RUNTIME_DIRECTORY, "INVOCATION_ID")  # not for what runs in the scope
OUTLIVES_OOM = "OOMPolicy=continue"  # what is ended for its memory does not take the rest along (systemd 252)
CGROUPS = Path("/proc/self/cgroup")

Tell = Callable[[OrchestrdError | None], None]  # null: it works, or works again


class Scope(Struct, frozen=True, kw_only=True):
    """How a command is started in a scope of its own: the words before it, and what they need in the environment."""

    words: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]


class Finding(Struct, frozen=True):
    """What systemd takes of these limits: properties of a scope, or, until it is asked again, nothing at all."""

    limits: tuple[str, ...]
    properties: tuple[str, ...] | None
    until_s: float = float("inf")  # since boot


class Scopes:
    """Gives scopes where systemd takes them. Blocking, and on any thread; `tell` is called on that thread."""

    def __init__(self, systemd_run: str, runtime_directory: str, limits: Limits, clock: Clock, tell: Tell) -> None:
        self._systemd_run = systemd_run
        self._environment = ((RUNTIME_DIRECTORY, runtime_directory),)
        self._limits = _properties(limits)
        self._clock = clock
        self._tell = tell
        self._lock = threading.Lock()  # held while systemd is asked: one question at a time
        self._found: Finding | None = None

    def take(self, limits: Limits) -> None:
        """Hold what is started from now on under these limits. Does not wait."""
        self._limits = _properties(limits)

    def of_run(self, run: Run) -> Scope | None:
        """Give a scope for the launcher of a run, and all that it starts; null where there is none to be had."""
        with self._lock:
            properties = self._properties_taken()
        if properties is None:
            return None
        return self._scope(f"orchestrd-{run.session}-{run.generation}", f"session {run.session}", properties)

    def of_tmux_server(self) -> Scope | None:
        """Give a scope for a tmux server; null where there is none to be had."""
        with self._lock:
            taken = self._properties_taken()
        if taken is None:
            return None
        unlimited = tuple(one for one in taken if one == OUTLIVES_OOM)
        return self._scope(f"orchestrd-tmux-{secrets.token_hex(4)}", "terminals of orchestrd", unlimited)

    def failed(self, why: str) -> None:
        """Something was not started in the scope it was given: give none for a while."""
        with self._lock:
            self._give_up(self._limits, why)

    def _properties_taken(self) -> tuple[str, ...] | None:
        """Try, once, what systemd takes, so that a launch need not find out."""
        limits, found = self._limits, self._found
        if found is not None and found.limits == limits and self._still_holds(found):
            return found.properties
        why = self._why_not(taken := (OUTLIVES_OOM, *limits))
        if why is not None and "OOMPolicy" in why:
            why = self._why_not(taken := limits)
        if why is not None:
            self._give_up(limits, why)
            return None
        self._found = Finding(limits, taken)
        self._tell(None)
        return taken

    def _still_holds(self, found: Finding) -> bool:
        is_there = found.properties is None or os.access(self._systemd_run, os.X_OK)  # an upgrade may take it away
        return is_there and self._clock.now().up_s < found.until_s

    def _give_up(self, limits: tuple[str, ...], why: str) -> None:
        self._found = Finding(limits, None, self._clock.now().up_s + SCOPE_RETRY_S)
        said = f"runs are started without a scope of their own, and so without limits: {why}"
        self._tell(TransientError(said, hint="systemctl --user status"))

    def _why_not(self, properties: tuple[str, ...]) -> str | None:
        trial = self._scope(f"orchestrd-trial-{secrets.token_hex(4)}", "trial of orchestrd", properties)
        try:
            done = subprocess.run(
                [*trial.words, "true"],
                env={"PATH": os.environ.get("PATH", os.defpath), **dict(trial.environment)},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=SCOPE_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"systemd-run gave no answer within {SCOPE_S:g} s"
        except OSError as error:
            return f"{self._systemd_run}: {error.strerror}"
        said = done.stderr.decode("utf-8", "replace").strip() or f"systemd-run failed with {done.returncode}"
        return None if done.returncode == 0 else said

    def _scope(self, unit: str, description: str, properties: tuple[str, ...]) -> Scope:
        asked = ("--user", "--scope", "--quiet", "--collect", "--no-ask-password", f"--slice={SLICE}")
        named = (f"--unit={unit}.scope", f"--description={description}")
        held = tuple(f"--property={one}" for one in properties)
        stripped = tuple(word for name in LEFT_BEHIND for word in ("-u", name))
        env = shutil.which("env") or "/usr/bin/env"
        words = (self._systemd_run, *asked, *named, *held, "--", env, *stripped)
        return Scope(words=words, environment=self._environment)


def scopes_here(limits: Limits, clock: Clock, tell: Tell, environ: Mapping[str, str] = os.environ) -> Scopes | None:
    """Give the scopes of this user's manager, where this process stands below it; null elsewhere, at no cost."""
    try:
        cgroups = CGROUPS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    if not is_below_user_manager(cgroups, os.getuid()):
        return None
    directory = environ.get(RUNTIME_DIRECTORY) or f"/run/user/{os.getuid()}"
    systemd_run = shutil.which("systemd-run", path=environ.get("PATH"))
    if systemd_run is None or not Path(directory, "systemd", "private").is_socket():
        return None
    return Scopes(systemd_run, directory, limits, clock, tell)


def is_below_user_manager(cgroups: str, uid: int) -> bool:
    """Tell by what /proc/PID/cgroup holds whether a process stands below the manager of this user."""
    return any(f"/user@{uid}.service/" in line + "/" for line in cgroups.splitlines())


def _properties(limits: Limits) -> tuple[str, ...]:
    asked = (("MemoryMax", limits.memory_max), ("TasksMax", limits.tasks_max), ("CPUWeight", limits.cpu_weight))
    return tuple(f"{name}={value}" for name, value in asked if value is not None)

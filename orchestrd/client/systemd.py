"""The daemon of a home as units of systemd: how they are called, whether they are there, and asking systemd about them.

One home, one pair of units: `orchestrd.service` and `.socket` for the default home, names of its own for any other, so
that two homes never share a unit. They are there when the service's file is where `orch daemon install` puts it.
Whoever starts the daemon of such a home asks systemd to: a daemon started beside it would hold the home against it.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from orchestrd.core.layout import home_from
from orchestrd.model.errors import RefusedError, TimedOutError, UnreachableError
from orchestrd.model.limits import SYSTEMD_ANSWER_S, SYSTEMD_JOB_S

BOOTED = Path("/run/systemd/system")  # is there where systemd runs the machine
RUNTIME_DIRECTORIES = Path("/run/user")
MISCONFIGURED = 2  # how a daemon ends that finds its settings wrong
REASON = "orchestrd: "  # how a daemon begins the line in which it says why it ends
REASON_LINES = 20  # of its last words, looked through for it
UNIT_NAME_CHARS_MAX = 40  # taken from the name of a home; what tells homes apart stands behind it


class Answer(NamedTuple):
    """What a program of systemd's has said."""

    code: int
    out: str
    err: str


class Unit:
    """The service and the socket of one home's daemon, among the units of this user."""

    def __init__(self, home: str, environ: Mapping[str, str] = os.environ) -> None:
        self.home = home
        self.name = unit_name(home, environ)
        self.service = self.name + ".service"
        self.socket = self.name + ".socket"
        config = environ.get("XDG_CONFIG_HOME") or environ.get("HOME", "").rstrip("/") + "/.config"
        self.directory = config.rstrip("/") + "/systemd/user"

    def file(self, unit: str) -> str:
        """Give the path of one of its units."""
        return f"{self.directory}/{unit}"

    @property
    def is_installed(self) -> bool:
        """Tell whether its service is in its place."""
        return Path(self.file(self.service)).exists()

    @property
    def installed(self) -> tuple[str, ...]:
        """Give the names of its units that are there, in the order they are started; a home may do without a socket."""
        return tuple(unit for unit in (self.socket, self.service) if Path(self.file(unit)).exists())

    def start(self) -> None:
        """Have systemd start them, and wait until the daemon is ready; harmless when it runs.

        Raises RefusedError (`no_systemd`), UnreachableError (`not_started`), TimedOutError.
        """
        self._job("start", *self.installed)

    def restart(self) -> None:
        """Have systemd stop the daemon and start it again; who connects meanwhile is answered by the new one.

        Raises as `start` does.
        """
        self._job("restart", self.service)

    def stop(self) -> None:
        """Have systemd stop the daemon, and its socket with it. Raises RefusedError (`no_systemd`), TimedOutError."""
        systemctl("stop", *self.installed, answer_s=SYSTEMD_JOB_S)

    def _job(self, verb: str, *units: str) -> None:
        systemctl("reset-failed", *self.installed)  # who asks by hand is not kept waiting for a limit on starts
        done = systemctl(verb, *units, answer_s=SYSTEMD_JOB_S)
        if done.code != 0:
            why = self.last_words() or done.err.partition("\n")[0]
            is_misconfigured = self.properties("ExecMainStatus").get("ExecMainStatus") == str(MISCONFIGURED)
            hint = "orch config check" if is_misconfigured else "orch daemon logs"
            raise UnreachableError(f"{self.service} did not start: {why}", code="not_started", hint=hint)

    def properties(self, *names: str, unit: str | None = None) -> dict[str, str]:
        """Ask for properties of the service, or of another unit. Raises RefusedError (`no_systemd`)."""
        asked = systemctl("show", unit or self.service, f"--property={','.join(names)}")
        pairs = (line.partition("=") for line in asked.out.splitlines())
        return {name: value for name, _, value in pairs}

    @property
    def pid(self) -> int | None:
        """Give the pid of the daemon that systemd runs; null when it runs none. Raises RefusedError (`no_systemd`)."""
        return int(self.properties("MainPID").get("MainPID") or 0) or None

    def last_words(self) -> str:
        """Give the reason that a daemon of the service has just ended with, as the journal has it, or nothing."""
        newest = ("--user", "--since=-1min", f"--lines={REASON_LINES}", f"--unit={self.service}")
        lines = _asked(
            "journalctl", ("--quiet", "--no-pager", "--output=cat", *newest), SYSTEMD_ANSWER_S
        ).out.splitlines()
        reasons = [line.removeprefix(REASON) for line in lines if line.startswith(REASON)]
        return reasons[-1] if reasons else ""


def unit_of(home: str) -> Unit | None:
    """Give the unit of a home whose daemon is systemd's to start: it is installed, and systemd answers."""
    unit = Unit(home)
    return unit if unit.is_installed and answers() else None


def unit_name(home: str, environ: Mapping[str, str]) -> str:
    """Name the units of a home; `home` is an absolute path."""
    if home == home_from({"HOME": environ.get("HOME", "")}):
        return "orchestrd"
    from hashlib import sha256

    told_apart_by = sha256(os.fsencode(home)).hexdigest()[:8]
    readable = "".join(char if char.isascii() and char.isalnum() else "-" for char in home.rpartition("/")[2])
    return "-".join(filter(None, ("orchestrd", readable[:UNIT_NAME_CHARS_MAX].strip("-"), told_apart_by)))


def systemctl(*words: str, answer_s: float = SYSTEMD_ANSWER_S) -> Answer:
    """Ask this user's systemd. Raises RefusedError (`no_systemd`) where none answers, TimedOutError."""
    answer = _asked("systemctl", ("--user", *words), answer_s)
    if answer.code != 0 and "Failed to connect to" in answer.err:
        raise _absent(answer.err.strip().partition("\n")[0])
    return answer


def answers() -> bool:
    """Tell whether this user has a systemd that answers."""
    try:
        return systemctl("show", "--property=Version").code == 0
    except (RefusedError, TimedOutError):
        return False


def lingers() -> bool:
    """Tell whether this user's services run without a login too. Raises RefusedError (`no_systemd`)."""
    asked = _asked("loginctl", ("show-user", str(os.getuid()), "--property=Linger", "--value"), SYSTEMD_ANSWER_S)
    return asked.out.strip() == "yes"


def environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Give what systemd's programs need to find this user's manager: a shell of cron or su was not told where it is."""
    given = {**environ, "LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0"}
    usual = RUNTIME_DIRECTORIES / str(os.getuid())
    if not given.get("XDG_RUNTIME_DIR") and usual.is_dir():
        given["XDG_RUNTIME_DIR"] = str(usual)
    return given


def _asked(program: str, words: tuple[str, ...], answer_s: float) -> Answer:
    try:
        done = subprocess.run(
            [program, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=environment(),
            timeout=answer_s,
            check=False,
        )
    except FileNotFoundError:
        raise _absent(f"there is no {program}") from None
    except subprocess.TimeoutExpired:
        line = " ".join((program, *words))
        raise TimedOutError(
            f"systemd has not finished within {answer_s:g} s: {line}", hint="orch daemon status"
        ) from None
    return Answer(done.returncode, done.stdout, done.stderr)


def _absent(why: str) -> RefusedError:
    if not BOOTED.is_dir():
        return RefusedError(f"systemd does not run this machine: {why}", code="no_systemd", hint="orch daemon start")
    return RefusedError(
        f"you have no user manager of systemd that answers: {why}",
        code="no_systemd",
        hint=f"sudo loginctl enable-linger {os.environ.get('USER') or os.getuid()}",
    )

"""The daemon as a service of this user's systemd: whether its units are in order, and whether they outlive a logout."""

from collections.abc import Iterator

from msgspec import Struct

from orchestrd.client.systemd import Unit, lingers, systemctl
from orchestrd.model.errors import RefusedError
from orchestrd.model.finding import Finding
from orchestrd_cli.doctor.program import ask
from orchestrd_cli.doctor.subject import Subject, Surroundings, fail, ok, warn

INSTALL = "orch daemon install"
RUNNING = frozenset({"active", "activating", "reloading"})  # a look at its socket is enough to have it started
LOGOUT = (  # whether whoever logs out has all that was started from the session ended
    *("busctl", "get-property", "org.freedesktop.login1", "/org/freedesktop/login1"),
    *("org.freedesktop.login1.Manager", "KillUserProcesses"),
)
ASKED = ("LoadState", "ActiveState", "UnitFileState", "MainPID", "NeedDaemonReload")


class Facts(Struct, frozen=True, kw_only=True):
    """The service, and what systemd says of it; `absence` says why there is no systemd to ask."""

    service: str
    is_installed: bool
    absence: str = ""
    way_out: str = ""  # of that absence
    properties: dict[str, str] = {}
    lingers: bool = False
    kills_at_logout: bool = False
    last_words: str = ""


def look(surroundings: Surroundings) -> Facts:
    """Ask this user's systemd. Raises TimedOutError where it does not answer."""
    unit = Unit(surroundings.layout.home, surroundings.environ)
    try:
        systemctl("show", "--property=Version")
        if not unit.is_installed:
            kills = ask(LOGOUT, surroundings.environ).out.split() == ["b", "true"]
            return Facts(service=unit.service, is_installed=False, kills_at_logout=kills)
        return Facts(
            service=unit.service,
            is_installed=True,
            properties=unit.properties(*ASKED),
            lingers=lingers(),
            last_words=unit.last_words(),
        )
    except RefusedError as error:
        return Facts(service=unit.service, is_installed=unit.is_installed, absence=error.message, way_out=error.hint)


def judge(facts: Facts) -> Iterator[Finding]:
    """Judge the service."""
    if facts.absence and facts.is_installed:
        yield warn("service", f"{facts.service} is installed, and nothing runs it", facts.absence, facts.way_out)
    elif facts.absence:
        yield ok("service", "none: the first verb that needs a daemon starts it")
    elif facts.kills_at_logout:
        cause = "logind has KillUserProcesses on; a service of your own lives on"
        yield warn("service", "when you log out, the daemon and every session are ended", cause, INSTALL)
    elif not facts.is_installed:
        yield ok("service", f"not installed: no daemon runs after a reboot until a verb needs one ({INSTALL})")
    else:
        yield from _installed(facts)


def _installed(facts: Facts) -> Iterator[Finding]:
    said, is_well = facts.properties, True
    for finding in (*_units(facts.service, said), *_running(facts)):
        is_well = False
        yield finding
    if not facts.lingers:
        is_well = False
        cause = "when you log out systemd ends all that is yours: the daemon, and every session with it"
        yield warn("service", "linger is off", cause, "loginctl enable-linger")
    if is_well:
        yield ok("service", f"{facts.service} is enabled and {said['ActiveState']}; linger is on")


def _units(service: str, said: dict[str, str]) -> Iterator[Finding]:
    if said.get("LoadState") != "loaded":
        yield fail("service", f"systemd does not take {service}: {said.get('LoadState') or 'not found'}", next_=INSTALL)
    elif said.get("NeedDaemonReload") == "yes":
        cause = "systemd still goes by what stood there before"
        yield warn("service", f"{service} was changed on disk", cause, "systemctl --user daemon-reload")
    if said.get("UnitFileState") != "enabled":
        yield warn("service", f"{service} is not enabled", "it does not start at login", INSTALL)


def _running(facts: Facts) -> Iterator[Finding]:
    state = facts.properties.get("ActiveState")
    if state == "failed":
        yield fail("service", f"{facts.service} has failed", facts.last_words, "orch daemon logs")
    elif state not in RUNNING:
        cause = "it was stopped; its socket starts it again where that is on"
        yield warn("service", f"{facts.service} is {state}", cause, "orch daemon start")


SUBJECT = Subject(name="service", look=look, judge=judge)

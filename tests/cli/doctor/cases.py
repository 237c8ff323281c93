"""Facts of every kind, for the table of judgements: what each subject may come upon."""

import stat
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from orchestrd.client.inspection import Records
from orchestrd.core.layout import Layout
from orchestrd.model.allowance import Allowance
from orchestrd.model.document import DaemonFacts
from orchestrd.model.origin import Kind, Mistake, Origin, Setting
from orchestrd.model.session import Session
from orchestrd.model.words import Reason, State
from orchestrd_cli.doctor import (
    agents,
    channels,
    clients,
    config,
    daemon,
    disk,
    filesystem,
    forge,
    home,
    homes,
    hooks,
    leftovers,
    memory,
    processes,
    quarantine,
    records,
    service,
    terminals,
    tools,
    worktrees,
)
from orchestrd_cli.doctor.filesystem import Mount
from orchestrd_cli.doctor.program import Said
from orchestrd_cli.doctor.running import Running
from orchestrd_cli.doctor.runs import Mark
from orchestrd_cli.doctor.subject import Subject
from tests import sessions

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
GIB, MIB = 1024**3, 1024**2
HOME = "/home/me/.orch"
LAYOUT = Layout(HOME)

Cases = tuple[Subject[Any], Mapping[str, Any]]


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def a_session(session: str, state: State = State.RUNNING, reason: Reason = Reason.STARTED, **changes: Any) -> Session:
    known = sessions.a_session(session, state=state, reason=reason, state_since=ago(hours=1), created_at=ago(hours=2))
    return replace(known, **changes)


RUNS = a_session("aaaaaaaa", generation=2)
OVER = a_session("bbbbbbbb", State.COMPLETED, Reason.EXITED)
JUST_OVER = a_session("cccccccc", State.COMPLETED, Reason.EXITED, state_since=ago(seconds=1))
KNOWN = Records(
    sessions={one.id: one for one in (RUNS, OVER, JUST_OVER)},
    shown_only={"dddddddd": "schema 9 is newer than 1"},
    damaged=(f"{HOME}/sessions/eeeeeeee.json",),
    set_aside={"ffffffff": f"{HOME}/quarantine/ffffffff.json.1"},
)

# ---- programs --------------------------------------------------------------------------------------------------------


def _installed(name: str, out: str | None = None, code: int = 0) -> agents.Agent:
    said = Said(code=None if out is None else code, out=out or "")
    return agents.Agent(name=name, path=None if out is None else f"/usr/bin/{name}", said=said)


def _tool(name: str, version: str) -> Cases:
    found = tools.Found(path=f"/usr/bin/{name}", said=Said(code=0, out=version))
    subject = next(subject for subject in tools.SUBJECTS if subject.name == name)
    return subject, {
        "there": found,
        "nowhere": tools.Found(path=None, said=Said(code=None)),
        "broken": tools.Found(path=f"/usr/bin/{name}", said=Said(code=127, err="libssl.so.1: not found\nmore")),
        "hanging": tools.Found(path=f"/usr/bin/{name}", said=Said(code=None, err="it gave no answer within 3 s")),
        "old": tools.Found(path=f"/usr/bin/{name}", said=Said(code=0, out=f"{name} 1.8.3")),
        "of no number": tools.Found(path=f"/usr/bin/{name}", said=Said(code=0, out=f"{name} master")),
    }


# ---- the home and what it lies on ------------------------------------------------------------------------------------


def _entry(path: str, mode: int, uid: int = 1000, kind: int = stat.S_IFDIR) -> home.Entry:
    return home.Entry(path=path, mode=kind | mode, uid=uid)


def _home(*entries: home.Entry) -> home.Facts:
    return home.Facts(home=HOME, uid=1000, entries=entries)


PRIVATE = _entry(HOME, 0o700)
SECRET = f"{HOME}/secrets/aaaaaaaa.env"

HOME_CASES = {
    "not there": _home(),
    "not to be made": home.Facts(home=HOME, uid=1000, obstacle="you may not write to /home"),
    "private": _home(PRIVATE, _entry(f"{HOME}/logs", 0o700), _entry(SECRET, 0o600, kind=stat.S_IFREG)),
    "open to all": _home(_entry(HOME, 0o755), _entry(f"{HOME}/logs", 0o700)),
    "open within": _home(PRIVATE, _entry(SECRET, 0o644, kind=stat.S_IFREG)),
    "closed to its owner": _home(_entry(HOME, 0o500)),
    "all open": _home(_entry(HOME, 0o777), *(_entry(f"{HOME}/d{number}", 0o755) for number in range(9))),
    "of another user": _home(_entry(HOME, 0o700, uid=1001)),
    "of another user, seen by root": home.Facts(home=HOME, uid=0, entries=(PRIVATE,)),
    "made with sudo": _home(_entry(HOME, 0o755, uid=0)),
    "partly of another user": _home(PRIVATE, _entry(f"{HOME}/logs", 0o755, uid=0), _entry(f"{HOME}/run", 0o750)),
    "no directory": _home(_entry(HOME, 0o644, kind=stat.S_IFREG)),
}


def _on(kind: str, *options: str) -> filesystem.Facts:
    mounts = (
        Mount(point="/", kind="ext4"),
        Mount(point="/home", kind="autofs"),
        Mount(point="/home", kind=kind, options=frozenset(options)),
        Mount(point="/home/me2", kind="vfat"),
        Mount(point="/mnt", kind="xfs"),
    )
    return filesystem.Facts(home=HOME, mounts=mounts)


FILESYSTEM_CASES = {
    **{kind: _on(kind, "rw", "relatime") for kind in ("ext4", "tmpfs", "overlay", "nfs4", "9p", "fuse.sshfs", "fuse")},
    "ext4 without barriers": _on("ext4", "rw", "nobarrier"),
    "a volatile overlay": _on("overlay", "volatile"),
    "no mount table": filesystem.Facts(home=HOME, mounts=()),
}


def _room(free: float, inodes_free: int = 10**6, **changes: Any) -> tuple[disk.Room, ...]:
    values: dict[str, Any] = {"bytes": 100 * GIB, "inodes": 10**7}
    return (disk.Room(path=HOME, bytes_free=int(free), inodes_free=inodes_free, **values | changes),)


DISK_CASES = {
    "room": _room(40 * GIB),
    "little": _room(1.5 * GIB),
    "none": _room(3 * MIB),
    "few inodes": _room(40 * GIB, 40_000),
    "no inodes": _room(40 * GIB, 12),
    "inodes are not counted": _room(40 * GIB, 0, inodes=0),
    "read-only": _room(40 * GIB, is_read_only=True),
    "two disks": (*_room(40 * GIB, bytes=50 * GIB), *_room(1 * GIB)),
}
MEMORY_CASES = {
    "enough": memory.Memory(total=16 * GIB, available=9 * GIB),
    "little": memory.Memory(total=16 * GIB, available=1 * GIB),
    "none": memory.Memory(total=16 * GIB, available=90 * MIB),
}

# ---- service and daemon ----------------------------------------------------------------------------------------------

WELL = {"LoadState": "loaded", "ActiveState": "active", "UnitFileState": "enabled", "NeedDaemonReload": "no"}


def _service(*, lingers: bool = True, last_words: str = "", **said: str) -> service.Facts:
    return service.Facts(
        service="orchestrd.service",
        is_installed=True,
        properties=WELL | said,
        lingers=lingers,
        last_words=last_words,
    )


SERVICE_CASES = {
    "no systemd": service.Facts(service="orchestrd.service", is_installed=False, absence="there is no systemctl"),
    "installed, and no systemd": service.Facts(
        service="orchestrd.service",
        is_installed=True,
        absence="you have no user manager of systemd that answers",
        way_out="sudo loginctl enable-linger me",
    ),
    "not installed, and a logout ends all": service.Facts(
        service="orchestrd.service", is_installed=False, kills_at_logout=True
    ),
    "about to run": _service(ActiveState="activating"),
    "not installed": service.Facts(service="orchestrd.service", is_installed=False),
    "well": _service(),
    "without linger": _service(lingers=False),
    "not loaded": _service(LoadState="bad-setting"),
    "changed": _service(NeedDaemonReload="yes"),
    "not enabled": _service(UnitFileState="disabled"),
    "failed": _service(ActiveState="failed", last_words="a daemon is already running in this home (pid 7)"),
    "stopped": _service(ActiveState="inactive"),
}


def _origin(line: int | None = None, kind: Kind = Kind.USER, **place: Any) -> Origin:
    return Origin(kind=kind, line=line, **place or {"file": "/home/me/.config/orchestrd/config.toml"})


def _mistake(line: int, cause: str, hint: str = "orch config edit") -> Mistake:
    return Mistake(origin=_origin(line), cause=cause, hint=hint)


UNKNOWN_KEY = _mistake(3, "there is no key 'agnet' in [spawn]: did you mean 'agent'?")
SETUP = Setting(
    key="spawn.setup", value="npm ci", origin=_origin(2, Kind.REPOSITORY, file="/home/me/shop/.orchestrd.toml")
)
CHANNELS_CASES = {
    "none": (),
    "well": (channels.Channel(name="phone", kind="ntfy"), channels.Channel(name="desk", kind="desktop")),
    "one without a secret": (
        channels.Channel(name="phone", kind="ntfy"),
        channels.Channel(
            name="hook", kind="webhook", missing=(("~/secret: No such file or directory", "ls -l /home/me/secret"),)
        ),
    ),
    "without a program, and a variable": (
        channels.Channel(
            name="team",
            kind="apprise",
            missing=(
                ("SLACK_URL is not set here", "export SLACK_URL=..."),
                ("Apprise is not installed", "pip install 'orchestrd[apprise]'"),
            ),
        ),
    ),
}
FORGE_CASES = {
    "none is wanted": forge.Facts(kind="none"),
    "no daemon": forge.Facts(),
    "nothing was asked": forge.Facts(allowances=()),
    "well": forge.Facts(
        allowances=(
            Allowance(host="github.com", limit=5_000, remaining=4_211, resets_in_s=1_700.0, interval_s=15.0),
            Allowance(host="git.example.com", interval_s=15.0),
        )
    ),
    "spent": forge.Facts(
        allowances=(
            Allowance(
                host="github.com",
                limit=5_000,
                remaining=2_500,
                resets_in_s=1_700.0,
                retry_in_s=1_701.0,
                interval_s=1_701.0,
            ),
        )
    ),
    "no token": forge.Facts(
        allowances=(Allowance(host="github.com", error="there is no token for github.com"),),
    ),
    "a secret that is not there": forge.Facts(
        missing=(("~/token: No such file or directory", "ls -l /home/me/token"),), allowances=()
    ),
}
CONFIG_CASES = {
    "nothing is set": config.Facts(
        settings=(Setting(key="daemon.interval_s", value=5.0, origin=Origin(kind=Kind.DEFAULT)),)
    ),
    "well": config.Facts(
        settings=(
            Setting(key="spawn.agent", value="claude", origin=_origin(2)),
            Setting(key="spawn.runtime", value="tmux", origin=_origin(3)),
            Setting(key="spawn.base", value="main", origin=Origin(kind=Kind.ENVIRONMENT, variable="ORCH_SPAWN_BASE")),
        )
    ),
    "one mistake": config.Facts(mistakes=(UNKNOWN_KEY,)),
    "a variable": config.Facts(
        mistakes=(
            Mistake(
                origin=Origin(kind=Kind.ENVIRONMENT, variable="ORCH_SPAWN_AGNET"),
                cause="no key is set by this variable",
                hint="unset ORCH_SPAWN_AGNET",
            ),
        )
    ),
    "many": config.Facts(mistakes=tuple(_mistake(line, "there is no such key") for line in range(1, 9))),
    "untrusted": config.Facts(withheld=(SETUP,), trust="orch trust"),
}


def _told(version: str = "0.1.0", trouble: str | None = None) -> DaemonFacts:
    return DaemonFacts(
        pid=7,
        version=version,
        epoch=1,
        started_at=ago(hours=3),
        home=HOME,
        interval_s=5.0,
        max_running=10,
        sequence=9,
        rejected=0,
        trouble=trouble,
    )


def _daemon(**facts: Any) -> daemon.Facts:
    return daemon.Facts(layout=LAYOUT, now=NOW, **facts)


DAEMON_CASES = {
    "answers": _daemon(holder=7, told=_told(), claimants=(7,), occupying=3),
    "in trouble": _daemon(holder=7, told=_told(trouble="cannot write home.json: No space left on device")),
    "of another version": _daemon(holder=7, told=_told(version="0.0.9")),
    "of another version and in trouble": _daemon(holder=7, told=_told("0.0.9", "cannot list sessions")),
    "without a tool": _daemon(holder=7, told=_told(), not_found=("git", "tmux")),
    "hangs": _daemon(holder=7, silence="the daemon does not answer within 3 s", hangs=True),
    "hangs, and nobody knows who": _daemon(silence="the daemon does not answer within 3 s", hangs=True),
    "has no socket yet": _daemon(holder=7, silence="no daemon answers on /x: No such file or directory"),
    "none": _daemon(silence="no daemon answers"),
    "none beside sessions": _daemon(silence="no daemon answers on /x: No such file or directory", occupying=2),
    "was killed": _daemon(silence="no daemon answers on /x: Connection refused", socket_is_left=True),
    "was killed beside a session": _daemon(silence="Connection refused", socket_is_left=True, occupying=1),
    "cannot be": _daemon(silence="no daemon answers on /x: Connection refused", is_obstructed=True),
    "of another user": _daemon(silence="no daemon answers on /x: Permission denied", stranger=7),
    "two of them": _daemon(holder=7, told=_told(), claimants=(7, 8)),
}


def _homes(**facts: Any) -> homes.Facts:
    values: dict[str, Any] = {"home": HOME, "usual": HOME, "sessions": 3, "usual_sessions": 3}
    return homes.Facts(**values | facts)


ELSEWHERE = (Running(pid=9, home="/tmp/else where"),)

HOMES_CASES = {
    "the only one": _homes(),
    "another beside it": _homes(others=ELSEWHERE),
    "empty, and another is in use": _homes(sessions=0, usual_sessions=0, others=ELSEWHERE),
    "empty, and the usual one is not": _homes(sessions=0, usual="/home/me/.local/state/orchestrd"),
    "empty, as all are": _homes(sessions=0, usual="/home/me/.local/state/orchestrd", usual_sessions=0),
}

# ---- sessions --------------------------------------------------------------------------------------------------------

LOST = a_session("ffffffff", State.LOST, Reason.KILL_FAILED, error="pid 12 is still there")

RECORDS_CASES = {
    "all well": Records(sessions={"aaaaaaaa": RUNS}),
    "none": Records(),
    "one of each": KNOWN,
    "lost": Records(sessions={"ffffffff": LOST}),
    "lost without a word": Records(sessions={"ffffffff": a_session("ffffffff", State.LOST, Reason.CONTACT_LOST)}),
}


def _kept(number: int, why: str = "") -> quarantine.Kept:
    return quarantine.Kept(path=f"{HOME}/quarantine/aaaaaaaa.json.{number}", at=ago(hours=number), why=why)


def _quarantine(*kept: quarantine.Kept) -> quarantine.Facts:
    return quarantine.Facts(directory=f"{HOME}/quarantine", kept=kept, now=NOW)


QUARANTINE_CASES = {
    "empty": _quarantine(),
    "explained": _quarantine(_kept(1, "aaaaaaaa.json is no record of ours: Input data was truncated")),
    "forgotten": _quarantine(_kept(2)),
    "many": _quarantine(*map(_kept, range(1, 9))),
}


def _agent(heard_bytes: int, **span: float) -> hooks.Agent:
    return hooks.Agent(session="aaaaaaaa", agent="claude", started_at=ago(**span), heard_bytes=heard_bytes)


HOOKS_CASES = {
    "no agent": hooks.Facts(agents=(), now=NOW),
    "heard": hooks.Facts(agents=(_agent(100, hours=1), _agent(7, seconds=1)), now=NOW),
    "just begun": hooks.Facts(agents=(_agent(0, seconds=10),), now=NOW),
    "silent": hooks.Facts(agents=(_agent(0, minutes=12), _agent(1, hours=1)), now=NOW),
}


# ---- what is left over -----------------------------------------------------------------------------------------------


def _processes(*marks: tuple[str, int]) -> processes.Facts:
    marked = tuple(
        processes.Marked(pid=number, name="sleep", mark=Mark(*mark)) for number, mark in enumerate(marks, start=100)
    )
    return processes.Facts(layout=LAYOUT, marked=marked, records=KNOWN, now=NOW)


PROCESSES_CASES = {
    "none": _processes(),
    "of a run": _processes(("aaaaaaaa", 2), ("aaaaaaaa", 2)),
    "of an earlier run": _processes(("aaaaaaaa", 1), ("aaaaaaaa", 2)),
    "of a session that is over": _processes(("bbbbbbbb", 1), ("bbbbbbbb", 1)),
    "of one that has just ended": _processes(("cccccccc", 1)),
    "of one that is only shown": _processes(("dddddddd", 1)),
    "of one that cannot be read": _processes(("eeeeeeee", 1)),
    "of one whose record was set aside": _processes(("ffffffff", 1)),
    "of nobody": _processes(("zzzzzzzz", 1)),
    "of several": _processes(("bbbbbbbb", 1), ("zzzzzzzz", 3), *[("bbbbbbbb", 1)] * 9),
}


def _terminals(*panes: terminals.Pane, socket: str = LAYOUT.tmux_socket, said: Said | None = None) -> terminals.Facts:
    return terminals.Facts(socket=socket, said=said or Said(code=0), panes=panes, records=KNOWN, now=NOW)


def _pane(session: str, *mark: Any) -> terminals.Pane:
    return terminals.Pane(session=session, mark=Mark(*mark) if mark else None)


HUB = _pane("orchestrd")

TERMINALS_CASES = {
    "no server ever": terminals.Facts(socket=LAYOUT.tmux_socket, records=KNOWN, now=NOW),
    "no server any more": _terminals(said=Said(code=1, err="no server running on /x")),
    "without tmux": _terminals(said=Said(code=None, is_missing=True)),
    "frozen": _terminals(said=Said(code=None, err="it gave no answer within 3 s")),
    "of another version": _terminals(said=Said(code=1, err="protocol version mismatch (client 8, server 7)")),
    "too far down": _terminals(socket="/" + "d" * 120 + "/tmux.sock"),
    "only a daemon's": _terminals(HUB),
    "of runs": _terminals(HUB, _pane("aaaaaaaa-2", "aaaaaaaa", 2), _pane("renamed", "aaaaaaaa", 2)),
    "of a person": _terminals(_pane("my shell")),
    "of a session that is over": _terminals(_pane("bbbbbbbb-1")),
    "of one whose record was set aside": _terminals(_pane("ffffffff-1")),
    "of an earlier run": _terminals(_pane("aaaaaaaa-1")),
    "renamed, and over": _terminals(_pane("re named", "bbbbbbbb", 1)),
    "a person's pane beside a run": _terminals(_pane("aaaaaaaa-2", "aaaaaaaa", 2), _pane("aaaaaaaa-2")),
    "a run moved to where one was": _terminals(_pane("bbbbbbbb-1", "aaaaaaaa", 2)),
}
CLIENTS_CASES = {
    "none": clients.Facts(socket=LAYOUT.tmux_socket),
    "left": clients.Facts(socket=LAYOUT.tmux_socket, strays=(12, 13)),
    "left beside runs": clients.Facts(socket=LAYOUT.tmux_socket, strays=(12,), runs=2),
    "late": clients.Facts(socket=LAYOUT.tmux_socket, problem="it gave no answer within 3 s"),
}
PLACE = f"{HOME}/worktrees/shop"

WORKTREES_CASES = {
    "none": worktrees.Facts(),
    "known": worktrees.Facts(total=2),
    "without a session": worktrees.Facts(total=9, ownerless=(f"{PLACE}/bbbbbbbb", f"{PLACE}/mine")),
    "taken aside": worktrees.Facts(total=1, aside=(f"{PLACE}/.bbbbbbbb.leaving", f"{PLACE}/.cccccccc.gone")),
    "half made": worktrees.Facts(total=1, half_made=(f"{HOME}/worktrees/.making/bbbbbbbb",)),
}


def _left(name: str, **span: float) -> leftovers.Left:
    return leftovers.Left(path=f"{HOME}/{name}", at_s=ago(**span).timestamp())


DRAFT, FRESH = _left("sessions/.aaaaaaaa.json.tmp", hours=2), _left("prompts/.bbbbbbbb.tmp", seconds=3)
COMMAND = _left("inbox/new/00001795231637024579-aaaaaaaa.json", minutes=5)

LEFTOVERS_CASES = {
    "none": leftovers.Facts(now=NOW),
    "being written": leftovers.Facts(now=NOW, drafts=(FRESH,)),
    "stale": leftovers.Facts(now=NOW, drafts=(DRAFT, FRESH)),
    "waits for a daemon": leftovers.Facts(now=NOW, spooled=(COMMAND,)),
    "not taken in": leftovers.Facts(now=NOW, spooled=(COMMAND, _left("x", seconds=1)), has_daemon=True),
    "about to be taken in": leftovers.Facts(now=NOW, spooled=(_left("x", seconds=1),), has_daemon=True),
    "both": leftovers.Facts(now=NOW, drafts=(DRAFT,), spooled=(COMMAND,)),
}

ALL: Sequence[Cases] = (
    _tool("git", "git version 2.39.5\n"),
    _tool("tmux", "tmux 3.3a\n"),
    (
        agents.SUBJECT,
        {
            "some": (
                _installed("claude", "2.1.5 (Claude Code)\n"),
                _installed("codex"),
                _installed("gemini", "0.61.0\n"),
            ),
            "all": (_installed("claude", "2.1.5 (Claude Code)\n"), _installed("codex", "codex-cli dev\n")),
            "none": (_installed("claude"), _installed("codex")),
            "slow": (
                _installed("claude", "2.1.5 (Claude Code)\n"),
                agents.Agent(name="gemini", path="/usr/bin/gemini", said=Said(code=None, is_late=True)),
            ),
            "broken": (
                _installed("claude", "libssl.so.1: not found\nmore", code=127),
                _installed("gemini", "0.61.0\n"),
            ),
        },
    ),
    (home.SUBJECT, HOME_CASES),
    (filesystem.SUBJECT, FILESYSTEM_CASES),
    (disk.SUBJECT, DISK_CASES),
    (memory.SUBJECT, MEMORY_CASES),
    (config.SUBJECT, CONFIG_CASES),
    (channels.SUBJECT, CHANNELS_CASES),
    (service.SUBJECT, SERVICE_CASES),
    (daemon.SUBJECT, DAEMON_CASES),
    (forge.SUBJECT, FORGE_CASES),
    (homes.SUBJECT, HOMES_CASES),
    (records.SUBJECT, RECORDS_CASES),
    (quarantine.SUBJECT, QUARANTINE_CASES),
    (hooks.SUBJECT, HOOKS_CASES),
    (processes.SUBJECT, PROCESSES_CASES),
    (terminals.SUBJECT, TERMINALS_CASES),
    (clients.SUBJECT, CLIENTS_CASES),
    (worktrees.SUBJECT, WORKTREES_CASES),
    (leftovers.SUBJECT, LEFTOVERS_CASES),
)

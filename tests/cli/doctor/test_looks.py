"""What the looks find in real homes, hostile ones among them, and what a mending does to them."""

import os
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrd.codec import encode_record
from orchestrd.core.launch import HOOKS
from orchestrd.core.layout import Layout
from orchestrd.model.allowance import Allowance
from orchestrd.model.document import DaemonFacts, Status
from orchestrd.model.finding import Checkup, Finding, Level
from orchestrd.model.session import Session
from orchestrd.model.words import Reason, State
from orchestrd_cli import reach
from orchestrd_cli.doctor import (
    agents,
    channels,
    clients,
    daemon,
    disk,
    examining,
    filesystem,
    forge,
    home,
    homes,
    hooks,
    leftovers,
    memory,
    quarantine,
    records,
    terminals,
    tools,
    worktrees,
)
from orchestrd_cli.doctor.program import ask
from orchestrd_cli.doctor.running import Running, is_daemon
from orchestrd_cli.doctor.subject import Subject, Surroundings
from tests.cli.doctor.cases import a_session
from tests.cli.fake_daemon import FakeDaemon, holding, never_answering, whole
from tests.documents import a_spec

HOURS_AGO = time.time() - 3 * 3_600


class House:
    """One home, made as a daemon makes it."""

    def __init__(self, place: Path) -> None:
        self.layout = Layout(str(place / "home"))
        for directory in self.layout.directories():
            Path(directory).mkdir(mode=0o700, parents=True)
        self.environ = {"HOME": str(place), "PATH": os.environ["PATH"]}

    @property
    def surroundings(self) -> Surroundings:
        return Surroundings(layout=self.layout, environ=self.environ, now=reach.now(), uid=os.geteuid())

    def keep(self, *sessions: Session) -> None:
        """Put records on disk."""
        for session in sessions:
            self.write(self.layout.record(session.id), encode_record(session, None))

    def write(self, path: str, data: bytes = b"", *, at_s: float | None = None) -> Path:
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        file.chmod(0o600)
        if at_s is not None:
            os.utime(file, (at_s, at_s))
        return file

    def examine(self, subject: Subject[Any]) -> tuple[Finding, ...]:
        return subject.examine(self.surroundings).findings

    def mend(self, subject: Subject[Any]) -> list[str]:
        return list(subject.examine(self.surroundings).mend())

    def levels(self, subject: Subject[Any]) -> list[Level]:
        return [finding.level for finding in self.examine(subject)]


@pytest.fixture
def house(shallow: Path) -> House:
    return House(shallow)


def _mode(path: str | Path) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode)


# ---- home ----


def test_a_home_as_it_is_made_is_private(house: House) -> None:
    assert house.levels(home.SUBJECT) == [Level.OK]
    assert house.mend(home.SUBJECT) == []


def test_modes_are_set_right_and_nothing_else_is_touched(house: House) -> None:
    secret = house.write(house.layout.secret("aaaaaaaa"), b"KEY=value\0")
    for path, mode in ((house.layout.home, 0o755), (house.layout.logs, 0o500), (secret, 0o644)):
        Path(path).chmod(mode)
    before = _mode(house.layout.journal)

    told = house.mend(home.SUBJECT)

    assert len(told) == 3
    assert (_mode(house.layout.home), _mode(house.layout.logs), _mode(secret)) == (0o700, 0o700, 0o600)
    assert (_mode(house.layout.journal), secret.read_bytes()) == (before, b"KEY=value\0")
    assert house.levels(home.SUBJECT) == [Level.OK]


def test_a_home_that_cannot_be_made_says_what_is_above_it(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    house.layout = Layout(str(tmp_path / "file/home"))
    (in_a_file,) = house.examine(home.SUBJECT)
    house.layout = Layout(str(tmp_path / "not/there"))
    (possible,) = house.examine(home.SUBJECT)
    monkeypatch.setattr(os, "access", lambda *_: False)

    (closed,) = house.examine(home.SUBJECT)

    assert (in_a_file.level, in_a_file.cause) == (Level.FAIL, f"{tmp_path}/file is no directory")
    assert possible.level == Level.OK
    assert (closed.level, closed.cause) == (Level.FAIL, f"you may not write to {tmp_path}")


def test_no_symbolic_link_in_a_home_is_followed(house: House, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    Path(house.layout.logs).rmdir()
    Path(house.layout.logs).symlink_to(elsewhere)
    Path(house.layout.secrets, "bbbbbbbb.env").symlink_to(elsewhere)

    assert house.mend(home.SUBJECT) == []
    assert _mode(elsewhere) == 0o755


def test_a_home_that_is_a_link_to_a_directory_is_that_directory(house: House, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(house.layout.home)
    Path(house.layout.home).chmod(0o750)
    house.layout = Layout(str(tmp_path / "link"))

    house.mend(home.SUBJECT)

    assert house.levels(home.SUBJECT) == [Level.OK]


def test_what_is_somebody_elses_is_named_and_left(house: House) -> None:
    Path(house.layout.home).chmod(0o755)
    stranger = Surroundings(layout=house.layout, environ={}, now=reach.now(), uid=os.geteuid() + 1)

    examined = home.SUBJECT.examine(stranger)

    assert [finding.can_fix for finding in examined.findings] == [False]
    assert _mode(house.layout.home) == 0o755


# ---- leftovers ----


def test_a_stale_draft_is_removed_and_one_that_is_being_written_is_not(house: House) -> None:
    stale = [
        house.write(f"{house.layout.sessions}/.aaaaaaaa.json.tmp", at_s=HOURS_AGO),
        house.write(f"{house.layout.inbox_tmp}/00000000001795231637-aaaaaaaa.12", at_s=HOURS_AGO),
        house.write(f"{house.layout.home}/.home.json.tmp", at_s=HOURS_AGO),
    ]
    kept = [
        house.write(f"{house.layout.prompts}/.bbbbbbbb.tmp"),
        house.write(house.layout.record("aaaaaaaa"), at_s=HOURS_AGO),
        house.write(f"{house.layout.sessions}/.mine", at_s=HOURS_AGO),
    ]

    told = house.mend(leftovers.SUBJECT)

    assert len(told) == len(stale)
    assert [path.exists() for path in stale] == [False] * 3
    assert [path.exists() for path in kept] == [True] * 3


def test_a_draft_that_was_written_to_since_it_was_looked_at_stays(house: House) -> None:
    draft = house.write(f"{house.layout.sessions}/.aaaaaaaa.json.tmp", at_s=HOURS_AGO)
    examined = leftovers.SUBJECT.examine(house.surroundings)
    os.utime(draft)

    assert list(examined.mend()) == []
    assert draft.exists()


def test_what_is_no_plain_file_is_no_draft(house: House) -> None:
    os.mkfifo(f"{house.layout.sessions}/.aaaaaaaa.json.tmp")
    Path(house.layout.home, ".home.json.tmp").mkdir()

    assert house.levels(leftovers.SUBJECT) == [Level.OK]


def test_a_spooled_command_waits_for_a_daemon(house: House) -> None:
    house.write(f"{house.layout.inbox_new}/00000000001795231637-aaaaaaaa.json")

    (alone,) = house.examine(leftovers.SUBJECT)
    with holding(house.layout.lock):
        beside = house.levels(leftovers.SUBJECT)

    assert (alone.level, alone.next) == (Level.WARN, "orch daemon start")
    assert beside == [Level.OK]


# ---- daemon ----


def _leave_a_socket(layout: Layout) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(layout.socket)
        left.listen()


def test_a_socket_that_a_killed_daemon_has_left_is_removed(house: House) -> None:
    _leave_a_socket(house.layout)

    assert [finding.can_fix for finding in house.examine(daemon.SUBJECT)] == [True]
    assert len(house.mend(daemon.SUBJECT)) == 1
    assert not Path(house.layout.socket).exists()
    assert house.levels(daemon.SUBJECT) == [Level.OK]


def test_a_socket_stays_while_somebody_holds_the_home(house: House) -> None:
    _leave_a_socket(house.layout)
    examined = daemon.SUBJECT.examine(house.surroundings)

    with holding(house.layout.lock):
        told = list(examined.mend())

    assert told == []
    assert Path(house.layout.socket).exists()


def test_a_socket_on_which_somebody_has_come_to_listen_stays(house: House) -> None:
    _leave_a_socket(house.layout)
    examined = daemon.SUBJECT.examine(house.surroundings)
    Path(house.layout.socket).unlink()

    with never_answering(Path(house.layout.home)):
        told = list(examined.mend())

    assert told == []
    assert Path(house.layout.socket).exists()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_socket_is_named_and_left(house: House, make: Callable[[str], None]) -> None:
    make(house.layout.socket)

    (found,) = house.examine(daemon.SUBJECT)

    assert (found.level, found.can_fix) == (Level.FAIL, False)
    assert house.mend(daemon.SUBJECT) == []


def test_a_daemon_that_does_not_answer_is_named(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "LOOK_ANSWER_S", 0.1)

    with holding(house.layout.lock) as process, never_answering(Path(house.layout.home)):
        (found,) = house.examine(daemon.SUBJECT)

    assert (found.level, found.told) == (Level.FAIL, f"daemon {process.pid} is there and does not answer")


def test_two_daemons_that_have_run_for_a_while_are_one_too_many(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    place, now = os.path.realpath(house.layout.home), time.time()
    running = [
        Running(pid=7, home=place, since_s=now - 100),
        Running(pid=8, home=place, since_s=now - 60),
        Running(pid=9, home=place, since_s=now - 1),  # it may be about to find that it is not needed
        Running(pid=10, home=f"{place}.other", since_s=now - 100),
    ]
    monkeypatch.setattr(daemon, "daemons", lambda _: iter(running))

    assert daemon.look(house.surroundings).claimants == (7, 8)


@pytest.mark.parametrize(
    ("argv", "is_one"),
    [
        (["/usr/bin/python3", "-P", "-m", "orchestrd", "run", "--interval", "1"], True),
        (["python3", "-m", "orchestrd", "run"], True),
        (["python3", "-m", "orchestrd.schemas"], False),
        (["grep", "-r", "-m", "orchestrd"], False),
        (["-m", "orchestrd", "run"], False),
        ([], False),
    ],
)
def test_a_daemon_is_known_by_how_it_is_started(argv: list[str], is_one: bool) -> None:  # noqa: FBT001 - the answer
    assert is_daemon(argv) is is_one


def test_a_tool_that_only_the_daemon_does_not_find_is_named(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmux").write_text("#!/bin/sh\n")
    (tmp_path / "tmux").chmod(0o755)
    house.environ["PATH"] = str(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")  # the daemon's

    with holding(house.layout.lock):
        beside = daemon.look(house.surroundings).not_found
    alone = daemon.look(house.surroundings).not_found

    assert (beside, alone) == (("tmux",), ())


# ---- sessions ----


def test_every_kind_of_record_is_found(house: House) -> None:
    house.keep(a_session("aaaaaaaa"), a_session("bbbbbbbb", State.LOST, Reason.KILL_FAILED))
    house.write(house.layout.record("cccccccc"), b'{"schema":')

    assert house.levels(records.SUBJECT) == [Level.FAIL, Level.WARN]


def test_the_newest_of_what_was_set_aside_of_a_session_without_a_record_is_found(house: House) -> None:
    house.keep(a_session("aaaaaaaa"))
    for name in ("aaaaaaaa.json.1", "bbbbbbbb.json.9", "bbbbbbbb.json.10", "journal-tail.2", "home.json.3"):
        house.write(f"{house.layout.quarantine}/{name}")

    found = records.look(house.surroundings)

    assert found.set_aside == {"bbbbbbbb": f"{house.layout.quarantine}/bbbbbbbb.json.10"}
    assert found.knows("bbbbbbbb")


def test_a_quarantined_file_of_any_name_is_told_of(house: House) -> None:
    os.mkfifo(os.fsencode(house.layout.quarantine) + b"/\xff\nx")

    found = examining.checkup(house.surroundings, fix=False, subjects=[quarantine.SUBJECT]).findings

    assert [finding.level for finding in found] == [Level.WARN]
    assert "\\udcff\nx" in found[0].told


def test_an_agent_whose_hooks_are_silent_is_found(house: House) -> None:
    spec, started_at = a_spec(agent="claude", runtime="tmux"), a_session("aaaaaaaa").state_since
    for name in ("aaaaaaaa", "bbbbbbbb"):
        house.keep(a_session(name, spec=spec, started_at=started_at))
    house.write(f"{house.layout.run_directory('aaaaaaaa', 1)}/{HOOKS}", b"{}\n")

    assert [finding.next for finding in house.examine(hooks.SUBJECT)] == ["orch attach bbbbbbbb"]


def test_worktrees_are_held_against_records_and_the_archive(house: House) -> None:
    house.keep(a_session("aaaaaaaa"), a_session("dddddddd", State.STARTING, Reason.ADMITTED))
    house.write(f"{house.layout.archive}/bbbbbbbb/bbbbbbbb.json")
    for name in ("shop/aaaaaaaa", "shop/bbbbbbbb", "shop/cccccccc", "shop/mine", "shop/.aaaaaaaa.leaving"):
        Path(house.layout.worktrees, name).mkdir(parents=True)
    for name in ("cccccccc", "dddddddd"):
        Path(house.layout.worktrees, ".making", name).mkdir(parents=True)

    facts = worktrees.look(house.surroundings)

    assert facts == worktrees.Facts(
        total=4,
        ownerless=(f"{house.layout.worktrees}/shop/cccccccc", f"{house.layout.worktrees}/shop/mine"),
        aside=(f"{house.layout.worktrees}/shop/.aaaaaaaa.leaving",),
        half_made=(f"{house.layout.worktrees}/.making/cccccccc",),
    )


def test_the_usual_home_is_looked_at_where_this_one_has_no_sessions(house: House, tmp_path: Path) -> None:
    usual = Layout(str(tmp_path / "state/orchestrd"))
    house.write(usual.record("aaaaaaaa"), b"{}")
    house.environ["XDG_STATE_HOME"] = str(tmp_path / "state")

    (found,) = house.examine(homes.SUBJECT)

    assert (found.level, found.next) == (Level.WARN, f"ORCH_HOME={usual.home} orch status")


# ---- the machine ----


def test_the_machine_is_what_it_is(house: House) -> None:
    (room,) = disk.look(house.surroundings)
    found = memory.look(house.surroundings)

    assert 0 < room.bytes_free <= room.bytes
    assert 0 < found.available <= found.total
    assert filesystem.mount_of("/proc/self", filesystem.look(house.surroundings).mounts).kind == "proc"  # type: ignore[union-attr] # every Linux has it


def test_a_disk_is_measured_where_the_home_will_be(house: House) -> None:
    house.layout = Layout(f"{house.layout.home}/not/there/yet")

    assert [room.path for room in disk.look(house.surroundings)] == [house.layout.home.removesuffix("/not/there/yet")]


def test_each_program_is_asked_for_its_version_and_not_for_long(house: House, tmp_path: Path) -> None:
    for name, version in (("tmux", "tmux 3.5"), ("claude", "2.1.5 (Claude Code)"), ("gemini", "0.61.0")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{version}'\n")
        (tmp_path / name).chmod(0o755)
    house.environ["PATH"] = str(tmp_path)
    subject = next(subject for subject in tools.SUBJECTS if subject.name == "tmux")

    (tool,), (found,) = house.examine(subject), house.examine(agents.SUBJECT)

    assert (tool.level, tool.told) == (Level.OK, f"3.5, {tmp_path / 'tmux'}")
    assert (found.level, found.told) == (
        Level.OK,
        "claude 2.1.5, gemini 0.61.0; not installed: aider, codex, opencode",
    )


def test_a_program_that_hangs_or_cannot_be_started_is_not_there(house: House, tmp_path: Path) -> None:
    program = tmp_path / "no interpreter"
    program.write_text("#!/nowhere/at/all\n")
    program.chmod(0o755)

    late = ask(["sleep", "1000"], house.environ, 0.1)
    broken = ask([str(program)], house.environ)

    assert (late.code, late.first_line) == (None, "it gave no answer within 0.1 s")
    assert (broken.code, broken.first_line) == (None, "it cannot be started: No such file or directory")


def test_a_tmux_socket_that_nobody_serves_is_no_server(house: House) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(house.layout.tmux_socket)

    assert house.levels(terminals.SUBJECT) == [Level.OK]
    assert house.levels(clients.SUBJECT) == [Level.OK]


def test_where_the_tmux_server_does_not_tell_who_is_attached_nobody_is_said_not_to_be(
    house: House, tmp_path: Path
) -> None:
    house.write(house.layout.tmux_socket)
    tmux = house.write(str(tmp_path / "tmux"), b"#!/bin/sh\necho 'server exited unexpectedly' >&2\nexit 1\n")
    tmux.chmod(0o755)
    house.environ["PATH"] = str(tmp_path)

    (found,) = house.examine(clients.SUBJECT)

    assert (found.level, found.cause) == (Level.WARN, "server exited unexpectedly")


# ---- homes that are none ----


def _is_a_file(layout: Layout) -> None:
    Path(layout.home).rename(f"{layout.home}.away")
    Path(layout.home).touch()


def _leads_in_a_circle(layout: Layout) -> None:
    Path(layout.home).rename(f"{layout.home}.away")
    Path(layout.home).symlink_to(layout.home)


def _is_full_of_fifos(layout: Layout) -> None:
    for path in (layout.lock, layout.socket, layout.tmux_socket, layout.record("aaaaaaaa"), layout.home_record):
        os.mkfifo(path)


def _has_files_for_directories(layout: Layout) -> None:
    for directory in layout.directories()[:0:-1]:
        Path(directory).rmdir()
    for directory in (layout.sessions, layout.inbox, layout.quarantine, layout.worktrees, layout.run, layout.journal):
        Path(directory).touch()


def _has_directories_for_files(layout: Layout) -> None:
    for path in (layout.lock, layout.socket, layout.tmux_socket, layout.record("aaaaaaaa"), layout.home_record):
        Path(path).mkdir()


@pytest.fixture(
    params=[
        _is_a_file,
        _leads_in_a_circle,
        _is_full_of_fifos,
        _has_files_for_directories,
        _has_directories_for_files,
    ],
    ids=lambda spoil: spoil.__name__.strip("_").replace("_", " "),
)
def spoilt(house: House, request: pytest.FixtureRequest) -> House:
    """Give a home of the kind that nobody should have."""
    request.param(house.layout)
    return house


def test_a_hostile_home_is_told_of_and_costs_nobody_an_answer(spoilt: House) -> None:
    found: Checkup = examining.checkup(spoilt.surroundings, fix=True)

    assert {finding.subject for finding in found.findings} == {subject.name for subject in examining.SUBJECTS}
    assert not any("no answer within" in finding.told for finding in found.findings)
    assert not any("Error" in finding.told for finding in found.findings)  # the name of a class is no sentence


# ---- channels --------------------------------------------------------------------------------------------------------

CHANNELS = """
[channels.phone]
kind = "ntfy"
topic = "agents"
token_file = "~/token"

[channels.hook]
kind = "webhook"
url_env = "HOOK_URL"
secret_file = "~/open"

[channels.page]
kind = "command"
command = ["no-such-pager"]

[channels.desk]
kind = "desktop"

[channels.empty]
kind = "apprise"
url_file = "~/empty"

[channels.off]
kind = "desktop"
enabled = false
"""


def test_a_channel_is_told_of_with_each_thing_that_it_lacks(house: House, tmp_path: Path) -> None:
    (tmp_path / "orchestrd").mkdir()
    (tmp_path / "orchestrd/config.toml").write_text(CHANNELS)
    for name, text in (("open", "s3cret"), ("empty", "")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o644)
    house.environ |= {"XDG_CONFIG_HOME": str(tmp_path), "PATH": str(tmp_path), "HOME": str(tmp_path)}

    looked_at = channels.look(house.surroundings)
    found = {channel.name: [told for told, _ in channel.missing] for channel in looked_at}

    assert [next_ for channel in looked_at if channel.name == "page" for _, next_ in channel.missing] == [
        "command -v no-such-pager"
    ]
    assert found == {
        "phone": ["~/token: No such file or directory"],
        "hook": ["HOOK_URL is not set here", "~/open can be read by others"],
        "page": ["no-such-pager is not there, or no program"],
        "desk": ["notify-send is not on the PATH"],
        "empty": ["~/empty is empty"],
    }


def test_a_channel_that_has_all_it_needs_lacks_nothing(house: House, tmp_path: Path) -> None:
    (tmp_path / "orchestrd").mkdir()
    (tmp_path / "orchestrd/config.toml").write_text(CHANNELS)
    for name in ("token", "open", "empty", "notify-send", "no-such-pager"):
        (tmp_path / name).write_text("s3cret")
        (tmp_path / name).chmod(0o700)
    house.environ |= {
        "XDG_CONFIG_HOME": str(tmp_path),
        "PATH": str(tmp_path),
        "HOME": str(tmp_path),
        "HOOK_URL": "https://example.org/",
    }

    assert [channel.missing for channel in channels.look(house.surroundings)] == [()] * 5


# ---- forge -----------------------------------------------------------------------------------------------------------

FORGE = """
[forge]
token_file = "~/token"
webhook_listen = "127.0.0.1:7810"
webhook_secret_env = "HOOK_SECRET"
"""


def test_what_is_set_of_the_forge_is_looked_for_without_a_daemon(house: House, tmp_path: Path) -> None:
    (tmp_path / "orchestrd").mkdir()
    (tmp_path / "orchestrd/config.toml").write_text(FORGE)
    house.environ |= {"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)}

    found = forge.look(house.surroundings)

    told = [told for told, _ in found.missing]
    assert told == ["HOOK_SECRET is not set here", "~/token: No such file or directory"]
    assert found.allowances is None


def test_what_the_daemon_says_of_the_forge_is_told(house: House) -> None:
    allowance = Allowance(host="github.com", limit=5_000, remaining=4_000)
    facts = DaemonFacts(
        pid=1,
        version="0.1.0",
        epoch=1,
        started_at=reach.now(),
        home=house.layout.home,
        interval_s=5.0,
        max_running=8,
        sequence=0,
        rejected=0,
        allowances=(allowance,),
    )
    daemon = FakeDaemon(Path(house.layout.home))
    daemon.answers("/v1/status", whole(msgspec.json.encode(Status(daemon=facts, sessions=(), hidden=0))))
    daemon.start()
    try:
        found = forge.look(house.surroundings)
    finally:
        daemon.stop()

    assert found.allowances == (allowance,)

"""The environment of a run, and where its secret values are never seen; the modes of every file of a home."""

import json
import os
import stat
from contextlib import suppress
from pathlib import Path

from orchestrd.client import calls
from orchestrd.client.requests import spawn_request
from orchestrd.model.document import SpawnRequest
from tests.acceptance import agents
from tests.acceptance.daemon import Home
from tests.acceptance.processes import until

SECRET = "s3cr3t-of-the-client"
DAEMONS_OWN = "s3cr3t-of-the-daemon"
CLIENT = {
    "HOME": "/home/of/the/client",
    "USER": "client",
    "SHELL": "/bin/of/the/client",
    "PATH": os.environ["PATH"],
    "LANG": "C.UTF-8",
    "TMPDIR": "/tmp/of/the/client",
    "SSH_AUTH_SOCK": "/run/agent.of.the.client",
    "TOKEN": SECRET,
    "EMPTY": "",
    "LINES": "one\ntwo",
    "EDITOR": "not asked for",
    "PYTHONPATH": "not asked for",
    "LD_PRELOAD": "not asked for",
}


def _request(home: Home, script: str, *names: str) -> SpawnRequest:
    request = spawn_request(
        argv=["sh", "-c", script], runtime="process", directory=str(home.place), env_names=names, environ=CLIENT
    )
    home.sessions.add(request.id)
    return request


def _environment_in(home: Home, request: SpawnRequest) -> dict[str, str]:
    """Run a program that writes down what it was started with."""
    session = home.ask(calls.spawn(request)).id
    told = home.until_over(session)[session]
    assert told.state == "completed", home.log(session)
    pairs = (home.place / "environ").read_bytes().decode().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if pair)


def test_a_run_is_given_what_the_issue_says_and_nothing_else(home: Home) -> None:
    os.environ["OF_THE_DAEMON"] = DAEMONS_OWN
    try:
        home.start()
    finally:
        del os.environ["OF_THE_DAEMON"]
    request = _request(home, "exec cat /proc/self/environ >environ", "TOKEN", "EMPTY", "LINES")

    given = _environment_in(home, request)

    expected = {name: CLIENT[name] for name in ("HOME", "USER", "SHELL", "PATH", "LANG", "TMPDIR", "SSH_AUTH_SOCK")}
    expected |= {name: CLIENT[name] for name in ("TOKEN", "EMPTY", "LINES")}
    expected |= {
        "ORCH_HOME": home.layout.home,
        "ORCH_SESSION": request.id,
        "ORCH_RUN": f"{request.id}:1:{request.spec.nonce}",
        "ORCH_RUN_DIR": home.layout.run_directory(request.id, 1),
    }
    assert {name: value for name, value in given.items() if name not in ("PWD", "OLDPWD", "_", "SHLVL")} == expected


def test_what_the_client_does_not_have_is_not_made_up_from_the_daemon(home: Home) -> None:
    home.start()
    bare = spawn_request(
        argv=["/bin/sh", "-c", "exec /bin/cat /proc/self/environ >environ"], directory=str(home.place), environ={}
    )
    home.sessions.add(bare.id)

    given = _environment_in(home, bare)

    assert {name for name in given if not name.startswith("ORCH_")} <= {"PWD", "OLDPWD", "_", "SHLVL"}


def _all_texts_of(home: Home) -> dict[str, bytes]:
    """Read every file of the home but those that are there for secrets."""
    found = {}
    for path in Path(home.layout.home).rglob("*"):
        if path.is_file() and not path.is_relative_to(home.layout.secrets):
            with suppress(FileNotFoundError):  # a daemon at work replaces files
                found[str(path)] = path.read_bytes()
    return found


def _command_lines() -> bytes:
    lines = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(place.read_bytes())
        except OSError:
            continue
    return b"\n".join(lines)


def test_a_secret_value_is_in_its_own_file_and_nowhere_else(home: Home) -> None:
    daemon = home.start()
    request = _request(home, '[ "$TOKEN" = ' + SECRET[:3] + "* ]; exec sleep 1000", "TOKEN")
    session = home.ask(calls.spawn(request)).id
    home.reach(session, "running")

    for word in (SECRET, DAEMONS_OWN):
        assert word.encode() not in _command_lines()
    answers = json.dumps(
        [
            home.ask(calls.show(session)).__repr__(),
            home.ask(calls.explain(session)).__repr__(),
            repr(home.documents()),
            repr(home.journal()),
        ]
    )
    home.kill(session)
    home.reach(session, "cancelled")
    home.revive(session)
    home.kill(session)
    home.until_over(session)

    assert SECRET not in answers
    assert SECRET not in daemon.words()
    assert [path for path, data in _all_texts_of(home).items() if SECRET.encode() in data] == []
    assert SECRET.encode() in Path(home.layout.secret(session)).read_bytes()
    assert home.record(session).spec.env_names[-1] == "TOKEN"


def test_a_spooled_secret_is_in_its_own_file_and_nowhere_else(home: Home) -> None:
    from orchestrd.client.blocking import Client

    request = _request(home, "exit 0", "TOKEN")

    Client(home.layout.home, use_daemon=False).spawn(request)

    assert [path for path, data in _all_texts_of(home).items() if SECRET.encode() in data] == []
    assert stat.S_IMODE(Path(home.layout.secret(request.id)).stat().st_mode) == 0o600
    home.start()
    assert home.until_over(request.id)[request.id].state == "completed"


def test_everything_in_a_home_is_private_whatever_the_umask(home: Home) -> None:
    before = os.umask(0)
    try:
        daemon = home.start()
    finally:
        os.umask(before)
    sessions = [home.spawn(agents.ends_with(0), prompt="x"), home.spawn(agents.SLEEPS), home.spawn(agents.ASKS)]
    home.reach(sessions[1], "running")
    home.reach(sessions[2], "waiting")
    home.send(sessions[2], "go")
    home.until_over(sessions[0], sessions[2])
    Path(home.layout.record("spoileda")).write_bytes(b"no record")
    until(home.quarantined, "it is in quarantine")
    daemon.kill()  # while it is at work, files come and go

    modes = {path: path.lstat().st_mode for path in [Path(home.layout.home), *Path(home.layout.home).rglob("*")]}
    del modes[Path(home.layout.quarantine, home.quarantined()[0])]  # it keeps the mode it came with

    directories = {path for path, mode in modes.items() if stat.S_ISDIR(mode)}
    assert {path: oct(modes[path]) for path in directories if stat.S_IMODE(modes[path]) != 0o700} == {}
    others = {path: mode for path, mode in modes.items() if path not in directories}
    assert {path: oct(mode) for path, mode in others.items() if stat.S_IMODE(mode) & 0o177} == {}
    assert len(others) > 20


def test_a_home_that_was_open_to_others_is_closed_by_the_next_start(home: Home) -> None:
    home.start().kill()
    for path in [Path(home.layout.home), *Path(home.layout.home).iterdir()]:
        path.chmod(0o755 if path.is_dir() else 0o644)

    home.start()

    directories = [Path(name) for name in home.layout.directories()]
    assert [path for path in directories if stat.S_IMODE(path.stat().st_mode) != 0o700] == []


def test_a_daemon_holds_nothing_of_its_caller_and_its_agents_nothing_of_it(home: Home) -> None:
    home.start()
    session = home.spawn(agents.BEGIN + "ls -l /proc/self/fd >&2; exec sleep 1000")
    home.reach(session, "running")
    until(lambda: home.log(session), "it has spoken")

    launcher = next(found.pid for found in home.processes() if "launcher" in _command_line(found.pid))
    agent = next(found.pid for found in home.processes() if "sleep" in _command_line(found.pid))

    assert sorted(int(fd.name) for fd in Path(f"/proc/{agent}/fd").iterdir()) == [0, 1, 2]
    run = home.layout.run_directory(session, 1)
    held = {str(fd.readlink()) for fd in Path(f"/proc/{launcher}/fd").iterdir()}
    assert held <= {"/dev/null", home.layout.log(session), run, f"{run}/stdin"}
    assert len({os.getsid(pid) for pid in (launcher, agent, os.getpid())}) == 3
    assert os.getpgid(agent) == agent
    home.kill(session)
    home.reach(session, "cancelled")


def _command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")

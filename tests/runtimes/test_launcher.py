"""The launcher alone, with real processes and without a daemon."""

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrd.model import limits
from orchestrd.runtimes import launcher
from orchestrd.runtimes.starting import LauncherCommand
from tests.processes import (
    LEAVES_A_STRANGER,
    POWERLESS,
    bearers,
    is_alive,
    skip_unless_there_can_be_strangers,
    stat_of,
)
from tests.runtimes.launcher_bench import MARK, WAIT_S, LauncherBench

# Detaches in every way there is: a grandchild in a session of its own, its environment cleared, its parent gone.
ESCAPE = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execve(sys.executable, [sys.executable, "-ISc", {program!r}, {path!r}], {{}})
    os._exit(0)
os.wait()
while not os.path.exists({path!r}):
    time.sleep(0.005)
"""
HIDE = "import os, sys, time; open(sys.argv[1] + '.tmp', 'w').write(str(os.getpid())); "
HIDE += "os.replace(sys.argv[1] + '.tmp', sys.argv[1]); time.sleep(300)"
HIDE_FROM_TERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + HIDE


def escaping(program: str, path: Path) -> tuple[str, ...]:
    return (sys.executable, "-ISc", ESCAPE.format(program=program, path=str(path)))


@pytest.mark.parametrize("code", [0, 1, 3, 137, 255])
def test_an_exit_code_is_recorded_as_it_is_and_128_plus_n_stays_a_code(bench: LauncherBench, code: int) -> None:
    record = bench.run("sh", "-c", f"exit {code}")

    assert (record["exit_code"], record["exit_signal"], record["error"]) == (code, None, None)


@pytest.mark.parametrize("name", ["SIGHUP", "SIGINT", "SIGABRT", "SIGKILL", "SIGTERM", "SIGPIPE", "SIGUSR1"])
def test_a_deadly_signal_is_recorded_by_name(bench: LauncherBench, name: str) -> None:
    record = bench.run("sh", "-c", f"ulimit -c 0; kill -{name[3:]} $$")

    assert (record["exit_code"], record["exit_signal"]) == (None, name)


def test_every_signal_has_the_name_that_python_knows() -> None:
    names = {int(number): launcher.signal_name(number) for number in signal.valid_signals()}

    assert {number: names[number] for number in signal.Signals} == {number: number.name for number in signal.Signals}
    assert names[signal.SIGRTMIN + 3] == "SIGRTMIN+3"


def test_the_start_record_names_boot_launcher_and_agent(bench: LauncherBench) -> None:
    started = bench.write_order("sleep", "300").start()

    record = bench.record("start.json")

    agent = launcher.read_stat(record["agent"]["pid"])
    assert agent is not None
    assert record["boot"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert record["launcher"]["pid"] == started.pid
    assert record["agent"]["started_ticks"] == int(agent[19])


def test_the_agent_leads_a_session_and_a_group_of_its_own(bench: LauncherBench) -> None:
    bench.write_order("sleep", "300").start()

    agent = bench.agent()

    assert os.getsid(agent) == os.getpgid(agent) == agent


def test_of_twenty_launchers_at_once_one_starts_the_agent(bench: LauncherBench) -> None:
    bench.write_order("sh", "-c", f"echo started >>{bench.place}/count; sleep 0.2")
    command = LauncherCommand()

    pids = [command.start(str(bench.directory), MARK) for _ in range(20)]
    codes = [os.waitpid(pid, 0)[1] for pid in pids]

    assert codes == [0] * 20
    assert (bench.place / "count").read_text() == "started\n"
    assert bench.record("start.json")["launcher"]["pid"] in pids


def test_a_launcher_that_finds_the_claim_taken_goes_without_a_word(bench: LauncherBench) -> None:
    bench.write_order("sh", "-c", "echo started")
    (bench.directory / "claim").write_text('{"boot":"b","pid":1,"by":"kill"}')

    code = bench.start().wait(WAIT_S)

    assert code == 0
    assert sorted(path.name for path in bench.directory.iterdir()) == ["claim", "order"]
    assert not bench.log.exists()


def test_the_environment_is_exactly_secrets_order_and_mark(bench: LauncherBench) -> None:
    bench.secrets.write_bytes(b"PATH=/usr/bin:/bin\0TOKEN=a=b\nc\0NAME=\xff")

    bench.run("env", "-0", environment={"ORCH_HOME": "/h", "EMPTY": ""})

    pairs = set(bench.log.read_bytes().rstrip(b"\0").split(b"\0"))
    assert pairs == {
        b"PATH=/usr/bin:/bin",
        b"TOKEN=a=b\nc",
        b"NAME=\xff",
        b"ORCH_HOME=/h",
        b"EMPTY=",
        b"ORCH_RUN=" + MARK.encode(),
    }


def test_the_agent_inherits_its_three_streams_and_no_other_descriptor(bench: LauncherBench) -> None:
    bench.run(
        sys.executable, "-ISc", "import os; print([fd for fd in range(256) if os.path.exists(f'/proc/self/fd/{fd}')])"
    )

    assert bench.output() == "[0, 1, 2]\n"


def test_the_agent_has_default_signals_and_blocks_none(bench: LauncherBench) -> None:
    bench.run("grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status")

    masks = {name: int(mask, 16) for name, mask in (line.split() for line in bench.output().splitlines())}
    ours = sum(1 << (number - 1) for number in signal.valid_signals())  # two more are the C library's own
    assert {name: mask & ours for name, mask in masks.items()} == {"SigBlk:": 0, "SigIgn:": 0}


def test_the_program_is_looked_for_in_the_path_of_the_agent_and_the_directory_is_entered(bench: LauncherBench) -> None:
    tools = bench.place / "tools"
    tools.mkdir()
    (tools / "greet").write_text("#!/bin/sh\npwd\n")
    (tools / "greet").chmod(0o755)
    bench.secrets.write_bytes(f"PATH=/nowhere:{tools}:/usr/bin:/bin".encode())

    record = bench.run("greet", directory=str(bench.place))

    assert record["exit_code"] == 0
    assert bench.output() == f"{bench.place}\n"


def test_output_is_appended_to_a_private_log(bench: LauncherBench) -> None:
    bench.run("sh", "-c", "echo out; echo err >&2")

    assert bench.output() == "out\nerr\n"
    assert bench.log.stat().st_mode & 0o777 == 0o600


def plain_text(bench: LauncherBench) -> str:
    (bench.place / "text").write_text("hello")
    (bench.place / "text").chmod(0o755)
    return f"{bench.place}/text"


def test_what_cannot_be_started_is_named_with_its_cause(bench: LauncherBench) -> None:
    causes = {
        ("frobnicate",): "cannot start 'frobnicate': no such program in the PATH of the run",
        ("/nowhere/tool",): "cannot start '/nowhere/tool': no such program",
        ("/",): "cannot start '/': Permission denied",
        ("echo", "x" * 200_000): "cannot start 'echo': Argument list too long",
        (plain_text(bench),): f"cannot start '{bench.place}/text': Exec format error",
    }
    said = {}

    for argv in causes:
        for name in ("claim", "exit.json", "stdin"):
            (bench.directory / name).unlink(missing_ok=True)
        said[argv] = bench.run(*argv)["error"]

    assert said == causes
    assert not (bench.directory / "start.json").exists()


def test_a_directory_that_is_missing_is_named(bench: LauncherBench) -> None:
    record = bench.run("true", directory=f"{bench.place}/no\nwhere\"'")

    assert record["error"] == f"cannot enter the directory '{bench.place}/no\nwhere\"'': No such file or directory"
    assert (record["exit_code"], record["exit_signal"]) == (None, None)


def test_an_environment_that_cannot_be_read_is_named(bench: LauncherBench) -> None:
    bench.secrets.unlink()

    record = bench.run("true")

    assert record["error"] == f"cannot read '{bench.secrets}': No such file or directory"


def test_an_order_that_is_missing_is_named(bench: LauncherBench) -> None:
    bench.start().wait(WAIT_S)

    assert bench.exit()["error"] == "cannot read the order of the run: No such file or directory"


FORWARDED = ["HUP", "INT", "QUIT", "TERM", "USR1", "USR2"]


@pytest.mark.parametrize("name", FORWARDED)
def test_a_signal_to_the_launcher_reaches_the_group_of_the_agent(bench: LauncherBench, name: str) -> None:
    catch = f"import signal, sys, time; signal.signal(signal.SIG{name}, lambda *_: sys.exit(7))"
    waits = "print('ready', flush=True)\nwhile True: time.sleep(0.05)"  # a pause would miss what comes right before it
    bench.write_order(sys.executable, "-ISc", f"{catch}; {waits}")
    started = bench.start()
    bench.until_output("ready")

    started.send_signal(signal.Signals[f"SIG{name}"])

    assert bench.exit()["exit_code"] == 7


def test_a_signal_that_comes_before_the_agent_waits_for_it(bench: LauncherBench) -> None:
    order = bench.directory / "order"
    bench.write_order("sleep", "300")
    text = order.read_bytes()
    order.unlink()
    os.mkfifo(order)  # the launcher has claimed the run, and waits here for its order
    started = bench.start()
    bench.record("claim")

    started.send_signal(signal.SIGTERM)
    order.write_bytes(text)

    assert bench.exit()["exit_signal"] == "SIGTERM"


def test_a_pause_of_the_agent_is_no_end(bench: LauncherBench) -> None:
    bench.write_order("sh", "-c", "kill -STOP $$; exit 5").start()
    agent = bench.agent()
    bench.until(lambda: (stat_of(agent) or "?")[0] == "T")

    os.kill(agent, signal.SIGCONT)

    assert bench.exit()["exit_code"] == 5


def test_an_agent_that_runs_as_somebody_else_by_now_is_watched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    received = iter([signal.SIGTERM, signal.SIGCHLD])
    monkeypatch.setattr("_signal.sigwait", lambda _: next(received))
    monkeypatch.setattr(launcher, "reap", lambda agent: 0)
    monkeypatch.setattr(os, "killpg", _refused)

    assert launcher._watch(4711, launcher.Streams()) == 0


def _refused(*_: object) -> None:
    raise PermissionError(1, "Operation not permitted")


def test_stdin_is_a_pipe_of_the_usual_size_where_no_larger_one_is_allowed(
    bench: LauncherBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "fcntl", _refused)
    place = os.open(bench.directory, os.O_RDONLY)

    stdin = launcher._open_stdin(place)

    assert os.write(stdin, b"hello") == 5
    os.close(stdin)
    os.close(place)


def test_where_orphans_cannot_be_adopted_the_agent_runs_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())

    launcher.adopt_orphans()


def test_an_end_that_can_never_be_recorded_is_given_up(bench: LauncherBench, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[bytes] = []

    def full(place: int, name: str, data: bytes) -> None:
        tries.append(data)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(launcher, "RECORD_TRIES", 3)
    monkeypatch.setattr(launcher, "RECORD_RETRY_S", 0.0)
    monkeypatch.setattr(launcher, "write_durable", full)

    launcher._insist(-1, b"record")

    assert tries == [b"record"] * 3


def test_stdin_never_ends_not_even_when_the_launcher_is_killed(bench: LauncherBench) -> None:
    bench.write_order("sh", "-c", "while read -r line; do echo got $line; done; echo end")
    started = bench.start()
    agent = bench.agent()
    stdin = bench.directory / "stdin"
    stdin.write_text("one\n")
    bench.until_output("got one")

    started.kill()
    started.wait(WAIT_S)
    stdin.write_text("two\n")

    bench.until_output("got two")
    assert is_alive(agent)
    os.kill(agent, signal.SIGKILL)


def test_what_detached_itself_in_every_way_is_ended_before_the_end_is_recorded(bench: LauncherBench) -> None:
    record = bench.run(*escaping(HIDE, bench.place / "pid"))

    escaped = int((bench.place / "pid").read_text())
    assert (record["exit_code"], record["left"]) == (0, [])
    assert record["ended"] >= 1
    assert not is_alive(escaped)


def test_what_ignores_term_as_well_is_killed(bench: LauncherBench) -> None:
    record = bench.run(*escaping(HIDE_FROM_TERM, bench.place / "pid"))

    escaped = int((bench.place / "pid").read_text())
    assert record["left"] == []
    assert not is_alive(escaped)


def test_what_belongs_to_another_run_is_spared(bench: LauncherBench) -> None:
    settled = "until grep -qz ORCH_RUN=daemon /proc/$!/environ; do :; done"
    bench.run("sh", "-c", f"ORCH_RUN=daemon setsid sleep 300 & {settled}; echo $! >pid", directory=str(bench.place))

    other = int((bench.place / "pid").read_text())
    assert is_alive(other)
    os.kill(other, signal.SIGKILL)


def test_what_cannot_be_ended_is_named_in_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    signals: list[tuple[float, int]] = []

    def pass_time(seconds: float) -> None:
        nonlocal now_s
        now_s += seconds

    monkeypatch.setattr(launcher, "_children", lambda mark: [4711])
    monkeypatch.setattr(os, "kill", lambda pid, number: signals.append((now_s, number)))
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    monkeypatch.setattr(time, "sleep", pass_time)

    left = launcher.sweep(b"mark", set())

    first_kill_s = next(at_s for at_s, number in signals if number == signal.SIGKILL)
    assert left == [4711]
    assert [at_s for at_s, number in signals if number == signal.SIGTERM] == [100.0]
    assert first_kill_s == pytest.approx(100.0 + launcher.PATIENCE_S, abs=2 * launcher.SWEEP_LOOK_S)
    assert now_s == pytest.approx(100.0 + launcher.SWEEP_S, abs=2 * launcher.SWEEP_LOOK_S)


def test_what_runs_as_another_user_by_now_is_named_in_the_record_and_costs_no_exit_code(bench: LauncherBench) -> None:
    skip_unless_there_can_be_strangers()
    bench.write_order("sh", "-c", LEAVES_A_STRANGER).start(*POWERLESS)

    record = bench.exit()

    stranger = int(bench.output())
    (left,) = record["left"]
    assert (record["exit_code"], left["pid"]) == (7, stranger)
    assert left["started_ticks"] == int((stat_of(stranger) or [])[19])
    os.kill(stranger, signal.SIGKILL)


def test_whatever_goes_wrong_with_the_sweep_the_end_of_the_agent_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(mark: bytes, asked: set[int]) -> list[int]:
        raise OSError(23, "Too many open files in system")

    monkeypatch.setattr(launcher, "_watch", lambda agent, streams: 7 << 8)
    monkeypatch.setattr(launcher, "sweep", broken)

    record = json.loads(launcher._end(4711, b"mark", launcher.Streams()))

    assert (record["exit_code"], record["left"]) == (7, [])
    assert record["error"] == (
        "what the agent left behind could not be ended: OSError: [Errno 23] Too many open files in system"
    )


def test_a_run_whose_start_cannot_be_recorded_is_not_run(bench: LauncherBench) -> None:
    (bench.directory / "start.json").mkdir()

    record = bench.run("sh", "-c", "setsid sleep 300 & exec sleep 300")

    assert record["error"] == "cannot record the start of the run: Is a directory"
    assert bearers(MARK) == []


def test_an_end_that_cannot_be_recorded_is_tried_again(bench: LauncherBench) -> None:
    blocker = bench.directory / "exit.json"
    blocker.mkdir()
    bench.write_order("sh", "-c", "exit 4").start()
    bench.until((bench.directory / "exit.json.tmp").exists)

    blocker.rmdir()

    assert bench.exit()["exit_code"] == 4


def test_a_trap_in_the_place_of_the_record_does_not_hold_up_the_end(bench: LauncherBench) -> None:
    record = bench.run("mkfifo", "exit.json.tmp", directory=str(bench.directory))

    assert record["exit_code"] == 0


def test_a_link_in_the_place_of_the_record_leads_it_nowhere(bench: LauncherBench) -> None:
    precious = bench.place / "precious"
    precious.write_text("mine")

    record = bench.run("ln", "-s", str(precious), "exit.json.tmp", directory=str(bench.directory))

    assert (record["exit_code"], precious.read_text()) == (0, "mine")


def test_a_launcher_whose_directory_was_removed_leaves(bench: LauncherBench) -> None:
    started = bench.write_order("sh", "-c", "exec sleep 300").start()
    agent = bench.agent()

    for path in bench.directory.iterdir():
        path.unlink()
    bench.directory.rmdir()
    os.kill(agent, signal.SIGKILL)

    assert started.wait(WAIT_S) == 0


@pytest.mark.parametrize(
    ("before", "hints"),
    [("", 1), ("del os.pidfd_open; ", 2)],
    ids=["start, where a pidfd tells of the end", "start and end, elsewhere"],
)
def test_what_nothing_else_tells_is_hinted_to_whoever_listens(bench: LauncherBench, before: str, hints: int) -> None:
    fifo = bench.place / "run" / "nudge"
    os.mkfifo(fifo)
    listener = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    bench.write_order("true", environment={"ORCH_HOME": str(bench.place), "ORCH_SESSION": "benchaaa"})
    program = f"import os; {before}from orchestrd.runtimes.launcher import main; main({str(bench.directory)!r})"

    subprocess.run([sys.executable, "-c", program], check=True, timeout=WAIT_S)

    assert os.read(listener, 4096) == b"benchaaa\n" * hints
    os.close(listener)


def test_a_hint_never_waits_and_never_writes_into_a_file(bench: LauncherBench) -> None:
    nudge = bench.place / "run" / "nudge"
    nudge.write_text("mine")

    record = bench.run("true", environment={"ORCH_HOME": str(bench.place), "ORCH_SESSION": "benchaaa"})

    assert record["exit_code"] == 0
    assert nudge.read_text() == "mine"


def test_a_full_hint_pipe_holds_nothing_up(bench: LauncherBench) -> None:
    fifo = bench.place / "run" / "nudge"
    os.mkfifo(fifo)
    listener = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    while True:
        try:
            os.write(listener, b"x" * 4096)
        except BlockingIOError:
            break

    record = bench.run("true", environment={"ORCH_HOME": str(bench.place), "ORCH_SESSION": "benchaaa"})

    assert record["exit_code"] == 0
    os.close(listener)


def test_without_proc_the_system_answers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "read_file", _missing)
    monkeypatch.setattr(os, "listdir", _missing)

    answers = (launcher.boot_id(), launcher.all_pids(), launcher.read_stat(1), launcher.mark_of(1))

    assert answers == (launcher.NO_BOOT_ID, [], None, None)


def _missing(path: str) -> bytes:
    raise FileNotFoundError(2, "No such file or directory", path)


@pytest.mark.parametrize(
    "ask",
    [launcher.boot_id, launcher.all_pids, lambda: launcher.read_stat(1), lambda: launcher.mark_of(1)],
    ids=["boot", "pids", "stat", "mark"],
)
def test_a_system_that_cannot_answer_now_is_not_taken_for_one_where_there_is_nothing(
    ask: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "open", _exhausted)
    monkeypatch.setattr(os, "listdir", _exhausted)

    with pytest.raises(OSError, match="Too many open files"):
        ask()


def _exhausted(*_: object, **__: object) -> int:
    raise OSError(23, "Too many open files in system")


def test_an_error_is_recorded_as_json_whatever_is_in_it() -> None:
    record = launcher._exit_record(None, None, [1, 2], 'say "hi"\\\n\x1b\ud800 \N{PILE OF POO}')

    decoded = json.loads(record)

    assert decoded["error"] == 'say "hi"\\\n\x1b? \N{PILE OF POO}'
    assert [left["pid"] for left in decoded["left"]] == [1, 2]


def test_the_bounds_that_it_cannot_import_are_those_of_the_house() -> None:
    assert launcher.PIPE_BYTES == limits.STDIN_PIPE_BYTES
    assert launcher.SWEEP_S == limits.LAUNCHER_SWEEP_S

"""The launcher with a terminal, with real processes, and without a daemon; at the end in a real tmux."""

import ast
import contextlib
import os
import signal
import subprocess
import sys
import termios
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrd.core.launch import SCREEN
from orchestrd.model import limits
from orchestrd.runtimes import launcher, terminal
from orchestrd.runtimes.stdin import unread_bytes
from tests.processes import is_alive, stat_of
from tests.runtimes.launcher_bench import MARK, WAIT_S, LauncherBench
from tests.runtimes.terminal_bench import COLUMNS, ROWS, TerminalBench

MEGABYTE = 1024 * 1024
RAW = "stty raw -echo; echo ready; "
# Says READY, and then what happens to it until it ends.
CATCH = """
import os, signal, sys, time
signal.signal(signal.SIG{}, lambda *_: {})
print("READY", flush=True)
while True:  # a pause would miss what comes right before it
    time.sleep(0.05)
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TerminalBench]:
    desk = TerminalBench(tmp_path)
    yield desk
    desk.clear()


def catching(name: str, does: str = "sys.exit(7)") -> tuple[str, ...]:
    return (sys.executable, "-ISc", CATCH.format(name, does))


# ---- what the agent finds --------------------------------------------------------------------------------------------


def test_the_agent_has_one_terminal_of_the_right_size_on_all_three_streams(desk: TerminalBench) -> None:
    asked = "import os; print([(os.ttyname(n) == os.ttyname(0), *os.get_terminal_size(n)) for n in range(3)])"
    desk.run(sys.executable, "-ISc", asked)

    assert desk.output() == f"{[(True, COLUMNS, ROWS)] * 3}\n"


def test_the_terminal_is_the_agents_own_and_not_that_of_the_launcher(desk: TerminalBench) -> None:
    asked = "import os; f = os.open('/dev/tty', os.O_RDWR); os.write(f, b'me\\n')"
    asked += "; print(os.tcgetpgrp(f) == os.getpgid(0) == os.getsid(0) == os.getpid())"
    desk.run(sys.executable, "-ISc", asked)

    assert desk.output() == "me\nTrue\n"


def test_a_program_that_is_not_in_the_first_folder_of_the_path_has_the_terminal_too(desk: TerminalBench) -> None:
    desk.secrets.write_bytes(f"PATH=/nowhere:{desk.place}:/usr/bin:/bin".encode())

    record = desk.run("sh", "-c", "echo me >/dev/tty")

    assert (record["exit_code"], desk.output()) == (0, "me\n")


def test_the_agent_inherits_its_three_streams_and_no_other_descriptor(desk: TerminalBench) -> None:
    asked = "import os; print([fd for fd in range(256) if os.path.exists(f'/proc/self/fd/{fd}')])"
    desk.run(sys.executable, "-ISc", asked)

    assert desk.output() == "[0, 1, 2]\n"


def test_the_agent_has_default_signals_and_blocks_none(desk: TerminalBench) -> None:
    desk.run("grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status")

    masks = {name: int(mask, 16) for name, mask in (line.split() for line in desk.output().splitlines())}
    ours = sum(1 << (number - 1) for number in signal.valid_signals())  # two more are the C library's own
    assert {name: mask & ours for name, mask in masks.items()} == {"SigBlk:": 0, "SigIgn:": 0}


def test_the_environment_speaks_of_this_terminal_and_leads_to_no_server(desk: TerminalBench) -> None:
    desk.environment |= {"TMUX": "/ours,1,0", "TMUX_PANE": "%1", "HOST": "ours"}
    desk.secrets.write_bytes(
        b"PATH=/usr/bin:/bin\0TERM=xterm-kitty\0TMUX=/theirs,1,0\0TMUX_PANE=%7\0TERM_PROGRAM=kitty\0COLUMNS=12\0LINES=3"
    )

    desk.run("env", "-0", environment={"TOKEN": "a=b"})

    assert set(desk.log.read_bytes().rstrip(b"\0").split(b"\0")) == {
        b"PATH=/usr/bin:/bin",
        b"TOKEN=a=b",
        b"TERM=tmux-256color",
        b"COLORTERM=truecolor",
        b"ORCH_RUN=" + MARK.encode(),
    }


def test_the_start_record_names_launcher_and_agent(desk: TerminalBench) -> None:
    started = desk.write_order("sleep", "300").start()

    record = desk.record("start.json")

    assert record["launcher"]["pid"] == started.pid
    assert record["agent"]["started_ticks"] == int((stat_of(record["agent"]["pid"]) or [])[19])
    assert not (desk.directory / "stdin").exists()


# ---- output ----------------------------------------------------------------------------------------------------------


def test_a_burst_of_output_is_shown_and_logged_byte_for_byte(desk: TerminalBench) -> None:
    burst = os.urandom(5 * MEGABYTE)
    (desk.place / "burst").write_bytes(burst)

    desk.run("sh", "-c", f"stty raw; cat {desk.place}/burst")

    assert desk.log.read_bytes() == burst
    assert desk.shown == burst
    assert desk.log.stat().st_mode & 0o777 == 0o600


def test_output_of_a_second_run_is_appended_to_the_log(desk: TerminalBench) -> None:
    desk.log.write_text("before\r\n")

    desk.run("echo", "after")

    assert desk.output() == "before\nafter\n"


def test_a_full_disk_costs_the_log_and_not_the_agent(desk: TerminalBench) -> None:
    desk.log = Path("/dev/full")

    record = desk.run("sh", "-c", "stty raw; head -c 1000000 /dev/zero; printf end; exit 3")

    assert record["exit_code"] == 3
    assert desk.shown == bytes(1_000_000) + b"end"


def test_a_terminal_that_takes_nothing_makes_the_agent_wait_and_nothing_is_lost(desk: TerminalBench) -> None:
    desk.is_read = False
    desk.write_order("sh", "-c", "stty raw; echo begun >begun; head -c 1000000 /dev/zero", directory=str(desk.place))
    desk.start()
    desk.until((desk.place / "begun").exists)
    until_stuck(desk)

    desk.is_read = True
    record = desk.exit()

    assert record["exit_code"] == 0
    assert desk.shown == bytes(1_000_000)


def test_a_terminal_that_takes_nothing_does_not_keep_the_end_from_being_recorded(desk: TerminalBench) -> None:
    desk.is_read = False
    desk.write_order("cat", "/dev/zero").start()
    agent = desk.agent()
    until_stuck(desk)

    os.kill(agent, signal.SIGKILL)

    assert desk.exit()["exit_signal"] == "SIGKILL"


def until_stuck(desk: TerminalBench) -> None:
    """Wait until there is output, and no more of it for ten looks."""
    sizes = [0] * 10

    def is_stuck() -> bool:
        sizes.append(desk.log.stat().st_size if desk.log.exists() else 0)
        return 0 < sizes[-10] == sizes[-1]

    desk.until(is_stuck)


def test_what_the_agent_left_behind_ends_too_and_its_last_words_are_kept(desk: TerminalBench) -> None:
    left = "trap 'echo bye; exit' TERM; trap '' HUP; echo up >up; while :; do sleep 0.02; done"
    record = desk.run(
        "sh", "-c", f'setsid sh -c "{left}" & until [ -e up ]; do :; done; exit 4', directory=str(desk.place)
    )

    assert (record["exit_code"], record["left"]) == (4, [])
    assert record["ended"] >= 1
    assert desk.output() == "bye\n"


def test_what_holds_the_terminal_and_cannot_be_ended_holds_nothing_up(
    desk: TerminalBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = os.openpty()
    screenless = terminal.Terminal()
    monkeypatch.setattr(terminal, "CLOSE_S", 0.01)
    monkeypatch.setattr(terminal, "TTY", desk._slave)
    screenless._outer, screenless._slave = termios.tcgetattr(desk._slave), os.dup(theirs)
    screenless._ended, screenless._end = os.pipe()

    screenless.close(-1)

    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(screenless._slave)
    for file in (ours, theirs, screenless._ended):
        os.close(file)


def test_what_waits_to_be_typed_waits_no_more_when_the_agent_has_ended(
    desk: TerminalBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    copying = terminal.Terminal()
    monkeypatch.setattr(terminal, "CLOSE_S", 0.01)
    monkeypatch.setattr(terminal, "TTY", desk._slave)
    copying._master, held = os.openpty()
    tty.setraw(held)
    os.set_blocking(copying._master, False)
    copying._outer, copying._slave = termios.tcgetattr(desk._slave), os.dup(held)
    copying._ended, copying._end = os.pipe()
    typing = threading.Thread(target=copying._type, args=(bytes(1_000_000),), daemon=True)
    typing.start()
    desk.until(lambda: unread_bytes(held))  # and the rest never finds room

    copying.close(-1)

    typing.join(WAIT_S)
    assert not typing.is_alive()
    for file in (copying._master, held, copying._ended):
        os.close(file)


def test_an_agent_that_lets_go_of_its_terminal_for_a_while_finds_it_again(desk: TerminalBench) -> None:
    desk.write_order(
        "sh",
        "-c",
        "exec 0<&- 1>&- 2>&-; echo gone >gone; until [ -e go ]; do :; done; echo back >/dev/tty",
        directory=str(desk.place),
    )
    desk.start()
    desk.until((desk.place / "gone").exists)

    (desk.place / "go").touch()
    desk.exit()

    assert desk.shown == b"back\r\n"


# ---- input -----------------------------------------------------------------------------------------------------------


def test_what_is_typed_reaches_the_agent_as_lines_and_is_echoed(desk: TerminalBench) -> None:
    desk.write_order("sh", "-c", "read -r line; echo got $line").start()
    desk.agent()

    desk.type(b"hellp\x7fo\r")
    desk.exit()

    assert desk.shown.startswith(b"hellp\b \bo\r\n")
    assert desk.output().endswith("got hello\n")


def test_the_key_that_interrupts_interrupts_the_agent_and_not_the_launcher(desk: TerminalBench) -> None:
    desk.write_order(*catching("INT")).start()
    desk.until_shown(b"READY")

    desk.type(b"\x03")

    assert desk.exit()["exit_code"] == 7


def test_an_agent_in_raw_mode_gets_every_key_as_it_is(desk: TerminalBench) -> None:
    keys = bytes(range(256))
    desk.write_order("sh", "-c", RAW + "head -c 256 >keys", directory=str(desk.place)).start()
    desk.until_shown(b"ready")

    desk.type(keys)
    desk.exit()

    assert (desk.place / "keys").read_bytes() == keys


def test_a_large_paste_reaches_the_agent_byte_for_byte(desk: TerminalBench) -> None:
    paste = os.urandom(MEGABYTE)
    desk.write_order("sh", "-c", RAW + f"head -c {MEGABYTE} >paste", directory=str(desk.place)).start()
    desk.until_shown(b"ready")

    desk.type(paste)
    desk.exit()

    assert (desk.place / "paste").read_bytes() == paste


def test_an_agent_that_reads_nothing_may_be_typed_to_and_ends_all_the_same(desk: TerminalBench) -> None:
    desk.write_order("sh", "-c", RAW + "sleep 300").start()
    desk.until_shown(b"ready")
    agent = desk.agent()
    desk.until(lambda: not takes_more(desk))

    os.kill(agent, signal.SIGKILL)

    assert desk.exit()["exit_signal"] == "SIGKILL"


def takes_more(desk: TerminalBench) -> bool:
    try:
        return os.write(desk.master, bytes(4096)) > 0
    except BlockingIOError:
        return False


# ---- the two that copy, where coverage sees them ---------------------------------------------------------------------


def copying_for_nobody() -> terminal.Terminal:
    copying = terminal.Terminal()
    copying._order = launcher.Order(b"\0\0\0\x000")
    return copying


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, int]]:
    """Pipes in the places of both terminals, and a log."""
    ends = dict(zip(("agent reads", "input", "shows", "terminal"), (*os.pipe(), *os.pipe()), strict=True))
    ends["log"] = os.open(tmp_path / "log", os.O_RDWR | os.O_CREAT)
    monkeypatch.setattr(terminal, "LOG", ends["log"])
    yield ends
    for file in set(ends.values()):
        with contextlib.suppress(OSError):
            os.close(file)


@pytest.mark.parametrize(
    ("host", "then", "is_settled"),
    [({}, b"", True), ({"TMUX": "/socket,1,0"}, terminal.QUESTION, False)],
    ids=["elsewhere", "in tmux, which is asked whether all was shown"],
)
def test_output_is_copied_until_nobody_can_write_any_more(
    ends: dict[str, int], monkeypatch: pytest.MonkeyPatch, host: dict[str, str], then: bytes, *, is_settled: bool
) -> None:
    monkeypatch.setattr(terminal, "TTY", ends["terminal"])
    monkeypatch.setattr(os, "environb", {os.fsencode(name): os.fsencode(value) for name, value in host.items()})
    copying = copying_for_nobody()
    copying._master, agent = os.openpty()
    os.write(agent, b"hello")
    os.close(agent)

    copying._carry_output()

    assert (os.pread(ends["log"], 99, 0), os.read(ends["shows"], 99)) == (b"hello", b"hello" + then)
    assert copying._settled.acquire(blocking=False) == is_settled
    os.close(copying._master)


def test_a_terminal_that_is_gone_and_a_full_disk_are_not_asked_whether_all_was_shown(
    ends: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    monkeypatch.setattr(terminal, "TTY", full)
    monkeypatch.setattr(terminal, "LOG", full)
    monkeypatch.setenv("TMUX", "/s,1,0")
    copying = copying_for_nobody()
    copying._master = ends["agent reads"]
    os.write(ends["input"], b"hello")
    os.close(ends["input"])

    copying._carry_output()

    assert copying._settled.acquire(blocking=False)
    os.close(full)


def test_input_is_copied_until_the_terminal_has_answered_though_in_two_pieces(
    ends: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    copying = terminal.Terminal()
    copying._master, copying._ended = ends["terminal"], ends["agent reads"]
    pieces = iter([b"typed", b"typed later\x1b[", b"0n"])

    def read(file: int, size: int) -> bytes:
        piece = next(pieces)
        copying._is_asked = copying._is_over = piece != b"typed"
        return piece

    with monkeypatch.context() as patch:
        patch.setattr(os, "read", read)
        copying._carry_input()

    assert os.read(ends["shows"], 99) == b"typed"
    assert copying._settled.acquire(blocking=False)


def test_a_terminal_that_is_gone_ends_the_input(ends: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "TTY", ends["agent reads"])
    os.close(ends["input"])
    copying = terminal.Terminal()

    copying._carry_input()

    assert not copying._settled.acquire(blocking=False)


# ---- signals, size, hang-up ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["HUP", "INT", "QUIT", "TERM", "USR1", "USR2"])
def test_a_signal_to_the_launcher_reaches_the_agent_and_is_no_hang_up(desk: TerminalBench, name: str) -> None:
    started = desk.write_order(*catching(name)).start()
    desk.until_shown(b"READY")

    started.send_signal(signal.Signals[f"SIG{name}"])

    record = desk.exit()
    assert (record["exit_code"], record["hung_up"]) == (7, False)


def test_signals_of_job_control_stop_nobody(desk: TerminalBench) -> None:
    started = desk.write_order("cat").start()
    desk.agent()

    for name in ("TSTP", "TTIN", "TTOU"):
        started.send_signal(signal.Signals[f"SIG{name}"])
    desk.type(b"hello\r\x04")

    assert desk.exit()["exit_code"] == 0
    assert desk.output() == "hello\nhello\n"


def test_a_window_of_another_size_is_told_to_the_agent(desk: TerminalBench) -> None:
    does = "sys.exit(print(*os.get_terminal_size()))"
    desk.write_order(*catching("WINCH", does)).start()
    desk.until_shown(b"READY")

    desk.resize(50, 132)
    desk.exit()

    assert desk.output() == "READY\n132 50\n"


def test_a_terminal_that_goes_away_takes_the_agent_along_and_the_record_says_so(desk: TerminalBench) -> None:
    desk.write_order("sleep", "300").start()
    desk.agent()

    desk.hang_up()

    record = desk.exit()
    assert (record["exit_signal"], record["hung_up"]) == ("SIGHUP", True)


def test_an_agent_that_is_stopped_hears_of_the_hang_up_too(desk: TerminalBench) -> None:
    desk.write_order("sleep", "300").start()
    agent = desk.agent()
    os.kill(agent, signal.SIGSTOP)
    desk.until(lambda: (stat_of(agent) or "?")[0] == "T")

    desk.hang_up()

    assert desk.exit()["exit_signal"] == "SIGHUP"


def test_an_agent_that_outlives_its_terminal_is_logged_and_watched_on(desk: TerminalBench) -> None:
    ignoring = "trap 'echo alone' HUP; echo READY; until [ -e go ]; do :; done; head -c 200000 /dev/zero; exit 6"
    desk.write_order("sh", "-c", ignoring, directory=str(desk.place)).start()
    desk.until_shown(b"READY")

    desk.hang_up()
    desk.until_output("alone")
    (desk.place / "go").touch()

    record = desk.exit()
    assert (record["exit_code"], record["hung_up"]) == (6, True)
    assert desk.log.read_bytes() == b"READY\r\nalone\r\n" + bytes(200_000)


def test_a_launcher_that_is_killed_takes_the_agent_along_by_the_kernel(desk: TerminalBench) -> None:
    told = "open('told', 'w').close()"
    desk.write_order(*catching("HUP", f"({told}, sys.exit())"), directory=str(desk.place))
    started = desk.start()
    desk.until_shown(b"READY")

    started.kill()

    desk.until((desk.place / "told").exists)


# ---- the last screen -------------------------------------------------------------------------------------------------


def hosted(desk: TerminalBench, tmux: str) -> TerminalBench:
    """Put the terminal into a pane of a tmux that is this script of sh."""
    tools = desk.place / "tools"
    tools.mkdir()
    (tools / "tmux").write_text(f"#!/bin/sh\n{tmux}\n")
    (tools / "tmux").chmod(0o755)
    desk.environment |= {"TMUX": "/run/a,b/socket,123,0", "TMUX_PANE": "%5", "PATH": f"{tools}:/usr/bin:/bin"}
    return desk


def test_the_screen_is_asked_from_the_server_that_hosts_the_pane(desk: TerminalBench) -> None:
    hosted(desk, 'echo "$@"; echo "  text  "; echo; echo').run("true")

    kept = desk.directory / SCREEN
    assert kept.read_text() == "-u -S /run/a,b/socket capture-pane -p -t %5\n  text\n"
    assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("tmux", ["echo 'no server' >&2; exit 1", "kill -9 $$"], ids=["refuses", "dies"])
def test_where_tmux_does_not_tell_no_screen_is_kept(desk: TerminalBench, tmux: str) -> None:
    record = hosted(desk, tmux).run("sh", "-c", "exit 3")

    assert (record["exit_code"], record["error"]) == (3, None)
    assert not (desk.directory / SCREEN).exists()


def test_where_there_is_no_tmux_no_screen_is_kept(desk: TerminalBench) -> None:
    hosted(desk, "").environment["PATH"] = "/nowhere"

    record = desk.run("sh", "-c", "exit 3")

    assert (record["exit_code"], record["error"]) == (3, None)
    assert not (desk.directory / SCREEN).exists()


def test_a_tmux_that_hangs_is_ended_and_holds_nothing_up(desk: TerminalBench) -> None:
    record = hosted(desk, f"echo $$ >{desk.place}/pid; exec sleep 300").run("sh", "-c", "exit 3")

    assert record["exit_code"] == 3
    assert not is_alive(int((desk.place / "pid").read_text()))
    assert not (desk.directory / SCREEN).exists()


def test_a_screen_without_bound_is_cut_to_its_end(desk: TerminalBench) -> None:
    hosted(desk, "seq 100000; echo end").run("true")

    screen = (desk.directory / SCREEN).read_text()
    assert len(screen) <= terminal.SCREEN_BYTES
    assert screen.endswith("\n99999\n100000\nend\n")


def test_a_screen_that_cannot_be_kept_costs_nothing_else(desk: TerminalBench) -> None:
    (desk.directory / SCREEN).mkdir()

    record = hosted(desk, "echo text").run("sh", "-c", "exit 3")

    assert (record["exit_code"], record["error"]) == (3, None)


def test_a_terminal_that_does_not_answer_is_not_asked_for_its_screen(desk: TerminalBench) -> None:
    desk.answers = False

    record = hosted(desk, "echo text").run("sh", "-c", "exit 3")

    assert record["exit_code"] == 3
    assert not (desk.directory / SCREEN).exists()


# ---- the life it shares with the plain launcher ----------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 3, 129, 255])
def test_an_exit_code_is_recorded_as_it_is(desk: TerminalBench, code: int) -> None:
    record = desk.run("sh", "-c", f"exit {code}")

    assert (record["exit_code"], record["exit_signal"], record["error"], record["hung_up"]) == (code, None, None, False)


@pytest.mark.parametrize("name", ["SIGHUP", "SIGKILL", "SIGSEGV"])
def test_a_deadly_signal_is_recorded_by_name(desk: TerminalBench, name: str) -> None:
    record = desk.run("sh", "-c", f"ulimit -c 0; kill -{name[3:]} $$")

    assert (record["exit_code"], record["exit_signal"], record["hung_up"]) == (None, name, False)


def test_the_second_launcher_of_a_run_goes_without_a_word(desk: TerminalBench) -> None:
    desk.write_order("sh", "-c", "echo started").start()
    desk.exit()
    attributes = termios.tcgetattr(desk.master)
    desk.shown = b""

    code = desk.start().wait(WAIT_S)

    desk.read()
    assert (code, desk.shown, termios.tcgetattr(desk.master)) == (0, b"", attributes)
    assert desk.output() == "started\n"


@pytest.mark.parametrize(
    ("argv", "error"),
    [
        (("true",), None),
        (("frobnicate",), "cannot start 'frobnicate': no such program in the PATH of the run"),
    ],
    ids=["ended", "never started"],
)
def test_the_terminal_is_given_back_as_it_was(desk: TerminalBench, argv: tuple[str, ...], error: str | None) -> None:
    attributes = termios.tcgetattr(desk.master)

    record = desk.run(*argv)

    assert record["error"] == error
    assert termios.tcgetattr(desk.master) == attributes


def test_the_lines_of_the_agents_terminal_are_those_of_the_one_around_it(desk: TerminalBench) -> None:
    attributes = termios.tcgetattr(desk.master)
    attributes[6][termios.VERASE] = b"\x08"
    termios.tcsetattr(desk.master, termios.TCSANOW, attributes)

    desk.run("stty", "-a")

    assert "erase = ^H" in desk.output()


def test_without_a_terminal_it_says_so(bench: LauncherBench) -> None:
    bench.write_order("true")

    subprocess.run(
        [sys.executable, terminal.__file__, str(bench.directory)],
        env={**os.environ, "ORCH_RUN": MARK},
        stdin=subprocess.DEVNULL,
        timeout=WAIT_S,
        check=True,
    )

    assert bench.exit()["error"] == "cannot set up the terminal of the run: Inappropriate ioctl for device"


def test_an_environment_that_cannot_be_read_is_named_before_the_terminal_is_touched(desk: TerminalBench) -> None:
    desk.secrets.unlink()
    attributes = termios.tcgetattr(desk.master)

    record = desk.run("true")

    assert record["error"] == f"cannot read '{desk.secrets}': No such file or directory"
    assert termios.tcgetattr(desk.master) == attributes


def test_closing_takes_less_time_than_a_kill_leaves_for_the_record() -> None:
    assert terminal.CLOSE_S < limits.LAUNCHER_RECORD_S


def test_it_needs_the_standard_library_and_what_lies_beside_it_only() -> None:
    nodes = list(ast.walk(ast.parse(Path(terminal.__file__).read_text())))
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {
        f"{node.module}.{alias.name}" for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names
    }

    foreign = {name for name in imported if name.split(".")[0] not in sys.stdlib_module_names}
    assert foreign == {
        *("launcher", "orchestrd.runtimes.launcher"),
        *("overheard", "orchestrd.runtimes.overheard"),
    }

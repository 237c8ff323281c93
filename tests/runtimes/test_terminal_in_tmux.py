"""The launcher as the main process of a pane, in a tmux server of its own."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrd.core.launch import SCREEN
from orchestrd.runtimes.starting import LauncherCommand
from tests.processes import is_alive, stat_of
from tests.runtimes.launcher_bench import MARK, WAIT_S, LauncherBench

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux here")

ROWS, COLUMNS = 31, 97


class TmuxBench(LauncherBench):
    """One run directory, and a tmux server whose only pane is its terminal."""

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self._socket = f"{place}/tmux.sock"
        self.server = 0

    def tmux(self, *arguments: str, typed: bytes = b"") -> str:
        """Have tmux do something and give what it says."""
        command = ["tmux", "-f", "/dev/null", "-S", self._socket, *arguments]
        done = subprocess.run(command, input=typed, check=True, capture_output=True, timeout=WAIT_S)
        return done.stdout.decode()

    def open(self, *argv: str) -> "TmuxBench":
        """Run a command in a pane, until it is there."""
        launch = LauncherCommand().terminal_argv(str(self.directory))
        size = ("-x", str(COLUMNS), "-y", str(ROWS))
        self.write_order(*argv, directory=str(self.place))
        self.server = int(
            self.tmux("new-session", "-d", "-P", "-F", "#{pid}", *size, "-e", f"ORCH_RUN={MARK}", *launch)
        )
        self.agent()
        return self

    def screen(self) -> str:
        """Wait for the end, and give the screen that was kept before it."""
        self.exit()
        return (self.directory / SCREEN).read_text()

    def clear(self) -> None:
        """End what is left of all this."""
        super().clear()
        if self.server and is_alive(self.server):
            os.kill(self.server, signal.SIGKILL)


@pytest.fixture
def pane() -> Iterator[TmuxBench]:
    with tempfile.TemporaryDirectory(prefix="pane-") as place:  # short: it has a socket in it
        pane = TmuxBench(Path(place))
        yield pane
        pane.clear()


def test_the_pane_runs_the_launcher_alone_and_shows_the_agent(pane: TmuxBench) -> None:
    pane.open("sh", "-c", "printf '\\033]2;the title\\007hello\\n'; exec sleep 300")
    pane.until(lambda: "hello" in pane.tmux("capture-pane", "-p"))

    pid, title = pane.tmux("display-message", "-p", "#{pane_pid},#{pane_title}").strip().split(",")

    assert int(pid) == pane.record("claim")["pid"] == pane.record("start.json")["launcher"]["pid"]
    assert title == "the title"


def test_the_agent_knows_the_pane_and_nothing_of_the_server(pane: TmuxBench) -> None:
    pane.open("sh", "-c", "env; stty size; sleep 0.1")

    pane.exit()

    assert f"{ROWS} {COLUMNS}\n" in pane.output()
    assert "TMUX" not in pane.output()
    assert "TERM=" in pane.output()


def test_the_last_screen_is_kept_before_the_end_is_recorded(pane: TmuxBench) -> None:
    pane.open("sh", "-c", "seq 20000; echo 'last  words \N{SNOWMAN}'; echo; echo")

    screen = pane.screen()

    assert screen.splitlines()[-3:] == ["19999", "20000", "last  words \N{SNOWMAN}"]
    assert screen.endswith("\N{SNOWMAN}\n")
    assert (pane.directory / SCREEN).stat().st_mode & 0o777 == 0o600


def test_the_screen_of_a_program_that_was_killed_is_the_one_it_had_drawn(pane: TmuxBench) -> None:
    pane.open("sh", "-c", "echo before; printf '\\033[?1049h\\033[3;5HDRAWN'; exec sleep 300")
    pane.until_output("DRAWN")

    os.kill(pane.agent(), signal.SIGKILL)

    assert pane.screen() == "\n\n    DRAWN\n"


def test_a_server_that_is_behind_has_shown_everything_before_it_is_asked_for_the_screen(pane: TmuxBench) -> None:
    pane.open("sh", "-c", "echo ready; until [ -e go ]; do :; done; seq 3000; echo last words")
    pane.until_output("ready")
    agent = pane.agent()
    os.kill(pane.server, signal.SIGSTOP)
    (pane.place / "go").touch()
    pane.until(lambda: not is_alive(agent))

    os.kill(pane.server, signal.SIGCONT)

    assert pane.screen().endswith("3000\nlast words\n")


def test_output_that_breaks_off_in_the_middle_of_a_sequence_does_not_hide_the_screen(pane: TmuxBench) -> None:
    pane.open("sh", "-c", "echo words; printf '\\033]0;unfinish'")

    assert pane.screen() == "words\n"


def test_the_screen_of_a_program_that_was_killed_in_the_middle_of_a_paste_is_kept(pane: TmuxBench) -> None:
    pane.open("sh", "-c", "stty raw -echo; echo ready; exec sleep 300")
    pane.until_output("ready")
    launcher = pane.record("claim")["pid"]
    pane.tmux("load-buffer", "-", typed=bytes(1_000_000))
    before = bytes_read(launcher)
    pane.tmux("paste-buffer", "-r")
    pane.until(lambda: bytes_read(launcher) - before > 8192)  # more than a terminal keeps for who does not read

    os.kill(pane.agent(), signal.SIGKILL)

    assert pane.screen() == "ready\n"


def bytes_read(pid: int) -> int:
    return int(Path(f"/proc/{pid}/io").read_text().split()[1])


def test_the_pane_closes_when_the_launcher_is_done(pane: TmuxBench) -> None:
    pane.open("sh", "-c", "exit 3")
    pane.exit()

    pane.until(lambda: not is_alive(pane.record("claim")["pid"]))
    pane.until(lambda: not is_alive(pane.server))  # it had no other session


def test_a_window_of_another_size_reaches_the_agent(pane: TmuxBench) -> None:
    pane.open("sh", "-c", "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.02; done")
    pane.until_output("ready")

    pane.tmux("resize-window", "-x", "120", "-y", "40")
    pane.exit()

    assert "40 120\n" in pane.output()


def test_a_large_paste_reaches_the_agent_byte_for_byte(pane: TmuxBench) -> None:
    text = b"".join(b"%07d\n" % number for number in range(25_000))
    pane.open("sh", "-c", f"stty raw -echo; echo ready; head -c {len(text)} >paste")
    pane.until_output("ready")

    pane.tmux("load-buffer", "-", typed=text)
    pane.tmux("paste-buffer", "-r")
    pane.exit()

    assert (pane.place / "paste").read_bytes() == text


@pytest.mark.parametrize("act", ["session", "pane", "server", "server by force"])
def test_a_terminal_that_is_closed_by_hand_takes_the_agent_along(pane: TmuxBench, act: str) -> None:
    pane.open("sleep", "300")

    if act == "server by force":
        os.kill(pane.server, signal.SIGKILL)
    else:
        pane.tmux(f"kill-{act}")

    record = pane.exit()
    assert (record["exit_signal"], record["hung_up"], record["left"]) == ("SIGHUP", True, [])
    assert not (pane.directory / SCREEN).exists()


def test_a_server_that_is_frozen_keeps_no_end_from_being_recorded(pane: TmuxBench) -> None:
    pane.open("sh", "-c", "echo ready; trap 'exit 5' TERM; while :; do sleep 0.02; done")
    pane.until_output("ready")
    os.kill(pane.server, signal.SIGSTOP)
    pane.until(lambda: (stat_of(pane.server) or "?")[0] == "T")

    os.kill(pane.agent(), signal.SIGTERM)

    record = pane.exit()
    assert (record["exit_code"], record["hung_up"]) == (5, False)
    assert not (pane.directory / SCREEN).exists()
    pane.until(lambda: not is_alive(pane.record("claim")["pid"]))


def test_a_flood_into_a_frozen_server_waits_and_its_end_is_recorded(pane: TmuxBench) -> None:
    pane.open("cat", "/dev/zero")
    pane.until(lambda: pane.log.stat().st_size > 0)
    os.kill(pane.server, signal.SIGSTOP)
    agent = pane.agent()
    pane.until(lambda: (stat_of(agent) or "?")[0] == "S")

    os.kill(agent, signal.SIGKILL)

    assert pane.exit()["exit_signal"] == "SIGKILL"

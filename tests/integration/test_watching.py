"""A watched status in a terminal: what is drawn and what is not, and that the terminal is left as it was."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.fake_daemon import FakeDaemon, whole
from tests.terminals import Terminal

WATCH = [sys.executable, "-P", "-m", "orchestrd_cli", "status", "-w"]
ENTERED, LEFT = "\x1b[?1049h", "\x1b[?1049l"
CURSOR_BACK = "\x1b[?25h"
ROWS = b"ID   STATE\nabc  running 1s\nxyz  running 5s\n"
LATER = b"ID   STATE\nabc  running 2s\nxyz  running 5s\n"


@pytest.fixture
def daemon(shallow: Path) -> Iterator[FakeDaemon]:
    fake = FakeDaemon(shallow)
    fake.answers("/v1/status", whole(ROWS))
    fake.start()
    yield fake
    fake.stop()


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ORCH_")}
    return kept | {"ORCH_HOME": str(home), "TERM": "xterm"}


@pytest.fixture
def watched(daemon: FakeDaemon) -> Iterator[Terminal]:
    terminal = Terminal(WATCH, environment(daemon.home), columns=80, lines=20)
    terminal.sees("xyz  running 5s")
    yield terminal
    if terminal.pid:
        terminal.types("q", LEFT)
        terminal.ended()
    terminal.close()


def test_it_has_a_screen_of_its_own_without_a_cursor(watched: Terminal) -> None:
    assert watched.raw.index(ENTERED) < watched.raw.index("abc")
    assert "\x1b[?25l" in watched.raw
    assert not watched.echoes()


def test_only_what_has_changed_is_drawn_and_in_one_frame(watched: Terminal, daemon: FakeDaemon) -> None:
    watched.raw = ""
    daemon.answers("/v1/status", whole(LATER))

    watched.sees("\x1b[?2026l")

    assert watched.raw == "\x1b[?2026h\x1b[2;1H\x1b[Kabc  running 2s\x1b[m\x1b[?2026l"


def test_what_has_gone_is_wiped_away(watched: Terminal, daemon: FakeDaemon) -> None:
    daemon.answers("/v1/status", whole(b"none\n"))

    watched.sees("none")
    watched.sees("\x1b[2;1H\x1b[J")


def test_another_size_of_the_window_is_drawn_for_at_once(watched: Terminal, daemon: FakeDaemon) -> None:
    watched.raw = ""

    watched.resize(60, 10)
    watched.sees("xyz  running 5s")

    assert "width=60&height=10" in daemon.requests[-1]


@pytest.mark.parametrize(("keys", "code"), [("q", 0), ("\x04", 0), ("\x03", 130)])
def test_a_key_ends_it_and_the_terminal_is_as_it_was(watched: Terminal, keys: str, code: int) -> None:
    watched.types("x" + keys, LEFT)

    assert watched.ended() == code
    assert CURSOR_BACK in watched.raw
    assert watched.echoes()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_as_it_was_too(watched: Terminal, number: signal.Signals) -> None:
    watched.signal(number)

    assert watched.ended() == 128 + number
    assert watched.raw.endswith(LEFT)
    assert watched.echoes()


def test_who_steps_aside_leaves_the_terminal_and_comes_back_to_the_whole_picture(daemon: FakeDaemon) -> None:
    shell = Terminal(["bash", "--norc", "--noprofile", "-i"], environment(daemon.home), columns=80, lines=20)
    shell.types(f"{' '.join(WATCH)}\r", "xyz  running 5s")

    shell.types("\x1a", "Stopped")
    left = shell.raw.index(LEFT) < shell.raw.index("Stopped")
    shell.types("fg\r", "xyz  running 5s")
    back = shell.raw.index(ENTERED) < shell.raw.index("abc  running 1s")
    shell.close()

    assert left
    assert back


STEPS_ASIDE_WHILE_IT_DRAWS = """
import os, signal
from orchestrd_cli import terminal, watching
write = terminal.write
def interrupted(data):
    write(data)
    terminal.write = write
    os.kill(os.getpid(), signal.SIGTSTP)
with watching.Screen() as screen:
    terminal.write = interrupted
    screen.show(b"one\\ntwo\\n")
    screen.show(b"one\\ntwo\\n")
    while screen.rests(60.0):
        pass
"""


def test_who_steps_aside_while_it_draws_comes_back_to_the_whole_picture_too() -> None:
    screen = Terminal([sys.executable, "-c", STEPS_ASIDE_WHILE_IT_DRAWS], environment(Path("/nowhere")))
    screen.sees(LEFT + ENTERED)
    screen.raw = screen.raw.partition(LEFT + ENTERED)[2]

    screen.sees("one\x1b[m\x1b[2;1H\x1b[Ktwo")

    screen.types("q", LEFT)
    screen.ended()
    screen.close()


def test_a_daemon_that_goes_away_is_told_of_and_the_next_one_is_shown(watched: Terminal, daemon: FakeDaemon) -> None:
    watched.raw = ""
    daemon.stop()
    daemon.path.unlink()
    watched.sees("no daemon answers; start it: orch daemon start")
    assert LEFT not in watched.raw

    daemon.start()
    watched.sees("xyz  running 5s")


def test_json_is_a_line_for_each_change_on_a_terminal_too(daemon: FakeDaemon) -> None:
    daemon.answers("/v1/status", whole(b'{"n":1}'), whole(b'{"n":2}'))
    lines = Terminal([*WATCH, "--json"], environment(daemon.home))

    lines.sees('{"n":1}\r\n{"n":2}\r\n')
    lines.close()

    assert "\x1b" not in lines.raw


SPOILT = """
from orchestrd_cli import progress, terminal, watching
progress.PROGRESS_AFTER_S = 0.001
with watching.Screen() as screen:
    screen.show(b"one\\ntwo\\n")
    terminal.note("somebody else")
    with progress.waiting_for("it"):
        screen.show(b"one\\ntwo\\n")
    while screen.rests(60.0):
        pass
"""


def test_what_somebody_else_writes_over_it_is_drawn_over() -> None:
    spoilt = Terminal([sys.executable, "-c", SPOILT], environment(Path("/nowhere")))
    spoilt.sees("somebody else")
    spoilt.raw = spoilt.raw.partition("somebody else")[2]
    spoilt.sees("\x1b[?2026h\x1b[1;1H\x1b[Kone\x1b[m\x1b[2;1H\x1b[Ktwo\x1b[m\x1b[3;1H\x1b[J\x1b[?2026l")

    waits = "waiting" in spoilt.raw
    spoilt.types("q", LEFT)
    spoilt.ended()
    spoilt.close()

    assert not waits


def test_a_terminal_that_can_nothing_gets_one_picture_below_the_other(daemon: FakeDaemon) -> None:
    daemon.answers("/v1/status", whole(ROWS), whole(LATER))
    dumb = Terminal(WATCH, environment(daemon.home) | {"TERM": "dumb"})

    dumb.sees("abc  running 2s")
    dumb.close()

    assert "\x1b" not in dumb.raw
    assert "xyz  running 5s\r\n\r\nID   STATE" in dumb.raw

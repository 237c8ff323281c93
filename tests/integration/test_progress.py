"""The line for who waits: on a terminal only, alone, and gone when something else is said or the waiting is over."""

import os
import sys

from tests.terminals import STYLE, Terminal

PROGRAM = """
import sys
from orchestrd_cli import progress, terminal
progress.PROGRESS_AFTER_S = 0.05
go_on = lambda: sys.stdin.readline()
with progress.waiting_for("a b" + "c" * 200):
    go_on()
    terminal.note("a note")
    go_on()
    with progress.waiting_for("more"):
        go_on()
    terminal.write(b"words\\n")
terminal.note("over")
"""
SHOWN = "\r\x1b[Korch: waiting for a b"


def run(kind: str) -> Terminal:
    return Terminal([sys.executable, "-c", PROGRAM], os.environ | {"TERM": kind}, columns=40)


def test_it_is_drawn_after_a_while_and_makes_room_for_everything_else() -> None:
    terminal = run("xterm")

    terminal.sees(SHOWN)
    terminal.types("\r", "\r\x1b[Ka note")
    terminal.sees(SHOWN)
    terminal.types("\r", SHOWN)
    terminal.types("\r", "over")
    terminal.ended()
    terminal.close()

    assert "waiting for more" not in terminal.raw
    assert "\r\x1b[Kwords" in terminal.raw
    assert terminal.raw.rstrip().endswith("over")
    lines = [line for part in terminal.raw.split("\r") for line in STYLE.sub("", part).split("\n")]
    assert max(map(len, lines)) < 40


def test_a_terminal_that_can_take_nothing_back_is_told_nothing() -> None:
    terminal = run("dumb")
    for _ in range(3):
        terminal.types("\r", "\n")

    terminal.ended()
    terminal.close()

    assert "waiting" not in terminal.raw
    assert "words" in terminal.raw

"""Which terminals cut a long line off, told by the terminal of a real process."""

import os
import signal
import termios
import tty
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrd.core.launch import ProcessIdentity
from orchestrd.model.limits import TERMINAL_LINE_BYTES_MAX
from orchestrd.runtimes.canonical import longest_line, why_cut_off
from tests.processes import stat_of

TOO_LONG = "q" * (TERMINAL_LINE_BYTES_MAX + 1)


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    ends = os.openpty()
    yield ends
    for end in ends:
        os.close(end)


@pytest.fixture
def agent(terminal: tuple[int, int]) -> Iterator[ProcessIdentity]:
    on_terminal = [(os.POSIX_SPAWN_OPEN, 0, os.ttyname(terminal[1]), os.O_RDWR, 0)]
    pid = os.posix_spawnp("sleep", ["sleep", "300"], os.environ, file_actions=on_terminal, setsid=True)
    yield identity_of(pid)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def identity_of(pid: int) -> ProcessIdentity:
    stat = stat_of(pid)
    assert stat is not None
    return ProcessIdentity(pid=pid, started_ticks=int(stat[19]))


@given(text=st.text(alphabet="aä漢\r\n", max_size=20))
def test_the_longest_line_is_that_between_two_ends_of_lines(text: str) -> None:
    lines = text.replace("\r", "\n").split("\n")

    assert longest_line(text) == max(len(line.encode()) for line in lines)


def test_a_line_that_is_too_long_for_a_terminal_that_makes_lines_is_told_with_the_way_out(
    agent: ProcessIdentity,
) -> None:
    why = why_cut_off(f"a\n{TOO_LONG}\nb", agent)

    assert why is not None
    assert "a line of 4096 bytes would be cut off" in why
    assert "--runtime process" in why


def test_the_longest_line_that_such_a_terminal_takes_is_taken_by_it(
    terminal: tuple[int, int], agent: ProcessIdentity
) -> None:
    line = "q" * TERMINAL_LINE_BYTES_MAX

    assert why_cut_off(f"{line}\n{line}", agent) is None
    os.write(terminal[0], f"{TOO_LONG}\n".encode())
    assert os.read(terminal[1], 10_000) == f"{line}\n".encode()


def test_a_program_that_reads_each_key_takes_a_line_of_any_length(
    terminal: tuple[int, int], agent: ProcessIdentity
) -> None:
    tty.setraw(terminal[1], termios.TCSANOW)

    assert why_cut_off(TOO_LONG, agent) is None


def test_an_agent_that_is_over_or_has_no_terminal_refuses_nothing(agent: ProcessIdentity) -> None:
    another = ProcessIdentity(pid=agent.pid, started_ticks=agent.started_ticks + 1)
    bare = os.posix_spawnp("sleep", ["sleep", "300"], os.environ, setsid=True)
    without = identity_of(bare)
    os.kill(bare, signal.SIGKILL)

    told = [why_cut_off(TOO_LONG, one) for one in (another, without)]

    os.waitpid(bare, 0)
    assert told == [None, None]
    assert why_cut_off(TOO_LONG, without) is None

"""What is overheard of a terminal: pure, on bytes; and at the end in the process that copies them."""

import contextlib
import itertools
import json
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrd.agents.hook_lines import payload_of
from orchestrd.runtimes.overheard import (
    CALM_S,
    NUDGE_S,
    NUDGE_S_MAX,
    QUIET_S,
    SEQUENCE_BYTES_MAX,
    SILENCE_S,
    WORD_S,
    Ear,
    Scanner,
)
from tests.runtimes.terminal_bench import TerminalBench

BEL, ST = b"\x07", b"\x1b\\"
WORKING, IDLE = b"\x1b]7501;state=working:app=codex" + ST, b"\x1b]7501;state=idle:app=codex" + BEL
PIECES = st.sampled_from(
    [b"\x1b", b"]", b"\x1b]", BEL, ST, b"0;", b"7501;state=", b"text", b"\x1b[2J", b"x" * SEQUENCE_BYTES_MAX, b"y"]
)


def scanned(*chunks: bytes) -> list[bytes]:
    scanner = Scanner()
    return [found for chunk in chunks for found in scanner.feed(chunk)]


def told(ear: Ear, *heard: tuple[float, bytes]) -> list[tuple[bytes | None, bool]]:
    return [ear.hear(chunk, now_s) for now_s, chunk in heard]


# ---- sequences -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stream", "found"),
    [
        (b"before" + WORKING + b"between" + IDLE, [b"7501;state=working:app=codex", b"7501;state=idle:app=codex"]),
        (b"\x1b]0;title\x07", [b"0;title"]),
        (b"\x1b]" + ST, [b""]),
        (b"plain \x1b[1m text ] 0;\x07", []),
        (b"\x1b]0;broken off\x1b[2J\x07", []),
        (b"\x1b]0;broken off\x1b]2;by another\x07", [b"2;by another"]),
        (b"\x1b]0;no end", []),
        (b"\x1b\x1b]0;behind a lone escape\x07", [b"0;behind a lone escape"]),
        (b"\x1b]" + b"x" * SEQUENCE_BYTES_MAX + BEL, [b"x" * SEQUENCE_BYTES_MAX]),
        (b"\x1b]" + b"x" * (SEQUENCE_BYTES_MAX + 1) + BEL + b"\x1b]0;next\x07", [b"0;next"]),
        (b"\x1b]" + b"x" * (SEQUENCE_BYTES_MAX + 1) + ST + b"\x1b]0;next\x07", [b"0;next"]),
    ],
)
def test_a_sequence_is_found_between_its_beginning_and_its_end(stream: bytes, found: list[bytes]) -> None:
    assert scanned(stream) == found


@given(pieces=st.lists(PIECES, max_size=12), cuts=st.lists(st.integers(0, 5_000), max_size=8))
def test_any_split_into_chunks_gives_the_same_sequences(pieces: Sequence[bytes], cuts: Sequence[int]) -> None:
    stream = b"".join(pieces)
    at = [0, *sorted(cut for cut in cuts if cut <= len(stream)), len(stream)]

    found = scanned(*(stream[begin:end] for begin, end in itertools.pairwise(at)))

    assert found == scanned(stream)
    assert found == scanned(*(stream[n : n + 1] for n in range(len(stream))))


@given(chunks=st.lists(st.binary(max_size=40) | PIECES, max_size=20))
def test_what_is_remembered_is_bounded_whatever_comes(chunks: Sequence[bytes]) -> None:
    scanner = Scanner()
    for chunk in chunks:
        scanner.feed(chunk)

        assert len(scanner._kept) <= SEQUENCE_BYTES_MAX + 4


# ---- words -----------------------------------------------------------------------------------------------------------


def test_a_word_is_told_once_and_at_once() -> None:
    ear = Ear()

    assert told(ear, (1.0, WORKING), (1.1, b"text"), (1.2, WORKING), (1.3, IDLE)) == [
        (b"state=working:app=codex", True),
        (None, False),
        (None, False),
        (b"state=idle:app=codex", True),
    ]


def test_of_many_words_in_no_time_the_last_one_is_told_behind_them() -> None:
    ear = Ear()
    chunks = [(1.0 + n / 1_000, b"\x1b]7501;%d\x07" % n) for n in range(20)]

    words = [word for word, _ in told(ear, *chunks)]
    patience_s = ear.patience_s
    last, is_nudged = ear.fall_silent(1.02 + patience_s)

    assert words == [b"0", *[None] * 19]
    assert (last, is_nudged, patience_s) == (b"19", True, WORD_S)


def test_words_without_end_are_told_no_more_often_than_the_bound_allows() -> None:
    ear = Ear()

    words = [ear.hear(b"\x1b]7501;%d\x07" % n, n / 1_000)[0] for n in range(1_000)]

    assert 1 / WORD_S - 1 <= sum(word is not None for word in words) <= 1 / WORD_S


# ---- nudges ----------------------------------------------------------------------------------------------------------


def nudges(ear: Ear, *heard: tuple[float, bytes]) -> list[bool]:
    return [is_nudge for _, is_nudge in told(ear, *heard)]


def test_output_behind_a_silence_nudges_and_so_does_the_silence_behind_it() -> None:
    ear = Ear()

    assert nudges(ear, (1.0, b"a"), (1.1, b"b"), (1.2, b"c")) == [True, False, False]
    assert ear.patience_s == SILENCE_S
    assert ear.fall_silent(1.2 + SILENCE_S) == (None, True)
    assert ear.patience_s == 0
    assert nudges(ear, (1.2 + QUIET_S, b"d"), (1.5 + QUIET_S, b"e")) == [False, True]


@pytest.mark.parametrize("signs", [*("⠋⠙⠹⠸", "|/-\\", "◐◓◑◒"), ("[ ! ]", "[ . ]")])
def test_a_sign_that_turns_or_blinks_in_the_title_is_no_news(signs: Sequence[str]) -> None:
    ear = Ear()
    turning = [(1.0 + 0.5 * n, f"\x1b]0;{sign} work\x07".encode()) for n, sign in enumerate([*signs] * 4)]

    assert nudges(ear, *turning) == [True] + [False] * (len(turning) - 1)


def test_a_title_alone_is_no_output_that_begins_or_ends() -> None:
    ear = Ear()
    ear.hear(b"\x1b]0;work\x07", 1.0)

    assert ear.patience_s == 0
    assert ear.fall_silent(1.0 + SILENCE_S) == (None, False)
    assert nudges(ear, (2.0, b"\x1b]0;work\x07"), (3.0, b"\x1b]0;work" + ST), (4.0, b"\x1b]0;work\x07x")) == [
        False,
        False,
        True,
    ]


def test_a_screen_that_moves_on_and_on_nudges_less_and_less_often() -> None:
    ear = Ear()

    given = [float(second) for second in range(1, 121) if nudges(ear, (float(second), b"moves")) == [True]]

    assert given[:4] == [1.0, 2.0, 3.0, 4.0]
    assert {after - before for before, after in pairwise(given[-10:])} == {NUDGE_S_MAX}


@pytest.mark.parametrize("happens", [b"\x1b]0;another\x07", b"\x1b]7501;state=idle\x07"])
def test_a_screen_that_moved_on_and_on_is_looked_at_soon_when_something_happens(happens: bytes) -> None:
    ear = Ear()
    nudges(ear, *((float(second), b"moves") for second in range(60)))

    assert nudges(ear, (60.0, b"moves"), (60.5, happens), (61.0, b"moves"), (62.0, b"moves"))[1:] == [True, True, True]


def test_a_screen_that_was_calm_for_a_while_is_looked_at_soon_again() -> None:
    ear = Ear()
    nudges(ear, *((float(second), b"moves") for second in range(60)))

    assert nudges(ear, (59.0 + CALM_S, b"moves"), (60.0 + CALM_S, b"moves")) == [True, True]


def test_another_title_nudges_though_a_little_late_behind_another_nudge() -> None:
    ear = Ear()

    heard = nudges(
        ear,
        (1.0, "\x1b]2;⠋ work\x07".encode()),
        (1.1, "\x1b]2;✳ work\x07".encode()),
        (1.2, b"text"),
        (1.0 + NUDGE_S, b"text"),
        (1.5, b"\x1b]2;\x07"),
    )

    assert heard == [True, False, False, True, True]


def test_whoever_changes_the_title_without_end_nudges_no_more_often_than_the_bound_allows() -> None:
    ear = Ear()

    heard = nudges(ear, *((n / 100, b"\x1b]0;%d %%\x07" % n) for n in range(100)))

    assert sum(heard) == 1 / NUDGE_S


# ---- in the process of a terminal ------------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TerminalBench]:
    desk = TerminalBench(tmp_path)
    (tmp_path / "home" / "run").mkdir(parents=True)
    yield desk
    desk.clear()


SAYS = """
import os, sys
os.system("stty raw -echo")
for line in sys.stdin.buffer:
    os.write(1, eval(line))
"""


def environment_of(desk: TerminalBench) -> dict[str, str]:
    return {"ORCH_HOME": str(desk.place / "home"), "ORCH_SESSION": "abcdefgh"}


def write_order(desk: TerminalBench) -> None:
    desk.write_order(sys.executable, "-ISc", SAYS, environment=environment_of(desk))


def lines_of(desk: TerminalBench) -> list[bytes]:
    return (desk.directory / "hooks.jsonl").read_bytes().splitlines()


def test_what_an_agent_tells_its_terminal_is_appended_and_nudges(desk: TerminalBench) -> None:
    hooks, fifo = desk.directory / "hooks.jsonl", desk.place / "home" / "run" / "nudge"
    hooks.write_text('{"report":"working"}\n')
    os.mkfifo(fifo)
    nudged = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    write_order(desk)

    desk.start()
    desk.until(desk.agent)
    desk.type(b'b"\\x1b]7501;state=working:ap"\n')
    desk.until_shown(b"working:ap")
    desk.type(b'b"p=\\"codex\\"\\x1b\\\\ shown"\n')
    desk.until_shown(b"shown")
    desk.until(lambda: len(lines_of(desk)) == 2)

    first, second = lines_of(desk)
    heard = payload_of(second, "terminal")
    assert first == b'{"report":"working"}'
    assert heard is not None
    assert heard[1] == {"osc": 7501, "text": 'state=working:app="codex"'}
    assert heard[0] is not None
    assert abs(heard[0].timestamp() - hooks.stat().st_mtime) < 1
    assert set(os.read(nudged, 9_999).split()) == {b"abcdefgh"}
    os.close(nudged)


def test_the_last_word_of_an_agent_is_told_though_it_comes_right_behind_another(desk: TerminalBench) -> None:
    (desk.directory / "hooks.jsonl").touch()

    desk.run("printf", "%b%b", "\\033]7501;first\\007", "\\033]7501;last\\007", environment=environment_of(desk))

    assert [json.loads(line)["terminal"]["text"] for line in lines_of(desk)][-1] == "last"


@pytest.mark.parametrize("harm", ["no file", "a full disk", "a pipe nobody reads", "no daemon", "a daemon that hangs"])
def test_what_keeps_a_word_from_being_told_costs_the_agent_nothing(desk: TerminalBench, harm: str) -> None:
    hooks, fifo = desk.directory / "hooks.jsonl", desk.place / "home" / "run" / "nudge"
    kept = None
    if harm == "a full disk":
        hooks.symlink_to("/dev/full")
    elif harm == "a pipe nobody reads":
        os.mkfifo(hooks)
    elif harm != "no file":
        hooks.touch()
    if harm == "a daemon that hangs":
        os.mkfifo(fifo)
        kept = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
        with contextlib.suppress(BlockingIOError):
            while os.write(kept, b"x" * 4_096):
                pass
    text = (WORKING + b" all of it").decode()

    record = desk.run("printf", "%b", text.replace("\x1b", "\\033"), environment=environment_of(desk))

    assert (record["exit_code"], record["error"]) == (0, None)
    assert desk.shown.startswith(WORKING + b" all of it")
    assert hooks.exists() == (harm != "no file")
    if kept is not None:
        os.close(kept)
        assert [json.loads(line)["terminal"]["osc"] for line in lines_of(desk)] == [7501]

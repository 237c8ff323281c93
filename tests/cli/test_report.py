"""`orch report`, and the line of plain sh that does the same."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrd.agents.shell import ShellAgent
from orchestrd.model.limits import HOOK_LINE_BYTES_MAX
from orchestrd.model.observation import Testimony
from orchestrd.model.run import Glimpse
from orchestrd_cli import report

SESSION = "reportaa"

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


class Place:
    """A run as its commands see it."""

    def __init__(self, home: Path) -> None:
        self.run = home / "runs" / f"{SESSION}.1"
        self.run.mkdir(parents=True)
        (home / "run").mkdir()
        self.hooks = self.run / "hooks.jsonl"
        self.fifo = home / "run" / "nudge"
        self.environment = {"ORCH_HOME": str(home), "ORCH_SESSION": SESSION, "ORCH_RUN_DIR": str(self.run)}

    def lines(self) -> list[bytes]:
        return self.hooks.read_bytes().splitlines() if self.hooks.exists() else []


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    place = Place(tmp_path)
    for name, value in place.environment.items():
        monkeypatch.setenv(name, value)
    return place


@pytest.fixture
def listener(place: Place) -> Iterator[int]:
    os.mkfifo(place.fifo)
    listener = os.open(place.fifo, os.O_RDWR | os.O_NONBLOCK)
    yield listener
    os.close(listener)


def fill(listener: int) -> None:
    """Fill the FIFO of a daemon that hangs, to the last byte."""
    for size in (4096, 1):
        while True:
            try:
                os.write(listener, b"x" * size)
            except BlockingIOError:
                break


def read(line: bytes) -> Testimony:
    (said,) = ShellAgent().read(Glimpse(now=NOON, hook_lines=((line, len(line)),))).testimonies
    return said


def test_a_report_is_a_line_that_the_agent_reads(place: Place) -> None:
    code = report.main(["waiting", "which", "branch?"])

    said = read(place.lines()[0])
    assert code == 0
    assert (said.allows, said.text) == (("waiting",), "which branch?")
    assert said.at != NOON


@pytest.mark.parametrize("word", report.WORDS)
def test_a_report_needs_no_text(place: Place, word: str) -> None:
    report.main([word])

    assert json.loads(place.lines()[0])["text"] is None
    assert json.loads(place.lines()[0])["report"] == word


@pytest.mark.parametrize("text", ['say "hi"\\', "two\nlines\x1b[31m\x00", "\N{PILE OF POO}", "\udcff", "x" * 1_000_000])
def test_whatever_is_in_the_text_it_is_one_line_that_can_be_read(place: Place, text: str) -> None:
    report.main(["working", text])

    (line,) = place.lines()
    assert len(line) <= HOOK_LINE_BYTES_MAX
    assert json.loads(line)["text"] == text.replace("\udcff", "?")[: report.TEXT_CHARS_MAX]


def test_the_longest_line_is_read_whatever_is_in_it() -> None:
    line = report.line_of("working", "\x01" * 1_000_000, 1.0)

    assert len(line) <= HOOK_LINE_BYTES_MAX


def test_a_dash_may_begin_a_text(place: Place) -> None:
    report.main(["blocked", "--", "-v or -q?"])

    assert json.loads(place.lines()[0])["text"] == "-v or -q?"


def test_a_report_hints_to_the_daemon(place: Place, listener: int) -> None:
    report.main(["working"])

    assert os.read(listener, 100) == f"{SESSION}\n".encode()


def test_a_daemon_that_hangs_holds_no_report_up(place: Place, listener: int) -> None:
    fill(listener)

    code = report.main(["working"])

    assert (code, len(place.lines())) == (0, 1)


def test_a_fifo_that_nobody_reads_holds_no_report_up(place: Place) -> None:
    os.mkfifo(place.fifo)

    code = report.main(["working"])

    assert (code, len(place.lines())) == (0, 1)


def test_a_file_in_place_of_the_fifo_is_not_written_into(place: Place) -> None:
    place.fifo.write_text("mine")

    report.main(["working"])

    assert place.fifo.read_text() == "mine"
    assert len(place.lines()) == 1


def test_without_a_home_the_report_is_written_all_the_same(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORCH_HOME")

    report.main(["working"])

    assert len(place.lines()) == 1


@pytest.mark.parametrize("argv", [[], ["idle"], ["Waiting"], ["--help"], [""]])
def test_a_word_that_is_none_is_said_and_breaks_nothing(
    place: Place, argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = report.main(argv)

    assert code == 0
    assert "usage: orch report working|waiting|blocked [TEXT]" in capsys.readouterr().err
    assert place.lines() == []


def test_outside_a_run_it_says_so_and_breaks_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ORCH_RUN_DIR")

    code = report.main(["working"])

    assert code == 0
    assert "ORCH_RUN_DIR is not set" in capsys.readouterr().err


def test_a_run_directory_that_is_gone_is_said_and_breaks_nothing(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    place.run.rmdir()

    code = report.main(["working"])

    assert code == 0
    assert "hooks.jsonl: No such file or directory" in capsys.readouterr().err


def test_sixty_reporters_at_once_leave_sixty_whole_lines(place: Place) -> None:
    def one(number: int) -> int:
        argv = [sys.executable, "-Ic", "import sys; from orchestrd_cli import report; report.main(sys.argv[1:])"]
        words = ["working", f"{number}" * 1000]
        return subprocess.run([*argv, *words], env=place.environment, check=False).returncode

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(one, range(10, 70)))

    assert codes == [0] * 60
    assert sorted(json.loads(line)["text"][:2] for line in place.lines()) == [str(number) for number in range(10, 70)]


def test_it_imports_what_the_interpreter_has_anyway() -> None:
    program = (
        "import sys; before = set(sys.modules); import orchestrd_cli.report; print(*sorted(set(sys.modules) - before))"
    )
    found = subprocess.run([sys.executable, "-Ic", program], capture_output=True, text=True, check=True)

    assert set(found.stdout.split()) == {"orchestrd_cli", "orchestrd_cli.report"}


def plain_sh() -> str:
    """Take the line of plain sh out of the documentation, as a reader would."""
    found = re.search(r"^    (printf .*\|\| :)$", report.__doc__ or "", re.DOTALL | re.MULTILINE)
    assert found is not None
    return found.group(1)


def run_plain_sh(place: Place) -> "subprocess.CompletedProcess[bytes]":
    environment = {**place.environment, "PATH": os.environ["PATH"]}
    return subprocess.run(["sh", "-c", plain_sh()], env=environment, capture_output=True, timeout=10, check=False)


def test_plain_sh_reports_and_hints(place: Place, listener: int) -> None:
    ended = run_plain_sh(place)

    said = read(place.lines()[0])
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
    assert said.allows == ("waiting",)
    assert os.read(listener, 100) == f"{SESSION}\n".encode()


def test_plain_sh_is_not_held_up_by_a_daemon_that_hangs(place: Place, listener: int) -> None:
    fill(listener)

    ended = run_plain_sh(place)

    assert (ended.returncode, ended.stderr, len(place.lines())) == (0, b"", 1)


def test_plain_sh_is_not_held_up_by_a_fifo_that_nobody_reads(place: Place) -> None:
    os.mkfifo(place.fifo)

    ended = run_plain_sh(place)

    assert (ended.returncode, ended.stderr, len(place.lines())) == (0, b"", 1)


def test_plain_sh_makes_no_file_where_there_is_no_fifo(place: Place) -> None:
    ended = run_plain_sh(place)

    assert (ended.returncode, ended.stderr, len(place.lines())) == (0, b"", 1)
    assert not place.fifo.exists()

"""What is typed into a terminal arrives as it was sent, once, or not at all."""

import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrd.model.errors import OrchestrdError
from orchestrd.model.observation import Started
from orchestrd.model.run import Run
from orchestrd.model.words import Receipt
from orchestrd.runtimes.tmux import TmuxRuntime
from orchestrd.runtimes.tmux_command import TmuxCommand
from orchestrd.testing.contracts.runtime import EXITS_0, SLEEPS, end_of, launched, look_until, started
from tests.integration import tmux_reader
from tests.integration.tmux_stage import TmuxStage, needs_tmux

pytestmark = needs_tmux


@pytest.fixture
def home(tmp_path: Path) -> TmuxStage:
    return TmuxStage(tmp_path)


@pytest.fixture
async def stage(home: TmuxStage) -> AsyncIterator[TmuxStage]:
    stage = home
    yield stage
    await stage.clear()


class Reader:
    """A run that notes what it is typed."""

    def __init__(self, stage: TmuxStage, path: Path) -> None:
        self.stage = stage
        self.path = path
        self.run: Run

    async def start(self) -> None:
        """Launch it, and wait until it reads."""
        order = self.stage.order_of(sys.executable, tmux_reader.__file__, str(self.path))
        handle = await self.stage.runtime.launch(order)
        self.run = replace(order.run, handle=handle)
        await look_until(self.stage, self.run, Started)
        await self.stage.until(lambda: "ready" in self.stage.log(self.run))

    def noted(self) -> list[list[str]]:
        """Give what it has noted: a long line is not written in one go."""
        whole = self.path.read_text().split("\n")[:-1] if self.path.exists() else []
        return [json.loads(line) for line in whole]

    async def notes(self, count: int) -> list[list[str]]:
        """Wait for so many notes, and give them."""
        await self.stage.until(lambda: len(self.noted()) >= count)
        return self.noted()


@pytest.fixture
async def reader(stage: TmuxStage, tmp_path: Path) -> Reader:
    reader = Reader(stage, tmp_path / "noted")
    await reader.start()
    return reader


def text_of(size: int) -> str:
    """Make a text of many lines, no two of them equal, with characters of every width."""
    lines: list[str] = []
    length = 0
    while length < size:
        lines.append(f"{len(lines)}: \t'quoted' \"twice\" $HOME `date` #{{pane_id}} ; äöü 漢字 🙂 \\n %end 1 2 1")
        length += len(lines[-1].encode()) + 1
    return "\n".join(lines)


@pytest.mark.parametrize("size", [100, 10_000, 100_000, 1_000_000])
async def test_a_text_of_many_lines_arrives_as_one_paste_and_enter_behind_it(reader: Reader, size: int) -> None:
    text = text_of(size)

    answer = await reader.stage.runtime.deliver(reader.run, text + "\n")

    assert answer == (Receipt.TYPED, None)
    (kind, pasted), enter = await reader.notes(2)
    assert kind == "paste"
    assert pasted.replace("\r", "\n") == text  # a terminal has no other end of a line to paste
    assert enter == ["keys", "\r"]


async def test_a_line_of_any_length_arrives_where_the_program_reads_each_key(reader: Reader) -> None:
    line = "q" * 100_000

    answer = await reader.stage.runtime.deliver(reader.run, line)

    assert answer == (Receipt.TYPED, None)
    assert await reader.notes(2) == [["paste", line], ["keys", "\r"]]


async def test_a_line_that_the_terminal_would_cut_off_is_refused_and_nothing_typed(stage: TmuxStage) -> None:
    order = stage.order_of("sh", "-c", 'while IFS= read -r line; do echo "got ${#line}"; done')
    run = replace(order.run, handle=await stage.runtime.launch(order))
    await look_until(stage, run, Started)

    refused = await stage.runtime.deliver(run, f"a\n{'q' * 4_096}\nb")
    typed = await stage.runtime.deliver(run, f"{'q' * 4_095}\nb")

    assert (refused[0], "a line of 4096 bytes" in (refused[1] or "")) == (Receipt.REFUSED, True)
    assert typed == (Receipt.TYPED, None)
    await stage.until(lambda: "got 1\n" in stage.log(run))
    assert re.findall(r"got (\d+)", stage.log(run)) == ["4095", "1"]


def after(stage: TmuxStage, step: str, then: Callable[[], object]) -> None:
    """Let something happen to the server right behind a step of typing, once."""
    assert isinstance(stage.runtime, TmuxRuntime)
    server = stage.runtime._server
    real: Callable[..., object] = getattr(server, step)

    def with_trouble(*arguments: object) -> object:
        vars(server).pop(step)
        found = real(*arguments)
        then()
        return found

    vars(server)[step] = with_trouble


async def test_texts_come_in_their_order(reader: Reader) -> None:
    for text in ("one", "two", "three"):
        await reader.stage.runtime.deliver(reader.run, text)

    pasted = [content for kind, content in await reader.notes(6) if kind == "paste"]

    assert pasted == ["one", "two", "three"]


async def test_enter_may_be_pressed_alone(reader: Reader) -> None:
    await reader.stage.runtime.press_enter(reader.run)

    assert await reader.notes(1) == [["keys", "\r"]]


async def test_keys_are_pressed_by_their_names_and_in_their_order(reader: Reader) -> None:
    await reader.stage.runtime.press_keys(reader.run, ("2", "Down", "y", "Enter"))

    await reader.stage.until(lambda: "".join(content for _, content in reader.noted()) == "2\x1b[By\r")


@pytest.mark.parametrize("key", ["1; kill-server", "-t", "", "#{pane_pid}", "x" * 40, "'"])
async def test_what_is_no_key_is_not_pressed_nor_is_any_other(reader: Reader, key: str) -> None:
    with pytest.raises(OrchestrdError, match="there is no key"):
        await reader.stage.runtime.press_keys(reader.run, ("1", key))

    await reader.stage.runtime.press_enter(reader.run)
    assert await reader.notes(1) == [["keys", "\r"]]


async def test_copy_mode_is_left_before_anything_is_typed(reader: Reader) -> None:
    stage, pane = reader.stage, reader.stage.pane(reader.run)
    stage.tmux("copy-mode", "-t", pane)
    before = stage.tmux("display-message", "-p", "-t", pane, "#{pane_in_mode}")

    await stage.runtime.deliver(reader.run, "hello")

    assert await reader.notes(2) == [["paste", "hello"], ["keys", "\r"]]
    after = stage.tmux("display-message", "-p", "-t", pane, "#{pane_in_mode}")
    assert (before, after) == ("1\n", "0\n")


async def test_a_session_that_was_renamed_and_moved_is_found_all_the_same(reader: Reader) -> None:
    stage = reader.stage
    stage.tmux("rename-session", "-t", f"={reader.run.session}-1", "my favourite")
    stage.tmux("new-session", "-d", "-s", f"{reader.run.session}-1", "sleep", "300")
    stage.tmux("join-pane", "-d", "-s", stage.pane(reader.run), "-t", f"={reader.run.session}-1:")

    receipt, _ = await stage.runtime.deliver(reader.run, "hello")

    assert receipt is Receipt.TYPED
    assert await reader.notes(2) == [["paste", "hello"], ["keys", "\r"]]
    assert "ready" in (await stage.runtime.screen(reader.run) or "")
    assert (await stage.runtime.kill(reader.run)).survivors == ()
    assert set(stage.sessions()) == {f"{reader.run.session}-1"}  # the one made by hand


@pytest.mark.parametrize("key", ["\x1b[201~rm -rf x\r", "\x03", "\x04", "\x7f", "\x9b"])
async def test_what_a_terminal_takes_for_keys_is_refused_and_nothing_typed(reader: Reader, key: str) -> None:
    receipt, error = await reader.stage.runtime.deliver(reader.run, f"hello{key}")

    await reader.stage.runtime.deliver(reader.run, "next")
    assert receipt is Receipt.REFUSED
    assert "control character" in (error or "")
    assert (error or "").endswith(": leave it out")
    assert await reader.notes(2) == [["paste", "next"], ["keys", "\r"]]


async def test_a_frozen_server_refuses_and_nothing_is_typed_later(reader: Reader) -> None:
    stage, server = reader.stage, reader.stage.server()
    os.kill(server, signal.SIGSTOP)

    receipt, error = await stage.runtime.deliver(reader.run, "hello")

    os.kill(server, signal.SIGCONT)
    await stage.until(lambda: stage.tmux("list-buffers") == "")
    await stage.pause_until_asked_again()
    await stage.runtime.deliver(reader.run, "next")
    assert receipt is Receipt.REFUSED
    assert "no answer" in (error or "")
    assert await reader.notes(2) == [["paste", "next"], ["keys", "\r"]]


async def test_a_server_that_freezes_in_the_middle_makes_it_unknown_and_types_nothing_twice(reader: Reader) -> None:
    stage, server = reader.stage, reader.stage.server()
    after(stage, "load", lambda: os.kill(server, signal.SIGSTOP))

    receipt, error = await stage.runtime.deliver(reader.run, "hello")

    os.kill(server, signal.SIGCONT)
    await stage.pause_until_asked_again()
    await stage.runtime.press_enter(reader.run)
    assert receipt is Receipt.UNKNOWN
    assert "not known to be typed" in (error or "")
    noted = await reader.notes(2)
    assert noted in ([["paste", "hello"], ["keys", "\r"]], [["keys", "\r"]])


async def test_a_server_that_freezes_before_enter_makes_that_unknown(reader: Reader) -> None:
    stage, server = reader.stage, reader.stage.server()
    after(stage, "paste", lambda: os.kill(server, signal.SIGSTOP))

    receipt, error = await stage.runtime.deliver(reader.run, "hello")

    os.kill(server, signal.SIGCONT)
    assert receipt is Receipt.UNKNOWN
    assert "Enter" in (error or "")
    assert (await reader.notes(1))[0] == ["paste", "hello"]


async def test_a_pane_that_closes_in_the_middle_is_typed_into_no_more_and_no_text_stays_behind(
    reader: Reader, stage: TmuxStage
) -> None:
    pane, other = stage.pane(reader.run), await started(stage, SLEEPS)
    after(stage, "load", lambda: stage.tmux("kill-pane", "-t", pane))

    receipt, error = await stage.runtime.deliver(reader.run, "hello")

    assert (receipt, "closed" in (error or "")) == (Receipt.REFUSED, True)
    assert stage.tmux("list-buffers") == ""
    assert "hello" not in stage.log(other)


async def test_a_run_that_has_outlived_its_server_is_typed_into_no_more(stage: TmuxStage) -> None:
    order = stage.order_of("sh", "-c", "trap '' HUP; echo on; while :; do sleep 0.1; done")
    run = replace(order.run, handle=await stage.runtime.launch(order))
    await stage.until(lambda: "on" in stage.log(run))
    os.kill(stage.server(), signal.SIGKILL)
    await stage.until(lambda: stage.tmux_pids() == [])
    await started(stage, SLEEPS)  # on a new server

    receipt, _ = await stage.runtime.deliver(run, "hello")
    with pytest.raises(OrchestrdError, match="no pane"):
        await stage.runtime.press_enter(run)

    assert receipt is Receipt.REFUSED
    assert await stage.runtime.screen(run) is None
    assert stage.tmux("list-buffers") == ""


async def test_where_a_run_is_over_nothing_can_be_typed_or_seen(stage: TmuxStage) -> None:
    run = await launched(stage, EXITS_0)
    await end_of(stage, run)

    with pytest.raises(OrchestrdError, match="nothing reads the terminal"):
        await stage.runtime.press_enter(run)

    assert await stage.runtime.screen(run) is None


async def test_a_text_for_a_run_that_is_over_reaches_nobody_else(reader: Reader, stage: TmuxStage) -> None:
    run = await started(stage, SLEEPS)
    await stage.runtime.kill(run)

    receipt, _ = await stage.runtime.deliver(run, "hello")

    await stage.runtime.deliver(reader.run, "next")
    assert receipt is Receipt.REFUSED
    assert await reader.notes(2) == [["paste", "next"], ["keys", "\r"]]
    assert stage.tmux("list-buffers") == ""


async def test_the_screen_is_what_the_terminal_shows(stage: TmuxStage) -> None:
    order = stage.order_of("sh", "-c", "printf '\\033[2J\\033[5;10Hover here\\n\\n äöü'; exec sleep 300")
    run = replace(order.run, handle=await stage.runtime.launch(order))
    await stage.until(lambda: "äöü" in stage.log(run))
    await look_until(stage, run, Started)

    while "äöü" not in (shown := await stage.runtime.screen(run) or ""):
        await stage.pause()

    lines = shown.split("\n")
    assert lines[4] == " " * 9 + "over here"
    assert len(lines) <= 50


@pytest.mark.parametrize("is_seen", [True, False])
async def test_the_screen_is_shown_with_its_styles_to_whoever_asks_for_them(stage: TmuxStage, *, is_seen: bool) -> None:
    order = stage.order_of("sh", "-c", "printf '\\033[2J\\033[H\\033[2mdim\\033[0m plain'; exec sleep 300")
    run = replace(order.run, handle=await stage.runtime.launch(order))
    await stage.until(lambda: "plain" in stage.log(run))
    if is_seen:
        await look_until(stage, run, Started)

    while "plain" not in (shown := await stage.runtime.screen(run, is_styled=True) or ""):
        await stage.pause()

    assert shown.startswith("\x1b[2mdim\x1b[0m")
    assert "\x1b" not in (await stage.runtime.screen(run) or "")


async def test_the_screen_of_a_pane_that_was_seen_costs_no_process(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = reader.stage
    await stage.runtime.probe([reader.run])
    monkeypatch.setattr(TmuxCommand, "_run", _must_not_run)

    shown = await stage.runtime.screen(reader.run)

    assert "ready" in (shown or "")


async def test_the_screen_is_looked_for_where_the_pane_that_was_seen_has_no_answer(reader: Reader) -> None:
    stage = reader.stage
    await stage.runtime.probe([reader.run])
    monitor = int(stage.tmux("list-clients", "-F", "#{client_pid}"))
    os.kill(monitor, signal.SIGKILL)

    shown = await stage.runtime.screen(reader.run)

    assert "ready" in (shown or "")


def _must_not_run(*_: object) -> None:
    raise AssertionError("a process was started")

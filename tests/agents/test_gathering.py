"""What agents write down themselves, read as it grows, is replaced, vanishes, or is no file at all."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrd.agents.gathering import FileGatherer
from orchestrd.core.layout import Layout
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import GATHER_S, STATE_BYTES_MAX, TRANSCRIPT_READ_BYTES_MAX
from orchestrd.model.run import AgentFiles, Gathered, Wanted

ONE = SessionId("abcdefgh")


class Reader:
    """Reads one run's files look by look, as the daemon does: from the offset that the last look gave."""

    def __init__(self, place: Path) -> None:
        self.gatherer = FileGatherer(Layout(home=str(place)))
        self.place = place
        self.files = AgentFiles(state=str(place / "42.json"), transcript=str(place / "projects" / "*" / "one.jsonl"))
        self.offset = 0

    @property
    def state(self) -> Path:
        return self.place / "42.json"

    def transcript(self, folder: str = "-repo", name: str = "one.jsonl") -> Path:
        path = self.place / "projects" / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    async def look(self) -> Gathered:
        wanted = Wanted(session=ONE, generation=1, files=self.files, transcript_offset=self.offset)
        (found,) = await self.gatherer.gather([wanted])
        self.offset = max(self.offset, found.transcript_offset)
        return found

    async def lines(self) -> tuple[bytes, ...]:
        return (await self.look()).transcript_lines


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


async def test_where_there_is_nothing_nothing_is_said(reader: Reader) -> None:
    assert await reader.look() == Gathered()


async def test_a_state_file_is_given_whole_and_anew_at_each_change(reader: Reader) -> None:
    seen = []
    for content in (b'{"status":"idle"}', b'{"status":"busy"}', b'{"status":"busy"}', b"{}"):
        reader.state.write_bytes(content)
        seen.append((await reader.look()).state)
    reader.state.unlink()
    seen.append((await reader.look()).state)

    assert seen == [b'{"status":"idle"}', b'{"status":"busy"}', b'{"status":"busy"}', b"{}", None]


async def test_a_state_file_rewritten_within_one_step_of_the_clock_is_read_again(reader: Reader) -> None:
    reader.state.write_bytes(b"idle")
    stamp = reader.state.stat().st_mtime_ns
    await reader.look()
    reader.state.write_bytes(b"busy")
    os.utime(reader.state, ns=(stamp, stamp))

    assert (await reader.look()).state == b"busy"


async def test_a_state_file_that_stays_as_it_is_costs_no_reading(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.state.write_bytes(b"{}")
    reader.transcript().write_bytes(b"one\n")
    for _ in range(3):
        await reader.look()
    opened: list[object] = []
    monkeypatch.setattr(os, "open", lambda *words: opened.append(words))

    found = await reader.look()

    assert (found.state, found.transcript_lines) == (b"{}", ())
    assert opened == []


async def test_a_state_file_that_is_too_large_is_none(reader: Reader) -> None:
    reader.state.write_bytes(b"x" * (STATE_BYTES_MAX + 1))

    assert (await reader.look()).state is None


@pytest.mark.parametrize("kind", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/etc/passwd")])
async def test_what_is_no_plain_file_is_never_waited_for_nor_followed(
    reader: Reader, kind: Callable[[Path], None]
) -> None:
    kind(reader.state)
    kind(reader.transcript())

    assert await reader.look() == Gathered()


async def test_a_transcript_is_found_in_whatever_folder_and_read_as_it_grows(reader: Reader) -> None:
    (reader.place / "projects" / "-other").mkdir(parents=True)
    looks = [await reader.lines()]
    path = reader.transcript()
    for grown in (b"one\ntw", b"o\n", b"", b"three\nfour\n"):
        with path.open("ab") as file:
            file.write(grown)
        looks.append(await reader.lines())

    assert looks == [(), (b"one",), (b"two",), (), (b"three", b"four")]


async def test_of_several_transcripts_the_one_written_last_is_read(reader: Reader) -> None:
    reader.transcript("-old").write_bytes(b"old\n")
    os.utime(reader.transcript("-old"), (1, 1))
    reader.transcript("-new").write_bytes(b"new\n")

    assert await reader.lines() == (b"new",)


async def test_a_path_without_a_folder_to_be_found_is_taken_as_it_is(reader: Reader) -> None:
    reader.files = AgentFiles(transcript=str(reader.transcript()))
    reader.transcript().write_bytes(b"one\n")

    assert await reader.lines() == (b"one",)


async def test_a_daemon_that_starts_anew_goes_on_where_the_last_one_was(reader: Reader) -> None:
    reader.transcript().write_bytes(b"one\ntwo\n")
    reader.offset = 4

    assert await reader.lines() == (b"two",)


@pytest.mark.parametrize("again", [b"new\n", b"a longer one than before\n"])
async def test_a_transcript_that_was_replaced_is_read_from_its_beginning(reader: Reader, again: bytes) -> None:
    path = reader.transcript()
    path.write_bytes(b"one\ntwo\n")
    await reader.look()
    before = reader.offset
    draft = path.with_suffix(".tmp")
    draft.write_bytes(again)
    draft.replace(path)

    assert await reader.lines() == (again.rstrip(),)
    assert await reader.lines() == ()
    assert reader.offset == before + len(again)


async def test_a_transcript_that_was_cut_is_read_from_its_beginning(reader: Reader) -> None:
    path = reader.transcript()
    path.write_bytes(b"one\ntwo\n")
    await reader.look()
    path.write_bytes(b"three\n")

    assert await reader.lines() == (b"three",)


async def test_another_conversation_is_read_from_its_beginning_and_offsets_never_go_back(reader: Reader) -> None:
    reader.transcript().write_bytes(b"a long conversation\n")
    await reader.look()
    before = reader.offset
    reader.transcript(name="two.jsonl").write_bytes(b"one\n")
    reader.files = AgentFiles(transcript=str(reader.place / "projects" / "*" / "two.jsonl"))

    assert await reader.lines() == (b"one",)
    assert await reader.lines() == ()
    assert reader.offset == before + 4


async def test_a_transcript_that_goes_and_comes_back_is_found_again(reader: Reader) -> None:
    reader.transcript().write_bytes(b"one\n")
    await reader.look()
    reader.transcript().unlink()
    gone = await reader.lines()
    reader.transcript("-moved").write_bytes(b"two\n")

    assert (gone, await reader.lines()) == ((), (b"two",))


async def test_of_more_than_a_look_can_hold_only_the_end_is_read(reader: Reader) -> None:
    reader.transcript().write_bytes(b"x" * TRANSCRIPT_READ_BYTES_MAX + b"\nlast\n")

    assert await reader.lines() == (b"last",)
    assert reader.offset == TRANSCRIPT_READ_BYTES_MAX + 6


async def test_a_line_too_long_to_hold_is_skipped_whole(reader: Reader) -> None:
    path = reader.transcript()
    path.write_bytes(b"x" * (TRANSCRIPT_READ_BYTES_MAX + 5))
    looks = [await reader.lines()]
    with path.open("ab") as file:
        file.write(b"xx\nnext\n")
    looks.append(await reader.lines())

    assert looks == [(), (b"next",)]


async def test_what_may_not_be_read_says_nothing(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError

    reader.state.write_bytes(b"{}")
    reader.transcript().write_bytes(b"one\n")
    monkeypatch.setattr(os, "open", refuse)

    assert await reader.look() == Gathered()


async def test_a_disk_that_fails_in_the_middle_says_nothing(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    reader.state.write_bytes(b"{}")
    reader.transcript().write_bytes(b"one\n")
    monkeypatch.setattr(os, "pread", fail)
    broken = await reader.look()
    monkeypatch.undo()

    assert broken == Gathered()
    assert (await reader.look()).transcript_lines == (b"one",)


async def test_runs_are_answered_each_for_itself_and_in_order(reader: Reader) -> None:
    reader.state.write_bytes(b"{}")
    here = Wanted(session=ONE, generation=1, files=AgentFiles(state=str(reader.state)))
    nowhere = Wanted(session=ONE, generation=2, files=AgentFiles(), transcript_offset=7)

    found = await reader.gatherer.gather([nowhere, here])

    assert found == [Gathered(transcript_offset=7), Gathered(state=b"{}")]


async def test_of_a_run_that_is_over_nothing_is_kept(reader: Reader) -> None:
    reader.state.write_bytes(b"{}")
    reader.transcript().write_bytes(b"one\n")
    await reader.look()

    reader.gatherer.forget(ONE, 1)
    reader.gatherer.forget(ONE, 2)

    assert (reader.gatherer._states, reader.gatherer._transcripts) == ({}, {})


async def test_a_disk_that_does_not_answer_costs_a_look_its_files_and_no_more(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[Gathered]] = loop.create_future()
    monkeypatch.setattr(loop, "run_in_executor", lambda *_: answer)
    wanted = Wanted(session=ONE, generation=1, files=reader.files, transcript_offset=9)
    began = loop.time()

    first = await reader.gatherer.gather([wanted])
    second = await reader.gatherer.gather([wanted])
    monkeypatch.undo()
    answer.set_result([Gathered()])
    third = await reader.gatherer.gather([wanted])

    assert first == second == third == [Gathered(transcript_offset=9)]
    assert loop.time() - began == pytest.approx(2 * GATHER_S)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["grow", "replace", "look"]), st.lists(st.integers(0, 99), max_size=4)), max_size=12
    )
)
async def test_each_line_that_lasts_until_a_look_is_read_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, list[int]]]
) -> None:
    reader = Reader(tmp_path_factory.mktemp("reader"))
    path, number, due, heard = reader.transcript(), 0, list[bytes](), list[bytes]()
    path.touch()
    expected: list[bytes] = []
    for step, sizes in [*steps, ("look", [])]:
        lines = [f"{(number := number + 1)}{'x' * size}".encode() for size in sizes]
        content = b"".join(line + b"\n" for line in lines)
        if step == "replace":
            draft = path.with_suffix(".tmp")
            draft.write_bytes(content)
            draft.replace(path)
            due = []
            expected, heard = expected + lines, [*heard, *await reader.lines()]
        elif step == "grow":
            with path.open("ab") as file:
                file.write(content)
            due = [*due, *lines]
        else:
            heard += await reader.lines()
            expected, due = expected + due, []

    assert heard == expected


async def test_a_transcript_is_found_by_a_part_of_its_name_in_folders_below_each_other(reader: Reader) -> None:
    reader.files = AgentFiles(transcript=f"{reader.place}/2026/*/*/session-*-[one].jsonl")
    for day, name in (("20", "session-09-[one].jsonl"), ("21", "session-10-[two].jsonl"), ("21", "[one].jsonl")):
        folder = reader.place / "2026" / "11" / day
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode() + b"\n")

    assert await reader.lines() == (b"session-09-[one].jsonl",)


async def test_a_file_of_the_run_directory_is_named_by_its_name(reader: Reader) -> None:
    reader.files = AgentFiles(transcript="chat.md")
    directory = Path(Layout(home=str(reader.place)).run_directory(ONE, 1))
    directory.mkdir(parents=True)
    (directory / "chat.md").write_bytes(b"#### hello\n")

    assert await reader.lines() == (b"#### hello",)

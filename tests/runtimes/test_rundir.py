"""What the daemon writes into a run directory and reads back, whatever else lies there."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrd.core.launch import ClaimRecord, ExitRecord, ProcessIdentity
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import HOOK_LINE_BYTES_MAX, HOOKS_READ_BYTES_MAX, RUN_RECORD_BYTES_MAX
from orchestrd.model.run import Order, Run
from orchestrd.runtimes import launcher
from orchestrd.runtimes.rundir import RunDirectory

ORDER = Order(
    run=Run(session=SessionId("rundiraa"), generation=1, mark="rundiraa:1:nonce"),
    argv=("sh", "-c", "echo \udcff; exit", ""),
    directory="/tmp/a b",
    environment=(("ORCH_HOME", "/h"), ("EMPTY", ""), ("LINE", "a=b\nc")),
    secrets_path="/s",
    log_path="/l",
)


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    return RunDirectory(str(tmp_path / "rundiraa.1"))


def write(directory: RunDirectory, name: str, data: bytes) -> None:
    Path(directory.path).mkdir(exist_ok=True)
    (Path(directory.path) / name).write_bytes(data)


def test_an_order_reaches_the_launcher_as_it_was_meant(directory: RunDirectory) -> None:
    directory.write_order(ORDER)
    directory.write_order(ORDER)

    read = launcher.Order(launcher.read_file(directory.path + "/order"))

    assert [os.fsdecode(part) for part in read.argv] == list(ORDER.argv)
    assert read.environment == [b"ORCH_HOME=/h", b"EMPTY=", b"LINE=a=b\nc"]
    assert (read.mark, read.directory, read.secrets, read.log) == (b"rundiraa:1:nonce", b"/tmp/a b", b"/s", b"/l")


def test_the_directory_and_what_is_in_it_are_private(directory: RunDirectory) -> None:
    directory.write_order(ORDER)
    directory.take_claim()

    modes = {path.name: path.stat().st_mode & 0o777 for path in Path(directory.path).iterdir()}
    assert modes == {"order": 0o600, "claim": 0o600, "hooks.jsonl": 0o600}
    assert Path(directory.path).stat().st_mode & 0o777 == 0o700


def test_a_claim_outlives_a_power_cut_with_its_directory_and_an_order_need_not(
    directory: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.path.realpath(f"/proc/self/fd/{file}")))

    directory.write_order(ORDER)
    of_order = [*synced]
    directory.take_claim()

    assert of_order == []
    assert synced == [f"{directory.path}/claim", directory.path, str(Path(directory.path).parent)]


def test_a_claim_is_taken_once(directory: RunDirectory) -> None:
    taken = [directory.take_claim() for _ in range(3)]

    assert taken == [True, False, False]
    assert directory.claim() == ClaimRecord(boot=launcher.boot_id(), pid=os.getpid(), by="kill")
    assert directory.has_claim()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\1\2",
        b"[]",
        b'{"exit_code":0',
        b"[" * 1000,
        b'{"x":' + b"[" * 9_000,
        b'{"error":"\xff"}',
        b" " * RUN_RECORD_BYTES_MAX + b"{}",
    ],
)
def test_a_record_that_is_not_whole_counts_as_absent(directory: RunDirectory, data: bytes) -> None:
    write(directory, "exit.json", data)

    assert directory.exit() is None


def test_an_exit_record_is_read_as_the_launcher_wrote_it(directory: RunDirectory) -> None:
    write(directory, "exit.json", launcher._exit_record(None, "SIGKILL", [os.getpid()], None))

    record = directory.exit()

    stat = launcher.read_stat(os.getpid())
    assert record is not None
    assert stat is not None
    left = ProcessIdentity(pid=os.getpid(), started_ticks=int(stat[19]))
    assert record == ExitRecord(exit_code=None, exit_signal="SIGKILL", at=record.at, left=(left,), error=None)


def test_an_exit_beside_a_failed_setup_is_that_of_the_setup(directory: RunDirectory) -> None:
    write(directory, "exit.json", launcher._exit_record(7, None, [], None))
    write(directory, "setup.failed", b"7\n")

    record = directory.exit()

    assert record is not None
    assert (record.exit_code, record.setup_failed) == (7, True)


def test_what_is_no_regular_file_is_not_read_and_holds_nobody_up(directory: RunDirectory) -> None:
    place = Path(directory.path)
    place.mkdir()
    os.mkfifo(place / "exit.json")
    (place / "start.json").mkdir()
    os.mkfifo(place / "hooks.jsonl")

    answers = (directory.exit(), directory.start(), directory.hook_lines(0))

    assert answers == (None, None, ((), 0))


def test_links_are_not_followed(directory: RunDirectory, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text('{"report":"working"}\n')
    Path(directory.path).mkdir()
    (Path(directory.path) / "hooks.jsonl").symlink_to(tmp_path / "secret")
    (Path(directory.path) / "exit.json").symlink_to(tmp_path / "secret")

    assert directory.hook_lines(0) == ((), 0)
    with pytest.raises(OSError, match="symbolic links"):
        directory.exit()


def test_no_hooks_yet_are_no_lines(directory: RunDirectory) -> None:
    assert directory.hook_lines(0) == ((), 0)


def test_a_line_that_is_not_whole_yet_is_left_for_later(directory: RunDirectory) -> None:
    write(directory, "hooks.jsonl", b'one\n{"repo')
    lines, offset = directory.hook_lines(0)

    write(directory, "hooks.jsonl", b'one\n{"report"}\n')
    rest, end = directory.hook_lines(offset)

    assert (lines, offset) == ((b"one",), 4)
    assert (rest, end) == ((b'{"report"}',), 15)
    assert directory.hook_lines(end) == ((), end)


def test_a_file_that_was_cut_says_nothing_new_until_it_is_longer_again(directory: RunDirectory) -> None:
    write(directory, "hooks.jsonl", b"a\n")

    assert directory.hook_lines(10) == ((), 10)


def test_a_line_that_is_too_long_is_skipped_and_the_others_are_not(directory: RunDirectory) -> None:
    long = b"x" * (HOOK_LINE_BYTES_MAX + 1)
    write(directory, "hooks.jsonl", b"one\n" + long + b"\n\ntwo\n")

    lines, _ = directory.hook_lines(0)

    assert lines == (b"one", b"two")


@pytest.mark.parametrize("extra", [0, 1, HOOKS_READ_BYTES_MAX // 2, HOOKS_READ_BYTES_MAX, 5 * HOOKS_READ_BYTES_MAX + 7])
def test_a_line_longer_than_one_look_is_skipped_over_several(directory: RunDirectory, extra: int) -> None:
    write(directory, "hooks.jsonl", b"one\n" + b"y" * (HOOKS_READ_BYTES_MAX + extra) + b"\ntwo\n")

    assert read_all(directory) == [b"one", b"two"]


@given(
    lines=st.lists(st.binary(min_size=1, max_size=30).filter(lambda line: b"\n" not in line), max_size=20),
    cuts=st.lists(st.integers(0, 400), max_size=6),
)
def test_lines_come_whole_in_order_and_once_however_the_file_grows(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], cuts: list[int]
) -> None:
    directory = RunDirectory(str(tmp_path_factory.mktemp("hooks")))
    text = b"".join(line + b"\n" for line in lines)
    seen: list[bytes] = []
    offset = 0

    for size in [*sorted(cuts), len(text)]:
        write(directory, "hooks.jsonl", text[:size])
        found, offset = directory.hook_lines(offset)
        seen += found

    assert seen == lines
    assert offset == len(text)


def read_all(directory: RunDirectory) -> list[bytes]:
    """Look until nothing more is found."""
    seen: list[bytes] = []
    offset = -1
    following = 0
    while offset != following:
        offset = following
        found, following = directory.hook_lines(offset)
        seen += found
    return seen


# ---- messages for a host ---------------------------------------------------------------------------------------------


def test_a_message_is_left_whole_and_private_where_a_host_takes_it(directory: RunDirectory) -> None:
    place = Path(directory.path, "messages")
    place.mkdir(parents=True)

    names = [directory.leave_message(text) for text in ("one\n'two'\0", "ä" * 600_000)]

    assert [(place / str(name)).read_text() for name in names] == ["one\n'two'\0", "ä" * 600_000]
    assert {(place / str(name)).stat().st_mode & 0o777 for name in names} == {0o600}


def test_without_a_host_no_message_is_left_and_no_link_is_followed_to_one(
    directory: RunDirectory, tmp_path: Path
) -> None:
    Path(directory.path).mkdir()
    before = directory.leave_message("hello")
    Path(directory.path, "messages").symlink_to(tmp_path)

    assert (before, directory.leave_message("hello")) == (None, None)
    assert [path.name for path in tmp_path.iterdir()] == [Path(directory.path).name]


def test_a_message_whose_name_was_not_typed_is_taken_back(directory: RunDirectory) -> None:
    place = Path(directory.path, "messages")
    place.mkdir(parents=True)

    directory.take_back_message(str(directory.leave_message("hello")))
    directory.take_back_message("gone")

    assert list(place.iterdir()) == []

"""Secrets, prompts, output: what lies beside a record."""

import os
import stat
from pathlib import Path

import pytest

from orchestrd.core.layout import Layout
from orchestrd.model.errors import RefusedError, TransientError, UsageError
from orchestrd.model.limits import SCREEN_BYTES_MAX
from orchestrd.model.words import State
from orchestrd.store import logs
from orchestrd.store.attachments import FileAttachments, put_away
from orchestrd.store.disk import LocalDisk, Stamp
from tests.store.benches import FileBench
from tests.store.making import ID, NOW, a_session, following

MEBIBYTE = 1024 * 1024


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return FileBench(tmp_path / "home").layout


@pytest.fixture
def attachments(layout: Layout) -> FileAttachments:
    return FileAttachments(layout)


# ---- secrets and prompts


def test_secrets_are_private_and_in_the_form_of_an_environment(layout: Layout, attachments: FileAttachments) -> None:
    attachments.write_secret(ID, {"KEY": "a=b\nc", "EMPTY": "", "BYTES": os.fsdecode(b"\xff")})

    path = Path(layout.secret(ID))
    assert path.read_bytes() == b"KEY=a=b\nc\0EMPTY=\0BYTES=\xff\0"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("environment", [{"": "x"}, {"A=B": "x"}, {"A\0": "x"}, {"A": "x\0y"}])
def test_what_cannot_be_in_an_environment_is_refused(
    layout: Layout, attachments: FileAttachments, environment: dict[str, str]
) -> None:
    with pytest.raises(UsageError):
        attachments.write_secret(ID, environment)

    assert list(Path(layout.secrets).iterdir()) == []


def test_a_prompt_of_a_mebibyte_is_kept_whole(layout: Layout, attachments: FileAttachments) -> None:
    prompt = "ü" * (MEBIBYTE // 2)

    attachments.write_prompt(ID, prompt)

    assert Path(layout.prompt(ID)).read_text(encoding="utf-8") == prompt


def test_what_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")

    with pytest.raises(TransientError, match=r"cannot write .*Not a directory"):
        FileAttachments(Layout(str(tmp_path / "home"))).write_prompt(ID, "x")


# ---- the end of the output


def test_the_screen_is_the_end_of_the_output(layout: Layout, attachments: FileAttachments) -> None:
    Path(layout.log(ID)).write_bytes(b"x" * 10_000 + b"the end \xff\n")

    screen = attachments.read_screen(ID)

    assert screen is not None
    assert screen.endswith("the end \ufffd\n")
    assert len(screen) == SCREEN_BYTES_MAX


def test_there_is_no_screen_without_output(layout: Layout, attachments: FileAttachments) -> None:
    missing = attachments.read_screen(ID)
    Path(layout.log(ID)).touch()

    assert missing is None
    assert attachments.read_screen(ID) is None


def test_a_hostile_log_is_no_screen(layout: Layout, attachments: FileAttachments) -> None:
    os.mkfifo(layout.log(ID))

    assert attachments.read_screen(ID) is None


# ---- logs


def allocated(path: Path) -> int:
    return path.stat().st_blocks * 512


def test_the_head_of_a_long_log_is_given_back_and_offsets_stay(layout: Layout, attachments: FileAttachments) -> None:
    path = Path(layout.log(ID))
    content = os.urandom(3 * MEBIBYTE + 5_000)
    path.write_bytes(content)

    attachments.trim_log(ID, MEBIBYTE)

    left = path.read_bytes()
    assert len(left) == len(content)
    assert left[-MEBIBYTE:] == content[-MEBIBYTE:]
    assert set(left[: 2 * MEBIBYTE]) == {0}
    assert allocated(path) <= MEBIBYTE + 16 * 1024


def test_a_writer_does_not_notice(layout: Layout, attachments: FileAttachments) -> None:
    path = Path(layout.log(ID))
    with path.open("ab", buffering=0) as agent:
        for _ in range(8):
            agent.write(b"x" * (MEBIBYTE // 2))
            attachments.trim_log(ID, MEBIBYTE)
        agent.write(b"the end")

    assert path.stat().st_size == 4 * MEBIBYTE + 7
    assert path.read_bytes().endswith(b"xthe end")
    assert allocated(path) <= MEBIBYTE + 16 * 1024


def test_the_daemons_own_log_is_held_under_the_same_bound(layout: Layout, attachments: FileAttachments) -> None:
    path = Path(layout.daemon_log)
    path.write_bytes(b"x" * 4 * MEBIBYTE)

    attachments.trim_daemon_log(MEBIBYTE)

    assert allocated(path) <= MEBIBYTE + 16 * 1024


def test_a_log_within_its_bound_is_left_alone(layout: Layout, attachments: FileAttachments) -> None:
    path = Path(layout.log(ID))
    path.write_bytes(b"x" * MEBIBYTE)

    attachments.trim_log(ID, MEBIBYTE)

    assert path.read_bytes() == b"x" * MEBIBYTE


def test_a_log_that_is_not_there_is_short_enough(attachments: FileAttachments) -> None:
    attachments.trim_log(ID, MEBIBYTE)


def test_where_no_holes_can_be_made_it_is_said(
    layout: Layout, attachments: FileAttachments, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(layout.log(ID)).write_bytes(b"x" * 2 * MEBIBYTE)
    monkeypatch.setattr(logs, "_punch", lambda descriptor, end: 95)  # EOPNOTSUPP

    with pytest.raises(RefusedError, match="cannot make holes") as refusal:
        attachments.trim_log(ID, MEBIBYTE)

    assert refusal.value.code == "log_unbounded"


def test_a_hole_that_fails_is_tried_again_later(
    layout: Layout, attachments: FileAttachments, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(layout.log(ID)).write_bytes(b"x" * 2 * MEBIBYTE)
    monkeypatch.setattr(logs, "_punch", lambda descriptor, end: 5)  # EIO

    with pytest.raises(TransientError, match="cannot trim"):
        attachments.trim_log(ID, MEBIBYTE)


def test_a_log_that_leads_elsewhere_is_not_followed(
    tmp_path: Path, layout: Layout, attachments: FileAttachments
) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"x" * 2 * MEBIBYTE)
    Path(layout.log(ID)).symlink_to(target)

    attachments.trim_log(ID, MEBIBYTE)

    assert target.read_bytes() == b"x" * 2 * MEBIBYTE


def test_the_text_of_a_large_message_is_kept_whole_until_it_is_forgotten(
    layout: Layout, attachments: FileAttachments
) -> None:
    text = "ü" * (MEBIBYTE // 2)

    attachments.write_message(ID, "d1", text)
    attachments.write_message(ID, "d1", text)
    kept = attachments.read_message(ID, "d1")
    attachments.forget_message(ID, "d1")
    attachments.forget_message(ID, "d1")

    assert kept == text
    assert attachments.read_message(ID, "d1") is None
    assert list(Path(layout.messages).iterdir()) == []


def test_texts_that_no_message_waits_for_are_swept_and_no_others(layout: Layout, attachments: FileAttachments) -> None:
    for digest in ("d1", "d2", "d3"):
        attachments.write_message(ID, digest, "x")
    Path(layout.messages, ".torn.tmp").write_text("x")

    attachments.sweep_messages([(ID, "d2")])

    assert [path.name for path in Path(layout.messages).iterdir()] == [f"{ID}.d2"]


def test_a_home_without_such_texts_is_swept_as_well(layout: Layout, attachments: FileAttachments) -> None:
    Path(layout.messages).rmdir()

    attachments.sweep_messages([])

    assert not Path(layout.messages).exists()


def test_what_a_refused_spawn_has_brought_is_forgotten(layout: Layout, attachments: FileAttachments) -> None:
    attachments.write_secret(ID, {"KEY": "value"})
    attachments.write_prompt(ID, "x")
    Path(layout.prompt(ID)).unlink()
    Path(layout.prompt(ID)).mkdir()

    attachments.forget(ID)
    attachments.forget(ID)

    assert not Path(layout.secret(ID)).exists()


# ---- the archive


def test_run_directories_go_into_the_archive_whole(tmp_path: Path) -> None:
    bench = FileBench(tmp_path / "home")
    record = bench.commit(a_session())
    bench.commit(following(record, state=State.FAILED, ended_at=NOW.at, generation=3))
    for generation in (1, 3):
        run = Path(bench.layout.run_directory(ID, generation))
        run.mkdir()
        (run / "exit.json").write_text("{}")
    other = Path(bench.layout.run_directory("bbbbbbbb", 1))
    other.mkdir()

    bench.store.archive(ID)

    kept = Path(bench.layout.archive, ID)
    assert sorted(path.name for path in kept.iterdir()) == [f"{ID}.1", f"{ID}.3", f"{ID}.json"]
    assert (kept / f"{ID}.3" / "exit.json").read_text() == "{}"
    assert list(Path(bench.layout.runs).iterdir()) == [other]


def test_to_put_one_session_away_costs_no_look_at_the_runs_of_others(tmp_path: Path) -> None:
    looked_at: list[str] = []

    class Watched(LocalDisk):
        def scan(self, directory: str) -> dict[str, Stamp]:
            looked_at.append(directory)
            return super().scan(directory)

    bench = FileBench(tmp_path / "home")
    record = bench.commit(a_session())
    bench.commit(following(record, state=State.FAILED, generation=3))

    put_away(Watched(), bench.layout, ID, 3)

    assert looked_at == []


def test_an_archive_that_was_interrupted_is_done_again(tmp_path: Path) -> None:
    bench = FileBench(tmp_path / "home")
    record = bench.commit(a_session())
    stored = bench.commit(following(record, state=State.FAILED, ended_at=NOW.at))
    FileAttachments(bench.layout).write_prompt(ID, "x")
    Path(bench.layout.record(ID)).rename(tmp_path / "record")
    with pytest.raises(TransientError, match="cannot write"):
        bench.store.archive(ID)
    (tmp_path / "record").rename(bench.layout.record(ID))

    assert bench.restart().sessions == (stored,)
    bench.store.archive(ID)

    assert bench.names(f"{bench.layout.archive}/{ID}") == [ID, f"{ID}.json"]

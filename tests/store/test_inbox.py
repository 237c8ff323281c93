"""Commands that wait for a daemon: durable, in order, and no hostile entry stops the others."""

import os
import threading
from pathlib import Path

import pytest

from orchestrd.core.layout import Layout
from orchestrd.model.command import Kill, Spawn, Stop
from orchestrd.model.document import SpawnRequest
from orchestrd.model.errors import TransientError
from orchestrd.model.limits import INBOX_FILES_MAX, RECORD_BYTES_MAX
from orchestrd.ports import Rejected
from orchestrd.store.disk import LocalDisk
from orchestrd.store.inbox import FileInbox, spool, spool_spawn
from tests.store.benches import FileBench
from tests.store.making import ID, SPEC

STOP = Stop(session=ID)
AT_NS = 1_700_000_000_000_000_000


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return FileBench(tmp_path / "home").layout


@pytest.fixture
def inbox(layout: Layout) -> FileInbox:
    return FileInbox(layout)


def test_commands_come_out_in_the_order_they_went_in(layout: Layout, inbox: FileInbox) -> None:
    for at_ns, session in ((3, "aaaaaaaa"), (1, "cccccccc"), (2, "bbbbbbbb")):
        spool(layout, Kill(session=session), at_ns)  # type: ignore[arg-type] # ids

    taken = [inbox.take(entry) for entry in inbox.pending()]

    assert [command.session for command in taken if not isinstance(command, Rejected)] == [
        "aaaaaaaa",
        "cccccccc",
        "bbbbbbbb",
    ]


def test_a_clock_that_was_set_back_changes_no_order(layout: Layout, inbox: FileInbox) -> None:
    names = [spool(layout, STOP, at_ns) for at_ns in (AT_NS, AT_NS - 3_600 * 10**9, 1, AT_NS + 5)]

    assert inbox.pending() == tuple(names)


@pytest.mark.parametrize("name", ["notes.txt", "zzz.json", "9" * 20 + "-aaaaaaaa.json", "9" * 40, "\u0663" * 20 + "-a"])
def test_a_name_that_no_client_gave_moves_no_entry(layout: Layout, name: str) -> None:
    Path(layout.inbox_new, name).touch()

    entry = spool(layout, STOP, AT_NS)

    assert entry == f"{AT_NS:020d}-{ID}.json"


def test_an_entry_stays_until_it_is_done(layout: Layout, inbox: FileInbox) -> None:
    entry = spool(layout, STOP, AT_NS)

    first, second = inbox.take(entry), FileInbox(layout).take(entry)
    inbox.done(entry)
    inbox.done(entry)

    assert first == second == STOP
    assert inbox.pending() == ()
    assert inbox.take(entry) == Rejected(why="it is gone", path=None)


def test_no_entry_replaces_another(layout: Layout, inbox: FileInbox) -> None:
    names = [spool(layout, STOP, AT_NS) for _ in range(3)]

    assert inbox.pending() == tuple(names)
    assert len(set(names)) == 3
    assert list(Path(layout.inbox_tmp).iterdir()) == []


def test_a_first_client_makes_the_home(tmp_path: Path) -> None:
    layout = Layout(str(tmp_path / "state" / "orchestrd"))
    request = SpawnRequest(id=ID, spec=SPEC, environment={"KEY": "secret"}, prompt="do it all")

    entry = spool_spawn(layout, request, AT_NS)
    bench = FileBench(Path(layout.home))

    assert FileInbox(layout).pending() == (entry,)
    assert FileInbox(layout).take(entry) == Spawn(session=ID, spec=SPEC)
    assert bench.get(layout.secret(ID)) == b"KEY=secret\0"
    assert bench.get(layout.prompt(ID)) == b"do it all"


def test_no_secret_stands_in_an_entry(layout: Layout) -> None:
    request = SpawnRequest(id=ID, spec=SPEC, environment={"KEY": "hunter2"}, prompt="whole prompt")

    entry = spool_spawn(layout, request, AT_NS)

    data = Path(layout.inbox_new, entry).read_bytes()
    assert b"hunter2" not in data
    assert b"whole prompt" not in data


def test_secrets_are_durable_before_the_entry_is(layout: Layout) -> None:
    acts: list[str] = []

    class Watched(LocalDisk):
        def link(self, source: str, target: str) -> None:
            acts.append(target)
            super().link(source, target)

        def sync_directory(self, path: str) -> None:
            acts.append(path)
            super().sync_directory(path)

    spool_spawn(layout, SpawnRequest(id=ID, spec=SPEC, environment={"A": "b"}, prompt="x"), AT_NS, Watched())

    named = [act.removeprefix(layout.home + "/").partition("/")[0] for act in acts]
    assert named == ["secrets", "prompts", "inbox", "inbox"]


def test_what_is_no_command_is_set_aside_whole(layout: Layout, inbox: FileInbox) -> None:
    path = Path(layout.inbox_new, "0-garbage.json")
    path.write_bytes(b"not a command")
    good = spool(layout, STOP, AT_NS)

    (first, second) = inbox.pending()
    rejected = inbox.take(first)

    assert isinstance(rejected, Rejected)
    assert "0-garbage.json" in rejected.why
    assert Path(rejected.path or "").read_bytes() == b"not a command"
    assert second == good
    assert inbox.pending() == (good,)


@pytest.mark.parametrize("kind", ["fifo", "directory", "symlink", "huge"])
def test_a_hostile_entry_is_set_aside_unread(layout: Layout, inbox: FileInbox, kind: str) -> None:
    path = Path(layout.inbox_new, "0-hostile.json")
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "directory":
            path.mkdir()
        case "symlink":
            path.symlink_to("/etc/passwd")
        case _:
            with path.open("wb") as file:
                file.truncate(RECORD_BYTES_MAX + 1)

    rejected = inbox.take(path.name)

    assert isinstance(rejected, Rejected)
    assert os.path.lexists(rejected.path or "")
    assert inbox.pending() == ()


def test_what_cannot_be_moved_is_passed_over(layout: Layout, inbox: FileInbox, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(layout.inbox_new, "0-garbage.json")
    path.write_bytes(b"?")
    Path(layout.quarantine).rmdir()
    Path(layout.quarantine).write_text("a file")

    rejected = inbox.take(path.name)

    assert isinstance(rejected, Rejected)
    assert rejected.path is None
    assert inbox.pending() == ()
    assert path.exists()


def test_what_cannot_be_removed_is_passed_over(layout: Layout, inbox: FileInbox) -> None:
    Path(layout.inbox_new, "directory").mkdir()

    inbox.done("directory")

    assert inbox.pending() == ()


def test_no_more_than_a_bounded_part_is_taken_at_a_time(layout: Layout, inbox: FileInbox) -> None:
    for number in range(INBOX_FILES_MAX + 5):
        Path(layout.inbox_new, f"{number:020d}-x.json").touch()

    first = inbox.pending()
    second = inbox.pending(first[-1])

    assert (len(first), len(second)) == (INBOX_FILES_MAX, 5)
    assert [*first, *second] == sorted({*first, *second})
    assert inbox.pending(second[-1]) == ()


def test_an_inbox_that_cannot_be_listed_says_so(layout: Layout, inbox: FileInbox) -> None:
    Path(layout.inbox_new).rmdir()

    with pytest.raises(TransientError, match="cannot list"):
        inbox.pending()


def test_a_command_that_cannot_be_spooled_was_not_accepted(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")

    with pytest.raises(TransientError, match="cannot write"):
        spool(Layout(str(tmp_path / "home")), STOP, AT_NS)


def test_many_clients_spool_at_once(layout: Layout, inbox: FileInbox) -> None:
    clients = [threading.Thread(target=spool, args=(layout, STOP, AT_NS + number)) for number in range(20)]

    for client in clients:
        client.start()
    for client in clients:
        client.join()

    assert [inbox.take(entry) for entry in inbox.pending()] == [STOP] * 20

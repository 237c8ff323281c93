"""A home without its daemon: what is read, what is spooled, and what is said of it."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from orchestrd.client import Client, spawn_request
from orchestrd.core.layout import Layout
from orchestrd.model.document import SpawnRequest
from orchestrd.model.errors import (
    NotFoundError,
    OrchestrdError,
    RefusedError,
    UnreachableError,
    UsageError,
)
from orchestrd.model.event import Event, EventType
from orchestrd.model.ids import SessionId
from orchestrd.model.instant import Instant
from orchestrd.model.words import Reason, State
from orchestrd.store.files import FileStore
from orchestrd.store.inbox import FileInbox
from tests.documents import NOON, a_spec
from tests.sessions import a_session

NOW = Instant(at=NOON, boot="boot", up_s=1.0)

Commit = Callable[..., None]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(str(tmp_path / "home"))


@pytest.fixture
def client(layout: Layout) -> Client:
    return Client(layout.home, use_daemon=False)


@pytest.fixture
def commit(layout: Layout) -> Commit:
    """Leave a session on the disk, as a daemon that is gone has left it."""

    def commit(session: str = "abcdefgh", **changes: object) -> None:
        store = FileStore(layout)
        epoch = store.recover(NOW).home.epoch
        record = a_session(session, epoch=epoch, events=(_event(session),))
        (stored,) = store.commit([replace(record, **changes)])
        store.close()
        assert not isinstance(stored, OrchestrdError), stored

    return commit


def _event(session: str) -> Event:
    return Event(
        sequence=0,
        at=NOON,
        session=SessionId(session),
        generation=1,
        type=EventType.STATE_CHANGED,
        from_=None,
        to="running",
        reason=None,
        authority=None,
        revision=1,
    )


def _request(tmp_path: Path, **changes: object) -> SpawnRequest:
    return spawn_request(argv=["true"], directory=str(tmp_path), environ={"HOME": "/h"}, **changes)  # type: ignore[arg-type]


def test_a_home_that_was_never_used_is_empty(client: Client, layout: Layout) -> None:
    status = client.status()

    assert (status.daemon, status.sessions, status.hidden, status.newest_record_at) == (None, (), 0, None)
    assert (list(client.events()), client.newest()) == ([], 0)
    assert not Path(layout.home).exists()


def test_the_disk_tells_what_the_daemon_last_knew_and_how_old_that_is(client: Client, commit: Commit) -> None:
    commit()
    commit("bbbbbbbb", state=State.FAILED, reason=Reason.SIGNAL, exit_signal="SIGKILL")

    status = client.status()

    assert ([told.id for told in status.sessions], status.hidden) == (["abcdefgh"], 1)
    assert status.newest_record_at is not None
    assert client.show("bbb").exit_signal == "SIGKILL"


def test_a_row_is_explained_without_evidence(client: Client, commit: Commit) -> None:
    commit()

    explanation = client.explain("fix-login")

    assert (explanation.session.id, explanation.witnesses) == ("abcdefgh", ())
    assert "start record" in explanation.state_rule


def test_a_record_of_a_newer_orchestrd_is_shown(client: Client, layout: Layout, commit: Commit) -> None:
    commit()
    record = Path(layout.record("abcdefgh"))
    record.write_bytes(record.read_bytes().replace(b'"schema": 1', b'"schema": 999'))

    assert client.show("abcdefgh").name == "fix-login"
    assert "newer orchestrd" in client.explain("abcdefgh").state_rule


def test_the_journal_is_read_from_a_cursor_and_by_choice(client: Client, commit: Commit) -> None:
    commit(spec=a_spec(name="frontend"))
    commit("bbbbbbbb")

    def told(**choice: object) -> list[str]:
        return [msgspec.json.decode(line)["session"] for line in client.events(**choice)]  # type: ignore[arg-type]

    assert told() == ["abcdefgh", "bbbbbbbb"]
    assert told(since=1) == ["bbbbbbbb"]
    assert told(sessions=["abc"]) == told(sessions=["frontend"]) == ["abcdefgh"]
    assert told(types=["void"]) == []
    assert client.newest() == 2


def test_an_archived_session_has_left_its_events_and_one_that_never_was_is_not_found(
    client: Client, layout: Layout, commit: Commit
) -> None:
    commit(state=State.COMPLETED, reason=Reason.EXITED, ended_at=NOON)
    store = FileStore(layout)
    store.recover(NOW)
    store.archive(SessionId("abcdefgh"))
    store.close()

    assert len(list(client.events(sessions=["abcdefgh"]))) == 1
    for nobody in ("zzzzzzzz", "abd"):
        with pytest.raises(NotFoundError, match=nobody):
            list(client.events(sessions=[nobody]))


def test_numbers_that_are_no_longer_kept_are_a_gap(client: Client, layout: Layout, commit: Commit) -> None:
    commit()
    commit("bbbbbbbb")
    (segment,) = Path(layout.journal).glob("*.jsonl")
    second = segment.read_bytes().splitlines(keepends=True)[1]
    segment.unlink()
    segment.with_name(f"{2:020d}.jsonl").write_bytes(second)
    Path(layout.record("abcdefgh")).unlink()

    lines = list(client.events())

    assert lines[0] == b'{"type":"gap","from":1,"to":1}'
    assert msgspec.json.decode(lines[1])["sequence"] == 2


def test_a_spooled_spawn_is_accepted_at_once_and_taken_in_later(client: Client, layout: Layout, tmp_path: Path) -> None:
    request = _request(tmp_path, prompt="do it", name="later")

    taken = client.spawn(request)

    assert (taken.is_spooled, taken.document.state, taken.document.revision) == (True, "accepted", 0)
    assert client.show("later").state == "accepted"
    assert [told.id for told in client.status().sessions] == [request.id]
    assert "spooled" in client.explain("later").state_rule
    inbox = FileInbox(layout)
    (entry,) = inbox.pending()
    command = inbox.take(entry)
    assert getattr(command, "spec", None) == request.spec
    assert Path(layout.secret(request.id)).read_bytes() == b"HOME=/h\0"
    assert Path(layout.prompt(request.id)).read_text() == "do it"


def test_what_is_in_the_inbox_and_is_no_spawn_is_left_alone(client: Client, layout: Layout, tmp_path: Path) -> None:
    client.spawn(_request(tmp_path))
    for name in ("garbage", "17-x.json", "no-number.json"):
        Path(layout.inbox_new, name).write_bytes(b"\0{")
    Path(layout.inbox_new, "17-directory").mkdir()
    Path(layout.inbox_new, "17-link").symlink_to("garbage")

    sessions = client.status().sessions

    assert len(sessions) == 1
    assert len(list(Path(layout.inbox_new).iterdir())) == 6


def test_a_stop_and_a_kill_are_spooled_and_tell_how_it_stands(
    client: Client, layout: Layout, commit: Commit, tmp_path: Path
) -> None:
    commit()
    spooled = client.spawn(_request(tmp_path)).document

    stopped, killed = client.stop("abc", grace_s=2), client.kill(spooled.id)

    assert (stopped.is_spooled, stopped.document.state) == (True, "running")
    assert (killed.is_spooled, killed.document.state) == (True, "accepted")
    assert len(FileInbox(layout).pending()) == 3


def test_what_has_ended_is_not_stopped_again(client: Client, layout: Layout, commit: Commit) -> None:
    commit(state=State.COMPLETED, reason=Reason.EXITED)

    with pytest.raises(RefusedError) as refused:
        client.stop("abc")

    assert (refused.value.code, FileInbox(layout).pending() if Path(layout.inbox_new).exists() else ()) == (
        "already_ended",
        (),
    )


def test_what_breaks_a_rule_is_not_spooled(client: Client, layout: Layout, commit: Commit, tmp_path: Path) -> None:
    commit()
    request = _request(tmp_path)

    with pytest.raises(UsageError):
        client.stop("abc", grace_s=-1)
    with pytest.raises(UsageError):
        client.spawn(replace(request, spec=replace(request.spec, name="../x")))

    assert list(Path(layout.home).glob("inbox/new/*")) == []


def test_words_that_mean_nothing_or_too_much_are_refused(client: Client, commit: Commit) -> None:
    commit("abcdefgh")
    commit("abcdefg2", spec=a_spec(name="other"))

    with pytest.raises(NotFoundError):
        client.show("nobody")
    with pytest.raises(UsageError, match=r"abcdefg2 \(running since 2026-11-20 12:00Z\), abcdefgh"):
        client.show("abc")


@pytest.mark.parametrize("verb", ["revive", "send"])
def test_what_cannot_be_spooled_needs_a_daemon(client: Client, commit: Commit, verb: str) -> None:
    commit()

    with pytest.raises(UnreachableError):
        client.revive("abc") if verb == "revive" else client.send("abc", "go on")


def test_a_home_that_may_not_be_read_is_named(client: Client, layout: Layout) -> None:
    Path(layout.home).mkdir()
    Path(layout.sessions).write_text("not a directory")

    with pytest.raises(OrchestrdError) as refused:
        client.status()

    assert refused.value.code == "unreadable"
    assert layout.sessions in refused.value.message


def test_an_ended_session_is_waited_for_on_the_disk(client: Client, commit: Commit) -> None:
    commit(state=State.COMPLETED, reason=Reason.EXITED)
    commit("bbbbbbbb", state=State.FAILED, reason=Reason.SIGNAL, spec=a_spec(name="b"))

    waited = client.wait(["abcdefgh", "b", "bbbbbbbb"])

    assert [(one.document.id, one.is_met) for one in waited] == [("abcdefgh", True), ("bbbbbbbb", False)]


def test_the_time_of_a_wait_is_bounded(client: Client, commit: Commit) -> None:
    commit()

    with pytest.raises(OrchestrdError) as refused:
        client.wait(["abc"], timeout_s=timedelta().total_seconds())

    assert refused.value.code == "timeout"


def test_what_is_archived_is_said_to_be(client: Client, commit: Commit, layout: Layout) -> None:
    commit(state=State.COMPLETED, reason=Reason.EXITED)
    store = FileStore(layout)
    store.recover(NOW)
    store.archive(SessionId("abcdefgh"))
    store.close()

    for ref in ("abcdefgh", a_spec().name, "abc"):
        with pytest.raises(NotFoundError, match="it cannot go on, and its record, output and runs are kept") as refused:
            client.show(ref)
        assert refused.value.code == "archived"
        assert refused.value.hint == f"ls {layout.archived('abcdefgh')}"
    assert list(client.events(sessions=[a_spec().name])) != []


def test_a_beginning_that_several_of_the_archive_share_means_none_of_them(client: Client, layout: Layout) -> None:
    for session in ("abcdefgh", "abcdzzzz"):
        Path(layout.archived(session)).mkdir(parents=True)

    with pytest.raises(NotFoundError, match="there is no session 'abcd'"):
        client.show("abcd")


def test_what_lies_in_the_archive_and_is_no_record_has_no_name(client: Client, layout: Layout) -> None:
    for name, record in (("abcdefgh", "not a record"), ("bbbbbbbb", None), ("something else", None)):
        Path(layout.archived(name)).mkdir(parents=True)
        if record:
            Path(layout.archived(name), f"{name}.json").write_text(record)

    with pytest.raises(NotFoundError, match="there is no session 'fix'"):
        client.show("fix")


def test_archiving_needs_a_daemon(client: Client, commit: Commit) -> None:
    commit(state=State.COMPLETED, reason=Reason.EXITED)

    with pytest.raises(UnreachableError, match="this needs a daemon"):
        client.archive("abcdefgh")

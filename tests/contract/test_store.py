"""What every store promises, over files and in memory."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from orchestrd.model.errors import ConflictError, NotFoundError, OrchestrdError, RefusedError, TransientError
from orchestrd.model.event import EventType
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import JOURNAL_UNSYNCED_EVENTS_MAX, RECORD_EVENTS_MAX
from orchestrd.model.session import SCHEMA, Home, Session
from orchestrd.model.words import Reason, State
from orchestrd.ports import Stored
from orchestrd.store.attachments import FileAttachments
from orchestrd.store.memory import MemoryStore
from tests.store.benches import Bench, FileBench, MemoryBench
from tests.store.making import AT, ID, NOW, a_session, an_event, following

OTHER = SessionId("bbbbbbbb")


@pytest.fixture(params=["files", "memory"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return FileBench(tmp_path / "home") if request.param == "files" else MemoryBench()


def only(answers: list[Stored | OrchestrdError]) -> Stored | OrchestrdError:
    (answer,) = answers
    return answer


# ---- start


def test_a_new_home_is_empty_and_its_epoch_is_one(bench: Bench) -> None:
    assert bench.recovered.sessions == ()
    assert bench.recovered.tail == 0
    assert bench.recovered.home == Home(schema=SCHEMA, epoch=1, revision=1)


def test_the_epoch_rises_with_each_start(bench: Bench) -> None:
    assert bench.restart().home.epoch == 2
    assert bench.restart().home.epoch == 3


def test_a_home_has_one_daemon_at_a_time(bench: Bench) -> None:
    second = type(bench.store)(bench.layout) if isinstance(bench, FileBench) else MemoryStore(bench.disk)  # type: ignore[attr-defined]

    with pytest.raises(RefusedError, match="already running") as refusal:
        second.recover(NOW)
    bench.store.close()
    recovered = second.recover(NOW)

    assert refusal.value.code == "already_running"
    assert recovered.home.epoch == 2


def test_to_close_twice_is_harmless(bench: Bench) -> None:
    bench.store.close()
    bench.store.close()

    assert bench.restart().home.epoch == 2


def test_a_lost_home_record_costs_no_epoch(bench: Bench) -> None:
    bench.commit(a_session(epoch=41))
    bench.remove(bench.layout.home_record)

    assert bench.restart().home.epoch == 42


def test_a_damaged_home_record_is_kept_and_told(bench: Bench) -> None:
    bench.commit(a_session(epoch=41))
    bench.put(bench.layout.home_record, b"not json")

    recovered = bench.restart()

    assert recovered.home.epoch == 42
    assert [bench.get(drift.path or "") for drift in recovered.drifts] == [b"not json"]


def test_a_home_of_a_newer_orchestrd_is_refused_and_left_alone(bench: Bench) -> None:
    bench.edit(bench.layout.home_record, lambda home: home.update(schema=2))
    before = bench.get(bench.layout.home_record)

    with pytest.raises(RefusedError, match="schema 2 is newer") as refusal:
        bench.restart()

    assert refusal.value.code == "newer_home"
    assert bench.get(bench.layout.home_record) == before


# ---- commits


def test_events_are_numbered_in_the_order_of_the_batch(bench: Bench) -> None:
    first, second, home = bench.store.commit(
        [
            a_session(ID, events=(an_event(text="one"), an_event(text="two"))),
            a_session(OTHER, events=(an_event(OTHER, text="three"),)),
            Home(schema=SCHEMA, epoch=1, revision=2, events=(an_event(None, text="four"),)),
        ]
    )

    assert isinstance(first, Stored)
    assert isinstance(second, Stored)
    assert isinstance(home, Stored)
    assert [event.sequence for stored in (first, second, home) for event in stored.events] == [1, 2, 3, 4]
    assert [line["text"] for line in bench.lines()] == ["one", "two", "three", "four"]


def test_a_line_has_every_named_key_and_times_in_utc(bench: Bench) -> None:
    stored = bench.stored(a_session())

    line = json.loads(stored.lines[0])

    assert " ".join(line) == "sequence at session generation type from to reason authority revision"
    assert line["from"] is None
    assert line["at"] == "2026-01-02T03:04:05.678901Z"


def test_what_is_answered_is_what_stands_on_disk(bench: Bench) -> None:
    stored = bench.stored(a_session(error="ünïcode \x1b"))

    assert bench.restart().sessions == (stored.record,)
    assert bench.json(bench.layout.record(ID))["error"] == "ünïcode \x1b"


def test_a_record_can_be_read_by_a_person(bench: Bench) -> None:
    bench.commit(a_session())

    text = (bench.get(bench.layout.record(ID)) or b"").decode()

    assert '\n  "revision": 1,\n' in text
    assert text.endswith("}\n")


@pytest.mark.parametrize("revision", [1, 3, 0])
def test_a_draft_that_is_not_the_next_revision_is_a_conflict(bench: Bench, revision: int) -> None:
    stored = bench.commit(a_session())

    answer = only(bench.store.commit([replace(stored, revision=revision, error="stale")]))

    assert isinstance(answer, ConflictError)
    assert bench.restart().sessions == (stored,)


def test_a_new_session_begins_at_revision_one(bench: Bench) -> None:
    answer = only(bench.store.commit([a_session(revision=2)]))

    assert isinstance(answer, ConflictError)
    assert bench.names(bench.layout.sessions) == []


def test_a_rejected_commit_leaves_no_hole_in_the_numbers(bench: Bench) -> None:
    bench.commit(a_session(OTHER))

    answers = bench.store.commit([a_session(ID), a_session(OTHER), a_session("cccccccc")])

    assert [isinstance(answer, Stored) for answer in answers] == [True, False, True]
    assert [line["sequence"] for line in bench.lines()] == [1, 2, 3]


@pytest.mark.parametrize("name", ["../escape", "a/b", "", "A" * 8, "aaaaaaaa.json"])
def test_an_id_that_is_none_never_becomes_a_path(bench: Bench, name: str) -> None:
    answer = only(bench.store.commit([a_session(name, events=())]))

    assert isinstance(answer, RefusedError)
    assert bench.names(bench.layout.sessions) == []


@pytest.mark.parametrize(("error", "says"), [("\udcff", "not Unicode"), ("x" * 5_000_000, "at most")])
def test_a_record_that_cannot_be_one_is_refused(bench: Bench, error: str, says: str) -> None:
    answer = only(bench.store.commit([a_session(error=error)]))

    assert isinstance(answer, RefusedError)
    assert says in answer.message
    assert bench.names(bench.layout.sessions) == []


def test_a_record_holds_its_events_until_the_journal_is_safe(bench: Bench) -> None:
    first = bench.commit(a_session())
    second = bench.commit(following(first))

    bench.store.sync()
    third = bench.commit(following(second))

    assert [event.sequence for event in second.events] == [1, 2]
    assert [event.sequence for event in third.events] == [3]


def test_the_store_holds_them_even_when_the_draft_has_dropped_them(bench: Bench) -> None:
    first = bench.commit(a_session())

    second = bench.commit(replace(first, revision=2, events=(an_event(revision=2),)))

    assert [event.sequence for event in second.events] == [1, 2]


def test_the_journal_is_synced_unasked_before_records_grow(bench: Bench) -> None:
    record = bench.commit(a_session())
    for _ in range(2 * JOURNAL_UNSYNCED_EVENTS_MAX):
        record = bench.commit(following(record))

    assert len(record.events) <= JOURNAL_UNSYNCED_EVENTS_MAX
    assert len(bench.lines()) == 2 * JOURNAL_UNSYNCED_EVENTS_MAX + 1


def test_more_events_than_a_record_may_hold_are_rejected(bench: Bench) -> None:
    events = tuple(an_event(text=str(number)) for number in range(RECORD_EVENTS_MAX + 1))

    answer = only(bench.store.commit([a_session(events=events)]))

    assert isinstance(answer, TransientError)
    assert answer.code == "journal_stuck"


def test_the_history_is_the_same_after_any_number_of_starts(bench: Bench) -> None:
    record = bench.commit(a_session())
    for _ in range(5):
        record = bench.commit(following(record, events=3))
    before = bench.lines()

    bench.restart()
    bench.restart()

    assert bench.lines() == before
    assert [line["sequence"] for line in before] == list(range(1, 17))


# ---- the journal


def test_pages_follow_each_other_without_a_gap(bench: Bench) -> None:
    record = bench.commit(a_session())
    for _ in range(30):
        record = bench.commit(following(record))
    numbers: list[int] = []
    while (page := bench.store.read(len(numbers), 700)).lines:
        numbers += [json.loads(line)["sequence"] for line in page.lines]
        assert page.last == numbers[-1]
        assert page.gap is None

    assert numbers == list(range(1, 32))


@pytest.mark.parametrize("after", [31, 32, 1000])
def test_a_cursor_at_the_end_reads_nothing_and_stays(bench: Bench, after: int) -> None:
    record = bench.commit(a_session())
    for _ in range(30):
        record = bench.commit(following(record))

    page = bench.store.read(after, 700)

    assert (page.lines, page.last, page.gap) == ((), after, None)


def test_a_line_longer_than_the_page_is_read_whole(bench: Bench) -> None:
    bench.commit(a_session(events=(an_event(text="x" * 50_000), an_event(text="y" * 50_000))))

    page = bench.store.read(0, 1_000)

    assert len(page.lines) == 1
    assert len(page.lines[0]) > 50_000


# ---- what we do not know


def unknown_fields(record: Any) -> None:
    record.update(later={"a": [1, {"b": 1.10}]}, revision=record["revision"] + 1)
    record["spec"]["colour"] = "red"
    record["spec"]["workspace"]["depth"] = 12345678901234567890123
    record["events"] = []


def test_unknown_fields_at_any_depth_are_kept_by_value(bench: Bench) -> None:
    bench.commit(a_session())
    bench.edit(bench.layout.record(ID), unknown_fields)
    (drift,) = bench.store.scan().drifts
    assert drift.replaced is not None

    bench.commit(following(drift.replaced))
    bench.restart()
    (found,) = bench.recovered.sessions
    bench.commit(following(found))

    record = bench.json(bench.layout.record(ID))
    assert record["later"] == {"a": [1, {"b": 1.10}]}
    assert record["spec"]["colour"] == "red"
    assert record["spec"]["workspace"]["depth"] == 12345678901234567890123
    assert record["revision"] == 4


def test_unknown_fields_of_the_home_are_kept(bench: Bench) -> None:
    bench.edit(bench.layout.home_record, lambda home: home.update(later=[1]))

    bench.restart()

    assert bench.json(bench.layout.home_record) == {
        "schema": 1,
        "epoch": 2,
        "revision": 2,
        "events": [],
        "later": [1],
    }


NEWER: dict[str, Callable[[Any], object]] = {
    "schema": lambda record: record.update(schema=2),
    "schema of another shape": lambda record: record.update(schema=2, state=["dreaming"], created_at="2027-01-01"),
    "state": lambda record: record.update(state="dreaming"),
    "word of the spec": lambda record: record["spec"].update(until="doomsday"),
    "type of event": lambda record: record["events"][0].update(type="dreamt"),
}


@pytest.mark.parametrize("newer", NEWER)
def test_a_record_of_a_newer_orchestrd_is_shown_and_never_written(bench: Bench, newer: str) -> None:
    bench.commit(a_session())
    bench.edit(bench.layout.record(ID), NEWER[newer])
    before = bench.get(bench.layout.record(ID))

    recovered = bench.restart()
    answer = only(bench.store.commit([a_session(revision=2)]))
    (shown,) = recovered.read_only

    assert recovered.sessions == ()
    assert (shown.id, shown.document.name, shown.document.argv) == (ID, "one", ("sh", "-c", "true"))
    assert "newer" in shown.why
    assert isinstance(answer, ConflictError)
    assert bench.get(bench.layout.record(ID)) == before
    assert [line["sequence"] for line in bench.lines()] == [1]


def test_a_read_only_record_is_told_when_it_comes_changes_and_goes(bench: Bench) -> None:
    bench.commit(a_session())
    record = bench.json(bench.layout.record(ID)) | {"id": OTHER, "schema": 7, "events": []}
    path = bench.layout.record(OTHER)

    bench.put(path, json.dumps(record).encode())
    came = bench.store.scan()
    nothing = bench.store.scan()
    bench.put(path, json.dumps(record | {"state": "dreaming"}).encode())
    changed = bench.store.scan()
    bench.remove(path)
    went = bench.store.scan()

    assert [shown.id for shown in came.read_only] == [OTHER]
    assert nothing.read_only == ()
    assert [shown.document.state for shown in changed.read_only] == ["dreaming"]
    assert went.read_only_gone == (OTHER,)


# ---- other hands


def test_a_scan_of_what_nobody_touched_finds_nothing(bench: Bench) -> None:
    bench.commit(a_session())

    scan = bench.store.scan()

    assert (scan.drifts, scan.read_only) == ((), ())


def test_a_valid_record_of_a_higher_revision_is_adopted(bench: Bench) -> None:
    first = bench.commit(a_session())
    bench.edit(bench.layout.record(ID), lambda record: record.update(revision=5, error="by hand", events=[]))

    (drift,) = bench.store.scan().drifts
    again = bench.store.scan()
    assert drift.replaced is not None
    adopted = bench.commit(following(drift.replaced))

    assert (drift.replaced.revision, drift.replaced.error, drift.error) == (5, "by hand", None)
    assert again.drifts == ()
    assert adopted.revision == 6
    assert drift.replaced.events == first.events
    assert bench.restart().sessions == (adopted,)


def test_a_valid_record_of_a_new_session_is_adopted_and_its_event_numbers_are_not(bench: Bench) -> None:
    bench.commit(a_session())
    record = bench.json(bench.layout.record(ID)) | {"id": OTHER}
    record["events"][0] |= {"session": OTHER, "sequence": 99}
    bench.put(bench.layout.record(OTHER), json.dumps(record).encode())

    (drift,) = bench.store.scan().drifts
    assert drift.replaced is not None
    stored = bench.stored(following(drift.replaced))

    assert drift.replaced.id == OTHER
    assert [event.sequence for event in stored.events] == [2]


def truncated(data: bytes) -> bytes:
    return data[: len(data) // 2]


def with_value(**changes: Any) -> Callable[[bytes], bytes]:
    return lambda data: json.dumps(json.loads(data) | changes).encode()


BAD: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "truncated": truncated,
    "binary": lambda _: bytes(range(256)) * 16,
    "too deep": lambda _: b"[" * 100_000,
    "no record": lambda _: b'"text"',
    "same revision": with_value(error="by hand"),
    "another id": with_value(id=OTHER, revision=9),
    "no time zone": with_value(created_at="2026-01-01T00:00:00", revision=9),
    "local time": with_value(created_at="2026-01-01T00:00:00+02:00", revision=9),
    "revision of nothing": with_value(revision=0),
    "schema of nothing": with_value(schema=0, revision=9),
    "newer schema": with_value(schema=2, revision=9),
    "events of another": lambda data: data.replace(b'"session": "aaaaaaaa"', b'"session": "bbbbbbbb"').replace(
        b'"revision": 1', b'"revision": 9'
    ),
    "impossible number": lambda data: data.replace(b'"sequence": 1', b'"sequence": 0').replace(
        b'"revision": 1', b'"revision": 9'
    ),
}


@pytest.mark.parametrize("bad", BAD)
def test_anything_else_is_kept_in_quarantine_and_the_last_commit_stands(bench: Bench, bad: str) -> None:
    stored = bench.commit(a_session())
    before = bench.get(bench.layout.record(ID)) or b""
    found = BAD[bad](before)
    bench.put(bench.layout.record(ID), found)

    (drift,) = bench.store.scan().drifts

    assert (drift.session, drift.replaced) == (ID, None)
    assert drift.error
    assert bench.get(drift.path or "") == found
    assert bench.get(bench.layout.record(ID)) == before
    assert bench.store.scan().drifts == ()
    assert bench.commit(following(stored)).revision == 2


@pytest.mark.parametrize("bad", ["same revision", "no digest", "forged digest"])
def test_an_edit_made_while_no_daemon_ran_is_adopted_and_told_whatever_its_revision(bench: Bench, bad: str) -> None:
    first = bench.commit(a_session())
    killed = bench.killed()
    change: dict[str, Callable[[Any], object]] = {
        "same revision": lambda record: record.update(error="by hand"),
        "no digest": lambda record: record.pop("digest"),
        "forged digest": lambda record: record.update(digest="0" * 16),
    }
    bench.edit(bench.layout.record(ID), change[bad])

    bench.store = killed
    recovered = bench.store.recover(NOW)
    (drift,) = recovered.drifts
    assert drift.replaced is not None
    adopted = bench.commit(following(drift.replaced))

    assert recovered.sessions == ()
    assert drift.replaced == replace(first, events=(), error="by hand" if bad == "same revision" else None)
    assert [line["sequence"] for line in bench.lines()] == [1, 2]
    assert bench.restart().drifts == ()
    assert bench.recovered.sessions == (adopted,)


def test_records_dropped_in_while_no_daemon_ran_are_adopted_a_bounded_part_at_a_time(bench: Bench) -> None:
    bench.commit(a_session())
    names = [f"droppe{first}{second}" for first in "abcdefghij" for second in "abcdefghij"]
    for name in names:
        record = bench.json(bench.layout.record(ID)) | {"id": name, "events": []}
        bench.put(bench.layout.record(name), json.dumps(record).encode())

    drifts = bench.restart().drifts
    more = bench.store.scan().drifts

    assert sorted(drift.replaced.id for drift in (*drifts, *more) if drift.replaced) == names
    assert [session.id for session in bench.recovered.sessions] == [ID]


RUNNING: dict[str, Any] = {"state": State.RUNNING, "reason": Reason.STARTED}
ENDED = {"state": State.COMPLETED, "reason": Reason.EXITED, "ended_at": AT.isoformat(), "exit_code": 0}


@pytest.mark.parametrize(
    "edit", [ENDED, {"state": State.PENDING, "reason": Reason.ACCEPTED}, {"generation": 2}], ids=repr
)
def test_an_edit_that_takes_a_session_its_run_is_undone(bench: Bench, edit: dict[str, Any]) -> None:
    bench.commit(a_session(**RUNNING))
    before = bench.get(bench.layout.record(ID))
    bench.edit(bench.layout.record(ID), lambda record: record.update(revision=9, **edit))

    (drift,) = bench.store.scan().drifts

    assert drift.replaced is None
    assert f"orch stop {ID}" in (drift.error or "")
    assert bench.get(bench.layout.record(ID)) == before


@pytest.mark.parametrize("has_run", [True, False])
def test_an_end_that_another_hand_wrote_while_no_daemon_ran_is_left_to_proof(bench: Bench, *, has_run: bool) -> None:
    bench.commit(a_session(**RUNNING))
    killed = bench.killed()
    bench.edit(bench.layout.record(ID), lambda record: record.update(ENDED))
    if has_run:
        bench.put(bench.layout.run_directory(ID, 1), b"whatever a launcher left")

    bench.store = killed
    (drift,) = bench.store.recover(NOW).drifts

    assert drift.replaced is not None
    standing = (drift.replaced.state, drift.replaced.reason, drift.replaced.ended_at, drift.replaced.exit_code)
    assert standing == ((State.LOST, Reason.CONTACT_LOST, None, None) if has_run else ("completed", "exited", AT, 0))
    assert drift.replaced.started_at == (AT if has_run else None)


def test_an_end_that_we_wrote_ourselves_is_believed_after_a_restart(bench: Bench) -> None:
    ended = bench.commit(a_session(state=State.COMPLETED, reason=Reason.EXITED))
    bench.put(bench.layout.run_directory(ID, 1), b"what its launcher left")

    assert bench.restart().sessions == (ended,)


def test_a_deleted_record_is_written_again(bench: Bench) -> None:
    bench.commit(a_session())
    before = bench.get(bench.layout.record(ID))
    bench.remove(bench.layout.record(ID))

    (drift,) = bench.store.scan().drifts

    assert drift.error is not None
    assert "deleted" in drift.error
    assert bench.get(bench.layout.record(ID)) == before


def test_a_file_that_was_only_touched_or_laid_out_anew_is_no_edit(bench: Bench) -> None:
    bench.commit(a_session())

    bench.edit(bench.layout.record(ID), lambda record: None)

    assert bench.store.scan().drifts == ()


@pytest.mark.parametrize("bad", [bad for bad in BAD if bad not in {"newer schema", "same revision"}])
def test_what_is_no_record_and_replaces_none_is_moved_away(bench: Bench, bad: str) -> None:
    bench.commit(a_session())
    found = BAD[bad](bench.get(bench.layout.record(ID)) or b"")
    path = bench.layout.record("cccccccc")
    bench.put(path, found)

    (drift,) = bench.store.scan().drifts

    assert drift.session is None
    assert path in (drift.error or "")
    assert bench.get(drift.path or "") == found
    assert bench.get(path) is None


def test_one_damaged_record_at_start_hides_no_other(bench: Bench) -> None:
    for session in (ID, OTHER, "cccccccc"):
        bench.commit(a_session(session))
    bench.put(bench.layout.record(OTHER), b"{")

    recovered = bench.restart()

    assert [session.id for session in recovered.sessions] == [ID, "cccccccc"]
    assert [bench.get(drift.path or "") for drift in recovered.drifts] == [b"{"]
    assert len(bench.lines()) == 3


def test_a_foreign_name_is_told_once_and_left_alone(bench: Bench) -> None:
    path = bench.layout.sessions + "/notes.txt"
    bench.put(path, b"remember")

    (drift,) = bench.store.scan().drifts
    bench.put(path, b"remember more")

    assert "notes.txt" in (drift.error or "")
    assert bench.store.scan().drifts == ()
    assert bench.get(path) == b"remember more"


def test_half_finished_edits_are_nobodys_business(bench: Bench) -> None:
    bench.put(bench.layout.sessions + "/.aaaaaaaa.json.swp", b"vim")
    bench.put(bench.layout.sessions + "/aaaaaaaa.json~", b"emacs")

    assert bench.store.scan().drifts == ()


def test_a_higher_revision_is_seen_before_the_next_write(bench: Bench) -> None:
    stored = bench.commit(a_session())
    bench.edit(bench.layout.record(ID), lambda record: record.update(revision=5, error="by hand"))

    answer = only(bench.store.commit([following(stored)]))
    (drift,) = bench.store.scan().drifts

    assert isinstance(answer, ConflictError)
    assert drift.replaced is not None
    assert drift.replaced.revision == 5


def test_a_bad_edit_is_kept_before_the_next_write(bench: Bench) -> None:
    stored = bench.commit(a_session())
    bench.put(bench.layout.record(ID), b"garbage")

    bench.commit(following(stored))
    (drift,) = bench.store.scan().drifts

    assert bench.get(drift.path or "") == b"garbage"


def test_an_edit_of_the_home_record_is_kept_before_the_next_write(bench: Bench) -> None:
    bench.put(bench.layout.home_record, b"garbage")

    (answer,) = bench.store.commit([Home(schema=SCHEMA, epoch=1, revision=2)])
    (drift,) = bench.store.scan().drifts

    assert isinstance(answer, Stored)
    assert bench.get(drift.path or "") == b"garbage"
    assert bench.json(bench.layout.home_record)["revision"] == 2


# ---- archive


def ended(bench: Bench) -> Session:
    record = bench.commit(a_session())
    return bench.commit(following(record, state=State.COMPLETED, ended_at=NOW.at))


def test_an_archived_session_is_whole_in_the_archive_and_nowhere_else(bench: Bench) -> None:
    record = ended(bench)
    attachments = FileAttachments(bench.layout, bench.store._disk)
    attachments.write_prompt(ID, "do it")
    attachments.write_secret(ID, {"KEY": "value"})
    bench.put(bench.layout.log(ID), b"output")

    bench.store.archive(ID)
    recovered = bench.restart()

    assert recovered.sessions == ()
    assert bench.get(bench.layout.secret(ID)) is None
    assert bench.names(bench.layout.sessions) == bench.names(bench.layout.prompts) == []
    kept = f"{bench.layout.archive}/{ID}"
    assert bench.json(f"{kept}/{ID}.json")["revision"] == record.revision
    assert (bench.get(f"{kept}/{ID}"), bench.get(f"{kept}/{ID}.log")) == (b"do it", b"output")


def test_what_is_archived_is_known_by_its_id(bench: Bench) -> None:
    ended(bench)
    before = bench.store.is_archived(ID)

    bench.store.archive(ID)

    assert (before, bench.store.is_archived(ID), bench.store.is_archived(OTHER)) == (False, True, False)


def test_what_is_archived_is_found_by_its_id_its_name_and_the_beginning_of_its_id(bench: Bench) -> None:
    name = ended(bench).spec.name
    before = bench.store.find_archived(ID)

    bench.store.archive(ID)

    assert before is None
    assert [bench.store.find_archived(text) for text in (ID, name, ID[:3], OTHER, "")] == [ID, ID, ID, None, None]


def test_numbers_go_on_after_what_was_archived(bench: Bench) -> None:
    ended(bench)
    bench.store.archive(ID)

    bench.restart()
    stored = bench.stored(a_session(OTHER))

    assert [event.sequence for event in stored.events] == [3]
    assert len(bench.lines()) == 3


def test_only_what_has_ended_is_archived(bench: Bench) -> None:
    bench.commit(a_session())

    with pytest.raises(RefusedError):
        bench.store.archive(ID)
    with pytest.raises(NotFoundError):
        bench.store.archive(OTHER)

    assert len(bench.restart().sessions) == 1


def test_events_of_the_home_are_recovered_like_those_of_a_session(bench: Bench) -> None:
    event = replace(an_event(None, 2), type=EventType.PROBE_FAILING)
    bench.store.commit([Home(schema=SCHEMA, epoch=1, revision=2, events=(event,))])
    bench.put(f"{bench.layout.journal}/{1:020d}.jsonl", b"")

    bench.restart()

    assert [line["type"] for line in bench.lines()] == ["probe_failing"]

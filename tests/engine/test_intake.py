import asyncio

import pytest
from msgspec.structs import replace

from orchestrd.model.command import Kill, Spawn, Stop
from orchestrd.model.errors import ConflictError, FaultError, OrchestrdError, RefusedError, TransientError
from orchestrd.model.event import EventType
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import INBOX_FILES_MAX
from orchestrd.model.session import Session
from orchestrd.model.words import Liveness, Reason, State
from orchestrd.store.inbox import FileInbox
from orchestrd.testing.world import Script
from tests.engine.rig import FULL, ID, OTHER, Rig, request_of, running, survivor

THIRD = SessionId("cccccccc")
TOO_LARGE = RefusedError("the record would be too large", code="record_too_large")
NEWER = b'{"schema": 99, "id": "dddddddd", "revision": 3, "state": "dreaming"}'


def spooling() -> Rig:
    rig = Rig()
    rig.prepare_home()
    return rig


# ---- the inbox


async def test_what_was_spooled_is_taken_in_before_anyone_is_answered() -> None:
    rig = spooling()
    rig.spool_spawn(ID)

    async with running(rig):
        assert rig.state(ID) is not None
        assert rig.inbox() == ()


async def test_spooled_commands_are_obeyed_in_their_order() -> None:
    rig = spooling()
    rig.spool_spawn(ID, at_ns=1)
    rig.spool(Stop(session=ID), at_ns=2)

    async with running(rig):
        assert rig.record(ID).desired == "stopped"
        await rig.until(ID, State.CANCELLED)


async def test_a_stop_that_comes_out_before_its_spawn_still_stops_it() -> None:
    rig = spooling()
    rig.spool(Stop(session=ID), at_ns=1)
    rig.spool_spawn(ID, at_ns=2)

    async with running(rig):
        await rig.until(ID, State.CANCELLED)

        assert rig.inbox() == ()
        assert rig.events(EventType.COMMAND_REJECTED) == []


async def test_any_number_of_entries_that_must_wait_keep_no_other_back() -> None:
    rig = spooling()
    rig.spool(Stop(session=OTHER), at_ns=1)
    rig.spool_spawn(ID, at_ns=2)
    for at_ns in range(INBOX_FILES_MAX):
        rig.spool(Stop(session=ID), at_ns=3 + at_ns)
    rig.spool_spawn(OTHER, at_ns=INBOX_FILES_MAX + 3)
    full = rig.full_for(ID)

    async with running(rig):
        assert rig.record(OTHER).desired == "stopped"
        assert len(rig.inbox()) == INBOX_FILES_MAX

        full.close()
        await rig.until(ID, State.CANCELLED)

        await rig.when(lambda: not rig.inbox())
        assert rig.events(EventType.COMMAND_REJECTED) == []


async def test_what_is_spooled_while_the_daemon_runs_is_taken_in_at_the_next_tick() -> None:
    async with running() as rig:
        rig.spool_spawn(ID)

        await rig.until(ID, State.RUNNING)


async def test_an_entry_whose_commit_fails_stays_and_is_tried_again() -> None:
    async with running() as rig:
        full = rig.full_for(ID)
        rig.spool_spawn(ID)
        await asyncio.sleep(12.0)
        assert len(rig.inbox()) == 1

        full.close()
        await rig.until(ID, State.RUNNING)

        assert rig.inbox() == ()


@pytest.mark.parametrize("error", [FULL, ConflictError("the record stands elsewhere")])
async def test_an_entry_that_must_wait_holds_up_its_own_session_and_no_start(error: OrchestrdError) -> None:
    rig = spooling()
    rig.spool_spawn(ID, at_ns=1)
    rig.spool(Kill(session=ID), at_ns=2)
    rig.spool_spawn(OTHER, at_ns=3)
    rig.store.rejects = lambda record: error if isinstance(record, Session) and record.id == ID else None

    async with running(rig):
        assert rig.state(OTHER) is not None
        assert len(rig.inbox()) == 2
        assert rig.events(EventType.COMMAND_REJECTED) == []

        rig.store.rejects = lambda _: None
        await rig.until(ID, State.CANCELLED)


async def test_a_command_that_can_never_be_committed_is_rejected_once() -> None:
    async with running() as rig:
        rig.store.rejects = lambda record: TOO_LARGE if isinstance(record, Session) else None
        rig.spool_spawn(ID)
        await asyncio.sleep(12.0)

        assert rig.inbox() == ()
        assert [event.error for event in rig.events(EventType.COMMAND_REJECTED)] == ["the record would be too large"]


async def test_a_record_that_can_never_be_adopted_is_rejected_once() -> None:
    async with running() as rig:
        mine = await rig.run(ID)
        rig.store.rejects = lambda record: TOO_LARGE if isinstance(record, Session) else None
        rig.edit(replace(mine, revision=mine.revision + 5))
        await asyncio.sleep(12.0)

        assert [event.error for event in rig.events(EventType.RECORD_REJECTED)] == ["the record would be too large"]


async def test_a_crash_between_commit_and_removal_offers_the_command_again_harmlessly() -> None:
    rig = spooling()
    rig.spool_spawn(ID)
    async with running(rig):
        await rig.until(ID, State.RUNNING)
        rig.spool_spawn(ID)
        await asyncio.sleep(6.0)

        assert rig.inbox() == ()
        assert rig.events(EventType.COMMAND_REJECTED) == []
        assert rig.record(ID).generation == 1


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (Stop(session=THIRD), "there is no session cccccccc"),
        (Spawn(session=ID, spec=request_of(name="another").spec), "session id aaaaaaaa is already taken"),
        (Stop(session=ID, grace_s=-1.0), "a grace of -1 s cannot be given"),
        (Spawn(session=SessionId("dddddddd"), spec=request_of().spec), "written by a newer orchestrd"),
    ],
)
async def test_a_command_that_is_refused_for_good_is_said_and_forgotten(command: Spawn | Stop, why: str) -> None:
    rig = spooling()
    rig.store.disk.write(rig.layout.record("dddddddd"), NEWER)
    async with running(rig):
        await rig.run(ID)

        rig.spool(command)
        await asyncio.sleep(6.0)

        rejected = rig.events(EventType.COMMAND_REJECTED)

    assert [event.session for event in rejected] == [command.session]
    assert why in (rejected[0].error or "")
    assert rig.inbox() == ()


async def test_a_stop_of_what_has_ended_needs_no_telling() -> None:
    async with running() as rig:
        await rig.run(ID)
        await rig.service.stop(Kill(session=ID))
        await rig.until(ID, State.CANCELLED)

        rig.spool(Stop(session=ID))
        await asyncio.sleep(6.0)

    assert rig.inbox() == ()
    assert rig.events(EventType.COMMAND_REJECTED) == []


async def test_an_entry_that_cannot_be_read_is_kept_elsewhere_and_said() -> None:
    async with running() as rig:
        rig.store.disk.write(f"{rig.layout.inbox_new}/00000000000000000001-aaaaaaaa.json", b"\xff not a command")
        await asyncio.sleep(6.0)

        rejected = rig.events(EventType.COMMAND_REJECTED)[0]

    assert rejected.path is not None
    assert rejected.path.startswith(rig.layout.quarantine)
    assert rig.service.facts().rejected == 1


async def test_an_inbox_that_cannot_be_listed_is_said_and_keeps_nobody_from_starting() -> None:
    rig = spooling()
    rig.build()
    intake = rig.engine_part("intake")
    listing = TroubledInbox(rig)
    intake._inbox = listing  # type: ignore[attr-defined]  # the intake's own
    await rig.engine.start()
    rig.spool_spawn(ID)
    await asyncio.sleep(12.0)
    assert rig.state(ID) is None
    assert rig.said("cannot list the inbox")

    listing.error = None
    await rig.until(ID, State.RUNNING)
    await rig.engine.stop()


async def test_a_fault_during_the_first_drain_fails_the_start() -> None:
    rig = spooling()
    rig.spool_spawn(ID)
    rig.build()
    rig.store.rejects = lambda record: _fault() if isinstance(record, Session) else None

    with pytest.raises(FaultError):
        await rig.engine.start()

    assert rig.engine.registry.names == ()
    assert rig.store.calls[-1] == "close"


# ---- the records


async def test_an_outside_edit_is_adopted_and_said() -> None:
    async with running() as rig:
        mine = await rig.run(ID)
        theirs = replace(mine, revision=mine.revision + 5, spec=replace(mine.spec, name="renamed"))

        rig.edit(theirs)
        await rig.when(lambda: rig.record(ID).spec.name == "renamed")

        told = rig.events(EventType.RECORD_REPLACED)

    assert [(event.name, event.to, event.revision) for event in told] == [("renamed", "running", theirs.revision + 1)]


async def test_an_edit_made_while_no_daemon_ran_is_adopted_and_said() -> None:
    async with running() as first:
        mine = await first.run(ID)
    rig = survivor(first)
    rig.edit_unseen(replace(mine, spec=replace(mine.spec, name="renamed")))

    async with running(rig):
        told = rig.events(EventType.RECORD_REPLACED)

        assert [(event.name, event.from_, event.to) for event in told] == [("renamed", None, "running")]
        assert (rig.record(ID).spec.name, rig.record(ID).revision) == ("renamed", mine.revision + 1)


async def test_a_session_that_was_called_ended_while_no_daemon_ran_is_found_alive() -> None:
    async with running() as first:
        mine = await first.run(ID)
    rig = survivor(first)
    rig.store.disk.write(rig.layout.run_directory(ID, 1), b"what a launcher left")
    rig.edit_unseen(replace(mine, state=State.COMPLETED, reason=Reason.EXITED, exit_code=0))

    async with running(rig):
        await rig.until(ID, State.RUNNING)

        assert [event.to for event in rig.events(EventType.RECORD_REPLACED)] == ["lost"]
        assert rig.record(ID).reason is Reason.RECOVERED
        rig.world.exit(ID, 3)
        await rig.until(ID, State.FAILED)


async def test_commands_wait_for_a_record_that_could_not_be_adopted_yet() -> None:
    async with running() as first:
        mine = await first.run(ID)
    rig = survivor(first)
    rig.edit_unseen(replace(mine, spec=replace(mine.spec, name="renamed")))
    full = rig.full_for(ID)
    rig.spool(Stop(session=ID))

    async with running(rig):
        assert rig.state(ID) is None
        assert len(rig.inbox()) == 1

        full.close()
        await rig.until(ID, State.CANCELLED)

        assert rig.events(EventType.COMMAND_REJECTED) == []


async def test_an_edit_that_ends_a_session_with_a_run_is_undone_and_said() -> None:
    async with running() as rig:
        mine = await rig.run(ID)
        rig.edit(replace(mine, revision=mine.revision + 5, state=State.COMPLETED, reason=Reason.EXITED))
        await rig.when(lambda: rig.events(EventType.RECORD_REJECTED))

        (rejected,) = rig.events(EventType.RECORD_REJECTED)
        assert f"orch stop {ID}" in (rejected.error or "")
        assert rig.state(ID) is State.RUNNING


async def test_an_edit_that_could_not_be_recorded_is_adopted_later() -> None:
    async with running() as rig:
        mine = await rig.run(ID)
        full = rig.full_for(ID)
        rig.edit(replace(mine, revision=mine.revision + 5, spec=replace(mine.spec, name="renamed")))
        await asyncio.sleep(12.0)
        assert rig.record(ID).spec.name == "fix-login"
        assert rig.said("the record of aaaaaaaa was replaced and could not be adopted yet")

        full.close()
        await rig.when(lambda: rig.record(ID).spec.name == "renamed")

        await rig.service.stop(Stop(session=ID))
        await rig.until(ID, State.CANCELLED)


async def test_a_second_edit_before_the_first_was_adopted_wins() -> None:
    async with running() as rig:
        mine = await rig.run(ID)
        full = rig.full_for(ID)
        for leap, name in ((5, "first"), (9, "second")):
            rig.edit(replace(mine, revision=mine.revision + leap, spec=replace(mine.spec, name=name)))
            await asyncio.sleep(6.0)

        full.close()
        await rig.when(lambda: rig.record(ID).spec.name == "second")

        told = rig.events(EventType.RECORD_REPLACED)

    assert [event.name for event in told] == ["second"]


async def test_an_edit_during_a_commit_is_not_overwritten() -> None:
    async with running() as rig:
        mine = await rig.run(ID)
        rig.edit(replace(mine, revision=mine.revision + 5, spec=replace(mine.spec, name="renamed")))

        with pytest.raises(ConflictError):
            await rig.service.stop(Stop(session=ID))

        await rig.when(lambda: rig.record(ID).spec.name == "renamed")
        assert (await rig.service.stop(Stop(session=ID))).name == "renamed"


async def test_an_edit_that_is_no_record_is_rejected_said_and_undone() -> None:
    async with running() as rig:
        await rig.run(ID)
        rig.store.disk.write(rig.layout.record(ID), b"garbage")
        await asyncio.sleep(6.0)

        rejected = rig.events(EventType.RECORD_REJECTED)
        assert [(event.session, event.path is not None) for event in rejected] == [(ID, True)]
        assert rig.service.facts().rejected == 1

        rig.world.exit(ID, 0)
        await rig.until(ID, State.COMPLETED)


async def test_what_lies_in_quarantine_is_counted_after_a_restart_and_until_it_is_emptied() -> None:
    async with running() as before:
        await before.run(ID)
        before.store.disk.write(before.layout.record(OTHER), b"garbage")
        await asyncio.sleep(6.0)

    async with running(survivor(before)) as rig:
        counts = [rig.service.facts().rejected]
        for name in rig.store.disk.scan(rig.layout.quarantine):
            rig.store.disk.unlink(f"{rig.layout.quarantine}/{name}")
        await asyncio.sleep(6.0)
        counts.append(rig.service.facts().rejected)

    assert counts == [1, 0]


async def test_a_record_that_was_deleted_and_is_written_again_is_not_counted_as_set_aside() -> None:
    async with running() as rig:
        await rig.run(ID)
        rig.store.disk.unlink(rig.layout.record(ID))
        await asyncio.sleep(6.0)

        (told,) = rig.events(EventType.RECORD_REJECTED)
        assert (told.path, rig.service.facts().rejected) == (None, 0)
        assert told.error == f"the record of {ID} was deleted by another hand; it is written again"


async def test_a_record_of_a_newer_orchestrd_is_shown_and_never_touched() -> None:
    rig = spooling()
    path = rig.layout.record("dddddddd")
    rig.store.disk.write(path, NEWER)

    async with running(rig):
        told = rig.service.document(SessionId("dddddddd"))
        await asyncio.sleep(12.0)

        assert told.state == "dreaming"
        assert [document.id for document in rig.service.documents()] == ["dddddddd"]
        assert rig.store.disk.read(path, 10_000) == NEWER


async def test_a_record_of_a_newer_orchestrd_that_comes_and_goes_is_shown_as_long_as_it_is_there() -> None:
    async with running() as rig:
        rig.store.disk.write(rig.layout.record("dddddddd"), NEWER)
        await asyncio.sleep(6.0)
        shown = [document.id for document in rig.service.documents()]

        rig.store.disk.unlink(rig.layout.record("dddddddd"))
        await asyncio.sleep(6.0)

        assert shown == ["dddddddd"]
        assert rig.service.documents() == ()


async def test_what_was_found_wrong_at_start_is_said() -> None:
    rig = spooling()
    rig.store.disk.write(rig.layout.record(ID), b"garbage")

    async with running(rig):
        rejected = rig.events(EventType.RECORD_REJECTED)

    assert len(rejected) == 1


async def test_an_adopted_session_goes_on_from_where_the_edit_put_it() -> None:
    async with running() as rig:
        mine = await rig.run(ID)
        rig.edit(replace(mine, revision=mine.revision + 1, liveness=Liveness.UNKNOWN, attested=()))
        await rig.when(lambda: rig.events(EventType.RECORD_REPLACED))

        await rig.when(lambda: rig.record(ID).liveness is Liveness.ALIVE)


class TroubledInbox(FileInbox):
    """An inbox whose directory cannot be listed."""

    def __init__(self, rig: Rig) -> None:
        super().__init__(rig.layout, rig.store.disk)
        self.error: Exception | None = TransientError("cannot list the inbox")

    def pending(self, after: str = "") -> tuple[str, ...]:
        if self.error is not None:
            raise self.error
        return super().pending(after)


def _fault() -> FaultError:
    raise FaultError("nobody knows what is on disk")


async def test_a_spooled_stop_of_what_ended_by_itself_meanwhile_does_not_claim_its_end() -> None:
    async with running() as rig:
        await rig.run(script=Script(exits_after_s=60.0, exit_code=5))
        again = survivor(rig)
    await asyncio.sleep(100.0)
    again.spool(Stop(session=ID))

    async with running(again):
        ended = await again.until(ID, State.FAILED, State.CANCELLED)

    assert (ended.state, ended.reason, ended.exit_code) == (State.FAILED, "exit_code", 5)


async def test_a_stop_right_after_a_restart_finds_that_it_has_ended_already() -> None:
    async with running() as rig:
        await rig.run(script=Script(exits_after_s=60.0, exit_code=5))
        again = survivor(rig)
    await asyncio.sleep(100.0)

    async with running(again):
        with pytest.raises(RefusedError, match="has already ended: failed"):
            await again.service.stop(Stop(session=ID))

import asyncio

import pytest
from msgspec.structs import replace

from orchestrd.core import combine as combining
from orchestrd.engine import mailbox
from orchestrd.engine.actor import StoppedError
from orchestrd.model.command import Kill, Placed, Send, Stop
from orchestrd.model.errors import FaultError, TransientError
from orchestrd.model.event import EventType
from orchestrd.model.limits import DRAIN_S, MAILBOX_INPUTS_MAX
from orchestrd.model.observation import Exited, Reported, Sighted
from orchestrd.model.session import Session
from orchestrd.model.words import Activity, Liveness, State
from orchestrd.testing.clocks import DAWN
from orchestrd.testing.world import Script
from tests.engine.rig import ID, OTHER, Rig, nothing, running
from tests.reports import a_report

FULL = TransientError("the disk is full")


def reported(number: int, activity: Activity = Activity.WORKING) -> Reported:
    return a_report(activity, at=DAWN.at, offset=number)


def sighted(verdict: Liveness = Liveness.ALIVE) -> Sighted:
    return Sighted(generation=1, observer="elsewhere", verdict=verdict)


def exited() -> Exited:
    return Exited(generation=1, observer="process", exit_code=0, exit_signal=None, at=DAWN.at)


async def test_what_waits_in_one_mailbox_folds_into_one_commit() -> None:
    async with running() as rig:
        before = await rig.run()

        for number in range(1, 11):
            rig.mailboxes.post(ID, reported(number, Activity.WORKING if number % 2 else Activity.WAITING))
        await rig.when(lambda: rig.record(ID).activity is Activity.WAITING)

        assert rig.record(ID).revision == before.revision + 1
        assert len(rig.events(EventType.ACTIVITY_CHANGED)) == 10


async def test_a_fact_that_changes_nothing_is_taken_in_at_once() -> None:
    async with running() as rig:
        before = await rig.run()

        rig.mailboxes.post(ID, sighted(Liveness.UNKNOWN))

        assert rig.mailboxes._boxes == {}
        assert "elsewhere" in {witness.observer for witness in rig.mailboxes._roster.evidence(ID).witnesses}
        assert rig.record(ID) == before


async def test_a_fact_that_changes_nothing_waits_behind_one_that_does() -> None:
    async with running() as rig:
        await rig.run()

        rig.mailboxes.post(ID, reported(1))
        rig.mailboxes.post(ID, sighted(Liveness.UNKNOWN))

        assert len(rig.mailboxes._boxes[ID]) == 2
        await rig.when(lambda: not rig.mailboxes._boxes)
        evidence = rig.mailboxes._roster.evidence(ID)
        assert "elsewhere" in {witness.observer for witness in evidence.witnesses}
        assert [said.observer for said in evidence.testimonies] == ["report"]


async def test_a_change_of_state_ends_a_commit() -> None:
    async with running() as rig:
        await rig.run()
        async with asyncio.TaskGroup() as group:
            group.create_task(rig.service.stop(Stop(session=ID)))
            group.create_task(rig.service.stop(Kill(session=ID)))

        changes = rig.events(EventType.STATE_CHANGED, session=ID)

    revisions = [event.revision for event in changes]
    assert len(set(revisions)) == len(revisions)


async def test_an_exit_that_implies_the_start_makes_two_commits_in_order() -> None:
    async with running() as rig:
        rig.scripts[ID] = Script(starts_after_s=None)
        await rig.spawn()
        await rig.until(ID, State.STARTING)

        rig.mailboxes.post(ID, exited())
        await rig.until(ID, State.COMPLETED)

        assert [event.to for event in rig.events(EventType.STATE_CHANGED, session=ID)] == [
            *("pending", "scheduled", "starting", "running", "completed")
        ]


async def test_an_input_whose_implied_commit_fails_is_dropped_and_the_next_look_sees_it_again() -> None:
    async with running() as rig:
        rig.scripts[ID] = Script(starts_after_s=None)
        await rig.spawn()
        await rig.until(ID, State.STARTING)
        rig.store.rejects = lambda _: FULL

        rig.mailboxes.post(ID, exited())
        await asyncio.sleep(1.0)
        assert rig.state(ID) is State.STARTING
        assert rig.mailboxes._boxes == {}

        rig.store.rejects = nothing
        rig.mailboxes.post(ID, exited())
        await rig.until(ID, State.COMPLETED)


async def test_an_input_behind_one_that_fails_is_offered_by_itself() -> None:
    async with running() as rig:
        rig.scripts[ID] = Script(starts_after_s=None)
        await rig.spawn()
        await rig.until(ID, State.STARTING)
        failures = iter([FULL])
        rig.store.rejects = lambda record: next(failures, None) if isinstance(record, Session) else None

        rig.mailboxes.post(ID, sighted())
        rig.mailboxes.post(ID, exited())

        await rig.until(ID, State.COMPLETED)


async def test_evidence_of_a_commit_that_failed_is_dropped_with_it() -> None:
    async with running() as rig:
        await rig.run()
        rig.store.rejects = lambda _: FULL
        rig.mailboxes.post(ID, reported(40))
        await asyncio.sleep(1.0)

        assert rig.service._roster.evidence(ID).hooks_offset == 0

        rig.store.rejects = nothing
        rig.mailboxes.post(ID, reported(40))
        await rig.when(lambda: rig.record(ID).activity is Activity.WORKING)


async def test_evidence_that_changes_nothing_is_remembered_without_a_commit() -> None:
    async with running() as rig:
        before = await rig.run()
        await rig.when(lambda: rig.record(ID).liveness is Liveness.ALIVE)
        revision = rig.record(ID).revision

        rig.mailboxes.post(ID, sighted(Liveness.UNKNOWN))
        await asyncio.sleep(0.1)

        assert rig.record(ID).revision == revision >= before.revision
        assert "elsewhere" in {witness.observer for witness in rig.service._roster.evidence(ID).witnesses}


async def test_everyone_who_waits_for_a_commit_that_fails_is_told() -> None:
    async with running() as rig:
        await rig.run()
        rig.store.rejects = lambda _: FULL
        async with asyncio.TaskGroup() as group:
            sends = [
                group.create_task(_failure(rig.service.send(Send(session=ID, message=f"m{n}", text="x"))))
                for n in range(3)
            ]

        assert [task.result() for task in sends] == [FULL, FULL, FULL]
        rig.store.rejects = nothing


async def test_a_full_mailbox_tells_its_senders_to_try_again_and_drops_facts() -> None:
    async with running() as rig:
        await rig.run()
        for number in range(1, MAILBOX_INPUTS_MAX + 50):
            rig.mailboxes.post(ID, reported(number))

        with pytest.raises(TransientError, match="mailbox of session aaaaaaaa is full"):
            await rig.service.stop(Stop(session=ID))

        await rig.when(lambda: rig.mailboxes._boxes == {})
        assert rig.service._roster.evidence(ID).hooks_offset == MAILBOX_INPUTS_MAX
        await rig.service.stop(Stop(session=ID))


async def test_a_quiet_mailbox_costs_nothing() -> None:
    async with running() as rig:
        await rig.run()
        await asyncio.sleep(0.1)

        assert len(rig.mailboxes._tasks) == 0
        assert rig.mailboxes._boxes == {}


async def test_an_input_for_a_session_that_is_not_there_changes_nothing() -> None:
    async with running() as rig:
        reply = await rig.mailboxes.submit(OTHER, Placed())

        assert reply is None
        assert rig.state(OTHER) is None


async def test_a_stopped_mailbox_takes_nothing_and_hangs_nobody() -> None:
    async with running() as rig:
        await rig.run()

    rig.mailboxes.post(ID, reported(1))
    with pytest.raises(StoppedError, match="the daemon is stopping"):
        await rig.service.stop(Stop(session=ID))


async def test_what_was_submitted_before_a_stop_is_committed_before_its_end() -> None:
    async with running() as rig:
        await rig.run()
        async with asyncio.TaskGroup() as group:
            stopping = group.create_task(rig.service.stop(Stop(session=ID)))
            await asyncio.sleep(0)
            group.create_task(rig.engine.stop())

    assert stopping.result().desired == "stopped"
    assert rig.errors == []


async def test_who_waits_for_a_disk_that_hangs_is_told_when_the_daemon_stops() -> None:
    rig = Rig()
    rig.build()
    await rig.engine.start()
    await rig.run()
    rig.hang_the_ledger()
    async with asyncio.TaskGroup() as group:
        waiting = [
            group.create_task(_failure(rig.service.send(Send(session=ID, message=f"m{n}", text="x")))) for n in range(2)
        ]
        await asyncio.sleep(0.1)
        more = group.create_task(_failure(rig.service.send(Send(session=ID, message="m9", text="x"))))
        await asyncio.sleep(0.1)

        await rig.engine.stop()

    assert {type(task.result()) for task in [*waiting, more]} == {StoppedError}
    assert asyncio.get_running_loop().time() < 20 * DRAIN_S


async def test_a_decision_with_a_defect_costs_its_session_what_waits_and_nobody_else_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(session: Session | None, *rest: object) -> combining.Combined:
        if session is not None and session.id == ID:
            raise ZeroDivisionError("a defect")
        return combining.combine(session, *rest)  # type: ignore[arg-type]  # passed on as they come

    async with running() as rig:
        await rig.run(ID)
        monkeypatch.setattr(mailbox, "combine", broken)

        with pytest.raises(FaultError, match="a decision about session aaaaaaaa failed"):
            await rig.service.stop(Stop(session=ID))
        await rig.run(OTHER)
        monkeypatch.undo()

        assert (await rig.service.stop(Stop(session=ID))).desired == "stopped"
        assert rig.said("a decision about aaaaaaaa failed")


async def test_an_end_of_a_record_that_another_hand_has_made_impossible_is_not_offered_for_ever() -> None:
    async with running() as rig:
        rig.scripts[ID] = Script(starts_after_s=None)
        await rig.spawn()
        strange = replace(await rig.until(ID, State.STARTING), started_at=DAWN.at)
        rig.edit(replace(strange, revision=strange.revision + 1))
        await rig.when(lambda: rig.record(ID).started_at)

        rig.mailboxes.post(ID, exited())

        await rig.when(lambda: rig.mailboxes._boxes == {})


async def _failure(work: "asyncio.Future[object] | object") -> BaseException:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - any error is what is looked at
        await work  # type: ignore[misc]  # whatever can be waited for
    return caught.value

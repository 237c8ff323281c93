import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from orchestrd.model.command import Kill, Revive, Send, Stop
from orchestrd.model.document import SendReply, Usage
from orchestrd.model.errors import (
    ConflictError,
    NotFoundError,
    OrchestrdError,
    RefusedError,
    TransientError,
    UsageError,
)
from orchestrd.model.event import EventType
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import DELIVERY_S
from orchestrd.model.session import Session
from orchestrd.model.words import Activity, Authority, Permission, Receipt, State
from orchestrd.testing.world import Script
from tests.engine.rig import FULL, ID, OTHER, Rig, request_of, running

NOBODY = SessionId("zzzzzzzz")
NEWER = b'{"schema": 99, "id": "dddddddd", "revision": 3, "state": "dreaming"}'


def send(message: str = "m1", session: str = ID) -> Send:
    return Send(session=SessionId(session), message=message, text=f"text of {message}")


async def report(rig: Rig, activity: Activity) -> None:
    rig.world.report(ID, b'{"report":"%s"}' % activity.encode())
    rig.service.nudge(ID)
    await rig.when(lambda: rig.record().activity is activity)


# ---- spawn


async def test_a_spawn_is_accepted_and_durable_before_it_is_answered() -> None:
    async with running() as rig:
        told, is_new = await rig.service.spawn(request_of())

        assert (told.id, told.state, is_new) == (ID, "pending", True)
        assert rig.store._records.known[ID].session.revision >= 1


async def test_twenty_spawns_of_one_id_at_once_are_one_session_and_new_to_one() -> None:
    async with running() as rig:
        async with asyncio.TaskGroup() as group:
            spawns = [group.create_task(rig.service.spawn(request_of())) for _ in range(20)]

        created = [event for event in rig.events(EventType.STATE_CHANGED) if event.from_ is None]

    assert [task.result()[1] for task in spawns].count(True) == 1
    assert len(created) == 1
    assert len(rig.attachments.secrets) == 1


async def test_another_session_under_a_taken_id_is_refused_and_leaves_no_trace() -> None:
    async with running() as rig, asyncio.TaskGroup() as group:
        first = group.create_task(rig.service.spawn(request_of()))
        other = replace(request_of(name="another"), environment={"TOKEN": "theirs"}, prompt="theirs")
        second = group.create_task(_error(rig.service.spawn(other)))

    assert first.result()[1]
    assert isinstance(second.result(), ConflictError)
    assert rig.attachments.secrets == [(ID, {"HOME": "/home/me"})]
    assert rig.attachments.prompts == {}


async def test_a_spawn_that_was_not_accepted_can_be_tried_again() -> None:
    async with running() as rig:
        full = rig.full_for(ID)
        assert await _error(rig.service.spawn(request_of())) is FULL

        full.close()
        _, is_new = await rig.service.spawn(request_of())

    assert is_new


@pytest.mark.parametrize(
    ("error", "is_kept"),
    [(FULL, True), (ConflictError("its record stands there"), True), (RefusedError("it is too large"), False)],
)
async def test_what_was_written_for_a_spawn_is_taken_back_when_it_can_never_be(
    error: OrchestrdError, *, is_kept: bool
) -> None:
    async with running() as rig:
        rig.store.rejects = lambda record: error if isinstance(record, Session) else None

        assert await _error(rig.service.spawn(replace(request_of(), prompt="secret plans"))) is error

    assert (ID in rig.attachments.prompts, bool(rig.attachments.secrets)) == (is_kept, is_kept)


async def test_the_prompt_is_kept_whole_before_the_session_is_accepted() -> None:
    async with running() as rig:
        await rig.service.spawn(replace(request_of(), prompt="the whole of it"))

    assert rig.attachments.prompts == {ID: "the whole of it"}


async def test_a_session_whose_secrets_cannot_be_written_is_not_accepted() -> None:
    async with running() as rig:
        rig.attachments.error = TransientError("cannot write secrets/aaaaaaaa.env")

        error = await _error(rig.service.spawn(request_of()))

        assert error.message == "cannot write secrets/aaaaaaaa.env"
        assert rig.state(ID) is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"name": "../x"}, "begins with '.'"),
        ({"agent": "claude"}, "there is no agent 'claude'; there is: shell"),
        ({"runtime": "tmux"}, "there is no runtime 'tmux'; there is: process"),
        ({"argv": ()}, "agent shell runs a command and was given none"),
    ],
)
async def test_what_cannot_be_run_here_is_refused_at_the_door(changes: dict[str, Any], why: str) -> None:
    async with running() as rig:
        error = await _error(rig.service.spawn(request_of(**changes)))

        assert isinstance(error, UsageError)
        assert why in error.message
        assert error.hint
        assert rig.state(ID) is None


# ---- stop, kill, revive


async def test_a_stop_is_answered_when_it_is_accepted_not_when_it_is_done() -> None:
    async with running() as rig:
        rig.scripts[ID] = Script(heeds_term_after_s=9.0)
        await rig.run()

        told = await rig.service.stop(Stop(session=ID))

        assert (told.state, told.desired) == ("stopping", "stopped")


async def test_a_stop_of_what_has_ended_says_so() -> None:
    async with running() as rig:
        await rig.run()
        await rig.service.stop(Kill(session=ID))
        await rig.until(ID, State.CANCELLED)

        error = await _error(rig.service.stop(Stop(session=ID)))

        assert (type(error), error.code, bool(error.hint)) == (RefusedError, "already_ended", True)


async def test_a_revive_begins_a_new_generation() -> None:
    async with running() as rig:
        await rig.run()
        await rig.service.stop(Kill(session=ID))
        await rig.until(ID, State.CANCELLED)

        told = await rig.service.revive(Revive(session=ID))
        await rig.until(ID, State.RUNNING)

        assert told.generation == 2
        assert len(rig.world.running()) == 1


async def test_only_a_user_may_revive_and_only_what_has_ended() -> None:
    async with running() as rig:
        await rig.run()
        alive = await _error(rig.service.revive(Revive(session=ID)))
        await rig.service.stop(Kill(session=ID))
        await rig.until(ID, State.CANCELLED)

        agent = await _error(rig.service.revive(Revive(session=ID, authority=Authority.AGENT)))

    assert (alive.code, agent.code) == ("not_ended", "not_allowed")


@pytest.mark.parametrize("command", [Stop(session=NOBODY), Kill(session=NOBODY), Revive(session=NOBODY)])
async def test_a_command_for_nobody_is_not_found(command: Any) -> None:
    async with running() as rig:
        work = rig.service.revive(command) if isinstance(command, Revive) else rig.service.stop(command)

        assert isinstance(await _error(work), NotFoundError)


async def test_a_command_that_makes_no_sense_is_refused() -> None:
    async with running() as rig:
        await rig.run()

        error = await _error(rig.service.stop(Stop(session=ID, grace_s=1e9)))

    assert (type(error), error.code) == (UsageError, "invalid")


# ---- send


async def test_a_send_waits_for_its_receipt() -> None:
    async with running() as rig:
        await rig.run()

        assert await rig.service.send(send()) == SendReply(session=ID, receipt=Receipt.SUBMITTED)


async def test_a_send_to_a_working_agent_is_queued_at_once() -> None:
    async with running() as rig:
        await rig.run()
        await report(rig, Activity.WORKING)
        began = asyncio.get_running_loop().time()

        reply = await rig.service.send(send())

    assert reply.receipt is Receipt.QUEUED
    assert asyncio.get_running_loop().time() - began < 0.1


async def test_a_send_to_a_blocked_agent_is_refused_with_the_reason() -> None:
    async with running() as rig:
        await rig.run()
        await report(rig, Activity.BLOCKED)

        reply = await rig.service.send(send())

    assert reply.receipt is Receipt.REFUSED
    assert "blocked on a decision" in (reply.error or "")


async def test_a_send_into_a_run_that_takes_nothing_is_unknown_within_its_bound() -> None:
    async with running() as rig:
        await rig.run()
        rig.world.latency_s = 1_000.0
        began = asyncio.get_running_loop().time()

        reply = await rig.service.send(send())

        assert reply.receipt is Receipt.UNKNOWN
        assert asyncio.get_running_loop().time() - began < DELIVERY_S


async def test_a_send_whose_attempt_cannot_be_recorded_is_queued_after_its_bound() -> None:
    async with running() as rig:
        await rig.run()
        rig.store.rejects = lambda record: (
            FULL if isinstance(record, Session) and any(effect.attempted for effect in record.effects) else None
        )
        began = asyncio.get_running_loop().time()

        reply = await rig.service.send(send())

        assert reply.receipt is Receipt.QUEUED
        assert asyncio.get_running_loop().time() - began == pytest.approx(DELIVERY_S, abs=0.1)


async def test_one_message_sent_many_times_at_once_is_typed_once_and_all_have_its_receipt() -> None:
    async with running() as rig:
        await rig.run()
        rig.world.latency_s = 0.5
        async with asyncio.TaskGroup() as group:
            sends = [group.create_task(rig.service.send(send())) for _ in range(5)]

        typed = rig.world.newest(ID).typed

    assert {task.result().receipt for task in sends} == {Receipt.SUBMITTED}
    assert typed == ["text of m1"]


async def test_a_message_sent_again_later_has_the_receipt_it_had() -> None:
    async with running() as rig:
        rig.scripts[ID] = Script(receipt=Receipt.REFUSED)
        await rig.run()
        first = await rig.service.send(send())

        again = await rig.service.send(send())

    assert first.receipt is again.receipt is Receipt.REFUSED
    assert rig.service._receipts._waiting == {}


async def test_a_message_sent_again_tells_again_what_went_wrong() -> None:
    async with running() as rig:
        await rig.run()
        await report(rig, Activity.WORKING)
        await rig.service.send(send())
        await rig.service.stop(Kill(session=ID))
        await rig.until(ID, State.CANCELLED)

        again = await rig.service.send(send())

    assert again.receipt is Receipt.REFUSED
    assert again.error == "the run ended before it could be delivered"


async def test_the_same_message_id_in_two_sessions_is_two_messages() -> None:
    async with running() as rig:
        await rig.run(ID)
        await rig.run(OTHER, script=Script(receipt=Receipt.TYPED))
        async with asyncio.TaskGroup() as group:
            one = group.create_task(rig.service.send(send(session=ID)))
            other = group.create_task(rig.service.send(send(session=OTHER)))

    assert (one.result().receipt, other.result().receipt) == (Receipt.SUBMITTED, Receipt.TYPED)


async def test_a_sender_who_gives_up_leaves_the_others_their_receipt() -> None:
    async with running() as rig:
        await rig.run()
        rig.world.latency_s = 1.0
        async with asyncio.TaskGroup() as group:
            impatient = group.create_task(rig.service.send(send()))
            patient = group.create_task(rig.service.send(send()))
            await asyncio.sleep(0.1)
            impatient.cancel()

    assert patient.result().receipt is Receipt.SUBMITTED
    assert rig.service._receipts._waiting == {}


async def test_a_receipt_is_handed_out_once_however_often_it_is_told() -> None:
    async with running() as rig:
        await rig.run()
        await rig.service.send(send())
        with rig.service._receipts.of(ID, "m1") as receipt:
            for _ in range(3):
                rig.service._roster.tell(rig.record())

            assert receipt.result().receipt is Receipt.SUBMITTED


async def test_messages_are_typed_in_the_order_in_which_they_were_accepted() -> None:
    async with running() as rig:
        await rig.run()
        async with asyncio.TaskGroup() as group:
            for number in range(5):
                group.create_task(rig.service.send(send(f"m{number}")))

        assert rig.world.newest(ID).typed == [f"text of m{number}" for number in range(5)]


# ---- what can be read


async def test_a_session_is_found_by_id_by_the_beginning_of_one_and_by_name() -> None:
    async with running() as rig:
        await rig.spawn(ID, name="first")
        await rig.spawn(OTHER, name="second")

        assert [rig.service.resolve(text) for text in (ID, "aaa", "second")] == [ID, ID, OTHER]


async def test_what_is_archived_is_found_as_well_where_the_past_is_asked_for() -> None:
    async with running() as rig:
        await rig.spawn(ID, name="frontend")
        rig.store.find_archived = {OTHER: OTHER, "backend": OTHER}.get  # type: ignore[method-assign,assignment]

        assert [await rig.service.resolve_past(text) for text in ("frontend", OTHER, "backend")] == [ID, OTHER, OTHER]
        assert isinstance(await _error(rig.service.resolve_past(NOBODY)), NotFoundError)
        assert isinstance(await _error(rig.service.resolve_past("nobody")), NotFoundError)


async def test_an_ambiguous_word_lists_what_it_could_mean() -> None:
    async with running() as rig:
        await rig.spawn("aaaaaaaa", name="same")
        await rig.spawn("aaaabbbb", name="same")

        with pytest.raises(UsageError) as caught:
            rig.service.resolve("aaaa")

    assert (caught.value.code, set(caught.value.candidates)) == ("ambiguous", {"aaaaaaaa", "aaaabbbb"})


async def test_a_session_in_a_full_lane_is_explained_by_what_takes_its_places() -> None:
    async with running(max_running=1) as rig:
        await rig.run()
        await rig.spawn(OTHER)
        await rig.when(lambda: rig.record(OTHER).state is State.SCHEDULED)

        assert rig.service.explain(OTHER).pending[0] == "1 of 1 places are taken, 0 before it"


async def test_why_a_row_says_what_it_says_is_explained() -> None:
    async with running() as rig:
        await rig.run()
        await report(rig, Activity.WORKING)

        told = rig.service.explain(ID)

    assert told.session.id == ID
    assert {witness.axis for witness in told.witnesses} >= {"liveness", "activity"}


async def test_nobody_cannot_be_shown_or_explained() -> None:
    async with running() as rig:
        with pytest.raises(NotFoundError):
            rig.service.document(NOBODY)
        with pytest.raises(NotFoundError):
            rig.service.explain(NOBODY)


async def test_a_record_of_a_newer_orchestrd_is_found_shown_and_refused_every_command() -> None:
    newer = SessionId("dddddddd")
    rig = Rig()
    rig.prepare_home()
    rig.store.disk.write(rig.layout.record(newer), NEWER)
    async with running(rig):
        assert rig.service.resolve("dddd") == newer
        assert rig.service.document(newer).state == "dreaming"

        errors = [
            await _error(rig.service.stop(Stop(session=newer))),
            await _error(rig.service.send(send(session=newer))),
            await _error(rig.service.spawn(request_of(newer))),
            await _error(rig.service.archive(newer)),
        ]
        with pytest.raises(RefusedError) as explained:
            rig.service.explain(newer)

    assert {error.code for error in [*errors, explained.value]} == {"read_only"}
    assert "only shown: schema 99 is newer than" in explained.value.message


async def test_who_answers_is_told_with_the_newest_number() -> None:
    async with running() as rig:
        await rig.run()

        facts = rig.service.facts()

        assert (facts.pid, facts.epoch, facts.max_running, facts.home) == (4711, 1, 10, rig.layout.home)
        assert facts.sequence == rig.events()[-1].sequence


async def _error(work: Any) -> OrchestrdError:
    with pytest.raises(OrchestrdError) as caught:
        await work
    return caught.value


async def test_what_is_taken_of_the_machine_is_asked_for_what_runs() -> None:
    async with running() as rig:
        await rig.run(ID)
        await rig.run(OTHER)
        await rig.service.stop(Kill(session=rig.record(OTHER).id))
        await rig.until(OTHER, State.CANCELLED)
        rig.meter.takes[ID] = Usage(processes=1, memory_bytes=1, cpu_percent=1.0)

        usage = await rig.service.usage({rig.record(ID).id, rig.record(OTHER).id})

    assert usage == rig.meter.takes
    assert rig.meter.asked == (ID,)


async def test_a_policy_that_an_agent_does_not_keep_is_refused_with_those_it_keeps() -> None:
    async with running() as rig:
        error = await _error(rig.service.spawn(request_of(permission=Permission.DENY)))

        assert error.message == "agent shell keeps no policy deny; it keeps: ask"
        assert error.hint == "orch spawn --agent shell --permission ask"

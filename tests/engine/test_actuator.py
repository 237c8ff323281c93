import asyncio

import pytest
from msgspec.structs import replace

from orchestrd.model.command import Attempted, Kill, Revive, Send, Stop
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.errors import NotFoundError, TransientError
from orchestrd.model.event import EventType
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import DELIVERY_S, DRAIN_S, KILL_DEADLINE_S, START_DEADLINE_S, TYPING_S, WORKSPACE_S
from orchestrd.model.run import Order, Run, Sweep
from orchestrd.model.session import Session, Workspace
from orchestrd.model.words import Activity, Reason, Receipt, State
from orchestrd.testing.clocks import DAWN, later
from orchestrd.testing.runtime import ScriptedRuntime
from orchestrd.testing.world import Script
from tests.engine.rig import ID, OTHER, Rig, nothing, running, survivor
from tests.reports import a_report

FULL = TransientError("the disk is full")


class BenchRuntime(ScriptedRuntime):
    """Acts, but first waits, and then raises, where it is told to."""

    def __init__(self, rig: Rig) -> None:
        super().__init__(rig.world, "process")
        self.takes_s: dict[str, float] = {}
        self.before: dict[str, Exception] = {}
        self.after: dict[str, Exception] = {}
        self.calls: list[str] = []

    async def launch(self, order: Order) -> str:
        await self._begin("launch")
        handle = await super().launch(order)
        self._finish("launch")
        return handle

    async def terminate(self, run: Run) -> bool:
        await self._begin("terminate")
        nothing_runs = await super().terminate(run)
        self._finish("terminate")
        return nothing_runs

    async def kill(self, run: Run) -> Sweep:
        await self._begin("kill")
        sweep = await super().kill(run)
        self._finish("kill")
        return sweep

    async def deliver(self, run: Run, text: str) -> tuple[Receipt, str | None]:
        await self._begin("deliver")
        receipt = await super().deliver(run, text)
        self._finish("deliver")
        return receipt

    async def _begin(self, act: str) -> None:
        self.calls.append(act)
        await asyncio.sleep(self.takes_s.get(act, 0.0))
        if error := self.before.get(act):
            raise error

    def _finish(self, act: str) -> None:
        if error := self.after.get(act):
            raise error


def bench(rig: Rig | None = None) -> tuple[Rig, BenchRuntime]:
    rig = rig or Rig()
    runtime = BenchRuntime(rig)
    rig.runtimes["process"] = runtime
    return rig, runtime


async def report(rig: Rig, activity: Activity) -> None:
    """Let the agent say what it does, and wait until it is known."""
    rig.world.report(ID, b'{"report":"%s"}' % activity.encode())
    rig.service.nudge(ID)
    await rig.when(lambda: rig.record().activity is activity)


def typed(rig: Rig) -> list[str]:
    return rig.world.newest(ID).typed


def send(message: str = "m1") -> Send:
    return Send(session=ID, message=message, text=f"text of {message}")


# ---- repeatable acts


async def test_an_act_is_performed_only_after_the_commit_that_decided_on_it() -> None:
    rig, runtime = bench()
    async with running(rig):
        rig.store.rejects = lambda record: FULL if isinstance(record, Session) and record.effects else None
        await rig.spawn()
        await asyncio.sleep(20.0)
        assert runtime.calls == []

        rig.store.rejects = nothing
        await rig.until(ID, State.RUNNING)

    assert runtime.calls == ["launch"]


async def test_a_launch_that_fails_says_why_and_shows_the_end_of_the_output() -> None:
    async with running() as rig:
        rig.keeper.error = NotFoundError("the directory /p does not exist", hint="mkdir -p /p")
        await rig.spawn()
        await rig.until(ID, State.FAILED)

        end = rig.events(EventType.STATE_CHANGED, session=ID)[-1]

    assert (end.reason, end.error) == ("launch_failed", "the directory /p does not exist; try: mkdir -p /p")
    assert end.screen == "screen of aaaaaaaa"


async def test_a_session_that_names_what_this_daemon_does_not_have_fails_and_is_told_what_there_is() -> None:
    rig = Rig()
    rig.prepare_home()
    rig.spool_spawn(ID, agent="claude")
    rig.spool_spawn(OTHER, runtime="tmux")

    async with running(rig):
        one, other = await rig.until(ID, State.FAILED), await rig.until(OTHER, State.FAILED)

    assert one.error == "there is no agent 'claude'; there is: shell; try: orch spawn --help"
    assert other.error == "there is no runtime 'tmux'; there is: process; try: orch spawn --help"


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_launch_in_doubt_is_settled_by_the_start_deadline(moment: str) -> None:
    rig, runtime = bench()
    getattr(runtime, moment)["launch"] = OSError("something broke")
    rig.scripts[ID] = Script(starts_after_s=None)
    async with running(rig):
        await rig.spawn()
        ended = await rig.until(ID, State.FAILED)

    assert ended.reason is Reason.START_TIMEOUT
    assert runtime.calls == ["launch", "kill"]
    assert rig.said("the launch of aaaaaaaa is in doubt")
    assert rig.world.running() == []


async def test_a_launch_that_hangs_is_given_up() -> None:
    rig, runtime = bench()
    runtime.takes_s["launch"] = 10_000.0
    async with running(rig):
        await rig.spawn()
        ended = await rig.until(ID, State.FAILED)

    assert ended.reason is Reason.START_TIMEOUT
    assert asyncio.get_running_loop().time() < START_DEADLINE_S + KILL_DEADLINE_S


# ---- a workspace that takes its time

WORKTREE = Workspace(kind="worktree", path=f"/home/me/.orch/worktrees/shop/{ID}", branch=f"orch/{ID}-fix", base="main")


async def test_a_workspace_may_take_longer_than_a_start() -> None:
    rig, runtime = bench()
    rig.keeper.takes_s = WORKSPACE_S - 1.0
    async with running(rig):
        await rig.spawn(workspace=WORKTREE)
        await asyncio.sleep(WORKSPACE_S)
        ended = await rig.until(ID, State.RUNNING, State.FAILED)

    assert ended.state is State.RUNNING
    assert runtime.calls == ["launch"]


async def test_once_the_workspace_is_there_a_start_has_no_longer_than_any_other() -> None:
    rig, _ = bench()
    rig.keeper.takes_s = 100.0
    rig.scripts[ID] = Script(starts_after_s=None)
    async with running(rig):
        await rig.spawn(workspace=WORKTREE)
        ended = await rig.until(ID, State.FAILED)

    assert ended.reason is Reason.START_TIMEOUT
    assert asyncio.get_running_loop().time() < 100.0 + START_DEADLINE_S + KILL_DEADLINE_S


async def test_a_workspace_that_is_never_there_is_given_up() -> None:
    rig, runtime = bench()
    rig.keeper.takes_s = 10 * WORKSPACE_S
    async with running(rig):
        await rig.spawn(workspace=WORKTREE)
        await asyncio.sleep(WORKSPACE_S)
        ended = await rig.until(ID, State.FAILED)

    assert (ended.reason, runtime.calls) == (Reason.LAUNCH_FAILED, [])
    assert "its workspace was not there in time" in (ended.error or "")


@pytest.mark.parametrize("command", [Stop(session=ID), Kill(session=ID)])
async def test_a_session_that_is_ended_while_its_workspace_is_made_ends_at_once(command: Stop | Kill) -> None:
    rig, runtime = bench()
    rig.keeper.takes_s = 100.0
    async with running(rig):
        await rig.spawn(workspace=WORKTREE)
        await rig.until(ID, State.STARTING)
        await rig.service.stop(command)
        await rig.until(ID, State.CANCELLED)

    assert asyncio.get_running_loop().time() < START_DEADLINE_S
    assert "launch" not in runtime.calls


async def test_a_launch_that_the_last_daemon_began_is_performed_again_and_starts_nothing_twice() -> None:
    rig, runtime = bench()
    runtime.takes_s["launch"] = 0.5
    async with running(rig):
        await rig.spawn()
        await rig.when(rig.world.running)
        again, runtime_again = bench(survivor(rig))
    async with running(again):
        await again.until(ID, State.RUNNING)
        await again.when(lambda: not again.record().effects)

    assert runtime_again.calls == ["launch"]
    assert len(rig.world.runs) == 1


async def test_a_launch_that_cannot_be_repeated_ends_no_run_that_the_last_daemon_had_started() -> None:
    rig = Rig()
    rig.store.rejects = lambda record: FULL if isinstance(record, Session) and record.handle else None
    async with running(rig):
        await rig.spawn()
        await rig.when(lambda: rig.said("could not record what became of aaaaaaaa"))
        again = survivor(rig)
    again.keeper.error = TransientError("the workspace is not there")
    async with running(again):
        await again.until(ID, State.RUNNING)

    assert len(rig.world.running()) == 1
    assert again.said("the launch of aaaaaaaa is in doubt")


async def test_a_result_that_cannot_be_recorded_is_offered_again_and_the_act_not_repeated() -> None:
    rig, runtime = bench()
    async with running(rig):
        await rig.spawn()
        await rig.until(ID, State.STARTING)
        rig.store.rejects = lambda record: FULL if isinstance(record, Session) else None
        await asyncio.sleep(10.0)
        assert rig.record().handle is None

        rig.store.rejects = nothing
        await rig.when(lambda: rig.record().handle)

    assert runtime.calls == ["launch"]
    assert rig.said("could not record what became of aaaaaaaa")


async def test_a_request_to_end_that_fails_is_followed_by_a_kill_when_the_grace_is_over() -> None:
    rig, runtime = bench()
    runtime.before["terminate"] = OSError("no permission")
    async with running(rig):
        await rig.run()
        await rig.service.stop(Stop(session=ID, grace_s=3.0))
        ended = await rig.until(ID, State.CANCELLED)

    assert ended.reason is Reason.STOPPED
    assert runtime.calls == ["launch", "terminate", "kill"]
    assert rig.said("could not ask aaaaaaaa to end")


async def test_a_request_to_end_that_hangs_holds_up_no_kill_for_ever() -> None:
    rig, runtime = bench()
    runtime.takes_s["terminate"] = 10_000.0
    async with running(rig):
        await rig.run()
        await rig.service.stop(Stop(session=ID, grace_s=1.0))

        await rig.until(ID, State.CANCELLED)

    assert asyncio.get_running_loop().time() < 2 * KILL_DEADLINE_S


async def test_a_kill_that_fails_or_hangs_is_no_proof_and_is_tried_again() -> None:
    rig, runtime = bench()
    runtime.before["kill"] = OSError("the process table cannot be read")
    async with running(rig):
        await rig.run()
        await rig.service.stop(Kill(session=ID))
        await rig.when(lambda: rig.record().kills_failed == 1)
        runtime.before.clear()
        runtime.takes_s["kill"] = 10_000.0
        await rig.when(lambda: rig.record().kills_failed == 2)
        assert rig.record().error == "the sweep failed: TimeoutError: "
        runtime.takes_s.clear()

        ended = await rig.until(ID, State.CANCELLED)

    assert ended.reason is Reason.KILLED


async def test_what_another_runtime_has_started_is_never_taken_for_dead() -> None:
    async with running() as rig:
        await rig.run()
        again = survivor(rig)
    again.runtimes = {"tmux": ScriptedRuntime(rig.world, "tmux")}
    async with running(again):
        await again.service.stop(Stop(session=ID, grace_s=1.0))

        await again.until(ID, State.LOST)

        assert again.record().reason is Reason.KILL_FAILED
        assert "this daemon has no runtime process" in (again.record().error or "")


async def test_effects_of_one_session_are_performed_one_by_one_and_of_others_side_by_side() -> None:
    rig, runtime = bench()
    runtime.takes_s = {"launch": 2.0}
    async with running(rig):
        began = asyncio.get_running_loop().time()
        for name in (ID, OTHER):
            await rig.spawn(name)
            await rig.until(name, State.STARTING)
        await rig.service.stop(Stop(session=ID))
        assert runtime.calls == ["launch", "launch"]

        await rig.when(lambda: "terminate" in runtime.calls)

    assert asyncio.get_running_loop().time() - began == pytest.approx(2.0, abs=1.0)


async def test_a_result_of_an_earlier_generation_changes_nothing() -> None:
    rig, runtime = bench()
    runtime.takes_s["kill"] = 20.0
    rig.scripts[ID] = Script(exits_after_s=8.0)
    async with running(rig):
        await rig.run()
        await rig.service.stop(Kill(session=ID))
        await rig.until(ID, State.CANCELLED)
        rig.scripts[ID] = Script()
        await rig.service.revive(Revive(session=ID))
        await rig.until(ID, State.STARTING)
        await asyncio.sleep(60.0)

    assert (rig.record().state, rig.record().generation) == (State.RUNNING, 2)


async def test_what_a_session_intended_before_it_ended_is_not_performed() -> None:
    rig, runtime = bench()
    runtime.takes_s["terminate"] = 5.0
    rig.scripts[ID] = Script(exits_after_s=8.0)
    async with running(rig):
        await rig.run()
        await rig.service.stop(Stop(session=ID))
        await rig.service.stop(Kill(session=ID))
        await rig.until(ID, State.CANCELLED)
        await asyncio.sleep(60.0)

    assert "kill" not in runtime.calls


async def test_a_defect_in_one_act_costs_no_other() -> None:
    rig, runtime = bench()
    async with running(rig):
        await rig.run()
        rig.engine_part("actuator")._read_screen = None  # type: ignore[attr-defined]  # a defect
        rig.keeper.error = TransientError("no workspace")
        await rig.spawn(OTHER)
        await rig.when(lambda: rig.said("launch of bbbbbbbb failed"))

        await rig.service.stop(Kill(session=ID))

        await rig.until(ID, State.CANCELLED)
    assert runtime.calls[-1] == "kill"


# ---- once acts


async def test_a_message_is_typed_once_and_its_receipt_is_the_runtimes() -> None:
    async with running() as rig:
        await rig.run()

        reply = await rig.service.send(send())

    assert (reply.receipt, typed(rig)) == (Receipt.SUBMITTED, ["text of m1"])


async def test_a_message_is_on_disk_as_attempted_before_it_is_typed() -> None:
    rig, runtime = bench()
    runtime.takes_s["deliver"] = 1.0
    async with running(rig):
        await rig.run()
        async with asyncio.TaskGroup() as group:
            group.create_task(rig.service.send(send()))
            await rig.when(lambda: "deliver" in runtime.calls)

            assert [effect.attempted for effect in rig.record().effects if effect.message] == [True]


async def test_a_message_that_was_being_typed_when_the_daemon_died_ends_unknown_and_is_not_typed_again() -> None:
    rig, runtime = bench()
    runtime.takes_s["deliver"] = 1.0
    async with running(rig):
        await rig.run()
        async with asyncio.TaskGroup() as group:
            group.create_task(rig.service.send(send()))
            await rig.when(lambda: "deliver" in runtime.calls)
            again, runtime_again = bench(survivor(rig))
    async with running(again):
        await again.when(lambda: again.record().settled)

    settled = again.record().settled[0]
    assert (settled.id, settled.receipt) == ("m1", Receipt.UNKNOWN)
    assert runtime_again.calls == []


async def test_a_message_that_was_only_decided_on_is_typed_by_the_next_daemon() -> None:
    async with running() as rig:
        await rig.run()
        rig.store.rejects = lambda record: (
            FULL if isinstance(record, Session) and any(effect.attempted for effect in record.effects) else None
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(rig.service.send(send()))
            await rig.when(lambda: rig.said("could not record"))
            again = survivor(rig)
    async with running(again):
        await again.when(lambda: again.record().settled)

    assert typed(again) == ["text of m1"]


async def test_a_delivery_that_hangs_is_given_up_and_holds_up_nothing() -> None:
    rig, runtime = bench()
    runtime.takes_s["deliver"] = 10_000.0
    async with running(rig):
        await rig.run()
        async with asyncio.TaskGroup() as group:
            group.create_task(rig.service.send(send()))
            await rig.when(lambda: "deliver" in runtime.calls)
            await rig.service.stop(Kill(session=ID))
            await rig.until(ID, State.CANCELLED)

    assert asyncio.get_running_loop().time() < 4 * DELIVERY_S
    settled = rig.record().settled[0]
    assert (settled.receipt, settled.error) == (
        Receipt.UNKNOWN,
        f"not known to be typed: the runtime said nothing within {TYPING_S:g} s",
    )


async def test_a_delivery_that_raises_may_have_typed_something() -> None:
    rig, runtime = bench()
    runtime.after["deliver"] = OSError("the FIFO broke")
    async with running(rig):
        await rig.run()

        reply = await rig.service.send(send())

    assert (reply.receipt, reply.error) == (Receipt.UNKNOWN, "OSError: the FIFO broke")


async def test_nothing_is_typed_when_the_agent_began_to_work_while_the_attempt_was_recorded() -> None:
    rig, runtime = bench()
    async with running(rig):
        await rig.run()
        await report(rig, Activity.WAITING)
        busy = a_report(Activity.WORKING, at=later(DAWN, 3_600).at, offset=900)
        rig.service._roster.on_commit(
            lambda session: (
                rig.mailboxes.post(ID, busy) if session.effects and not session.effects[0].attempted else None
            )
        )

        reply = await rig.service.send(send())

    assert reply.receipt is Receipt.QUEUED
    assert "deliver" not in runtime.calls
    assert [message.id for message in rig.record().messages] == ["m1"]


async def test_a_message_is_held_while_the_agent_works_and_typed_when_it_waits() -> None:
    async with running() as rig:
        await rig.run()
        await report(rig, Activity.WORKING)

        reply = await rig.service.send(send())
        assert (reply.receipt, typed(rig)) == (Receipt.QUEUED, [])
        await report(rig, Activity.WAITING)
        await rig.when(lambda: rig.record().settled)

    assert typed(rig) == ["text of m1"]


async def test_without_its_runtime_a_message_is_refused_and_nothing_else() -> None:
    async with running() as rig:
        await rig.run()
        again = survivor(rig)
    again.runtimes = {}
    async with running(again):
        reply = await again.service.send(send())

    assert (reply.receipt, reply.error) == (Receipt.REFUSED, "there is no runtime process")


async def test_a_delivery_without_its_message_is_dropped() -> None:
    async with running() as rig:
        strange = await rig.run()
        effect = Effect(id="1.77", kind=EffectKind.DELIVER, generation=1, message="gone")
        rig.edit(replace(strange, revision=strange.revision + 1, effects=(effect,), effects_made=77))
        await rig.when(lambda: rig.record().effects_made == 77)

        await rig.when(lambda: not rig.record().effects)

    assert typed(rig) == []


# ---- the end


async def test_a_stop_waits_for_what_is_being_performed_and_begins_nothing_new() -> None:
    rig, runtime = bench()
    runtime.takes_s = {"deliver": 2.0}
    async with running(rig):
        await rig.run()
        async with asyncio.TaskGroup() as group:
            group.create_task(rig.service.send(send()))
            await rig.when(lambda: "deliver" in runtime.calls)
            await rig.service.stop(Stop(session=ID))
            await rig.engine.stop()

    assert runtime.calls == ["launch", "deliver"]
    assert rig.store._records.known[ID].session.settled[0].receipt is Receipt.SUBMITTED


async def test_a_message_whose_attempt_was_not_recorded_before_a_stop_is_left_to_the_next_daemon() -> None:
    rig, runtime = bench()
    async with running(rig):
        await rig.run()
        rig.store.rejects = lambda record: (
            FULL if isinstance(record, Session) and any(effect.attempted for effect in record.effects) else None
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(rig.service.send(send()))
            await rig.when(lambda: rig.said("could not record"))
            rig.engine_part("mailboxes")._is_open = False
            await asyncio.sleep(5.0)
            rig.engine_part("mailboxes")._is_open = True

    assert "deliver" not in runtime.calls
    assert [message.id for message in rig.record().messages] == ["m1"]


async def test_a_stop_waits_no_longer_than_its_bound() -> None:
    rig, runtime = bench()
    runtime.takes_s = {"kill": 10_000.0}
    async with running(rig):
        await rig.run()
        await rig.service.stop(Kill(session=ID))
        await rig.when(lambda: "kill" in runtime.calls)
        began = asyncio.get_running_loop().time()

    assert asyncio.get_running_loop().time() - began < DRAIN_S + 1.0
    assert rig.said("actuator was not done in time")


async def test_a_result_that_comes_after_the_mailboxes_have_closed_is_left_to_the_next_daemon() -> None:
    async with running() as rig:
        await rig.run()
        actuator = rig.engine_part("actuator")

    result = Attempted(effect="1.1")

    assert await actuator.report(SessionId(ID), result) is False  # type: ignore[attr-defined]

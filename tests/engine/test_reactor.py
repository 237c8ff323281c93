"""The reactor: on which occasions it judges, what it submits, and what costs nothing; with errands and spawning."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from orchestrd.core.reaction import judge
from orchestrd.engine import reactor as reactors
from orchestrd.engine.reactor import Reactor
from orchestrd.model.command import Kill, Revive, Stop
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.errors import FaultError
from orchestrd.model.event import EventType
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import JUDGED_AT_ONCE_MAX
from orchestrd.model.notice import Priority
from orchestrd.model.reaction import Act, Condition, Reaction
from orchestrd.model.words import Activity, Receipt, State
from orchestrd.ports import CommandEnd
from orchestrd.testing.world import Script
from tests.engine.rig import FULL, ID, OTHER, Rig, running, survivor

TICK_S = 5.0
RUNS = Condition(state=(State.RUNNING,))
IDLE = Reaction(
    name="idle",
    when=Condition(activity=(Activity.WAITING,), silent_s=60.0),
    act=Act.NOTIFY,
    priority=Priority.INFO,
    escalation=None,
)
WAITS = Script(reports=((0.1, b'{"report":"waiting"}'),))


def of(act: Act, when: Condition = RUNS, **changes: Any) -> Reaction:
    return replace(
        Reaction(name="mine", when=when, act=act, text="do {reaction}", command="make", every_s=60.0), **changes
    )


def fired(rig: Rig) -> int:
    return len(rig.events(EventType.REACTION_FIRED))


def reactor_of(rig: Rig) -> Reactor:
    found = rig.engine_part("reactor")
    assert isinstance(found, Reactor)
    return found


# ---- occasions


async def test_a_reaction_fires_once_its_condition_has_been_seen_to_hold() -> None:
    async with running(reactions=(of(Act.RUN),)) as rig:
        await rig.run()

        await rig.when(lambda: rig.events(EventType.COMMAND_RUN))

    assert rig.runner.begun == [(ID, "make")]
    assert fired(rig) == 1


async def test_what_time_alone_makes_due_needs_no_tick() -> None:
    async with running(reactions=(IDLE,), interval_s=3_600.0) as rig:
        await rig.run(script=WAITS)
        rig.look_s = 0.1
        rig.service.nudge(SessionId(ID))
        await rig.when(lambda: rig.record().activity is Activity.WAITING)
        began = asyncio.get_running_loop().time()

        await rig.when(lambda: fired(rig) == 1)

    assert asyncio.get_running_loop().time() - began == pytest.approx(60.0, abs=2.0)


async def test_a_machine_that_slept_past_the_time_is_caught_up_by_the_tick() -> None:
    async with running(reactions=(IDLE,)) as rig:
        await rig.run(script=WAITS)
        await rig.when(lambda: rig.record().activity is Activity.WAITING)
        began = asyncio.get_running_loop().time()
        rig.clock.sleep(3_600.0)

        await rig.when(lambda: fired(rig) == 1)

    assert asyncio.get_running_loop().time() - began < 3 * TICK_S


async def test_nothing_is_done_to_a_run_that_nobody_has_looked_at_since_the_start() -> None:
    async with running() as rig:
        await rig.run()
        again = survivor(rig)
    again.settings = replace(again.settings, reactions=(of(Act.RUN),))
    again.world.outage = OSError("the runtime is away")
    async with running(again):
        await asyncio.sleep(10 * TICK_S)
        assert fired(again) == 0
        again.world.outage = None

        await again.when(lambda: fired(again) == 1)


async def test_an_event_that_was_lost_is_made_up_for_by_a_later_tick() -> None:
    async with running(reactions=(of(Act.NOTIFY, Condition(state=(State.CANCELLED,))),)) as rig:
        await rig.run()
        reactor_of(rig)._is_due = True  # whoever wants something judged believes that it will be
        await rig.service.stop(Kill(session=SessionId(ID)))
        await rig.until(ID, State.CANCELLED)
        assert fired(rig) == 0
        reactor_of(rig)._is_due = False

        await rig.when(lambda: fired(rig) == 1)


async def test_many_sessions_are_judged_a_few_at_a_time() -> None:
    async with running() as rig:
        reactor = reactor_of(rig)
        judged: list[SessionId] = []
        reactor._judge = lambda name, now: judged.append(name)  # type: ignore[method-assign]
        reactor._want(SessionId(f"{number:08d}") for number in range(JUDGED_AT_ONCE_MAX + 1))

        await asyncio.sleep(0)
        first = len(judged)
        await asyncio.sleep(1.0)

    assert (first, len(judged)) == (JUDGED_AT_ONCE_MAX, JUDGED_AT_ONCE_MAX + 1)


async def test_an_idle_session_is_not_judged_by_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[str] = []

    def counted(reaction: Reaction, *rest: Any) -> Any:
        judged.append(reaction.name)
        return judge(reaction, *rest)

    monkeypatch.setattr(reactors, "judge", counted)
    async with running(reactions=(replace(IDLE, when=replace(IDLE.when, silent_s=86_400.0)),)) as rig:
        await rig.run(script=WAITS)
        await rig.when(lambda: rig.record().activity is Activity.WAITING)
        await asyncio.sleep(5 * TICK_S)
        judged.clear()

        await asyncio.sleep(100 * TICK_S)

    assert judged == []


async def test_an_archived_session_is_forgotten() -> None:
    async with running(reactions=(IDLE,)) as rig:
        await rig.run()
        await rig.service.stop(Kill(session=SessionId(ID)))
        await rig.until(ID, State.CANCELLED)
        await rig.when(lambda: reactor_of(rig)._outlooks)
        await rig.service.archive(SessionId(ID))

        await asyncio.sleep(2 * TICK_S)

        assert reactor_of(rig)._outlooks == {}


# ---- who is last


async def test_the_end_that_leaves_none_alive_is_told_once() -> None:
    last = of(Act.NOTIFY, Condition(all_ended=True))
    async with running(reactions=(last,)) as rig:
        for name in (ID, OTHER):
            await rig.run(name)
        for name in (OTHER, ID):
            await rig.service.stop(Kill(session=SessionId(name)))
            await rig.until(name, State.CANCELLED)

        await rig.when(lambda: fired(rig) == 1)
        await asyncio.sleep(20 * TICK_S)

    assert [event.session for event in rig.events(EventType.REACTION_FIRED)] == [ID]
    again = survivor(rig)
    again.settings = replace(again.settings, reactions=(last,))
    async with running(again):
        await asyncio.sleep(20 * TICK_S)

        assert fired(again) == 1


async def test_one_that_goes_on_again_is_last_no_more() -> None:
    async with running() as rig:
        await rig.run()
        await rig.service.stop(Kill(session=SessionId(ID)))
        ended = await rig.until(ID, State.CANCELLED)
        await rig.when(lambda: reactor_of(rig).seen(ended).is_last)

        await rig.service.revive(Revive(session=SessionId(ID)))

        assert not reactor_of(rig).seen(rig.record()).is_last


# ---- what fails


async def test_a_reaction_that_raises_costs_no_other_and_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(reaction: Reaction, *rest: Any) -> Any:
        if reaction.name == "broken":
            raise ZeroDivisionError
        return judge(reaction, *rest)

    monkeypatch.setattr(reactors, "judge", broken)
    reactions = (of(Act.RUN, name="broken"), of(Act.RUN))
    async with running(reactions=reactions) as rig:
        await rig.run()
        await rig.when(lambda: fired(rig) == 1)
        await asyncio.sleep(10 * TICK_S)
        said = [what for what, _ in rig.errors]

        rig.engine.take(replace(rig.settings, reactions=reactions))
        await rig.when(lambda: len(rig.errors) > len(said))

    assert said == ["the reaction broken to aaaaaaaa failed"]


async def test_a_defect_that_shows_only_when_it_is_done_is_left_alone_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(reactions=(of(Act.RUN),)) as rig:
        mailboxes = reactor_of(rig)._mailboxes
        tries: list[SessionId] = []

        async def broken(session: SessionId, _: object) -> None:
            tries.append(session)
            raise FaultError("a decision failed")

        monkeypatch.setattr(reactor_of(rig), "_mailboxes", type("Broken", (), {"submit": staticmethod(broken)})())
        await rig.run()
        await rig.when(lambda: tries)
        await asyncio.sleep(10 * TICK_S)
        monkeypatch.setattr(reactor_of(rig), "_mailboxes", mailboxes)

    assert len(tries) == 1


async def test_what_cannot_be_recorded_is_tried_again_at_a_later_tick() -> None:
    async with running(reactions=(of(Act.RUN),)) as rig:
        with rig.full_for():
            rig.store.rejects = lambda record: FULL if getattr(record, "episodes", ()) else None
            await rig.run()
            await rig.when(lambda: rig.said("could not be recorded"))
            assert fired(rig) == 0

        await rig.when(lambda: fired(rig) == 1)

    assert rig.runner.begun == [(ID, "make")]


# ---- other reactions


async def test_a_reload_swaps_the_reactions() -> None:
    async with running() as rig:
        await rig.run()
        await asyncio.sleep(3 * TICK_S)
        assert fired(rig) == 0

        rig.engine.take(replace(rig.settings, reactions=(of(Act.RUN),)))

        await rig.when(lambda: fired(rig) == 1)


async def test_a_reaction_that_is_new_begins_nothing_for_what_had_ended_before() -> None:
    failed = Condition(state=(State.FAILED, State.COMPLETED))
    async with running() as rig:
        await rig.run(script=Script(exits_after_s=0.1, exit_code=3))
        await rig.when(lambda: rig.record().is_terminal)

        rig.engine.take(replace(rig.settings, reactions=(of(Act.REVIVE, when=failed),)))
        rig.engine.take(replace(rig.settings, reactions=(of(Act.REVIVE, when=failed, attempts=2),)))
        await asyncio.sleep(5 * TICK_S)

    assert fired(rig) == 0


async def test_what_a_reaction_has_begun_goes_with_it() -> None:
    rig = Rig(reactions=(of(Act.SEND),))
    async with running(rig):
        await rig.run(script=Script(reports=((0.1, b'{"report":"working"}'),)))
        await rig.when(lambda: rig.record().messages)

        rig.engine.take(replace(rig.settings, reactions=()))

        await rig.when(lambda: not rig.record().messages and not rig.record().episodes)


# ---- errands


async def test_a_command_that_was_running_when_the_daemon_died_is_not_begun_again() -> None:
    rig = Rig(reactions=(of(Act.RUN),))
    rig.runner.takes_s = 1_000.0
    async with running(rig):
        await rig.run()
        await rig.when(lambda: rig.runner.begun)
        again = survivor(rig)
    again.settings = rig.settings
    async with running(again):
        (event,) = await again.when(lambda: again.events(EventType.COMMAND_RUN))
        await asyncio.sleep(10 * TICK_S)

    assert event.exit_code is None
    assert event.error
    assert again.runner.begun == []


async def test_the_end_of_its_session_ends_a_command() -> None:
    rig = Rig(reactions=(of(Act.RUN),))
    rig.runner.takes_s = 1_000.0
    async with running(rig):
        await rig.run()
        await rig.when(lambda: rig.runner.begun)

        await rig.service.stop(Kill(session=SessionId(ID)))
        await rig.until(ID, State.CANCELLED)
        await rig.when(lambda: rig.runner.cut_off)

    assert rig.runner.cut_off == [(ID, "make")]


async def test_a_command_that_fails_is_run_again_and_then_a_person_is_told() -> None:
    rig = Rig(reactions=(of(Act.RUN, escalation=Priority.URGENT),))
    rig.runner.end = lambda _session, _command: CommandEnd(exit_code=2, output="no rule to make it")
    rig.look_s = 1.0
    async with running(rig):
        await rig.run()

        await rig.when(lambda: rig.events(EventType.REACTION_ESCALATED))
        await asyncio.sleep(100 * TICK_S)

    assert len(rig.events(EventType.REACTION_ESCALATED)) == 1
    assert len(rig.runner.begun) > 1


async def test_an_effect_without_a_command_is_over_at_once() -> None:
    async with running() as rig:
        record = await rig.run()
        effect = Effect(id="1.77", kind=EffectKind.RUN, generation=1)
        rig.edit(replace(record, revision=record.revision + 1, effects=(effect,), effects_made=77))

        (event,) = await rig.when(lambda: rig.events(EventType.COMMAND_RUN))

    assert event.error == "it has no command"
    assert rig.runner.begun == []


# ---- spawning


async def test_another_session_is_begun_once_whatever_is_repeated() -> None:
    rig = Rig(reactions=(of(Act.SPAWN, replace(RUNS, agent=("shell",)), text="review {id}"),))
    async with running(rig):
        await rig.run()
        (event,) = await rig.when(lambda: rig.events(EventType.SPAWNED_ANOTHER))
        rig.engine.take(replace(rig.settings, reactions=()))
        other = await rig.until(str(event.to), State.RUNNING)

    assert other.spec.prompt == f"review {ID}"
    assert (other.spec.project, other.spec.argv) == (rig.record().spec.project, rig.record().spec.argv)


async def test_a_session_that_cannot_be_begun_is_an_attempt_that_failed() -> None:
    async with running(reactions=(of(Act.SPAWN, agent="nobody"),)) as rig:
        await rig.run()

        (event,) = await rig.when(lambda: rig.events(EventType.SPAWNED_ANOTHER))

    assert "there is no agent 'nobody'" in (event.error or "")
    assert rig.events(EventType.REACTION_FAILED)


async def test_where_nobody_knows_whether_it_was_begun_nothing_is_told() -> None:
    async with running() as rig:
        await rig.run()

        async def fault(_: object) -> None:
            raise FaultError("the disk does not say")

        rig.engine_part("spawning")._spawn = fault  # type: ignore[attr-defined]
        rig.engine.take(replace(rig.settings, reactions=(of(Act.SPAWN),)))
        await rig.when(lambda: fired(rig) == 1)
        await asyncio.sleep(TICK_S)

    assert [effect.kind for effect in rig.record().effects] == [EffectKind.SPAWN]


# ---- all of it


async def test_an_agent_is_told_once_and_never_while_it_is_blocked() -> None:
    script = Script(reports=((0.1, b'{"report":"blocked"}'), (100.0, b'{"report":"waiting"}')))
    async with running(reactions=(of(Act.SEND),)) as rig:
        await rig.run(script=script)
        await asyncio.sleep(50.0)
        assert rig.world.newest(SessionId(ID)).typed == []

        await rig.when(lambda: rig.record().settled)
        await rig.service.stop(Stop(session=SessionId(ID)))

    assert rig.world.newest(SessionId(ID)).typed == ["do mine"]
    assert rig.record().settled[0].receipt is Receipt.SUBMITTED

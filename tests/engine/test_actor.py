import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrd.engine.actor import Actor, Message, Registry, StoppedError
from orchestrd.model.errors import TransientError, UsageError
from orchestrd.model.limits import ACTOR_MESSAGES_MAX, ACTOR_STOP_S, DRAIN_S
from tests.sim.lagging import LaggingLoop


class Say(Message[str]):
    """Say a word back; how long that takes and whether it works is in the word."""

    def __init__(self, word: str, takes_s: float = 0.0, error: Exception | None = None) -> None:
        self.word = word
        self.takes_s = takes_s
        self.error = error


class Echo(Actor):
    """Writes down what it lives through."""

    name = "echo"

    def __init__(self, name: str = "echo", trace: list[str] | None = None) -> None:
        self.errors: list[tuple[str, BaseException | None]] = []
        super().__init__(lambda what, error: self.errors.append((what, error)))
        self.name = name
        self.trace = trace if trace is not None else []
        self.fails_at: set[str] = set()
        self.hangs_at: set[str] = set()

    async def started(self) -> None:
        await self._pass("started")

    async def stopped(self) -> None:
        await self._pass("stopped")

    async def receive(self, message: Message[Any]) -> object:
        if not isinstance(message, Say):
            return await super().receive(message)
        self.trace.append(message.word)
        await asyncio.sleep(message.takes_s)
        if message.error is not None:
            raise message.error
        return message.word

    async def _pass(self, step: str) -> None:
        self.trace.append(f"{self.name} {step}" if self.name != "echo" else step)
        if step in self.hangs_at:
            await asyncio.Event().wait()
        if step in self.fails_at:
            raise TransientError(f"{self.name} {step}")


# ---- one actor


async def test_a_message_is_answered_with_its_response() -> None:
    actor = Echo()
    await actor.start()

    answer = await actor.ask(Say("hello"))

    assert answer == "hello"


async def test_an_actor_that_has_not_started_takes_no_message() -> None:
    with pytest.raises(StoppedError, match="echo takes no messages now"):
        await Echo().ask(Say("too early"))


async def test_an_actor_that_was_stopped_takes_no_message() -> None:
    actor = Echo()
    await actor.start()
    await actor.stop()

    with pytest.raises(StoppedError):
        await actor.ask(Say("too late"))


async def test_no_message_is_taken_while_the_actor_starts() -> None:
    actor = Echo()
    actor.hangs_at = {"started"}
    async with asyncio.TaskGroup() as group:
        starting = group.create_task(actor.start())
        await asyncio.sleep(1.0)

        with pytest.raises(StoppedError):
            await actor.ask(Say("too early"))
        starting.cancel()


async def test_what_waits_when_an_actor_is_stopped_is_still_answered() -> None:
    actor = Echo()
    await actor.start()
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(actor.ask(Say(word, takes_s=0.1))) for word in "abc"]
        await asyncio.sleep(0)

        await actor.stop()

    assert [task.result() for task in asking] == ["a", "b", "c"]
    assert actor.trace == ["started", "a", "b", "c", "stopped"]


async def test_what_is_not_finished_in_time_is_answered_all_the_same() -> None:
    actor = Echo()
    actor.batch_max = 2
    await actor.start()
    async with asyncio.TaskGroup() as group:
        asking = [group.create_task(_refusal(actor, Say(word, takes_s=1_000.0))) for word in "abc"]
        await asyncio.sleep(0)

        await actor.stop()

    assert [task.result() for task in asking] == ["echo has stopped"] * 3
    assert asyncio.get_running_loop().time() == pytest.approx(DRAIN_S, abs=0.1)
    assert [what for what, _ in actor.errors] == ["echo was not done in time"]


async def test_a_message_that_fails_is_told_to_its_asker_and_the_actor_lives() -> None:
    actor = Echo()
    await actor.start()

    with pytest.raises(ValueError, match="poison"):
        await actor.ask(Say("bad", error=ValueError("poison")))

    assert await actor.ask(Say("good")) == "good"


async def test_an_unknown_message_is_refused() -> None:
    class Other(Message[None]):
        """A message for somebody else."""

    actor = Echo()
    await actor.start()

    with pytest.raises(UsageError, match="echo takes no Other"):
        await actor.ask(Other())


async def test_the_asker_who_gave_up_costs_the_others_nothing() -> None:
    actor = Echo()
    await actor.start()
    async with asyncio.TaskGroup() as group:
        impatient = group.create_task(actor.ask(Say("a", takes_s=1.0)))
        patient = group.create_task(actor.ask(Say("b")))
        await asyncio.sleep(0.5)
        impatient.cancel()

    assert patient.result() == "b"


async def test_an_actor_with_too_much_to_do_says_so_at_once() -> None:
    actor = Echo()
    await actor.start()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(actor.ask(Say("first", takes_s=1.0)))
        await asyncio.sleep(0)
        waiting = [group.create_task(actor.ask(Say("w"))) for _ in range(ACTOR_MESSAGES_MAX)]
        await asyncio.sleep(0)

        with pytest.raises(TransientError, match="too much to do"):
            await actor.ask(Say("one more"))

    assert first.result() == "first"
    assert {task.result() for task in waiting} == {"w"}


async def test_an_actor_with_nothing_to_do_has_no_task() -> None:
    actor = Echo()
    await actor.start()
    await actor.ask(Say("a"))
    await asyncio.sleep(0)

    assert len(asyncio.all_tasks()) == 1


async def test_a_defect_in_handling_a_batch_is_told_to_everyone_in_it_and_the_actor_lives() -> None:
    class Broken(Echo):
        async def receive_batch(self, batch: Sequence[Any]) -> None:
            if len(batch) > 1:
                raise ZeroDivisionError("a defect")
            await super().receive_batch(batch)

    actor = Broken()
    await actor.start()
    async with asyncio.TaskGroup() as group:
        both = [group.create_task(_failure(actor, Say("x"))) for _ in range(2)]

    assert [str(task.result()) for task in both] == ["a defect", "a defect"]
    assert await actor.ask(Say("alone")) == "alone"


async def test_an_actor_whose_start_fails_leaves_no_task_behind() -> None:
    actor = Echo()
    actor.fails_at = {"started"}
    actor._tasks.spawn("half-done", _wait())

    with pytest.raises(TransientError):
        await actor.start()

    assert len(asyncio.all_tasks()) == 1


Acts = st.lists(st.sampled_from(["ask", "start", "stop", "pause"]), max_size=12)


@given(acts=Acts, takes_s=st.sampled_from([0.0, 0.1]))
def test_the_life_of_an_actor_is_started_then_messages_then_stopped(acts: list[str], takes_s: float) -> None:
    trace: list[str] = []

    async def live() -> tuple[int, int]:
        actor, asked = Echo(trace=trace), []
        has_started = has_stopped = False
        async with asyncio.TaskGroup() as group:
            for act in acts:
                if act == "ask":
                    asked.append(group.create_task(_answer_or_refusal(actor, Say("m", takes_s))))
                elif act == "start" and not has_started:
                    has_started = True
                    await actor.start()
                elif act == "stop" and has_started and not has_stopped:
                    has_stopped = True
                    await actor.stop()
                else:
                    await asyncio.sleep(0.05)
        return len(asked), sum(task.result() == "m" for task in asked)

    with asyncio.Runner(loop_factory=lambda: LaggingLoop(lambda: 0.0)) as runner:
        asked, answered = runner.run(live())

    assert answered <= asked
    assert trace.count("m") == answered
    assert trace[:1] in ([], ["started"])
    assert trace.count("stopped") <= 1
    assert trace[-1:] == ["stopped"] or "stopped" not in trace


# ---- the registry


def _registry(*names: str) -> tuple[Registry, list[Echo], list[str], list[tuple[str, BaseException | None]]]:
    trace: list[str] = []
    errors: list[tuple[str, BaseException | None]] = []
    registry = Registry(lambda what, error: errors.append((what, error)))
    actors = [Echo(name, trace) for name in names]
    for actor in actors:
        registry.add(actor)
    return registry, actors, trace, errors


async def test_actors_start_in_order_and_stop_in_reverse() -> None:
    registry, _, trace, _ = _registry("a", "b", "c")

    await registry.start()
    names = registry.names
    await registry.stop()

    assert names == ("a", "b", "c")
    assert trace == ["a started", "b started", "c started", "c stopped", "b stopped", "a stopped"]
    assert registry.names == ()


async def test_a_start_that_fails_half_way_is_rolled_back_and_raised() -> None:
    registry, actors, trace, _ = _registry("a", "b", "c", "d")
    actors[2].fails_at = {"started"}

    with pytest.raises(TransientError, match="c started"):
        await registry.start()

    assert trace == ["a started", "b started", "c started", "b stopped", "a stopped"]


async def test_an_actor_that_fails_to_stop_does_not_spare_the_others() -> None:
    registry, actors, trace, errors = _registry("a", "b", "c")
    actors[1].fails_at = {"stopped"}
    await registry.start()

    await registry.stop()

    assert trace[-3:] == ["c stopped", "b stopped", "a stopped"]
    assert [what for what, _ in errors] == ["b did not stop cleanly"]


async def test_an_actor_that_hangs_in_its_stop_is_left_behind() -> None:
    registry, actors, trace, errors = _registry("a", "b", "c")
    actors[1].hangs_at = {"stopped"}
    await registry.start()

    await registry.stop()

    assert trace[-1] == "a stopped"
    assert [what for what, _ in errors] == ["b did not stop cleanly"]
    assert asyncio.get_running_loop().time() == pytest.approx(ACTOR_STOP_S, abs=0.1)


async def test_a_second_stop_is_harmless() -> None:
    registry, _, trace, _ = _registry("a")
    await registry.start()
    await registry.stop()

    await registry.stop()

    assert trace == ["a started", "a stopped"]


def test_two_actors_of_one_name_are_refused() -> None:
    registry, _, _, _ = _registry("a")

    with pytest.raises(UsageError, match="there is an actor a already"):
        registry.add(Echo("a"))


async def _refusal(actor: Actor, message: Message[str]) -> str:
    return str(await _failure(actor, message))


async def _failure(actor: Actor, message: Message[str]) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - any error is what is looked at
        await actor.ask(message)
    return caught.value


async def _answer_or_refusal(actor: Actor, message: Message[str]) -> str:
    try:
        return await actor.ask(message)
    except StoppedError as error:
        return error.code


async def _wait() -> None:
    await asyncio.Event().wait()

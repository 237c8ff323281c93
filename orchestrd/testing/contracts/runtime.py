"""What every runtime promises, whatever its runs are made of. One suite: a stage builds the world for it."""

from collections.abc import Callable
from typing import Protocol

import pytest
from msgspec.structs import replace

from orchestrd.model.errors import OrchestrdError, RefusedError
from orchestrd.model.ids import SessionId
from orchestrd.model.observation import Exited, Observation, Sighted, Started
from orchestrd.model.run import Look, Order, Run
from orchestrd.model.words import Liveness, Receipt
from orchestrd.ports import Runtime

EXITS_0 = "exits 0"
EXITS_3 = "exits 3"
DIES_OF_SEGV = "dies of SIGSEGV"
SLEEPS = "sleeps"
IGNORES_TERM = "ignores TERM, and reports once it does"
REPORTS = "reports working, then waiting, and sleeps"
READS = "reads its stdin"
HOLDS = "holds decision d1, says so, and sleeps once it is answered"
MISSING = "is no program at all"

LINES = (b'{"report":"working","text":"one","at":1.0}', b'{"report":"waiting","text":null,"at":2.0}')


class Stage(Protocol):
    """A world to try a runtime in."""

    @property
    def runtime(self) -> Runtime:
        """The runtime of the daemon of the moment."""
        ...

    def order(self, behaviour: str) -> Order:
        """Write an order for a new session with an agent that behaves like this."""
        ...

    @property
    def receipt_when_read(self) -> Receipt:
        """What is said of a text that the program has taken: not every runtime can know that it has."""
        ...

    async def answer_taken_by(self, run: Run) -> str:
        """Wait until it has taken an answer, and give that."""
        ...

    async def restart(self) -> None:
        """Let the daemon go and a new one come, in the same world."""
        ...

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Let time pass until it is so, and fail when it never is."""
        ...

    async def pause(self) -> None:
        """Let a little time pass."""
        ...


class RuntimeContract:
    """Mixed into a test class whose fixture `stage` builds the world."""

    async def test_a_run_is_seen_to_start_once_and_then_to_live(self, stage: Stage) -> None:
        run = await launched(stage, SLEEPS)

        first = await look_until(stage, run, Started)
        second = await look(stage, replace(run, is_started=True))

        assert [type(fact) for fact in first.observations] == [Started, Sighted]
        assert [fact.verdict for fact in second.observations if isinstance(fact, Sighted)] == [Liveness.ALIVE]
        assert len(second.observations) == 1

    async def test_an_exit_is_told_with_its_code(self, stage: Stage) -> None:
        fine, failed = await launched(stage, EXITS_0), await launched(stage, EXITS_3)

        ends = [await end_of(stage, fine), await end_of(stage, failed)]

        assert [(end.exit_code, end.exit_signal, end.error) for end in ends] == [(0, None, None), (3, None, None)]

    async def test_an_end_implies_its_beginning(self, stage: Stage) -> None:
        run = await launched(stage, EXITS_3)

        found = await look_until(stage, run, Exited)

        assert [type(fact) for fact in found.observations] == [Started, Exited]

    async def test_a_signal_is_told_by_its_name_and_never_as_a_code(self, stage: Stage) -> None:
        run = await launched(stage, DIES_OF_SEGV)

        end = await end_of(stage, run)

        assert (end.exit_code, end.exit_signal) == (None, "SIGSEGV")

    async def test_an_agent_that_cannot_be_started_has_an_end_that_says_why_and_no_beginning(
        self, stage: Stage
    ) -> None:
        run = await launched(stage, MISSING)

        found = await look_until(stage, run, Exited)

        (end,) = found.observations
        assert isinstance(end, Exited)
        assert (end.exit_code, end.exit_signal) == (None, None)
        assert "no such program" in (end.error or "")

    async def test_a_launch_that_is_repeated_starts_nothing_more(self, stage: Stage) -> None:
        order = stage.order(SLEEPS)
        run = replace(order.run, handle=await stage.runtime.launch(order))
        first = await look_until(stage, run, Started)

        again = replace(order.run, handle=await stage.runtime.launch(order))
        await stage.pause()

        assert pid_of(await look(stage, again)) == pid_of(first)

    async def test_term_ends_a_run_that_heeds_it(self, stage: Stage) -> None:
        run = await started(stage, SLEEPS)

        never_ran = await stage.runtime.terminate(run)

        assert not never_ran
        assert (await end_of(stage, run)).exit_signal == "SIGTERM"

    async def test_term_before_the_launch_means_that_it_never_runs(self, stage: Stage) -> None:
        order = stage.order(SLEEPS)

        answers = [await stage.runtime.terminate(order.run) for _ in range(2)]

        run = replace(order.run, handle=await stage.runtime.launch(order))
        await stage.pause()
        assert answers == [True, True]
        assert pid_of(await look(stage, run)) is None

    async def test_kill_ends_a_run_that_ignores_term(self, stage: Stage) -> None:
        run = await started(stage, IGNORES_TERM)
        while not (await look(stage, run)).hook_lines:
            await stage.pause()
        await stage.runtime.terminate(run)
        await stage.pause()
        before = await look(stage, run)

        sweep = await stage.runtime.kill(run)

        assert verdict_of(before) is Liveness.ALIVE
        assert (sweep.survivors, sweep.error) == ((), None)
        assert sweep.exit is not None
        assert sweep.exit.exit_signal == "SIGKILL"

    async def test_kill_of_what_was_never_launched_finds_nothing_and_closes_the_door(self, stage: Stage) -> None:
        order = stage.order(SLEEPS)

        sweep = await stage.runtime.kill(order.run)

        run = replace(order.run, handle=await stage.runtime.launch(order))
        await stage.pause()
        assert (sweep.survivors, sweep.exit, sweep.error) == ((), None, None)
        assert pid_of(await look(stage, run)) is None

    async def test_kill_may_be_repeated(self, stage: Stage) -> None:
        run = await started(stage, SLEEPS)

        first, second = await stage.runtime.kill(run), await stage.runtime.kill(run)

        assert first.survivors == second.survivors == ()
        assert first.exit == second.exit

    async def test_the_next_daemon_finds_the_run_alive_and_sees_its_end(self, stage: Stage) -> None:
        run = await started(stage, SLEEPS)
        await stage.runtime.close()
        await stage.restart()

        adopted = await look(stage, run)
        await stage.runtime.terminate(run)

        assert verdict_of(adopted) is Liveness.ALIVE
        assert (await end_of(stage, run)).exit_signal == "SIGTERM"

    async def test_an_end_while_no_daemon_lived_is_told_as_it_was(self, stage: Stage) -> None:
        run = await launched(stage, EXITS_3)
        await stage.runtime.close()
        await stage.pause()

        await stage.restart()

        assert (await end_of(stage, run)).exit_code == 3

    async def test_lines_of_hooks_come_whole_in_order_and_once(self, stage: Stage) -> None:
        run = await started(stage, REPORTS)
        seen: list[bytes] = []

        while len(seen) < len(LINES):
            found = await look(stage, run)
            seen += found.hook_lines
            run = replace(run, hooks_offset=found.hooks_offset)
            await stage.pause()

        assert tuple(seen) == LINES
        assert (await look(stage, run)).hook_lines == ()

    async def test_what_is_typed_and_read_was_submitted_as_far_as_can_be_known(self, stage: Stage) -> None:
        run = await started(stage, READS)

        receipt, error = await stage.runtime.deliver(run, "hello")

        assert (receipt, error) == (stage.receipt_when_read, None)

    async def test_what_is_typed_and_not_read_was_only_typed(self, stage: Stage) -> None:
        run = await started(stage, SLEEPS)

        receipt, error = await stage.runtime.deliver(run, "hello")

        assert (receipt, error) == (Receipt.TYPED, None)

    async def test_nothing_is_typed_into_a_run_that_is_over(self, stage: Stage) -> None:
        run = await launched(stage, EXITS_0)
        await end_of(stage, run)
        await stage.pause()

        receipt, error = await stage.runtime.deliver(run, "hello")

        assert receipt is Receipt.REFUSED
        assert "nothing reads" in (error or "")

    async def test_enter_may_be_pressed_alone_while_something_reads(self, stage: Stage) -> None:
        run, over = await started(stage, READS), await launched(stage, EXITS_0)
        await end_of(stage, over)
        await stage.pause()

        await stage.runtime.press_enter(run)
        with pytest.raises(OrchestrdError, match="nothing reads"):
            await stage.runtime.press_enter(over)

    async def test_an_answer_is_taken_by_whoever_holds_the_decision_and_by_nobody_else(self, stage: Stage) -> None:
        run = await started(stage, HOLDS)
        while not (await look(stage, run)).hook_lines:
            await stage.pause()

        for decision in ("d2", "..", "", "d1/", "x" * 300):
            with pytest.raises(RefusedError, match="not asked any more") as refusal:
                await stage.runtime.answer(run, decision, "yes")
            assert refusal.value.code == "not_asked"
        is_taken = await stage.runtime.answer(run, "d1", '{"behavior":"allow"}')

        assert is_taken
        assert await stage.answer_taken_by(run) == '{"behavior":"allow"}'

    async def test_a_decision_is_answered_once(self, stage: Stage) -> None:
        run = await started(stage, HOLDS)
        while not (await look(stage, run)).hook_lines:
            await stage.pause()
        await stage.runtime.answer(run, "d1", "yes")
        await stage.answer_taken_by(run)

        with pytest.raises(RefusedError, match="not asked any more"):
            await stage.runtime.answer(run, "d1", "no")

    async def test_what_a_run_held_is_not_asked_any_more_once_it_is_over(self, stage: Stage) -> None:
        run = await started(stage, HOLDS)
        while not (await look(stage, run)).hook_lines:
            await stage.pause()
        await stage.runtime.kill(run)

        with pytest.raises(RefusedError, match="not asked any more"):
            await stage.runtime.answer(run, "d1", "yes")

    async def test_keys_are_pressed_where_there_is_a_terminal_and_somebody_reads_it(self, stage: Stage) -> None:
        run, over = await started(stage, READS), await launched(stage, EXITS_0)
        await end_of(stage, over)
        await stage.pause()

        with pytest.raises(RefusedError):
            await stage.runtime.press_keys(over, ("1", "Enter"))
        if stage.runtime.has_terminal:
            await stage.runtime.press_keys(run, ("1", "Enter"))
        else:
            with pytest.raises(RefusedError, match="no terminal"):
                await stage.runtime.press_keys(run, ("1", "Enter"))

    async def test_a_screen_is_shown_by_what_has_a_terminal_and_by_nothing_else(self, stage: Stage) -> None:
        run = await started(stage, SLEEPS)

        shown = await stage.runtime.screen(run)

        assert (shown is not None) is stage.runtime.has_terminal

    async def test_one_look_answers_for_every_run_it_was_asked_for(self, stage: Stage) -> None:
        runs = [await started(stage, behaviour) for behaviour in (SLEEPS, SLEEPS, IGNORES_TERM)]

        looks = await stage.runtime.probe(runs)

        assert {look.run.session for look in looks} == {run.session for run in runs}
        assert [verdict_of(look) for look in looks] == [Liveness.ALIVE] * 3

    async def test_a_run_that_nobody_has_launched_yet_is_unknown(self, stage: Stage) -> None:
        run = stage.order(SLEEPS).run

        found = await look(stage, run)

        assert verdict_of(found) is Liveness.UNKNOWN

    async def test_an_end_nudges(self, stage: Stage) -> None:
        nudged: list[SessionId] = []
        stage.runtime.on_change(nudged.append)
        run = await started(stage, SLEEPS)

        await stage.runtime.kill(run)
        await stage.until(lambda: run.session in nudged)

        assert set(nudged) == {run.session}

    async def test_forgetting_a_run_changes_nothing_about_it(self, stage: Stage) -> None:
        run = await launched(stage, EXITS_3)
        end = await end_of(stage, run)

        stage.runtime.forget(run)

        assert await end_of(stage, run) == end


async def launched(stage: Stage, behaviour: str) -> Run:
    """Launch an agent that behaves like this."""
    order = stage.order(behaviour)
    return replace(order.run, handle=await stage.runtime.launch(order))


async def started(stage: Stage, behaviour: str) -> Run:
    """Launch an agent and wait until it is known to have started."""
    run = await launched(stage, behaviour)
    await look_until(stage, run, Started)
    return replace(run, is_started=True)


async def look(stage: Stage, run: Run) -> Look:
    """Look at one run."""
    (found,) = await stage.runtime.probe([run])
    return found


async def look_until(stage: Stage, run: Run, kind: type[Observation]) -> Look:
    """Look until something of this kind is seen; the timeout of the test is the bound."""
    while True:
        found = await look(stage, run)
        if any(isinstance(fact, kind) for fact in found.observations):
            return found
        await stage.pause()


async def end_of(stage: Stage, run: Run) -> Exited:
    """Wait for the recorded end of a run."""
    found = await look_until(stage, run, Exited)
    return next(fact for fact in found.observations if isinstance(fact, Exited))


def verdict_of(found: Look) -> Liveness:
    """Give the sample of a look."""
    return next(fact.verdict for fact in found.observations if isinstance(fact, Sighted))


def pid_of(found: Look) -> int | None:
    """Give the pid of the agent whose start was seen."""
    return next((fact.pid for fact in found.observations if isinstance(fact, Started)), None)

"""Answers through the whole engine: given once, to what is asked right then, and told by what was seen afterwards."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from orchestrd.agents.shell import ShellAgent
from orchestrd.core.launch import utc
from orchestrd.model.command import Answer
from orchestrd.model.decision import Decision
from orchestrd.model.document import AnswerReply
from orchestrd.model.errors import OrchestrdError, TransientError, UsageError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import ANSWER_CONFIRM_S, TYPING_S
from orchestrd.model.observation import Testimony
from orchestrd.model.run import Glimpse, Reading, Run
from orchestrd.model.words import Activity, Authority, Receipt
from orchestrd.testing.runtime import ScriptedRuntime
from orchestrd.testing.world import Script
from tests.decisions import DENY, held, shown
from tests.engine.rig import ID, Rig, running

NOTHING = "$ "


class AskingAgent(ShellAgent):
    """Asks by lines that name the decision, and by a screen that does so; reports otherwise."""

    def wants_screen(self, activity: Activity, source: str | None) -> bool:
        return True

    def read(self, glimpse: Glimpse) -> Reading:
        said = [word for line, offset in glimpse.hook_lines if (word := _heard(line, offset))]
        if glimpse.screen is not None:
            said.append(_seen(glimpse.screen))
        return Reading(testimonies=tuple(said))


def _heard(line: bytes, offset: int) -> Testimony | None:
    told = json.loads(line)
    asked = told.get("asks")
    return Testimony(
        observer="hook",
        allows=(Activity.BLOCKED if asked else Activity(told["report"]),),
        at=utc(told["at"]),
        offset=offset,
        decision=held(asked) if asked else None,
        rank=1,
    )


def _seen(screen: str) -> Testimony:
    decision = shown(screen.removeprefix("asks ")) if screen.startswith("asks ") else None
    allows = (Activity.BLOCKED,) if decision else ()
    return Testimony(observer="screen", allows=allows, decision=decision, rank=0)


class AnsweringRuntime(ScriptedRuntime):
    """Has a terminal, and fails or takes long where it is told to."""

    def __init__(self, rig: Rig) -> None:
        super().__init__(rig.world, "process", has_terminal=True)
        self.error: Exception | None = None
        self.takes_s = 0.0

    async def answer(self, run: Run, decision: str, reply: str) -> bool:
        await asyncio.sleep(self.takes_s)
        if self.error is not None:
            raise self.error
        return await super().answer(run, decision, reply)


def prepared(**settings: Any) -> tuple[Rig, AnsweringRuntime]:
    rig = Rig(**settings)
    rig.agents["shell"] = AskingAgent()
    runtime = AnsweringRuntime(rig)
    rig.runtimes["process"] = runtime
    return rig, runtime


def line(rig: Rig, **told: object) -> bytes:
    return json.dumps({"at": rig.clock.now().at.timestamp(), **told}).encode()


async def blocked(rig: Rig, *decisions: str, screen: str = NOTHING) -> Decision:
    """Run a session until it waits for these decisions, of which the last is told."""
    await rig.run(script=Script(holds=decisions, screens=((0.0, screen),)))
    for decision in decisions:
        await asyncio.sleep(2)
        rig.world.report(ID, line(rig, asks=decision))
        rig.service.nudge(ID)
        await rig.when(lambda wanted=decision: _asked(rig) == wanted)  # type: ignore[misc] # a bound default
    found = await rig.when(lambda: rig.record().decision)
    await asyncio.sleep(2)
    return found


def _asked(rig: Rig) -> str | None:
    decision = rig.record().decision
    return decision.id if decision else None


async def answered(rig: Rig, choice: str = "allow", decision: str = "d1", text: str | None = None) -> AnswerReply:
    return await rig.service.answer(Answer(session=ID, decision=decision, choice=choice, text=text))


async def answered_while(rig: Rig, then: Callable[[], None], **given: Any) -> AnswerReply:
    """Answer, and let something happen once it was given."""
    run = rig.world.newest(ID)
    async with asyncio.TaskGroup() as group:
        reply = group.create_task(answered(rig, **given))
        await rig.when(lambda: run.answers or run.pressed or None)
        then()
        rig.service.nudge(ID)
    return reply.result()


async def test_an_answer_is_given_to_whoever_holds_it_and_is_submitted_once_the_agent_goes_on() -> None:
    rig, _ = prepared()
    async with running(rig):
        decision = await blocked(rig, "d1")

        reply = await answered_while(rig, lambda: rig.world.report(ID, line(rig, report="working")))
        again = await answered(rig)

        assert decision == held("d1")
        assert (reply.number, reply.label, reply.asked) == (1, "Yes", "touch sold")
        assert (reply.receipt, reply.error) == (again.receipt, again.error) == (Receipt.SUBMITTED, None)
        assert rig.world.newest(ID).answers == [("d1", '{"behavior":"allow"}')]
        assert rig.record().decision is None


async def test_a_text_goes_along_and_a_number_names_the_choice() -> None:
    rig, _ = prepared()
    async with running(rig):
        await blocked(rig, "d1")

        reply = await answered_while(
            rig, lambda: rig.world.report(ID, line(rig, report="working")), choice="2", text='no "way"'
        )

        assert reply.receipt is Receipt.SUBMITTED
        assert rig.world.newest(ID).answers == [("d1", '{"behavior":"deny","message":"no \\"way\\""}')]


async def test_what_nobody_holds_any_more_is_refused_and_nothing_was_given() -> None:
    rig, _ = prepared()
    async with running(rig):
        await blocked(rig, "d1")
        rig.world.newest(ID).held.clear()

        reply = await answered(rig)

        assert (reply.receipt, reply.error) == (
            Receipt.REFUSED,
            "it is not asked any more: nobody waits for the answer",
        )


async def test_an_answer_behind_that_of_a_person_is_refused_by_the_look_right_before() -> None:
    rig, _ = prepared()
    async with running(rig):
        await blocked(rig, "d1")
        rig.world.report(ID, line(rig, report="working"))

        reply = await answered(rig)

        assert reply.receipt is Receipt.REFUSED
        assert "does not ask this any more" in str(reply.error)
        assert reply.hint == f"orch show {ID}"
        assert rig.world.newest(ID).answers == []


async def test_where_nobody_sees_the_agent_go_on_the_receipt_is_unknown_after_a_bounded_time() -> None:
    rig, _ = prepared()
    async with running(rig):
        await blocked(rig, "d1")
        began_s = asyncio.get_running_loop().time()

        reply = await answered(rig)

        assert reply.receipt is Receipt.UNKNOWN
        assert "nobody has seen the agent go on" in str(reply.error)
        assert asyncio.get_running_loop().time() - began_s < ANSWER_CONFIRM_S + 1


async def test_one_of_two_that_are_asked_at_once_is_answered_and_the_other_is_told_then() -> None:
    rig, _ = prepared()
    async with running(rig):
        await blocked(rig, "d1", "d2")

        reply = await answered(rig, decision="d2")
        rig.world.report(ID, line(rig, report="blocked"))
        rig.service.nudge(ID)
        left = await rig.when(lambda: rig.record().decision)

        assert reply.receipt is Receipt.SUBMITTED
        assert left == held("d1")
        assert rig.world.newest(ID).answers == [("d2", '{"behavior":"allow"}')]


async def test_another_decision_that_is_asked_next_shows_that_this_one_is_over() -> None:
    rig, _ = prepared()
    async with running(rig):
        await blocked(rig, "d1")

        reply = await answered_while(rig, lambda: rig.world.report(ID, line(rig, asks="d2")))

        assert reply.receipt is Receipt.SUBMITTED


async def test_an_agent_that_ends_with_its_answer_has_no_receipt_to_wait_for() -> None:
    rig, _ = prepared()
    async with running(rig):
        await blocked(rig, "d1")

        reply = await answered_while(rig, lambda: rig.world.exit(ID))

        assert reply.receipt is Receipt.UNKNOWN
        assert reply.error == "the run ended while it was being answered"


async def test_keys_are_pressed_only_while_the_screen_shows_this_very_decision() -> None:
    rig, _ = prepared()
    async with running(rig):
        await blocked(rig, screen="asks k1")
        run = rig.world.newest(ID)

        def goes_on() -> None:
            run.script = replace(run.script, screens=((0.0, NOTHING),))
            rig.world.report(ID, line(rig, report="working"))

        reply = await answered_while(rig, goes_on, choice="yes", decision="k1")

        assert (reply.receipt, run.pressed) == (Receipt.SUBMITTED, ["1", "Enter"])


@pytest.mark.parametrize("screen", ["asks k2", NOTHING, None])
async def test_no_key_is_pressed_once_the_screen_shows_something_else(
    screen: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig, runtime = prepared()
    async with running(rig):
        await blocked(rig, screen="asks k1")

        async def changed(run: Run, *, is_styled: bool = False) -> str | None:
            record = rig.record()
            return screen if record.effects and record.effects[0].attempted else "asks k1"

        monkeypatch.setattr(runtime, "screen", changed)
        reply = await answered(rig, choice="yes", decision="k1")

        assert (reply.receipt, reply.error) == (Receipt.REFUSED, "its screen does not ask this any more")
        assert rig.world.newest(ID).pressed == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TransientError("only a part of the answer was taken"), "TransientError: only a part of the answer was taken"),
        (OSError("gone"), "OSError: gone"),
    ],
)
async def test_an_error_of_the_runtime_leaves_open_what_was_given(error: Exception, said: str) -> None:
    rig, runtime = prepared()
    async with running(rig):
        await blocked(rig, "d1")
        runtime.error = error

        reply = await answered(rig)

        assert (reply.receipt, reply.error) == (Receipt.UNKNOWN, said)


async def test_a_runtime_that_says_nothing_leaves_it_open_too() -> None:
    rig, runtime = prepared()
    async with running(rig):
        await blocked(rig, "d1")
        runtime.takes_s = 2 * TYPING_S

        reply = await answered(rig)

        assert reply.receipt is Receipt.UNKNOWN
        assert "said nothing within" in str(reply.error)


async def test_a_session_of_a_runtime_that_is_gone_is_not_answered() -> None:
    rig, _ = prepared()
    async with running(rig):
        await blocked(rig, "d1")
        del rig.runtimes["process"]

        reply = await answered(rig)

        assert (reply.receipt, reply.error) == (Receipt.REFUSED, "there is no runtime process")


async def test_an_answer_that_makes_no_sense_is_refused_before_anything_is_asked() -> None:
    rig, _ = prepared()
    async with running(rig):
        await blocked(rig, "d1")

        with pytest.raises(UsageError, match="the text"):
            await answered(rig, "deny", text="x" * 5_000)
        with pytest.raises(OrchestrdError, match="there is no session"):
            await rig.service.answer(Answer(session=SessionId("zzzzzzzz"), decision="d1", choice="1"))
        none = await answered(rig, "9")

        assert none.receipt is Receipt.REFUSED
        assert none.hint == f"orch answer {ID}"


async def test_who_answered_is_told_by_the_event() -> None:
    rig, _ = prepared()
    async with running(rig):
        await blocked(rig, "d1")
        command = Answer(session=ID, decision="d1", choice="deny", authority=Authority.AGENT)

        await rig.service.answer(command)

        (event,) = [event for event in rig.events() if event.type == "decision_answered"]
        assert (event.authority, event.message, event.text) == (Authority.AGENT, "d1", DENY.label)

"""Witnesses of what an agent does, from what a look finds to the row; and messages that are typed by their word."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

import pytest
from msgspec.structs import replace

from orchestrd.agents.shell import ShellAgent
from orchestrd.core.evidence import SCREEN, SESSION_FILE, TITLE
from orchestrd.model.command import Send
from orchestrd.model.errors import RefusedError, UsageError
from orchestrd.model.limits import CONFIRM_ENTER_S, CONFIRM_S, WITNESS_LAG_S, WITNESS_SETTLE_S
from orchestrd.model.observation import Testimony
from orchestrd.model.run import AgentFiles, AgentLaunch, Gathered, Glimpse, LaunchContext, Reading, Run, Wanted
from orchestrd.model.session import Spec
from orchestrd.model.words import Activity, Receipt, State, Until
from orchestrd.testing.gatherer import ScriptedGatherer
from orchestrd.testing.runtime import ScriptedRuntime
from orchestrd.testing.world import Script
from tests.engine.rig import ID, Rig, request_of, running, survivor

LARGE = "x" * 1_000


class TalkingAgent(ShellAgent):
    """An agent with every kind of witness: each says the word it shows, a hook line too."""

    name = "talker"
    needs_terminal = True
    awaits_turn = True
    confirms = True

    def __init__(self) -> None:
        self.glimpses: list[Glimpse] = []
        self.environments: list[Mapping[str, str]] = []
        self.contexts: list[LaunchContext] = []

    def problem_with_message(self, text: str) -> str | None:
        return "it would run a command" if text.startswith("!") else None

    def launch(self, spec: Spec, context: LaunchContext) -> AgentLaunch:
        self.contexts.append(context)
        return AgentLaunch(argv=("talk",), types_prompt=context.prompt == LARGE)

    def files(self, spec: Spec, environment: Mapping[str, str], run: Run, agent_pid: int | None) -> AgentFiles | None:
        self.environments.append(environment)
        return AgentFiles(state=f"{environment['HOME']}/state", transcript="/transcript")

    def wants_screen(self, activity: Activity, source: str | None) -> bool:
        return activity is Activity.UNKNOWN

    def read(self, glimpse: Glimpse) -> Reading:
        self.glimpses.append(glimpse)
        hooks = super().read(glimpse)
        return Reading(testimonies=(*hooks.testimonies, *self._words(glimpse)), malformed=hooks.malformed)

    def draft(self, screen: str) -> str | None:
        return screen.removeprefix("draft: ") if screen.startswith("draft: ") else None

    def _words(self, glimpse: Glimpse) -> Iterable[Testimony]:
        for line in glimpse.transcript_lines:
            yield Testimony(observer="transcript", allows=(Activity.WORKING,), prompt=line.decode(), at=glimpse.now)
        shown = (SESSION_FILE, glimpse.state.decode() if glimpse.state else None), (TITLE, glimpse.title)
        for observer, word in (*shown, (SCREEN, glimpse.screen)):
            if word in set(Activity):
                yield Testimony(observer=observer, allows=(Activity(word),))


class TalkingRuntime(ScriptedRuntime):
    """A terminal. What is typed into it is taken, or not: by the transcript, or by the state, as `takes` says."""

    def __init__(self, rig: Rig, takes: str | None = None) -> None:
        super().__init__(rig.world, "terminal", has_terminal=True)
        self._rig = rig
        self.takes = takes

    async def deliver(self, run: Run, text: str) -> tuple[Receipt, str | None]:
        delivered = await super().deliver(run, text)
        self._take(text)
        return delivered

    async def press_enter(self, run: Run) -> None:
        await super().press_enter(run)
        if self.takes == "enter":
            self.takes = "state"
            self._take("")

    def _take(self, text: str) -> None:
        if self.takes == "transcript":
            self._rig.gatherer.found[ID] = Gathered(transcript_lines=(text.encode(),), transcript_offset=len(text))
        if self.takes == "state":
            self._rig.gatherer.found[ID] = Gathered(state=b"working")


def talking(rig: Rig | None = None, takes: str | None = None) -> tuple[Rig, TalkingAgent, TalkingRuntime]:
    rig = rig or Rig()
    agent, runtime = TalkingAgent(), TalkingRuntime(rig, takes)
    rig.agents["talker"] = agent
    rig.runtimes["terminal"] = runtime
    rig.scripts[ID] = Script(receipt=Receipt.TYPED, screens=((0.0, "nothing to see"),))
    return rig, agent, runtime


async def begin(rig: Rig, prompt: str | None = None, until: Until = Until.EXIT) -> None:
    """Spawn a talker and wait until it runs."""
    request = request_of(ID, agent="talker", runtime="terminal", until=until, prompt=prompt)
    await rig.service.spawn(replace(request, environment={"HOME": "/home/me"}, prompt=prompt))
    await rig.until(ID, State.RUNNING)


async def shows(rig: Rig, word: str) -> None:
    """Let the agent's state file say something, and wait until it is known."""
    rig.gatherer.found[ID] = Gathered(state=word.encode())
    rig.service.nudge(ID)
    await rig.when(lambda: rig.record().activity == word)


def send(text: str = "go on") -> Send:
    return Send(session=ID, message="m1", text=text)


async def test_an_agent_is_told_that_it_has_taken_its_state_file_away() -> None:
    rig, agent, _ = talking()
    async with running(rig):
        await begin(rig)
        rig.gatherer.found[ID] = Gathered(state=b"working")
        rig.service.nudge(ID)
        await rig.when(lambda: agent.glimpses[-1].state)
        before = agent.glimpses[-1].had_state

        rig.gatherer.found[ID] = Gathered()
        rig.service.nudge(ID)
        await rig.when(lambda: agent.glimpses[-1].state is None)

    assert (before, agent.glimpses[-1].had_state) == (False, True)


async def test_everything_a_look_finds_is_put_before_the_agent() -> None:
    rig, agent, _ = talking()
    async with running(rig):
        await begin(rig)
        rig.gatherer.found[ID] = Gathered(state=b"?", transcript_lines=(b"one",), transcript_offset=4)
        rig.world.report(ID, b"noise")
        rig.service.nudge(ID)
        await rig.when(lambda: agent.glimpses[-1].transcript_lines)

        glimpse = agent.glimpses[-1]

    assert (glimpse.state, glimpse.screen) == (b"?", "nothing to see")
    assert glimpse.hook_lines == ((b"noise", 6),)
    assert glimpse.has_hooks
    assert agent.environments[-1] == {"HOME": "/home/me"}
    assert rig.gatherer.asked[-1].files == AgentFiles(state="/home/me/state", transcript="/transcript")


async def test_a_transcript_is_read_on_from_where_it_was_read_to() -> None:
    rig, _, _ = talking()
    async with running(rig):
        await begin(rig)
        rig.gatherer.found[ID] = Gathered(transcript_lines=(b"one",), transcript_offset=4)
        rig.service.nudge(ID)
        await rig.when(lambda: rig.gatherer.asked[-1].transcript_offset == 4 or rig.service.nudge(ID))

    assert rig.gatherer.asked[-1].transcript_offset == 4


async def test_the_screen_is_looked_at_only_while_it_may_tell_more() -> None:
    rig, agent, _ = talking()
    async with running(rig):
        await begin(rig)
        await shows(rig, "working")
        seen = len(agent.glimpses)
        rig.service.nudge(ID)
        await rig.when(lambda: len(agent.glimpses) > seen)

        assert agent.glimpses[-1].screen is None


async def test_a_witness_that_is_late_is_asked_again_without_waiting_for_a_tick() -> None:
    rig, agent, _ = talking()
    async with running(rig):
        await begin(rig)
        await shows(rig, "working")
        rig.gatherer.found[ID] = Gathered(state=b"waiting")

        await asyncio.sleep(2 * max(WITNESS_SETTLE_S))

        assert rig.record().activity is Activity.WAITING
        seen = len(agent.glimpses)
        await asyncio.sleep(3 * max(WITNESS_SETTLE_S))
        assert len(agent.glimpses) <= seen + 1  # and then there is rest until the next tick


class BrokenGatherer(ScriptedGatherer):
    """Cannot read anything."""

    async def gather(self, wanted: Sequence[Wanted]) -> Sequence[Gathered]:
        raise OSError("the home of the agent is gone")


async def test_witnesses_that_cannot_be_heard_hide_nothing_of_what_was_seen() -> None:
    rig, _, _ = talking()
    rig.gatherer = BrokenGatherer()
    async with running(rig):
        await begin(rig)

        assert rig.record().liveness == "alive"
        assert rig.said("the witnesses of the runs on terminal could not be heard: the home of the agent is gone")


async def test_a_restarted_daemon_says_what_the_last_one_said_until_it_knows_better() -> None:
    rig, _, _ = talking()
    async with running(rig):
        await begin(rig)
        await shows(rig, "blocked")
        again, _, _ = talking(survivor(rig))
        again.attachments = rig.attachments

    async with running(again):
        assert again.record().activity is Activity.BLOCKED
        await shows(again, "waiting")


# ---- messages


async def test_a_message_that_the_transcript_shows_is_submitted() -> None:
    rig, _, runtime = talking(takes="transcript")
    async with running(rig):
        await begin(rig)
        await shows(rig, "waiting")

        reply = await rig.service.send(send())

    assert reply.receipt is Receipt.SUBMITTED
    assert rig.world.newest(ID).typed == ["go on"]
    assert runtime.takes == "transcript"


async def test_a_message_after_which_the_agent_works_is_submitted() -> None:
    rig, _, _ = talking(takes="state")
    async with running(rig):
        await begin(rig)
        await shows(rig, "waiting")

        assert (await rig.service.send(send())).receipt is Receipt.SUBMITTED
        assert rig.record().activity is Activity.WORKING


async def test_an_enter_that_was_swallowed_is_pressed_once_more() -> None:
    rig, _, _ = talking(takes="enter")
    async with running(rig):
        await begin(rig)
        await shows(rig, "waiting")
        began = asyncio.get_running_loop().time()

        reply = await rig.service.send(send())

        assert asyncio.get_running_loop().time() - began >= CONFIRM_ENTER_S
    assert reply.receipt is Receipt.SUBMITTED
    assert rig.world.newest(ID).typed == ["go on", ""]


async def test_a_message_that_nobody_sees_taken_is_typed_and_no_more_is_claimed() -> None:
    rig, _, _ = talking()
    async with running(rig):
        await begin(rig)
        await shows(rig, "waiting")
        began = asyncio.get_running_loop().time()

        reply = await rig.service.send(send())

        assert asyncio.get_running_loop().time() - began >= CONFIRM_S
        assert reply.receipt is Receipt.TYPED
        assert rig.record().activity is Activity.WAITING
    assert rig.world.newest(ID).typed == ["go on", ""]


async def test_a_dialog_that_opened_since_the_last_look_refuses_the_message() -> None:
    rig, _, _ = talking(takes="state")
    async with running(rig):
        await begin(rig)
        await shows(rig, "waiting")
        rig.gatherer.found[ID] = Gathered(state=b"blocked")

        reply = await rig.service.send(send())

    assert reply.receipt is Receipt.REFUSED
    assert "blocked on a decision" in (reply.error or "")
    assert rig.world.newest(ID).typed == []


async def test_an_agent_that_nobody_knows_anything_of_is_not_typed_into() -> None:
    rig, _, _ = talking(takes="state")
    async with running(rig):
        await begin(rig)

        assert (await rig.service.send(send())).receipt is Receipt.QUEUED
        await shows(rig, "waiting")
        await rig.when(lambda: rig.world.newest(ID).typed)

    assert rig.world.newest(ID).typed == ["go on"]


async def test_a_text_that_would_be_more_than_a_message_is_refused() -> None:
    rig, _, _ = talking()
    async with running(rig):
        await begin(rig)

        reply = await rig.service.send(send("!rm"))

    assert (reply.receipt, reply.error) == (Receipt.REFUSED, "it would run a command")


async def test_a_prompt_that_went_along_comes_before_any_message() -> None:
    rig, agent, _ = talking(takes="state")
    async with running(rig):
        await begin(rig, "do it")
        rig.gatherer.found[ID] = Gathered(state=b"waiting")

        assert (await rig.service.send(send())).receipt is Receipt.QUEUED
        assert agent.contexts[0].prompt == "do it"
        await shows(rig, "working")
        await shows(rig, "waiting")
        await rig.when(lambda: rig.world.newest(ID).typed)

    assert rig.world.newest(ID).typed == ["go on"]


async def test_a_prompt_too_large_for_a_command_line_is_typed_whole_once_the_agent_waits() -> None:
    rig, _, _ = talking(takes="state")
    async with running(rig):
        await begin(rig, LARGE)
        assert rig.world.newest(ID).typed == []

        await shows(rig, "waiting")
        await rig.when(lambda: rig.world.newest(ID).typed)

    assert rig.world.newest(ID).typed == [LARGE]


async def test_a_goal_is_a_turn_that_is_over_and_not_one_that_never_began_or_broke_off() -> None:
    rig, _, _ = talking()
    async with running(rig):
        await begin(rig, until=Until.TURN)
        await shows(rig, "waiting")
        assert rig.state() is State.RUNNING

        await shows(rig, "working")
        await asyncio.sleep(2 * WITNESS_LAG_S)
        await shows(rig, "waiting")
        assert rig.state() is State.RUNNING

        rig.world.report(ID, b'{"report":"waiting"}')
        rig.service.nudge(ID)

        ended = await rig.until(ID, State.COMPLETED)

    assert ended.reason == "turn_done"


# ---- refusals and screens


async def test_an_agent_that_draws_needs_a_runtime_with_a_terminal() -> None:
    rig, _, _ = talking()
    async with running(rig):
        with pytest.raises(RefusedError, match="draws on a terminal") as refused:
            await rig.spawn(agent="talker")

    assert refused.value.hint == "orch spawn --agent talker --runtime tmux"


async def test_a_session_shows_its_screen_now_and_at_its_end() -> None:
    rig, _, _ = talking()
    async with running(rig):
        await begin(rig)
        assert await rig.service.screen(ID) == "nothing to see"

        rig.attachments.last_screens[ID, 1] = "the last of it"
        rig.world.newest(ID).ends_at(0.0, 0, None)
        rig.service.nudge(ID)
        await rig.until(ID, State.COMPLETED)

        assert await rig.service.screen(ID) == "the last of it"
        rig.attachments.last_screens.clear()
        with pytest.raises(RefusedError, match="shows nothing"):
            await rig.service.screen(ID)


async def test_a_terminal_on_which_nothing_stands_yet_is_not_gone() -> None:
    rig, _, _ = talking()
    rig.scripts[ID] = Script(receipt=Receipt.TYPED, screens=((0.0, ""),))
    async with running(rig):
        await begin(rig)

        assert await rig.service.screen(ID) == ""


async def test_a_plain_process_has_no_screen() -> None:
    async with running() as rig:
        await rig.run()

        with pytest.raises(RefusedError, match="has no terminal") as refused:
            await rig.service.screen(ID)

    assert refused.value.hint == f"orch logs -f {ID}"


async def test_an_agent_that_is_not_there_is_a_matter_of_usage() -> None:
    rig = Rig()
    async with running(rig):
        with pytest.raises(UsageError, match="there is no agent"):
            await rig.spawn(agent="nobody")

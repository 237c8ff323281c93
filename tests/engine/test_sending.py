"""Messages on their way: keys, large texts, commands of an agent's own, and the order they are told in."""

import asyncio

import pytest
from msgspec.structs import replace

from orchestrd.core.messages import digest_of
from orchestrd.model.agent import Capabilities
from orchestrd.model.command import Kill, Send
from orchestrd.model.errors import ConflictError, TransientError, UsageError
from orchestrd.model.limits import (
    COMMAND_CHARS_MAX,
    CONFIRM_S,
    KEY_CHARS_MAX,
    MESSAGE_BYTES_MAX,
    MESSAGE_KEPT_BYTES_MAX,
)
from orchestrd.model.run import Run
from orchestrd.model.words import Receipt, State
from tests.engine.rig import ID, Rig, running, survivor
from tests.engine.test_witnesses import TalkingAgent, TalkingRuntime, begin, shows, talking

LARGE = "🐘ä\n" * (MESSAGE_BYTES_MAX // 7)
SMALL = "x" * MESSAGE_KEPT_BYTES_MAX


def send(text: str, key: str = "m1", *, is_command: bool = False) -> Send:
    return Send(session=ID, message=key, text=text, is_command=is_command)


class CommandingAgent(TalkingAgent):
    """An agent with commands of its own."""

    capabilities = Capabilities(commands="/")

    def problem_with_message(self, text: str) -> str | None:
        return "it would be taken for a command" if text.startswith("/") else super().problem_with_message(text)


class PressingRuntime(TalkingRuntime):
    """A terminal in which Enter behind keys is seen like one behind a paste."""

    async def press_enter(self, run: Run) -> None:
        await super().press_enter(run)
        self._take("")


def commanding(takes: str | None = "state") -> Rig:
    rig, _, _ = talking()
    rig.agents["talker"] = CommandingAgent()
    rig.runtimes["terminal"] = PressingRuntime(rig, takes)
    return rig


async def held(rig: Rig, count: int) -> None:
    """Wait until so many messages are not settled yet."""
    await rig.when(lambda: len(rig.record().messages) == count)


# ---- keys


async def test_the_same_key_again_is_answered_with_the_first_receipt_and_never_typed_again() -> None:
    rig, _, _ = talking(takes="state")
    async with running(rig):
        await begin(rig)
        await shows(rig, "waiting")

        first = await rig.service.send(send("go on", "deploy-42"))
        await shows(rig, "waiting")
        again = await rig.service.send(send("go on", "deploy-42"))

    assert (first.receipt, again.receipt) == (Receipt.SUBMITTED, Receipt.SUBMITTED)
    assert rig.world.newest(ID).typed == ["go on"]


@pytest.mark.parametrize("is_settled", [True, False])
async def test_a_key_with_another_text_is_refused(*, is_settled: bool) -> None:
    rig, _, _ = talking(takes="state")
    async with running(rig):
        await begin(rig)
        await shows(rig, "waiting" if is_settled else "working")
        await rig.service.send(send("go on", "deploy-42"))

        with pytest.raises(ConflictError, match="key deploy-42 was used for another message") as refused:
            await rig.service.send(send("stop", "deploy-42"))

    assert refused.value.code == "conflict"
    assert "stop" not in rig.world.newest(ID).typed


@pytest.mark.parametrize("key", ["", "a b", "line\n", "x" * (KEY_CHARS_MAX + 1), "prompt.1", "resume.1.2"])
async def test_a_key_is_a_word_and_none_of_our_own(key: str) -> None:
    async with running() as rig:
        await rig.run()

        with pytest.raises(UsageError, match="key"):
            await rig.service.send(send("go on", key))


# ---- large texts


async def test_a_message_of_a_mebibyte_arrives_whole_and_leaves_nothing_behind() -> None:
    rig, _, _ = talking(takes="state")
    async with running(rig):
        await begin(rig)
        await shows(rig, "working")

        queued = await rig.service.send(send(LARGE))
        held = rig.record().messages[0]
        kept = dict(rig.attachments.messages)
        await shows(rig, "waiting")
        await rig.when(lambda: rig.world.newest(ID).typed)
        await rig.when(lambda: not rig.attachments.messages)

    assert queued.receipt is Receipt.QUEUED
    assert (held.is_large, len(held.text) < 1_000) == (True, True)
    assert list(kept.values()) == [LARGE]
    assert rig.world.newest(ID).typed == [LARGE]


async def test_what_fits_into_a_record_stands_there() -> None:
    rig, _, _ = talking()
    async with running(rig):
        await begin(rig)
        await shows(rig, "working")

        await rig.service.send(send(SMALL))

        assert rig.record().messages[0].text == SMALL
        assert rig.attachments.messages == {}


async def test_the_same_large_text_twice_is_two_messages_and_one_file() -> None:
    rig, _, _ = talking(takes="state")
    async with running(rig):
        await begin(rig)
        await shows(rig, "working")
        await rig.service.send(send(LARGE, "m1"))
        await rig.service.send(send(LARGE, "m2"))
        files = len(rig.attachments.messages)

        for number in (1, 2):
            await shows(rig, "waiting")
            await held(rig, 2 - number)
        await rig.when(lambda: not rig.attachments.messages)

    assert files == 1
    assert rig.world.newest(ID).typed == [LARGE, LARGE]


async def test_a_large_text_that_cannot_be_written_down_is_not_accepted() -> None:
    rig, _, _ = talking()
    async with running(rig):
        await begin(rig)
        await shows(rig, "working")
        rig.attachments.error = TransientError("the disk is full")

        with pytest.raises(TransientError, match="the disk is full"):
            await rig.service.send(send(LARGE))

        assert rig.record().messages == ()


async def test_a_large_message_that_is_refused_leaves_nothing_behind() -> None:
    rig, _, _ = talking()
    async with running(rig):
        await begin(rig)
        await shows(rig, "blocked")

        reply = await rig.service.send(send(LARGE))
        await asyncio.sleep(1.0)

        assert reply.receipt is Receipt.REFUSED
        assert rig.attachments.messages == {}


async def test_a_restarted_daemon_still_has_the_text_and_removes_what_nothing_waits_for() -> None:
    rig, _, _ = talking()
    async with running(rig):
        await begin(rig)
        await shows(rig, "working")
        await rig.service.send(send(LARGE))
        again, _, _ = talking(survivor(rig), takes="state")
        again.attachments = rig.attachments
    again.attachments.messages[ID, "of a crash"] = "left behind"

    async with running(again):
        kept = list(again.attachments.messages)
        await shows(again, "waiting")
        await again.when(lambda: again.world.newest(ID).typed)

    assert kept == [(ID, digest_of(send(LARGE)))]
    assert again.world.newest(ID).typed == [LARGE]


async def test_an_end_takes_the_texts_of_its_messages_along() -> None:
    rig, _, _ = talking()
    async with running(rig):
        await begin(rig)
        await shows(rig, "working")
        await rig.service.send(send(LARGE))

        await rig.service.stop(Kill(session=ID))
        await rig.until(ID, State.CANCELLED)
        await rig.when(lambda: not rig.attachments.messages)


# ---- order


async def test_messages_to_a_busy_agent_are_queued_and_told_in_order_one_a_turn() -> None:
    rig, _, _ = talking(takes="state")
    async with running(rig):
        await begin(rig)
        await shows(rig, "working")

        receipts = [(await rig.service.send(send(f"step {n}", f"m{n}"))).receipt for n in range(3)]
        for n in range(3):
            await shows(rig, "waiting")
            await held(rig, 2 - n)

    assert receipts == 3 * [Receipt.QUEUED]
    assert rig.world.newest(ID).typed == ["step 0", "step 1", "step 2"]


# ---- commands


async def test_a_command_is_typed_key_by_key_and_submitted_when_the_agent_is_seen_at_it() -> None:
    rig = commanding()
    async with running(rig):
        await begin(rig)
        await shows(rig, "waiting")

        reply = await rig.service.send(send("/compact é", is_command=True))

    run = rig.world.newest(ID)
    assert reply.receipt is Receipt.SUBMITTED
    assert "".join(chr(int(key, 16)) for key in run.pressed) == "/compact é"
    assert run.typed == [""]


async def test_a_command_that_nobody_sees_taken_is_typed_and_enter_is_not_pressed_again() -> None:
    rig = commanding(takes=None)
    async with running(rig):
        await begin(rig)
        await shows(rig, "waiting")
        began = asyncio.get_running_loop().time()

        reply = await rig.service.send(send("/model", is_command=True))

        assert asyncio.get_running_loop().time() - began >= CONFIRM_S
    assert reply.receipt is Receipt.TYPED
    assert rig.world.newest(ID).typed == [""]


@pytest.mark.parametrize(
    ("text", "problem", "hint"),
    [
        ("compact", "begins with /", f"orch send {ID} --command /compact"),
        ("model new one", "begins with /", f"orch send {ID} --command '/model new one'"),
        ("/", "begins with /", "orch send --help"),
        ("/compact\nand more", "one line", "orch send --help"),
        ("/" + "x" * COMMAND_CHARS_MAX, f"at most {COMMAND_CHARS_MAX} characters", "orch send --help"),
    ],
)
async def test_what_is_no_command_is_refused_with_the_one_that_was_meant(text: str, problem: str, hint: str) -> None:
    rig = commanding()
    async with running(rig):
        await begin(rig)
        await shows(rig, "waiting")

        reply = await rig.service.send(send(text, is_command=True))

    assert reply.receipt is Receipt.REFUSED
    assert problem in (reply.error or "")
    assert reply.hint == hint


async def test_a_text_that_looks_like_a_command_is_refused_and_told_how_to_mean_one() -> None:
    rig = commanding()
    async with running(rig):
        await begin(rig)
        await shows(rig, "waiting")

        reply = await rig.service.send(send("/compact"))

    assert reply.receipt is Receipt.REFUSED
    assert (reply.error, reply.hint) == ("it would be taken for a command", f"orch send {ID} --command /compact")


async def test_an_agent_without_commands_takes_none() -> None:
    async with running() as rig:
        await rig.run()

        reply = await rig.service.send(send("/compact", is_command=True))

    assert reply.error == "agent shell takes no commands of its own here: send it as a text"
    assert reply.hint == f"orch send {ID} /compact"


async def test_a_text_and_a_command_of_one_key_are_two_messages() -> None:
    assert digest_of(send("/compact")) != digest_of(send("/compact", is_command=True))
    assert digest_of(replace(send("head"), digest="of the whole")) == "of the whole"


async def test_a_message_to_what_has_ended_is_refused_with_the_way_back() -> None:
    rig = commanding()
    async with running(rig):
        await begin(rig)
        await rig.service.stop(Kill(session=ID))
        await rig.until(ID, State.CANCELLED)

        reply = await rig.service.send(send("go on"))

    assert (reply.receipt, reply.hint) == (Receipt.REFUSED, f"orch revive {ID}")

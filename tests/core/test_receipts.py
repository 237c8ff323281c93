"""Receipts and the order of messages: what holds for any life of a session."""

from datetime import timedelta

import pytest
from hypothesis import given
from msgspec.structs import replace

from orchestrd.core.validate import problem_with_key
from orchestrd.model.command import Attempted, Launched, Send
from orchestrd.model.effect import EffectKind
from orchestrd.model.event import EventType
from orchestrd.model.session import OWN_KEYS
from orchestrd.model.words import Activity, Receipt, Until
from tests.core.interpreter import SESSION, Interpreter
from tests.core.reacting import SPEC, Reacting
from tests.core.strategies import OPENING, Happening, Script, say, scripts, send
from tests.reports import a_report


def begun(life: Interpreter) -> list[str]:
    """Name the messages whose typing was begun, in order."""
    names = []
    for taken in life.history:
        if isinstance(taken.input, Attempted) and taken.before is not None:
            effects = {effect.id: effect for effect in taken.before.effects}
            effect = effects.get(taken.input.effect)
            if effect is not None and effect.kind is EffectKind.DELIVER and not effect.attempted:
                names.append(str(effect.message))
    return names


@given(scripts)
def test_messages_are_typed_in_the_order_they_were_accepted_in_each_at_most_once(script: Script) -> None:
    life = script.live()

    accepted = [event.message for event in life.events if event.type is EventType.MESSAGE_QUEUED]
    typed = begun(life)

    assert len(typed) == len(set(typed))
    assert typed == [message for message in accepted if message in typed] or any(
        message.startswith(OWN_KEYS) for message in typed
    )


@given(scripts)
def test_every_message_that_was_accepted_is_held_or_settled_once(script: Script) -> None:
    life = script.live()

    accepted = [event.message for event in life.events if event.type is EventType.MESSAGE_QUEUED]
    settled = [event.message for event in life.events if event.type is EventType.MESSAGE_SETTLED]
    held = [message.id for message in life.record.messages]

    assert sorted(map(str, accepted)) == sorted([*map(str, settled), *held])


def test_a_prompt_that_is_typed_comes_before_what_was_sent_while_it_started() -> None:
    life = Script(Until.EXIT, (*OPENING[:2], send("m1"))).live()

    life.give(Launched(effect=life.record.effects[0].id, generation=1, handle="h", types_prompt=True))

    assert [message.id for message in life.record.messages] == ["prompt.1", "m1"]


def test_a_key_is_known_while_its_message_waits() -> None:
    life = Script(Until.EXIT, (*OPENING, say(Activity.WORKING))).live()
    keys = [f"m{number}" for number in range(3)]
    for key in keys:
        send(key).befall(life)

    replies = [life.give(Send(session=SESSION, message=key, text=key)).outcome.reply for key in keys]

    assert replies == 3 * [Receipt.QUEUED]
    assert [message.id for message in life.record.messages] == keys


@pytest.mark.parametrize("key", ["deploy-42", "b7f1", "ключ", "a" * 128])
def test_a_key_is_any_word(key: str) -> None:
    assert problem_with_key(key) is None


def test_what_is_sent_while_it_works_waits_for_its_turn() -> None:
    life = Script(Until.EXIT, (*OPENING, say(Activity.WORKING), send("m1"))).live()

    Happening(Send(session=SESSION, message="m2", text="m2")).befall(life)

    assert all(message.awaits_turn for message in life.record.messages)
    assert life.record.effects == ()


@pytest.mark.parametrize(
    ("agent", "runtime", "is_believed"),
    [("claude", "process", True), ("claude", "tmux", False), ("shell", "process", False)],
)
def test_after_a_crash_over_its_typing_a_host_that_says_nothing_of_a_message_still_waits(
    agent: str, runtime: str, *, is_believed: bool
) -> None:
    life = in_doubt(agent, runtime)

    assert [settled.receipt for settled in life.record.settled] == [Receipt.UNKNOWN]
    assert life.record.activity is (Activity.WAITING if is_believed else Activity.UNKNOWN)
    assert [effect.message for effect in life.record.effects] == (["m2"] if is_believed else [])


def test_what_a_host_says_of_a_message_in_doubt_counts_however_late_it_is_read() -> None:
    life = in_doubt("claude", "process", down_s=60.0)

    life.give(a_report(Activity.WORKING, at=life.now.at - timedelta(seconds=55.0), offset=9))

    assert life.record.activity is Activity.WORKING
    assert life.record.effects == ()


def in_doubt(agent: str, runtime: str, down_s: float = 1.0) -> Reacting:
    """Let a daemon die when it is about to type the first of two messages, and another one begin."""
    life = Reacting(spec=replace(SPEC, agent=agent, runtime=runtime))
    life.looks(Activity.WAITING)
    for key in ("m1", "m2"):
        life.give(Send(session=life.record.id, message=key, text=key, awaits_turn=True))
    life.give(Attempted(effect=life.record.effects[0].id))
    life.wait(down_s)
    life.restart()
    return life

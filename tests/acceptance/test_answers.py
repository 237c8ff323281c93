"""`send` to real agents: what is typed is typed once, and the receipt tells the truth about it."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.acceptance import agents
from tests.acceptance.daemon import Home
from tests.acceptance.processes import until

READS_ALL = (
    agents.BEGIN
    + agents.report("working")
    + 'while [ ! -e "$MARKS/rest" ]; do sleep 0.05; done; '
    + agents.report("waiting")
    + 'while read -r line; do printf "%s\\n" "$line" >>"$MARKS/heard"; done'
)

READS = agents.BEGIN + agents.report("waiting") + 'while read -r line; do echo "$line" >>"$MARKS/heard"; done'


def test_an_agent_that_ends_right_after_it_has_read_was_answered(home: Home) -> None:
    home.start()
    sessions = [home.spawn(agents.ASKS) for _ in range(8)]

    for session in sessions:
        home.reach(session, "waiting")
        assert home.send(session, "go").receipt == "submitted"

    told = home.until_over()
    assert {(told[session].state, told[session].exit_code) for session in sessions} == {("completed", 0)}
    assert all(home.mark(f"{session}.heard") == ["go"] for session in sessions)


def test_what_is_sent_while_the_agent_works_waits_for_its_turn_to_end_and_comes_in_order(home: Home) -> None:
    home.start()
    session = home.spawn(READS_ALL)
    home.reach(session, "working")

    receipts = [home.send(session, text, text).receipt for text in ("one", "two", "three")]
    heard_before = home.mark("heard")
    (home.marks / "rest").touch()
    until(lambda: home.mark("heard"), "the first one is read")

    assert (receipts, heard_before) == (["queued"] * 3, [])
    assert home.mark("heard") == ["one"]  # and then nobody knows what the agent does, until it reports again
    home.kill(session)
    home.until_over()
    settled = {event.message: event.receipt for event in home.journal() if event.type == "message_settled"}
    assert settled == {"one": "submitted", "two": "refused", "three": "refused"}


def test_the_same_message_sent_again_and_again_is_typed_once(home: Home) -> None:
    daemon = home.start()
    session = home.spawn(READS)
    home.reach(session, "waiting")

    receipts = [home.send(session, "once", "same").receipt for _ in range(3)]
    daemon.kill()
    home.start()
    receipts.append(home.send(session, "once", "same").receipt)

    assert set(receipts) == {"submitted"}
    assert home.mark("heard") == ["once"]


def test_a_daemon_killed_in_the_middle_of_typing_never_types_twice(home: Home, seed: int) -> None:
    chance = random.Random(seed)
    daemon = home.start(is_measured=False)
    session = home.spawn(READS)
    home.reach(session, "waiting")
    receipts: dict[str, str] = {}

    for text in map(str, range(10)):
        with ThreadPoolExecutor(1) as user:
            asked = user.submit(home.send, session, text, text)
            time.sleep(chance.random() * 0.012)
            daemon.kill()
            asked.exception()
        daemon = home.start(is_measured=False)
        receipts[text] = home.send(session, text, text).receipt

    heard = home.mark("heard")
    home.kill(session)
    home.until_over()
    assert sorted(heard) == sorted(set(heard)), "something was typed twice"
    assert {text for text, receipt in receipts.items() if receipt in ("submitted", "typed")} <= set(heard)
    assert set(receipts.values()) <= {"submitted", "typed", "unknown"}


def test_one_who_is_blocked_or_has_ended_is_never_typed_into(home: Home) -> None:
    home.start()
    blocked = home.spawn(agents.BEGIN + agents.report("blocked") + 'read -r l; echo "$l" >>"$MARKS/heard"')
    ended = home.spawn(agents.ends_with(0))
    home.reach(blocked, "blocked")
    home.until_over(ended)

    replies = [home.send(session, "yes") for session in (blocked, ended)]

    assert [reply.receipt for reply in replies] == ["refused", "refused"]
    assert "blocked" in (replies[0].error or "")
    home.kill(blocked)
    home.until_over()
    assert home.mark("heard") == []


@pytest.mark.parametrize("size", [1, 4_096, 65_536])
def test_who_does_not_read_is_typed_to_and_never_waited_for(home: Home, size: int) -> None:
    home.start()
    session = home.spawn(agents.SLEEPS)
    home.reach(session, "running")

    reply = home.send(session, "x" * size)

    assert (reply.receipt, reply.error) == ("typed", None)
    home.kill(session)
    home.until_over()

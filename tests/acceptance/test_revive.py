"""Revive: a new run of an ended session, with all that belonged to the first one kept, and nothing of it believed."""

import time
from pathlib import Path

import pytest

from orchestrd.client import calls
from orchestrd.model.errors import RefusedError
from orchestrd.model.words import Authority
from tests.acceptance import agents
from tests.acceptance.daemon import Home
from tests.acceptance.processes import until

SECRET = "hunter2 with a space, a = and an ümlaut"
TELLS = agents.BEGIN + 'printf "%s\\n" "$TOKEN|$HOME|$ORCH_SESSION" >>"$MARKS/told"; exit 3'


def test_a_new_generation_has_the_same_values_and_the_files_of_the_old_one_stay(home: Home) -> None:
    home.start()
    session = home.spawn(TELLS, environment={"TOKEN": SECRET})
    first = home.until_over(session)[session]
    kept = {path.name: path.read_bytes() for path in Path(home.layout.run_directory(session, 1)).glob("*.json")}

    revived = home.revive(session)
    second = home.until_over(session)[session]

    assert (first.generation, revived.generation, second.generation) == (1, 2, 2)
    assert (revived.state, revived.reason, revived.exit_code, revived.ended_at) == ("pending", "revived", None, None)
    assert (second.state, second.exit_code, second.id, second.created_at) == ("failed", 3, session, first.created_at)
    assert home.mark("told") == [f"{SECRET}|{home.place}|{session}"] * 2
    assert [mark.split(":")[:2] for mark in home.mark(session)] == [[session, "1"], [session, "2"]]
    assert set(kept) >= {"start.json", "exit.json"}
    for name, data in kept.items():
        assert Path(home.layout.run_directory(session, 1), name).read_bytes() == data


def test_its_values_survive_a_kill_of_the_daemon_too(home: Home) -> None:
    home.start()
    session = home.spawn(TELLS, environment={"TOKEN": SECRET})
    home.until_over(session)

    home.daemons[-1].kill()
    home.start()
    home.revive(session)
    home.until_over(session)

    assert home.mark("told") == [f"{SECRET}|{home.place}|{session}"] * 2


def test_each_generation_has_one_terminal_event_and_steps_of_its_own(home: Home) -> None:
    home.start()
    session = home.spawn(agents.ends_with(0))
    home.until_over(session)
    home.revive(session)
    home.until_over(session)

    changes = [event for event in home.journal() if event.type == "state_changed"]

    assert [(event.generation, event.from_, event.to) for event in changes] == [
        (1, None, "pending"),
        (1, "pending", "scheduled"),
        (1, "scheduled", "starting"),
        (1, "starting", "running"),
        (1, "running", "completed"),
        (2, "completed", "pending"),
        (2, "pending", "scheduled"),
        (2, "scheduled", "starting"),
        (2, "starting", "running"),
        (2, "running", "completed"),
    ]


def test_late_evidence_of_the_old_generation_is_not_believed(home: Home) -> None:
    home.start()
    session = home.spawn(agents.BEGIN + 'case "$ORCH_RUN" in *:1:*) exit 0;; esac; exec sleep 1000')
    home.until_over(session)
    home.revive(session)
    home.reach(session, "running")
    old = Path(home.layout.run_directory(session, 1))

    with (old / "hooks.jsonl").open("a") as hooks:
        hooks.write('{"report":"blocked","text":"from the grave"}\n')
    (old / "exit.json").write_text('{"exit_code":9,"exit_signal":null,"at":1.0,"left":[],"error":null}\n')
    ticks = home.spawn(agents.BEGIN + "sleep 1.2; exit 0")  # as long as two ticks
    home.until_over(ticks)

    told = home.show(session)
    assert (told.state, told.generation, told.activity, told.exit_code) == ("running", 2, "unknown", None)
    home.kill(session)
    home.reach(session, "cancelled")


def test_only_what_has_ended_is_revived_and_only_by_a_user(home: Home) -> None:
    home.start()
    running = home.spawn(agents.SLEEPS)
    ended = home.spawn(agents.ends_with(0))
    home.until_over(ended)

    with pytest.raises(RefusedError) as not_ended:
        home.revive(running)
    with pytest.raises(RefusedError) as not_allowed:
        home.ask(calls.revive(ended, Authority.AGENT))

    assert (not_ended.value.code, not_allowed.value.code) == ("not_ended", "not_allowed")
    assert home.show(ended).generation == 1
    home.kill(running)
    home.reach(running, "cancelled")


def test_a_message_meant_for_the_old_run_is_not_typed_into_the_new_one(home: Home) -> None:
    home.start()
    session = home.spawn(agents.BEGIN + agents.report("working") + "sleep 0.5; exit 0")
    home.reach(session, "working")
    assert home.send(session, "too late").receipt == "queued"
    home.until_over(session)

    home.revive(session)
    home.until_over(session)

    settled = [event for event in home.journal() if event.type == "message_settled"]
    assert [(event.receipt, event.generation) for event in settled] == [("refused", 1)]


def test_revived_again_and_again_nothing_piles_up(home: Home) -> None:
    daemon = home.start()
    session = home.spawn(agents.ends_with(0))
    home.until_over(session)
    before, size = daemon.descriptors(), Path(home.layout.record(session)).stat().st_size

    for _ in range(10):
        home.revive(session)
        home.until_over(session)
    time.sleep(1.5)  # the journal is synced a second later, and the record may forget its events then
    home.revive(session)
    told = home.until_over(session)[session]

    assert told.generation == 12
    assert len(set(home.mark(session))) == 12
    until(lambda: daemon.descriptors() <= before, "nothing of the old runs is held")
    assert Path(home.layout.record(session)).stat().st_size < 4 * size

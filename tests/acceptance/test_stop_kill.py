"""Stop and kill: what they promise to those who ignore them, to those who have left, and to those who do not run."""

import os
import signal
import time
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from orchestrd.model.errors import RefusedError
from orchestrd.model.event import EventType
from tests.acceptance import agents
from tests.acceptance.daemon import Home
from tests.acceptance.processes import until
from tests.processes import LEAVES_A_STRANGER, POWERLESS, skip_unless_there_can_be_strangers

GRACE_S = 0.5


def _start_record(home: Home, session: str) -> dict[str, dict[str, int]]:
    path = Path(home.layout.run_directory(session, 1), "start.json")
    until(path.exists, "the run has started")
    record: dict[str, dict[str, int]] = msgspec.json.decode(path.read_bytes())
    return record


def _running(home: Home, script: str, **settings: float) -> str:
    session = home.spawn(script, environment=None, **settings)
    until(lambda: home.mark(session), "the agent has begun")
    home.reach(session, "running")
    return session


def test_an_agent_that_obeys_term_is_stopped_at_once_and_its_signal_is_kept(home: Home) -> None:
    home.start()
    session = _running(home, agents.SLEEPS)

    answered = home.stop(session)
    told = home.reach(session, "cancelled")

    assert (answered.state, answered.desired, answered.reason) == ("stopping", "stopped", "stop_requested")
    assert (told.reason, told.exit_code, told.exit_signal) == ("stopped", None, "SIGTERM")
    assert list(home.processes()) == []


def test_an_agent_that_ends_well_when_it_is_asked_keeps_its_code_and_is_cancelled(home: Home) -> None:
    home.start()
    session = _running(home, agents.BEGIN + "trap 'exit 7' TERM; sleep 1000 & wait")

    home.stop(session)
    told = home.reach(session, "cancelled")

    assert (told.reason, told.exit_code, told.exit_signal) == ("stopped", 7, None)


def test_an_agent_that_ignores_term_is_killed_after_its_grace_and_not_before(home: Home) -> None:
    home.start()
    session = _running(home, agents.IGNORES_TERM, grace_s=GRACE_S)

    begun = time.monotonic()
    home.stop(session)
    time.sleep(GRACE_S / 2)  # half of the grace: it must be alive then
    was_alive = bool(list(home.processes()))
    told = home.reach(session, "cancelled")
    took_s = time.monotonic() - begun

    assert was_alive
    assert took_s >= GRACE_S
    assert (told.reason, told.exit_signal) == ("stopped", "SIGKILL")
    assert list(home.processes()) == []


def test_the_grace_of_a_stop_goes_before_that_of_the_spawn(home: Home) -> None:
    home.start()
    session = _running(home, agents.IGNORES_TERM, grace_s=600.0)

    home.stop(session, 0.1)

    assert home.reach(session, "cancelled", within_s=5.0).reason == "stopped"


def test_a_stop_grows_into_a_kill_when_it_is_asked_for(home: Home) -> None:
    home.start()
    session = _running(home, agents.IGNORES_TERM, grace_s=600.0)

    home.stop(session)
    home.kill(session)
    told = home.reach(session, "cancelled", within_s=5.0)

    assert told.reason == "killed"
    assert list(home.processes()) == []


DETACHED = (
    "(setsid sh -c 'trap \"\" TERM HUP; (setsid sleep 1000 &); while :; do sleep 1; done' "
    ">/dev/null 2>&1 </dev/null &); "
)


@pytest.mark.parametrize("way", ["stop", "kill", "its own end"])
def test_what_has_detached_itself_ends_with_its_session(home: Home, way: str) -> None:
    home.start()
    script = agents.BEGIN + DETACHED + ("sleep 0.3; exit 0" if way == "its own end" else "sleep 1000")
    session = home.spawn(script, grace_s=GRACE_S)
    until(lambda: len(list(home.processes())) >= 4, "the detached ones are there")

    if way == "stop":
        home.stop(session)
    elif way == "kill":
        home.kill(session)
    told = home.until_over(session)[session]

    assert list(home.processes()) == []  # terminal means: nothing of it lives
    assert told.state == ("completed" if way == "its own end" else "cancelled")


def test_what_runs_as_another_user_by_now_is_named_and_when_it_has_gone_the_true_code_is_told(home: Home) -> None:
    skip_unless_there_can_be_strangers()
    home.start(before=POWERLESS)
    session = home.spawn(LEAVES_A_STRANGER)
    failures: list[str | None] = []

    for event in home.follow(0, within_s=30.0):
        failures += [event.error] if event.type is EventType.KILL_FAILED else []
        if failures:
            break
    stranger = int(home.log(session))
    state = home.show(session).state
    os.kill(stranger, signal.SIGKILL)
    told = home.reach(session, "failed")

    assert (failures, state) == ([f"pid {stranger}: Operation not permitted"], "running")
    assert (told.reason, told.exit_code) == ("exit_code", 7)


def test_what_waits_in_the_lane_is_cancelled_and_never_launched(home: Home) -> None:
    home.start("--max-running", "1")
    first = _running(home, agents.SLEEPS)
    waiting = [home.spawn(agents.ends_with(0)) for _ in range(2)]
    for session in waiting:
        home.reach(session, "scheduled")

    stopped, killed = home.stop(waiting[0]), home.kill(waiting[1])
    home.kill(first)
    home.until_over()

    assert [(told.state, told.reason) for told in (stopped, killed)] == [("cancelled", "by_user")] * 2
    assert all(told.started_at is None and told.ended_at is not None for told in (stopped, killed))
    assert [home.mark(session) for session in waiting] == [[], []]
    assert not any(Path(home.layout.run_directory(session, 1)).exists() for session in waiting)


def test_a_stop_in_the_middle_of_the_start_leaves_nothing_alive(home: Home) -> None:
    home.start()

    sessions = []
    for number in range(20):
        sessions.append(home.spawn(agents.SLEEPS, grace_s=GRACE_S))
        time.sleep(number * 0.004)  # from the very first moment to well after the start
        (home.stop if number % 2 else home.kill)(sessions[-1])
    told = home.until_over()

    assert {told[session].state for session in sessions} == {"cancelled"}
    assert list(home.processes()) == []
    assert all(len(home.mark(session)) <= 1 for session in sessions)
    ends = [event for event in home.journal() if event.type == "state_changed" and event.to == "cancelled"]
    assert sorted(str(event.session) for event in ends) == sorted(sessions)


def test_whoever_has_ended_cannot_be_stopped_again(home: Home) -> None:
    home.start()
    session = home.spawn(agents.ends_with(3))
    before = home.until_over(session)[session]

    for end in (home.stop, home.kill):
        with pytest.raises(RefusedError) as refused:
            end(session)
        assert refused.value.code == "already_ended"
        assert "failed (exit_code)" in refused.value.message

    after = home.show(session)
    ends = [event for event in home.journal() if event.type == "state_changed" and event.to == "failed"]
    assert replace(after, revision=before.revision) == before  # that its end was told of is a commit of its own
    assert len(ends) == 1


def test_a_launcher_that_is_killed_costs_the_code_but_not_the_truth(home: Home) -> None:
    home.start()
    session = _running(home, agents.BEGIN + "sleep 2; exit 3")
    processes = list(home.processes())

    os.kill(_start_record(home, session)["launcher"]["pid"], signal.SIGKILL)
    alive = home.show(session)
    told = home.until_over(session)[session]

    assert len(processes) >= 2
    assert alive.state == "running"  # the agent is, and nobody has touched it
    assert (told.state, told.reason) == ("failed", "exit_unknown")
    assert (told.exit_code, told.exit_signal) == (None, None)
    assert list(home.processes()) == []


def test_launcher_and_agent_killed_together_is_an_end_that_nobody_knows(home: Home) -> None:
    home.start()
    session = _running(home, agents.SLEEPS)
    record = _start_record(home, session)

    os.kill(record["launcher"]["pid"], signal.SIGKILL)
    os.kill(record["agent"]["pid"], signal.SIGKILL)
    told = home.until_over(session)[session]

    assert (told.state, told.reason, told.exit_signal) == ("failed", "exit_unknown", None)


def test_an_end_while_no_daemon_was_there_is_recorded_with_its_true_code_and_time(home: Home) -> None:
    daemon = home.start()
    fails = _running(home, agents.BEGIN + "sleep 0.5; exit 42")
    dies = _running(home, agents.BEGIN + "sleep 0.5; ulimit -c 0; kill -ABRT $$")
    daemon.kill()

    until(lambda: not list(home.processes()), "both have ended")
    ended_before = time.time()
    home.start()
    told = home.until_over()

    assert (told[fails].state, told[fails].exit_code) == ("failed", 42)
    assert (told[dies].state, told[dies].exit_signal) == ("failed", "SIGABRT")
    for session in (fails, dies):
        ended_at = told[session].ended_at
        assert ended_at is not None
        assert ended_at.timestamp() <= ended_before


def test_a_stop_whose_daemon_dies_at_once_is_carried_out_by_the_next_one(home: Home) -> None:
    daemon = home.start()
    session = _running(home, agents.IGNORES_TERM, grace_s=GRACE_S)

    home.stop(session)
    daemon.kill()
    home.start()

    assert home.reach(session, "cancelled").reason == "stopped"
    assert list(home.processes()) == []

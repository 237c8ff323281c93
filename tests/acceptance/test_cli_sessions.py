"""A user's sessions at the command line: begin, look, talk, wait, end. Each test is a sentence of what was promised."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from orchestrd import schemas
from orchestrd.model.ids import is_session_id
from tests.acceptance.command_line import Shell
from tests.acceptance.processes import until

ASKING = 'orch report waiting "which?"; read x; echo "got $x"; orch report working; read y'


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    typed = Shell(tmp_path)
    yield typed
    typed.clear()


@pytest.fixture
def running(shell: Shell) -> Shell:
    """A shell in whose home a daemon runs."""
    shell.start()
    return shell


def _valid(name: str, value: object) -> bool:
    return Draft202012Validator(schemas.read(name)).is_valid(value)


# ---- spawn -----------------------------------------------------------------------------------------------------------


def test_spawn_starts_the_daemon_says_so_and_gives_id_state_and_hints(shell: Shell) -> None:
    done = shell.orch("spawn", "--", "sleep", "60")

    session, _, state = done.out.partition("  ")
    assert done.code == 0
    assert is_session_id(session)
    assert state == "pending (accepted)\n"
    assert done.err.splitlines() == [
        "orch: starting the daemon",
        f"  its output: orch logs -f {session}   end it: orch stop {session}",
    ]


def test_spawn_as_json_prints_the_document_and_nothing_else(running: Shell) -> None:
    done = running.orch("spawn", "--json", "--name", "fix it", "fix it", "--", "true")

    assert (done.code, done.err) == (0, "")
    assert _valid("document", done.json)
    assert (done.json["name"], done.json["prompt"], done.json["argv"]) == ("fix it", "fix it", ["true"])
    assert done.json["project"] == done.json["workspace"]["path"] == str(running.place)


@pytest.mark.parametrize(
    ("script", "code", "state", "exit_code"), [("exit 0", 0, "completed", 0), ("exit 130", 1, "failed", 130)]
)
def test_spawn_that_waits_exits_by_how_it_ended(
    running: Shell, script: str, code: int, state: str, exit_code: int
) -> None:
    done = running.orch("spawn", "--wait", "--json", "--", "sh", "-c", script)

    assert done.code == code
    assert (done.json["state"], done.json["exit_code"], done.json["exit_signal"]) == (state, exit_code, None)


def test_what_could_not_be_started_says_why_wherever_one_looks(running: Shell) -> None:
    done = running.orch("spawn", "--wait", "--", "./no-such-program")

    session, _, said = done.out.partition("  ")
    assert done.code == 1
    assert said.startswith("failed (launch_failed): ")
    assert "no-such-program" in said
    for words in (["wait"], ["explain"], ["show"]):
        assert said.partition(": ")[2] in running.orch(*words, session).out
    assert "no-such-program" in running.must("status", "--all").out


def test_a_program_that_is_not_there_is_refused_before_anything_is_accepted(running: Shell) -> None:
    done = running.orch("spawn", "--json", "--", "no-such-program", "-v")

    assert (done.code, done.out) == (3, "")
    assert (done.error["code"], done.error["hint"]) == ("no_program", "orch spawn -- /PATH/TO/no-such-program -v")
    assert running.must("status", "--all", "--json").json["sessions"] == []


def test_spawn_that_waits_gives_up_in_time_and_the_session_goes_on(running: Shell) -> None:
    done = running.orch("spawn", "--wait", "--timeout", "0.5", "--json", "--", "sleep", "60")

    assert done.code == 6
    assert (done.error["code"], done.error["hint"]) == ("timeout", f"orch explain {done.json['id']}")
    assert running.show(done.json["id"]).desired == "running"


def test_the_command_gets_the_prompt_as_a_file_however_large(running: Shell) -> None:
    prompt = "täsk\n" * 200_000

    done = running.must(
        "spawn", "--wait", "--json", "--prompt-file", "-", "--", "sh", "-c", 'cat "$ORCH_PROMPT_FILE"', stdin=prompt
    )

    assert running.must("logs", done.json["id"]).out == prompt
    assert done.json["prompt"] == prompt[:2000]


def test_the_command_gets_the_named_variables_and_nothing_else_of_the_caller(shell: Shell) -> None:
    shell.environment |= {"MY_TOKEN": "geheim", "MY_OTHER": "not for you", "LANG": "C.UTF-8"}
    shell.start()

    told = shell.must("spawn", "--wait", "--json", "--env", "MY_TOKEN", "--", "env", "-0").json

    names = dict(pair.split("=", 1) for pair in shell.must("logs", told["id"]).out.split("\0") if pair)
    assert names["MY_TOKEN"] == "geheim"
    assert "MY_OTHER" not in names
    assert {"ORCH_HOME", "ORCH_SESSION", "ORCH_RUN", "ORCH_RUN_DIR"} <= set(names)
    assert "geheim" not in Path(shell.layout.record(told["id"])).read_text()


def test_a_session_is_known_by_prefix_and_by_name_and_an_ambiguous_word_lists_its_candidates(running: Shell) -> None:
    first = running.spawn("sleep 60", name="twin")
    second = running.spawn("sleep 60", name="twin")

    done = running.orch("show", "--json", "twin")

    assert running.orch("show", "--json", first[:7]).json["id"] == first
    assert done.code == 2
    assert (done.error["code"], set(done.error["candidates"])) == ("ambiguous", {first, second})


def test_a_name_that_is_given_again_means_the_session_that_lives_and_then_the_newest(running: Shell) -> None:
    running.ended("true", name="twin")
    again = running.spawn("sleep 60", name="twin")

    assert running.must("stop", "twin", "--json").json["id"] == again
    running.must("wait", "twin", "--for", "cancelled")
    assert running.must("show", "twin", "--json").json["id"] == again
    assert running.must("revive", "twin", "--json").json["id"] == again


# ---- talking ---------------------------------------------------------------------------------------------------------


def test_a_waiting_session_is_sent_to_and_a_working_one_holds_it_back(running: Shell) -> None:
    asks = running.spawn(ASKING)
    running.until(asks, "waiting")

    typed = running.orch("send", asks, "-", "--json", stdin="blue\n")
    running.until(asks, "working")
    held = running.orch("send", asks, "later", "--json")

    assert (typed.code, typed.json["session"], typed.json["receipt"]) == (0, asks, "submitted")
    assert (held.code, held.json["receipt"]) == (0, "queued")
    assert running.must("logs", asks).out == "got blue\n"


def test_a_blocked_session_is_never_typed_into(running: Shell) -> None:
    asks = running.spawn("orch report blocked 'rm -rf?'; read x; echo $x")
    running.until(asks, "blocked")

    refused = running.orch("send", asks, "y")
    as_json = running.orch("send", asks, "y", "--json")

    assert (refused.code, refused.out) == (4, "")
    assert refused.err.endswith(f"  try: orch logs {asks}\n")
    assert (as_json.code, as_json.json["receipt"]) == (4, "refused")
    assert running.must("logs", asks).out == ""


def test_a_session_that_has_ended_is_not_sent_to(running: Shell) -> None:
    ended = running.ended("true")

    done = running.orch("send", ended, "hello", "--json")

    assert (done.code, done.json["receipt"]) == (4, "refused")


def test_a_report_exits_0_wherever_it_is_made(shell: Shell) -> None:
    outside = shell.orch("report", "waiting")
    nonsense = shell.orch("report", "sleeping")

    assert (outside.code, nonsense.code) == (0, 0)
    assert "no run of orchestrd" in outside.err
    assert "sleeping" in nonsense.err


# ---- ending ----------------------------------------------------------------------------------------------------------


def test_stop_returns_once_it_is_decided_and_an_ended_session_is_no_error(running: Shell) -> None:
    session = running.spawn("trap '' TERM; touch ready; while :; do sleep 0.1; done", grace_s=0.5)
    until((running.place / "ready").exists, "it ignores TERM")

    stopping = running.orch("stop", session, "--json")
    waited = running.orch("wait", session, "--json", "--timeout", "30")
    again = running.orch("stop", session, "--json")

    assert (stopping.code, stopping.json["state"], stopping.json["desired"]) == (0, "stopping", "stopped")
    assert (waited.code, waited.json["state"], waited.json["exit_signal"]) == (1, "cancelled", "SIGKILL")
    assert (again.code, again.json["state"]) == (0, "cancelled")
    assert "already ended" in again.err


def test_kill_forces_several_and_the_missing_one_decides_the_code(running: Shell) -> None:
    session = running.spawn("trap '' TERM; while :; do sleep 0.1; done")
    running.until(session, "running")

    done = running.orch("kill", session, "nobody")

    assert done.code == 3
    assert done.out == f"{session}  stopping (kill_requested)\n"
    assert done.err == "orch: there is no session 'nobody'\n  try: orch status --all\n"
    assert running.orch("wait", session, "--timeout", "20").out == f"{session}  cancelled (killed, SIGKILL)\n"


def test_revive_runs_the_same_command_again(running: Shell) -> None:
    session = running.ended("echo run >> runs")

    revived = running.must("revive", session, "--json").json

    assert (revived["state"], revived["reason"], revived["generation"]) == ("pending", "revived", 2)
    running.until(session, "completed")
    assert (running.place / "runs").read_text() == "run\nrun\n"


def test_wait_tells_apart_a_good_end_a_bad_one_and_none_in_time(running: Shell) -> None:
    good, bad, never = running.spawn("exit 0"), running.spawn("exit 1"), running.spawn("sleep 60")

    assert running.orch("wait", good, "--timeout", "20").code == 0
    assert running.orch("wait", good, bad, "--timeout", "20").code == 1
    assert running.orch("wait", bad, "--for", "waiting", "--timeout", "20").code == 1
    assert running.orch("wait", bad, "--for", "failed", "--timeout", "20").code == 0
    assert running.orch("wait", never, "--for", "running", "--timeout", "20").code == 0
    assert running.orch("wait", never, "--timeout", "0.2").code == 6


# ---- output ----------------------------------------------------------------------------------------------------------


def test_logs_follow_until_the_session_has_ended_and_everything_is_printed(running: Shell) -> None:
    session = running.spawn("for n in 1 2 3; do echo $n; sleep 0.3; done; printf '\\033]0;title\\007last'")

    done = running.orch("logs", "-f", session)

    assert (done.code, done.out) == (0, "1\n2\n3\n\x1b]0;title\x07last")
    assert running.must("logs", "-n", "2", session).out == "3\n\x1b]0;title\x07last"


def test_a_pipe_gets_words_and_no_escape(running: Shell) -> None:
    running.spawn("orch report waiting; read x", name="grün 🟢")

    for words in (["status"], ["show", "grün 🟢"], ["explain", "grün 🟢"], ["events"]):
        assert "\x1b" not in running.must(*words).out


def test_a_stop_that_waits_returns_once_it_has_ended(running: Shell) -> None:
    sessions = [running.spawn("trap 'sleep 0.3; exit 0' TERM; while :; do sleep 0.05; done") for _ in range(2)]
    before = running.ended("true")
    for session in sessions:
        running.until(session, "running")

    done = running.orch("stop", "--wait", *sessions, before)
    killed = running.orch("kill", "--wait", running.spawn("sleep 60"))

    assert (done.code, killed.code) == (0, 0)
    assert [running.show(session).state for session in sessions] == ["cancelled", "cancelled"]
    assert [line.partition("  ")[2] for line in done.out.splitlines()[-2:]] == ["cancelled (stopped, exit code 0)"] * 2
    assert "cancelled" in killed.out


def test_what_sessions_take_is_shown_while_there_is_a_daemon_to_look(running: Shell) -> None:
    session = running.spawn("sleep 60; true")
    running.until(session, "running")

    usage = running.must("status", "--wide", "--json").json["usage"][session]
    row = running.must("status", "--wide").out.splitlines()[1]
    running.kill_daemon()
    alone = running.must("status", "--wide").out.splitlines()

    assert usage["processes"] == 3  # launcher, shell, sleep
    assert usage["memory_bytes"] > 1 << 20
    assert "MiB" in row
    assert "MEMORY" in alone[0]
    assert "MiB" not in alone[1]

"""Verified done, and issues as input: a person, a real daemon, a real repository, and an agent made of sh."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.command_line import Shell
from tests.acceptance.processes import until
from tests.workspaces.repositories import a_repository, git

# An agent that works in turns: each message is an instruction, and what it was told is kept beside its work.
AGENT = """
say() { printf '{"report":"%s"}\\n' "$1" >>"$ORCH_RUN_DIR/hooks.jsonl"; echo "$ORCH_SESSION" |
  dd of="$ORCH_HOME/run/nudge" oflag=nonblock conv=notrunc,nocreat status=none 2>/dev/null || :; }
turn() { say working; eval "$1"; say waiting; }
turn "$FIRST"
while read -r told; do
  printf '%s\\n' "$told" >>"$ORCH_RUN_DIR/told"
  case $told in *'succeeded, but not all is committed'* | *'exit code 3'*) turn "$THEN";; esac
done
"""
COMMIT = "git -c user.name=a -c user.email=a@example.org commit -q"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    typed = Shell(tmp_path)
    a_repository(tmp_path / "shop")
    yield typed
    typed.clear()


def spawn(shell: Shell, *words: str, first: str = "true", then: str = "true", script: str = AGENT) -> str:
    """Begin a session in a worktree, and give its id."""
    environment = {"FIRST": first, "THEN": then}
    given = tuple(word for name in environment for word in ("--env", name))
    asked = ("spawn", "--dir", "shop", "--workspace", "worktree", *given, *words, "--", "sh", "-c", script)
    done = shell.orch(*asked, **environment)
    assert done.code == 0, done
    return done.out.split()[0]


def verdicts(shell: Shell, session: str) -> list[tuple[str, str | None]]:
    return [(line["to"], line.get("error")) for line in shell.events("--session", session, "--type", "verified")]


def test_a_red_verification_goes_back_to_the_agent_until_it_is_green(shell: Shell) -> None:
    shell.start()
    check = "test -e done.txt || { echo 'there is no done.txt'; exit 3; }"

    session = spawn(shell, "--verify", check, then=f"echo x >done.txt; git add -A; {COMMIT} -m done")
    shell.until(session, "completed")

    told = shell.show(session)
    assert (told.until, told.reason) == ("verify", "verified")
    assert verdicts(shell, session) == [("red", "its command failed with exit code 3"), ("green", None)]
    assert told.verification is not None
    assert told.verification.head == git(Path(told.workspace.path), "rev-parse", "HEAD")
    assert "there is no done.txt" in Path(shell.layout.run_directory(told.id, 1), "told").read_text()


def test_what_is_not_committed_is_not_done(shell: Shell) -> None:
    shell.start()

    session = spawn(shell, "--verify", "true", first="echo x >done.txt", then=f"git add -A; {COMMIT} -m done")
    shell.until(session, "completed")

    (first, why), (second, _) = verdicts(shell, session)
    assert (first, second, shell.show(session).reason) == ("red", "green", "verified")
    assert "not all is committed: commit your work (not committed: 'done.txt')" in (why or "")


def test_a_command_that_is_green_before_anything_is_done_proves_nothing(shell: Shell) -> None:
    shell.start()

    session = spawn(shell, "--verify", "true")
    until(lambda: bool(verdicts(shell, session)), "it is verified")

    told = shell.show(session)
    assert (verdicts(shell, session), told.state) == ([("green", None)], "running")
    assert "nothing is committed since it began: that is no proof" in shell.must("explain", session).out


def test_an_agent_that_exits_before_it_is_done_has_not_completed(shell: Shell) -> None:
    shell.start()

    session = spawn(shell, "--verify", "echo checked; exit 1", script="exit 0")
    done = shell.orch("wait", session)

    told = shell.show(session)
    assert (told.state, told.reason, told.exit_code) == ("failed", "goal_unmet", 0)
    assert f"go on with: orch revive {session}" in (told.error or "")
    assert done.code == 1
    assert "its goal was not met" in shell.must("explain", session).out


def test_an_agent_that_exits_with_its_work_done_has_completed(shell: Shell) -> None:
    shell.start()

    session = spawn(shell, "--verify", "test -e done.txt", script=f": >done.txt; git add -A; {COMMIT} -m done")
    shell.until(session, "completed")

    assert shell.show(session).reason == "verified"


def test_a_stop_leaves_nothing_of_a_verification_behind(shell: Shell) -> None:
    shell.start()
    session = spawn(shell, "--verify", "echo $$ >>pids; (setsid sleep 300 & echo $! >>pids); sleep 300")
    place = Path(shell.show(session).workspace.path, "pids")
    until(lambda: place.exists() and len(place.read_text().split()) == 2, "the verification is under way")

    shell.must("stop", session, "--wait")

    pids = place.read_text().split()
    until(lambda: not any(Path("/proc", pid).exists() for pid in pids), "the verification is gone")
    assert verdicts(shell, session) == []


def test_a_daemon_that_is_killed_takes_its_verification_along_and_the_next_one_verifies(shell: Shell) -> None:
    shell.start()
    done = f"{COMMIT} --allow-empty -m done"
    session = spawn(shell, "--verify", "echo $$ >>../pid; test -e ../go || sleep 300", first=done)
    place = Path(shell.show(session).workspace.path).parent
    until((place / "pid").exists, "the verification is under way")

    shell.kill_daemon()
    until(lambda: not Path("/proc", (place / "pid").read_text().strip()).exists(), "the verification is gone")
    (place / "go").touch()
    shell.start()
    shell.until(session, "completed")

    assert [word for word, _ in verdicts(shell, session)] == ["green"]


def test_a_second_session_with_the_same_issue_is_refused_unless_it_is_forced(shell: Shell) -> None:
    shell.start()
    issue = shell.place / "issue.md"
    issue.write_text("# Fix the parser\n\nIt fails on ```.\n")
    first = spawn(shell, "--issue", str(issue), script="cat $ORCH_PROMPT_FILE; sleep 300")

    refused = shell.orch("spawn", "--dir", "shop", "--issue", str(issue), "--", "true")
    forced = shell.orch("spawn", "--dir", "shop", "--issue", str(issue), "--force", "--", "true")

    told = shell.show(first)
    assert (told.name, told.workspace.branch) == ("fix-the-parser", f"orch/{first}-fix-the-parser")
    until(lambda: "````text\nIt fails on ```." in shell.must("logs", first).out, "the agent has its prompt")
    assert (refused.code, refused.out) == (4, "")
    assert f"session {first} (fix-the-parser) works on {issue} already" in refused.err
    assert forced.code == 0

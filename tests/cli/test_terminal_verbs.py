"""`orch attach` up to where tmux takes over, and `orch screen`: what they say, and how they exit."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from orchestrd.core.launch import ClaimRecord
from orchestrd.core.problem import problem_of
from orchestrd.core.terminal import no_terminal
from orchestrd.model.document import Screen
from orchestrd.model.errors import UsageError
from orchestrd_cli import attaching, exits
from tests.cli.fake_daemon import FakeDaemon, Result, whole
from tests.cli.told import lists, tells_of
from tests.documents import NOON, a_document

Orch = Callable[..., Result]


@pytest.fixture
def server(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for a tmux that holds the terminal of abcdefgh."""
    run = home / "runs" / "abcdefgh.1"
    run.mkdir(parents=True)
    (run / "claim").write_bytes(msgspec.json.encode(ClaimRecord(boot="b", pid=4711, by="launcher")))
    program = tmp_path / "tmux"
    program.write_text("#!/bin/sh\nprintf '4000 4711 $3:@5.%%9\\n'")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture(autouse=True)
def _nothing_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attaching, "APPEARS_S", 0.0)


@pytest.fixture
def _programs_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for program in ("claude", "make"):
        (tmp_path / program).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("_programs_are_there")
@pytest.mark.parametrize(
    ("words", "agent", "hint"),
    [
        (("--agent", "claude", "fix it"), "claude", "  go into it: orch attach abcdefgh   end it: orch stop abcdefgh"),
        (("--", "make"), "shell", "  its output: orch logs -f abcdefgh   end it: orch stop abcdefgh"),
    ],
)
def test_a_spawn_says_where_to_look_next(
    daemon: FakeDaemon, orch: Orch, words: tuple[str, ...], agent: str, hint: str
) -> None:
    told = a_document(agent=agent, runtime="tmux", attach=("orch", "attach", "abcdefgh"))
    daemon.answers("/v1/sessions", whole(msgspec.json.encode(told)))

    done = orch("spawn", "--runtime", "tmux", "--workspace", "none", *words)

    assert (done.code, done.err.splitlines()[-1]) == (exits.OK, hint)


def test_of_a_spawn_that_is_refused_only_the_refusal_is_said(daemon: FakeDaemon, orch: Orch, tmp_path: Path) -> None:
    problem = problem_of(UsageError("there is no agent 'cluade'", code="invalid", hint="orch spawn --help"))
    daemon.answers("/v1/sessions", whole(msgspec.json.encode(problem), status="400 Bad Request"))

    done = orch("spawn", "--agent", "cluade", "--dir", str(tmp_path), "hi")

    assert (done.code, done.err) == (exits.USAGE, "orch: there is no agent 'cluade'\n  try: orch spawn --help\n")


def test_where_nobody_needs_a_person_that_is_said(daemon: FakeDaemon, orch: Orch) -> None:
    lists(daemon, a_document(runtime="tmux", activity="working"), a_document("process2", activity="blocked"))

    done = orch("attach")

    assert (done.code, done.out) == (exits.NOT_FOUND, "")
    assert done.err == (
        "orch: nothing needs you: no session with a terminal is blocked, waiting or limited\n  try: orch status\n"
    )


@pytest.mark.parametrize("number", [1, 2])
def test_without_a_terminal_of_its_own_it_attaches_to_nothing(
    daemon: FakeDaemon, orch: Orch, server: None, number: int
) -> None:
    told = a_document(runtime="tmux", activity="blocked", activity_since=NOON - timedelta(minutes=3))
    lists(daemon, told, a_document("later222", runtime="tmux", activity="blocked", activity_since=NOON))
    tells_of(daemon, told)

    done = orch("attach", *["fix"][: number - 1])

    assert (done.code, done.out) == (exits.USAGE, "")
    assert done.err == (
        "orch: attaching needs a terminal, and stdin or stdout is none here\n  try: orch screen abcdefgh\n"
    )


@pytest.mark.parametrize(
    ("changes", "said", "hint"),
    [
        ({"runtime": "process"}, "it runs as a plain process", "orch logs -f abcdefgh"),
        ({"state": "failed", "reason": "exit_code"}, "has ended: failed (exit_code)", "orch revive abcdefgh"),
        ({"state": "scheduled", "reason": "queued"}, "it is scheduled (queued)", "orch explain abcdefgh"),
        ({"state": "starting", "reason": "admitted"}, "it is starting (admitted)", "orch explain abcdefgh"),
    ],
)
def test_what_cannot_be_attached_to_says_why_and_where_to_look(
    daemon: FakeDaemon, orch: Orch, changes: dict[str, str], said: str, hint: str
) -> None:
    tells_of(daemon, a_document(**{"runtime": "tmux", **changes}))

    done = orch("attach", "fix")

    assert (done.code, done.out) == (exits.REFUSED, "")
    assert said in done.err
    assert f"  try: {hint}" in done.err


@pytest.mark.parametrize("words", [(), ("fix",), ("fix", "--read-only")])
def test_who_is_inside_a_session_does_not_attach_to_it(
    daemon: FakeDaemon, orch: Orch, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    told = a_document(runtime="tmux", activity="blocked")
    lists(daemon, told)
    tells_of(daemon, told)
    monkeypatch.setenv("ORCH_SESSION", told.id)

    done = orch("attach", *words)

    assert (done.code, done.out) == (exits.REFUSED, "")
    assert done.err == "orch: you are inside session abcdefgh: it cannot show itself\n  try: orch status\n"


def test_a_session_that_is_starting_is_waited_for(
    daemon: FakeDaemon, orch: Orch, server: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attaching, "APPEARS_S", 30.0)
    monkeypatch.setattr(attaching, "LOOK_S", 0.001)
    pending = a_document(runtime="tmux", state="pending", reason="accepted")
    tells_of(daemon, pending, pending, a_document(runtime="tmux"))

    done = orch("attach", "fix")

    assert done.code == exits.USAGE
    assert done.err.startswith("orch: abcdefgh is pending; waiting for its terminal (Ctrl-C to leave)\norch: attaching")


def test_without_a_daemon_nothing_is_waited_for(home: Path, orch: Orch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attaching, "APPEARS_S", 30.0)
    orch("spawn", "--no-daemon", "--runtime", "tmux", "--name", "fix", "--", "true")

    done = orch("attach", "fix")

    assert done.code == exits.REFUSED
    assert "no daemon answers" in done.err
    assert "has no terminal at the moment: it is accepted (accepted)" in done.err


# ---- screen ----------------------------------------------------------------------------------------------------------


def test_a_screen_is_shown_as_it_is(daemon: FakeDaemon, orch: Orch) -> None:
    shown = Screen(session=a_document().id, screen="┌──┐\n│ ok │\n\n\n")
    tells_of(daemon, a_document(runtime="tmux"))
    daemon.answers("/v1/sessions/fix/screen", whole(msgspec.json.encode(shown)))

    plain, as_json = orch("screen", "fix"), orch("screen", "fix", "--json")

    assert (plain.code, plain.out, plain.err) == (exits.OK, "┌──┐\n│ ok │\n", "")
    assert msgspec.json.decode(as_json.out, type=Screen) == shown


def test_a_plain_process_has_no_screen(daemon: FakeDaemon, orch: Orch) -> None:
    problem = whole(msgspec.json.encode(problem_of(no_terminal("abcdefgh", "process"))), status="409 Conflict")
    daemon.answers("/v1/sessions/fix/screen", problem)

    done = orch("screen", "fix")

    assert done.code == exits.REFUSED
    assert done.err == (
        "orch: session abcdefgh has no terminal: it runs as a plain process\n  try: orch logs -f abcdefgh\n"
    )


def test_without_a_daemon_there_is_the_last_screen_or_a_sentence(home: Path, orch: Orch) -> None:
    orch("spawn", "--no-daemon", "--runtime", "tmux", "--name", "fix", "--", "true")
    session = orch("show", "--json", "fix").out
    told = msgspec.json.decode(session)

    before = orch("screen", "fix")
    run = home / "runs" / f"{told['id']}.1"
    run.mkdir(parents=True)
    (run / "screen").write_text("the end\n")
    after = orch("screen", "fix")

    assert before.code == exits.UNREACHABLE
    assert before.err.endswith("only a daemon can tell, and none answers\n  try: orch daemon start\n")
    assert (after.code, after.out) == (exits.OK, "the end\n")
    assert "no daemon answers" in after.err

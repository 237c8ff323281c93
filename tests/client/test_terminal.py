"""Which terminal to attach to, and where it is; a program that stands in for tmux says what the server holds."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from orchestrd.client import terminal
from orchestrd.client.terminal import Terminal, most_urgent, terminal_of
from orchestrd.core.launch import ClaimRecord
from orchestrd.core.layout import Layout
from orchestrd.model.document import Document
from orchestrd.model.errors import NotFoundError, OrchestrdError, RefusedError, TimedOutError
from tests.documents import NOON, a_document

ServerSays = Callable[[str], None]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(str(tmp_path / "home"))


@pytest.fixture
def server_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ServerSays:
    """Put a program called tmux on the PATH, and nothing else."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    def say(script: str) -> None:
        program = tmp_path / "bin" / "tmux"
        program.write_text(f"#!/bin/sh\n{script}")
        program.chmod(0o700)

    return say


def _drawn(session: str = "abcdefgh", **changes: object) -> Document:
    return a_document(session, runtime="tmux", **changes)


def _claim(layout: Layout, told: Document, *, by: str = "launcher", pid: int = 4711) -> None:
    run = Path(layout.run_directory(told.id, told.generation))
    run.mkdir(parents=True)
    (run / "claim").write_bytes(msgspec.json.encode(ClaimRecord(boot="b", pid=pid, by=by)))


def _refusal(layout: Layout, told: Document) -> RefusedError:
    with pytest.raises(RefusedError) as refused:
        terminal_of(layout, told)
    return refused.value


def test_the_terminal_is_the_pane_whose_process_took_the_claim(layout: Layout, server_says: ServerSays) -> None:
    told = _drawn(generation=2)
    _claim(layout, told)
    server_says("printf '%s\\n' '4000 77 $0:@0.%0' '4000 4711 $3:@5.%9'")

    found = terminal_of(layout, told)

    assert (found.server_pid, found.target) == (4000, "$3:@5.%9")
    assert found.command("attach-session")[-3:] == ("-S", layout.tmux_socket, "attach-session")


def test_a_plain_process_has_no_terminal_and_has_its_output(layout: Layout) -> None:
    refused = _refusal(layout, a_document())

    assert (refused.code, refused.hint) == ("no_terminal", "orch logs -f abcdefgh")


def test_what_has_ended_is_revived_or_read(layout: Layout) -> None:
    refused = _refusal(layout, _drawn(state="completed", reason="exited"))

    assert refused.code == "already_ended"
    assert "orch revive abcdefgh" in refused.hint
    assert "orch logs abcdefgh" in refused.hint


@pytest.mark.parametrize(
    ("state", "reason"),
    [("accepted", "accepted"), ("pending", "accepted"), ("scheduled", "queued"), ("starting", "admitted")],
)
def test_what_has_not_started_says_where_it_stands(layout: Layout, state: str, reason: str) -> None:
    refused = _refusal(layout, _drawn(state=state, reason=reason))

    assert refused.code == "not_started"
    assert f"it is {state} ({reason})" in refused.message


def test_a_run_that_a_kill_has_claimed_will_never_have_one(layout: Layout) -> None:
    told = _drawn(state="stopping", reason="kill_requested")
    _claim(layout, told, by="kill")

    assert "it is stopping (kill_requested)" in _refusal(layout, told).message


@pytest.mark.parametrize("script", ["exit 1", "printf '4000 77 $0:@0.%%0\\n'", "printf 'no server\\nat all\\n'"])
@pytest.mark.parametrize(("state", "code"), [("running", "terminal_gone"), ("starting", "not_started")])
def test_a_terminal_that_is_not_on_the_server_is_gone_or_still_to_come(
    layout: Layout, server_says: ServerSays, script: str, state: str, code: str
) -> None:
    told = _drawn(state=state)
    _claim(layout, told)
    server_says(script)

    assert _refusal(layout, told).code == code


def test_a_claim_that_cannot_be_read_is_none(layout: Layout) -> None:
    told = _drawn()
    _claim(layout, told)
    Path(layout.run_directory(told.id, 1), "claim").write_bytes(b"{")

    assert _refusal(layout, told).code == "not_started"


def test_without_tmux_that_is_said(layout: Layout, server_says: ServerSays) -> None:
    told = _drawn()
    _claim(layout, told)

    with pytest.raises(OrchestrdError, match="no tmux on the PATH"):
        terminal_of(layout, told)


def test_a_server_that_does_not_answer_is_not_waited_for(
    layout: Layout, server_says: ServerSays, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = _drawn()
    _claim(layout, told)
    monkeypatch.setattr(terminal, "ATTACH_ANSWER_S", 0.2)
    server_says("read forever </dev/zero")

    with pytest.raises(TimedOutError, match="gave no answer within"):
        terminal_of(layout, told)


# ---- who needs a person ----------------------------------------------------------------------------------------------


def _waiting(session: str, activity: str, minutes: int, **changes: object) -> Document:
    return _drawn(session, activity=activity, activity_since=NOON - timedelta(minutes=minutes), **changes)


def test_the_most_urgent_is_blocked_and_has_waited_longest() -> None:
    sessions = [
        _waiting("limited2", "limited", 90),
        _waiting("waiting2", "waiting", 50),
        _waiting("waiting3", "waiting", 60),
        _waiting("blocked2", "blocked", 1),
        _waiting("blocked3", "blocked", 2),
    ]

    chosen = [most_urgent(sessions[:number]).id for number in range(1, 6)]

    assert chosen == ["limited2", "waiting2", "waiting3", "blocked2", "blocked3"]


def test_nobody_needs_a_person_who_works_has_ended_or_has_no_terminal() -> None:
    sessions = [
        _waiting("working2", "working", 5),
        _waiting("unknown2", "unknown", 5),
        _waiting("stopped2", "blocked", 5, state="stopping"),
        a_document("process2", activity="blocked", activity_since=NOON),
    ]

    with pytest.raises(NotFoundError, match="nothing needs you"):
        most_urgent(sessions)


@pytest.mark.parametrize(
    ("told", "is_inside"),
    [("/h/run/tmux.sock,4000,0", True), ("/elsewhere,4000,7", True), ("/tmp/tmux-0/default,400,0", False), ("", False)],
)
def test_who_is_inside_the_same_server_is_known_by_its_pid(told: str, *, is_inside: bool) -> None:
    found = Terminal(socket="/h/run/tmux.sock", server_pid=4000, target="$0:@0.%0")

    assert found.encloses({"TMUX": told}) is is_inside

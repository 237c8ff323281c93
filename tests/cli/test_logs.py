"""`orch logs`: the conversation of an agent, the output of anything else, and every byte for who asks."""

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrd_cli import exits, following
from tests.cli.fake_daemon import FakeDaemon, Result
from tests.cli.told import Agent, answer, call, prompt, result, tells_of
from tests.documents import a_document

Orch = Callable[..., Result]
DRAWN = b"\x1b[2J\x1b]0;title\x07\x1b[32mbuilt\x1b[0m\r\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    path.write_bytes(DRAWN)
    return path


@pytest.fixture
def agent(home: Path, tmp_path: Path) -> Agent:
    return Agent(home, "abcdefgh", tmp_path / "me")


@pytest.fixture(autouse=True)
def _looks_are_close_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LOOK_S", 0.001)
    monkeypatch.setattr(following, "ASK_S", 0.0)


def test_what_was_drawn_on_a_terminal_is_printed_as_text(daemon: FakeDaemon, orch: Orch, log: Path) -> None:
    tells_of(daemon, a_document(runtime="tmux", log=str(log)))

    assert orch("logs", "fix").out == "built\n"


@pytest.mark.parametrize("changes", [{"runtime": "tmux"}, {"runtime": "tmux", "agent": "claude"}, {}])
def test_raw_is_every_byte(daemon: FakeDaemon, orch: Orch, log: Path, changes: dict[str, str]) -> None:
    tells_of(daemon, a_document(log=str(log), **changes))

    assert orch("logs", "--raw", "fix").out.encode() == DRAWN


def test_a_conversation_is_told_in_the_place_of_what_was_drawn(
    daemon: FakeDaemon, orch: Orch, agent: Agent, log: Path
) -> None:
    agent.says("c1", prompt("fix it"), call(1, "Bash", "ls"), result(1), call(2, "Bash", "make"), result(2))
    agent.says("c1", answer("Done."))
    tells_of(daemon, a_document(agent="claude", runtime="tmux", conversation="c1", log=str(log)))

    done = orch("logs", "fix")

    assert (done.code, done.err) == (exits.OK, "")
    assert done.out == "> fix it\n\n* Bash: ls: ok\n* Bash: make: ok\n\nDone.\n"


def test_only_the_last_lines_of_it_and_what_has_no_result_yet(daemon: FakeDaemon, orch: Orch, agent: Agent) -> None:
    agent.says("c1", prompt("fix it"), answer("one\ntwo\nthree"), call(1, "Bash", "make"))
    tells_of(daemon, a_document(agent="claude", runtime="tmux", conversation="c1"))

    assert orch("logs", "-n", "2", "fix").out == "two\nthree\n\n* Bash: make: no result yet\n"


def test_a_conversation_that_is_not_there_points_to_the_bytes(daemon: FakeDaemon, orch: Orch, agent: Agent) -> None:
    tells_of(daemon, a_document(agent="claude", runtime="tmux", conversation="c1"))

    done = orch("logs", "fix")

    assert (done.code, done.out) == (exits.OK, "")
    assert done.err.endswith(
        "nothing of its conversation is on disk; what its terminal was sent: orch logs --raw abcdefgh\n"
    )


def test_before_there_is_a_conversation_there_is_the_output(daemon: FakeDaemon, orch: Orch, log: Path) -> None:
    tells_of(daemon, a_document(agent="claude", runtime="tmux", log=str(log)))

    done = orch("logs", "fix")

    assert done.out == "built\n"
    assert "no conversation is on disk yet" in done.err


def test_following_goes_from_the_output_to_the_conversation_to_another_to_the_end(
    daemon: FakeDaemon, orch: Orch, agent: Agent, log: Path
) -> None:
    agent.says("c1", prompt("one"))
    agent.says("c2", prompt("two"))
    setting_up = a_document(agent="claude", runtime="tmux", log=str(log))
    first = replace(setting_up, conversation="c1")
    second = replace(setting_up, conversation="c2")
    tells_of(daemon, setting_up, setting_up, first, first, second, second, replace(second, state="completed"))

    done = orch("logs", "-f", "fix")

    assert done.code == exits.OK
    assert done.out == "built\n> one\n\n[another conversation]\n\n> two\n"


def test_what_is_added_is_followed_in_whole_lines_and_a_transcript_written_anew_is_read_anew(
    home: Path, agent: Agent
) -> None:
    from orchestrd.client.transcript import Transcript
    from orchestrd.core.layout import Layout

    transcript = Transcript(Layout(str(home)), a_document(agent="claude", conversation="c1"))
    before = list(transcript.more())
    agent.says("c1", prompt("first")[:20])
    half = list(transcript.more())
    agent.says("c1", prompt("first")[20:], b"no line of a transcript\n")
    whole = list(transcript.more())
    agent.path("c1").write_bytes(prompt("x"))

    assert (before, half, whole) == ([], [], ["> first"])
    assert list(transcript.more()) == ["> x"]


def test_of_two_transcripts_of_one_name_the_newer_is_told(daemon: FakeDaemon, orch: Orch, agent: Agent) -> None:
    import os

    agent.says("c1", prompt("old"))
    os.utime(agent.path("c1"), (1, 1))
    newer = agent.folder.with_name("-elsewhere")
    newer.mkdir()
    (newer / "c1.jsonl").write_bytes(prompt("new"))
    tells_of(daemon, a_document(agent="claude", runtime="tmux", conversation="c1"))

    assert orch("logs", "fix").out == "> new\n"

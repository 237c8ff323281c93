"""The line of sh that hooks run: what it appends, what that says, and that it does no harm."""

import json
import os
import subprocess
import threading
from pathlib import Path

import pytest

from orchestrd.agents.hook_lines import hook_command, payload_of
from orchestrd.model.limits import HOOK_LINE_BYTES_MAX, HOOK_PAYLOAD_BYTES_MAX
from tests.agents.samples import NOW, hook_line


def test_a_line_is_taken_apart_by_the_agent_that_it_names_alone() -> None:
    line = hook_line("Stop", session_id="x")

    assert payload_of(line, "claude") == (NOW, {"hook_event_name": "Stop", "session_id": "x"})
    assert payload_of(line, "codex") is None


def test_of_a_line_that_was_cut_there_is_the_name_of_its_hook_for_its_own_agent() -> None:
    cut = hook_line("PostToolUse", tool_response="x" * 1_000)[:400]

    assert payload_of(cut, "claude") == (NOW, {"hook_event_name": "PostToolUse"})
    assert payload_of(cut, "codex") is None


class Place:
    """A run directory and a home, as a hook finds them."""

    def __init__(self, path: Path) -> None:
        self.hooks = path / "run" / "hooks.jsonl"
        self.nudge = path / "home" / "run" / "nudge"
        self.hooks.parent.mkdir()
        self.nudge.parent.mkdir(parents=True)
        self.hooks.touch(0o600)
        os.mkfifo(self.nudge)
        self.environment = {
            "PATH": os.environ["PATH"],
            "ORCH_HOME": str(path / "home"),
            "ORCH_RUN_DIR": str(path / "run"),
            "ORCH_SESSION": "abcdefgh",
        }

    def run(self, payload: bytes) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["sh", "-c", hook_command("claude")],
            input=payload,
            env=self.environment,
            capture_output=True,
            check=False,
            timeout=20,
        )

    def lines(self) -> list[bytes]:
        return self.hooks.read_bytes().splitlines()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_hook_appends_what_it_was_told_with_its_time_and_nudges(place: Place) -> None:
    reader = os.open(place.nudge, os.O_RDONLY | os.O_NONBLOCK)

    done = place.run(b'{"hook_event_name":"Stop","last_assistant_message":"100 % \\"done\\" \\\\n \xc3\xa9"}\n')

    nudged = os.read(reader, 100)
    os.close(reader)
    (line,) = place.lines()
    told = json.loads(line)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert told["at"] > 1_700_000_000
    assert told["claude"]["last_assistant_message"] == '100 % "done" \\n é'
    assert nudged == b"abcdefgh\n"


@pytest.mark.parametrize("harm", ["no run directory", "no home", "fifo", "directory", "nothing set", "full nudge"])
def test_a_hook_never_fails_never_prints_and_never_waits(place: Place, harm: str) -> None:
    kept = None
    if harm == "no run directory":
        place.environment["ORCH_RUN_DIR"] = "/nonexistent/run"
    elif harm == "no home":
        place.environment["ORCH_HOME"] = "/nonexistent/home"
    elif harm in ("fifo", "directory"):
        place.hooks.unlink()
        os.mkfifo(place.hooks) if harm == "fifo" else place.hooks.mkdir()
    elif harm == "nothing set":
        place.environment = {"PATH": os.environ["PATH"]}
    else:
        kept = os.open(place.nudge, os.O_RDWR | os.O_NONBLOCK)
        os.write(kept, b"x" * 65_536)

    done = place.run(b"{}")

    if kept is not None:
        os.close(kept)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_hook_makes_no_file_where_there_is_none(place: Place) -> None:
    place.hooks.unlink()

    place.run(b"{}")

    assert not place.hooks.exists()


def test_what_a_hook_is_told_may_be_of_any_size_and_its_line_stays_bearable(place: Place) -> None:
    payload = json.dumps({"cwd": "/", "hook_event_name": "PostToolUse", "tool_response": "x" * 2_000_000}).encode()

    place.run(payload)

    (line,) = place.lines()
    assert HOOK_PAYLOAD_BYTES_MAX < len(line) <= HOOK_LINE_BYTES_MAX
    heard = payload_of(line, "claude")
    assert heard is not None
    assert heard[1] == {"hook_event_name": "PostToolUse"}


def test_lines_of_many_hooks_at_once_stay_whole(place: Place) -> None:
    payloads = [json.dumps({"hook_event_name": "Stop", "n": n, "x": "y" * 30_000}).encode() for n in range(12)]
    threads = [threading.Thread(target=place.run, args=(payload,)) for payload in payloads]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    told = [json.loads(line)["claude"]["n"] for line in place.lines()]

    assert sorted(told) == list(range(12))

"""The line of sh that hooks run: what it appends, what that says, and that it does no harm."""

import json
import os
import stat
import subprocess
import threading
from pathlib import Path
from subprocess import PIPE

import pytest

from orchestrd.agents.hook_lines import asking_hook_command, held_by, hook_command, payload_of
from orchestrd.model.limits import HOOK_LINE_BYTES_MAX, HOOK_PAYLOAD_BYTES_MAX
from tests.acceptance.processes import until
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

    def ask(self, payload: bytes = b'{"hook_event_name":"PermissionRequest"}') -> "subprocess.Popen[bytes]":
        """Run the hook that waits for an answer, until it waits."""
        command = ["sh", "-c", asking_hook_command("claude")]
        before = len(self.lines())
        asking = subprocess.Popen(command, env=self.environment, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        assert asking.stdin is not None
        asking.stdin.write(payload)
        asking.stdin.close()
        asking.stdin = None
        until(lambda: len(self.lines()) > before, "the hook has told what it asks")
        return asking

    def answer(self, decision: str, line: bytes) -> None:
        """Write into the FIFO as the daemon does."""
        fifo = os.open(self.hooks.parent / "answers" / decision, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        os.write(fifo, line + b"\n")
        os.close(fifo)

    def asked(self) -> list[str]:
        return [str(held_by(line)) for line in self.lines()]

    def run(self, payload: bytes, command: str = hook_command("claude")) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["sh", "-c", command],
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


def test_a_hook_that_asks_prints_the_answer_and_leaves_nothing(place: Place) -> None:
    asking = place.ask()
    (decision,) = place.asked()
    fifo = place.hooks.parent / "answers" / decision
    kind = fifo.lstat().st_mode

    place.answer(decision, b'{"behavior": "allow", "text": "100 % \\\\n"}')
    out, err = asking.communicate(timeout=20)

    assert stat.S_ISFIFO(kind)
    assert stat.S_IMODE(kind) == 0o600
    assert (asking.returncode, out, err) == (0, b'{"behavior": "allow", "text": "100 % \\\\n"}\n', b"")
    assert list(fifo.parent.iterdir()) == []


def test_a_hook_that_asks_outlives_whoever_only_opens_its_fifo(place: Place) -> None:
    asking = place.ask()
    (decision,) = place.asked()
    os.close(os.open(place.hooks.parent / "answers" / decision, os.O_WRONLY | os.O_NONBLOCK))

    place.answer(decision, b"yes")

    assert asking.communicate(timeout=20) == (b"yes\n", b"")


def test_nobody_waits_for_an_answer_any_more_once_the_one_process_of_the_hook_has_ended(place: Place) -> None:
    asking = place.ask()
    (decision,) = place.asked()

    asking.terminate()
    asking.communicate(timeout=20)

    with pytest.raises(OSError, match="No such device"):
        place.answer(decision, b"yes")


def test_hooks_that_ask_at_once_have_a_fifo_each(place: Place) -> None:
    asking = [place.ask(), place.ask()]
    first, second = place.asked()

    place.answer(second, b"two")
    place.answer(first, b"one")

    assert [one.communicate(timeout=20)[0] for one in asking] == [b"one\n", b"two\n"]


def test_a_later_hook_lets_go_of_all_that_still_wait_and_they_say_nothing(place: Place) -> None:
    asking = [place.ask(), place.ask()]
    ended = place.ask()
    ended.kill()
    ended.communicate(timeout=20)

    done = place.run(b"{}", hook_command("claude", lets_go=True))

    assert [one.communicate(timeout=20) for one in asking] == [(b"", b"")] * 2
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert list((place.hooks.parent / "answers").iterdir()) == []


@pytest.mark.parametrize("harm", ["no run directory", "a file in its place", "nothing set"])
def test_a_hook_that_cannot_wait_does_not(place: Place, harm: str) -> None:
    if harm == "no run directory":
        place.environment["ORCH_RUN_DIR"] = "/nonexistent/run"
    elif harm == "nothing set":
        place.environment = {"PATH": os.environ["PATH"]}
    else:
        (place.hooks.parent / "answers").touch()

    done = place.run(b'{"hook_event_name":"PermissionRequest"}', asking_hook_command("claude"))

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert {held_by(line) for line in place.lines()} <= {None}
    assert not Path("/answers").exists()


def test_of_a_line_that_was_cut_there_is_who_holds_it_as_well(place: Place) -> None:
    told = {"cwd": "/", "hook_event_name": "PermissionRequest", "tool_input": "x" * 2_000_000}
    asking = place.ask(json.dumps(told).encode())
    (line,) = place.lines()

    place.answer(str(held_by(line)), b"yes")

    heard = payload_of(line, "claude")
    assert asking.communicate(timeout=20)[0] == b"yes\n"
    assert heard is not None
    assert heard[1] == {"hook_event_name": "PermissionRequest"}

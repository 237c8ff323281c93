"""The program that hosts: what it does with an agent that works, dies, is deaf, floods it, or cannot be started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrd.core import launch
from orchestrd.hosting import place as place_of_hosts
from orchestrd.model.limits import HOST_END_KILL_S
from tests.acceptance.processes import until
from tests.hosting.integration.hosting import Hosted

RESIDENT_BYTES_MAX = 15_000_000
LARGE = 2_000_000

Host = Callable[..., Hosted]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    hosts: list[Hosted] = []

    def make(*argv: str, **settings: Any) -> Hosted:
        hosts.append(Hosted(tmp_path, *argv, **settings))
        return hosts[-1]

    yield make
    for one in hosts:
        one.close()


def test_it_gives_its_prompt_and_then_one_message_after_the_other(host: Host) -> None:
    hosted = host(prompt="hello\nthere")
    hosted.until("over")
    hosted.send("second")
    hosted.send("third")
    hosted.until("over", 3)

    assert [fact["prompt"] for fact in hosted.facts() if fact["edge"] == "turn"] == ["hello\nthere", "second", "third"]
    assert [fact["edge"] for fact in hosted.facts()] == ["turn", "over"] * 3
    assert list((hosted.place / "messages").iterdir()) == []
    assert hosted.log.startswith("> hello\n> there\n")
    assert hosted.is_nudged()


def test_without_a_prompt_it_says_that_it_waits(host: Host) -> None:
    hosted = host()

    hosted.until("ready")

    assert [fact["edge"] for fact in hosted.facts()] == ["ready"]


@pytest.mark.parametrize(
    ("deed", "code"), [("exit 0", 0), ("exit 3", 3), ("die 9", -9), ("die 15", -15), ("die 11", -11)]
)
def test_it_ends_as_its_agent_has_ended(host: Host, deed: str, code: int) -> None:
    hosted = host(prompt=deed)

    assert hosted.ended() == code


def test_an_agent_that_cannot_be_started_is_named(host: Host) -> None:
    hosted = host("frobnicate")

    assert hosted.ended() == 127
    assert hosted.log == "orchestrd: cannot host frobnicate: No such file or directory\n"


def test_a_decision_is_held_until_one_line_is_written(host: Host) -> None:
    hosted = host(prompt="ask touch sold")
    decision = hosted.until("asked")["decision"]
    fifo = hosted.place / "answers" / decision["id"]
    is_fifo = fifo.is_fifo()

    fifo.write_text("nonsense\n")
    fifo.write_text("allow\n")
    over = hosted.until("over")

    assert is_fifo
    assert not fifo.exists()
    assert over["text"].startswith('answered: {"behavior": "allow"')
    assert "! 'nonsense' is no answer to what is asked" in hosted.log


def test_a_decision_that_is_asked_no_more_leaves_no_fifo(host: Host) -> None:
    hosted = host(prompt="ask touch sold")
    decision = hosted.until("asked")["decision"]

    hosted.process.send_signal(signal.SIGINT)
    hosted.until("interrupted")

    assert not (hosted.place / "answers" / decision["id"]).exists()


def test_an_interrupt_ends_the_turn_and_nothing_else(host: Host) -> None:
    hosted = host(prompt="hang")
    hosted.until("turn")

    hosted.process.send_signal(signal.SIGINT)
    hosted.until("interrupted")
    hosted.send("hello")

    hosted.until("over")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_asked_to_end_it_ends_its_agent_by_the_end_of_its_input(host: Host, number: int) -> None:
    hosted = host(prompt="hang")
    hosted.until("turn")

    hosted.process.send_signal(number)

    assert hosted.ended(within_s=1.5) == 0  # before any other signal is due
    assert hosted.facts()[-1]["edge"] == "interrupted"


def test_an_agent_that_obeys_nothing_is_killed(host: Host) -> None:
    hosted = host(prompt="deaf")
    hosted.until("words")
    begun = time.monotonic()

    hosted.process.send_signal(signal.SIGTERM)

    assert hosted.ended(within_s=HOST_END_KILL_S + 3) == -signal.SIGKILL
    assert time.monotonic() - begun >= HOST_END_KILL_S - 0.5


def test_an_agent_that_says_nothing_any_more_is_not_kept(host: Host) -> None:
    hosted = host(prompt="mute")

    assert hosted.ended() == -signal.SIGTERM


def test_signals_that_mean_nothing_here_do_nothing(host: Host) -> None:
    hosted = host(prompt="hang")
    hosted.until("turn")

    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
        hosted.process.send_signal(number)
    hosted.process.send_signal(signal.SIGINT)

    hosted.until("interrupted")


def test_large_messages_go_through_whole_both_ways(host: Host) -> None:
    hosted = host(prompt=f"flood {LARGE}")
    hosted.until("over")

    hosted.send("length " + "ä" * LARGE + "end")
    told = hosted.until("over", 2)

    assert told["text"] == f"{LARGE + len('length end')} 'end'"
    assert f"… ({LARGE - 20_000} more characters)" in hosted.log
    assert "prompt" not in hosted.until("turn", 2)  # too long for a line that is read


def test_rubbish_is_shown_and_changes_nothing(host: Host) -> None:
    hosted = host(prompt="rubbish")

    hosted.until("over")

    assert "no json" in hosted.log


def test_what_is_typed_and_names_no_message_means_nothing(host: Host) -> None:
    hosted = host()
    hosted.until("ready")
    (hosted.place / "messages" / ("0" * 16)).symlink_to("/etc/passwd")

    os.write(hosted.stdin, b"\n\nhello\n../../secret\n" + b"0" * 16 + b"\n" + b"x" * 10_000 + b"\n")
    hosted.send("hello")
    hosted.until("over")

    assert [fact["prompt"] for fact in hosted.facts() if fact["edge"] == "turn"] == ["hello"]


def test_facts_that_cannot_be_written_are_written_later_and_in_order(host: Host) -> None:
    hosted = host()
    hosted.until("ready")
    hooks = hosted.place / "hooks.jsonl"
    hooks.rename(hosted.place / "kept")

    hosted.send("hello")
    until(lambda: "> hello" in hosted.log, "it goes on")
    (hosted.place / "kept").rename(hooks)

    hosted.until("over")
    assert [fact["edge"] for fact in hosted.facts()] == ["ready", "turn", "over"]


def test_it_names_a_conversation_only_once_that_is_kept(host: Host, tmp_path: Path) -> None:
    conversation = "11111111-1111-4111-8111-111111111111"
    hosted = host(prompt=f"named {conversation}")
    before = hosted.until("over")
    kept = tmp_path / ".claude" / "projects" / "-a" / f"{conversation}.jsonl"

    kept.parent.mkdir(parents=True)
    kept.touch()
    after = hosted.until("over", 2)

    assert "conversation" not in before
    assert after == {**before, "conversation": conversation}


def test_it_takes_little_and_imports_nothing_but_the_standard_library(host: Host) -> None:
    hosted = host(prompt="hello", is_measured=False)
    hosted.until("over")

    resident = int(Path(f"/proc/{hosted.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    root = str(Path(place_of_hosts.__file__).parents[2])
    script = f"import sys; sys.path.append({root!r}); import orchestrd.hosting.host; "
    tell = "print(*{name.partition('.')[0] for name in sys.modules})"
    told = subprocess.run([sys.executable, "-IS", "-c", script + tell], check=True, capture_output=True, text=True)

    assert resident < RESIDENT_BYTES_MAX
    assert set(told.stdout.split()) - sys.stdlib_module_names == {"__main__", "orchestrd"}


def test_both_sides_of_a_run_directory_speak_of_the_same_files() -> None:
    ours = (place_of_hosts.HOOKS, place_of_hosts.MESSAGES, place_of_hosts.ANSWERS)

    assert ours == (launch.HOOKS, launch.MESSAGES, launch.ANSWERS)

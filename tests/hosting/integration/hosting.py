"""A host as a process, and in place of its agent a script that does what its messages say.

It is started as a plain script, so that coverage can follow; how it is started else is for one test of its own.
"""

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from orchestrd.hosting.command import hosted
from orchestrd.model.limits import HOST_END_KILL_S
from tests.acceptance.processes import until

# Speaks the protocol of Claude Code as far as a host needs it: one message, one deed.
AGENT = r"""
import json, os, signal, sys, time

def say(**message):
    print(json.dumps(message), flush=True)

def turn(text, **result):
    say(type="result", is_error=False, result=text, **result)

say(type="system", subtype="session_state_changed", state="idle")
for line in sys.stdin:
    message = json.loads(line)
    if message["type"] == "control_request":
        say(type="control_response", response={"subtype": "success", "request_id": message["request_id"]})
        if message["request"]["subtype"] == "interrupt":
            turn("", terminal_reason="aborted_streaming")
            say(type="system", subtype="session_state_changed", state="idle")
        continue
    if message["type"] == "control_response":
        turn("answered: " + json.dumps(message["response"]["response"]))
        say(type="system", subtype="session_state_changed", state="idle")
        continue
    text = message["message"]["content"]
    say(type="system", subtype="session_state_changed", state="running")
    what, _, rest = text.partition(" ")
    if what == "exit":
        sys.exit(int(rest))
    elif what == "die":
        os.kill(os.getpid(), int(rest))
    elif what == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        say(type="assistant", message={"content": [{"type": "text", "text": "deaf"}]})
        while True:
            time.sleep(1)
    elif what == "hang":
        continue
    elif what == "mute":
        os.close(1)
        time.sleep(60)
    elif what == "ask":
        asked = {"subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": rest}}
        say(type="control_request", request_id="r1", request=asked)
        continue
    elif what == "flood":
        say(type="assistant", message={"content": [{"type": "text", "text": "x" * int(rest)}]})
    elif what == "length":
        text = "%d %r" % (len(text), text[-3:])
    elif what == "named":
        say(type="assistant", message={"content": []}, session_id=rest)
    elif what == "rubbish":
        os.write(1, b"\xff\xfe no json\n[1]\nnull\n{\n")
    turn(text)
    say(type="system", subtype="session_state_changed", state="idle")
"""


class Hosted:
    """One host, with the run directory that a daemon would have made, and no daemon."""

    def __init__(self, place: Path, *argv: str, prompt: str | None = None, is_measured: bool = True) -> None:
        self.place = place / "run"
        self.place.mkdir()
        (self.place / "hooks.jsonl").touch()
        (place / "home" / "run").mkdir(parents=True)
        os.mkfifo(place / "home" / "run" / "nudge")
        os.mkfifo(self.place / "stdin")
        self.ear = os.open(place / "home" / "run" / "nudge", os.O_RDONLY | os.O_NONBLOCK)
        self.stdin = os.open(self.place / "stdin", os.O_RDWR)
        if prompt is not None:
            (place / "prompt").write_text(prompt)
        command = hosted(
            "claude",
            argv or (sys.executable, "-IS", "-c", AGENT),
            prompt_path=None if prompt is None else str(place / "prompt"),
        )
        measured = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE")}
        run = {"ORCH_RUN_DIR": str(self.place), "ORCH_HOME": str(place / "home"), "ORCH_SESSION": "aaaaaaaa"}
        with (place / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [*command[:1], "-P" if is_measured else command[1], *command[2:]],
                stdin=self.stdin,
                stdout=log,
                stderr=log,
                env={"PATH": os.environ["PATH"], "HOME": str(place), **run, **measured},
                start_new_session=True,
            )
        self._log = place / "log"

    def close(self) -> None:
        """End what is left, and let go of what is held."""
        self.process.terminate()
        try:
            self.process.wait(HOST_END_KILL_S + 5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for descriptor in (self.stdin, self.ear):
            os.close(descriptor)

    def send(self, text: str) -> None:
        """Leave a message, and type its name."""
        until((self.place / "messages").exists, "the host has made the place for messages")
        name = os.urandom(8).hex()
        (self.place / "messages" / name).write_text(text)
        os.write(self.stdin, name.encode() + b"\n")

    def facts(self) -> list[dict[str, Any]]:
        return [json.loads(line)["host"] for line in (self.place / "hooks.jsonl").read_bytes().splitlines()]

    def until(self, edge: str, times: int = 1) -> dict[str, Any]:
        """Wait until an edge was told so many times; gives the last one."""

        def told() -> list[dict[str, Any]]:
            return [fact for fact in self.facts() if fact["edge"] == edge]

        until(lambda: len(told()) >= times or self.process.poll() is not None, f"{edge} is told")
        assert len(told()) >= times, (edge, self.facts(), self.log)
        return told()[times - 1]

    def ended(self, within_s: float = 10.0) -> int:
        """Wait for its end; gives the exit code, or the signal as a negative number."""
        return self.process.wait(within_s)

    def is_nudged(self) -> bool:
        return bool(select.select([self.ear], [], [], 5.0)[0]) and os.read(self.ear, 4_096).endswith(b"aaaaaaaa\n")

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def children(self) -> list[int]:
        return [
            int(pid) for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        ]

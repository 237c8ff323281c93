"""Records what the real agents say to a host: `python -m tests.hosting.record claude`, and the same for codex.

A talk of ours is held with the real program, on a model that does what the scene says. Written down is what the program
said, and at which point the host did what. What is of one machine, or long and told nowhere, is left out.
"""

import json
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.agents.installed import program
from benchmarks.truth.users import User, settle
from orchestrd.hosting.claude import STATES, ClaudeTalk
from orchestrd.hosting.codex import CodexTalk
from orchestrd.hosting.talk import Talk
from orchestrd.testing.model import Answer, Ask, Refusal, Run, StandIn

RECORDED = Path(__file__).parent / "recorded"
PATIENCE_S = 10.0
HELD = Answer(hold_s=float("inf"))
LEFT_OUT = frozenset(
    {
        *("commands", "tools", "agents", "skills", "plugins", "slash_commands", "memory_paths", "mcp_servers"),
        *("models", "available_output_styles", "account", "pid"),
        *("environments", "gitInfo", "runtimeWorkspaceRoots", "instructionSources"),
    }
)

Scene = Sequence[tuple[str, Any]]
TURNS: Scene = (
    ("send", "hello"),
    ("until", "over"),
    ("script", Run(command="touch sold")),
    ("send", "sell one"),
    ("until", "asked"),
    ("answer", "allow"),
    ("until", "over"),
    ("script", Run(command="touch sold2")),
    ("send", "sell another"),
    ("until", "asked"),
    ("answer", "deny"),
    ("until", "over"),
    ("script", Run(command="touch sold3")),
    ("send", "and a third"),
    ("until", "asked"),
    ("interrupt", None),
    ("until", "interrupted"),
    ("script", HELD),
    ("send", "think"),
    ("until", "turn"),
    ("wait", 0.3),  # until it says its first words
    ("interrupt", None),
    ("until", "interrupted"),
    ("script", Refusal(why="bad_request")),
    ("send", "is this wrong?"),
    ("until", "failed"),
    ("script", Refusal(why="usage_limit")),
    ("send", "how much is left?"),
    ("until", "limited"),
)
SCENES: dict[str, Scene] = {
    "claude": (
        *TURNS,
        ("script", Refusal(why="rate_limit")),
        ("send", "try again"),
        ("until", "over"),
        ("script", Ask(question="Which fruit?", choices=("Apples", "Pears"))),
        ("send", "ask me"),
        ("until", "asked"),
        ("answer", "2"),
        ("until", "over"),
        ("script", Run(command="touch sold4")),
        ("send", "sell without asking again"),
        ("until", "asked"),
        ("answer", "always"),
        ("until", "over"),
        ("send", "/clear"),
        ("until", "over"),
    ),
    "codex": TURNS,
}


class Recorder:
    """One process of an agent, and the talk with it."""

    def __init__(self, agent: str, place: Path, model: StandIn) -> None:
        talks: dict[str, Talk] = {
            "claude": ClaudeTalk("host", environment={}),
            "codex": CodexTalk("host", directory=str(place / "shop")),
        }
        self._talk = talks[agent]
        self._model = model
        self._place = place
        self._edges: list[str] = []
        self._lines: queue.Queue[bytes] = queue.Queue()
        self.written: list[str] = []
        (place / "shop").mkdir()
        user = User(home=place / "home", repository=place / "shop", url=model.url, wishes={})
        self._process = subprocess.Popen(
            [program(agent), *COMMANDS[agent]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=place / "shop",
            env={**settle(agent, user).environment, STATES: "1"},
        )
        threading.Thread(target=self._read, daemon=True).start()

    def play(self, scene: Scene) -> None:
        """Play a scene to its end."""
        self._talk.begin()
        self._act()
        self._until("ready")
        for what, given in scene:
            match what:
                case "script":
                    self._model.script(given)
                case "until":
                    self._until(given)
                case "wait":
                    time.sleep(given)
                case _:
                    self._do(what, given)
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE_S)

    def _do(self, what: str, given: str | None) -> None:
        self.written.append(f"! {what} {given or ''}".rstrip())
        getattr(self._talk, what)(*([] if given is None else [given]))
        self._act()

    def _until(self, edge: str) -> None:
        self._edges.clear() if edge != "ready" else None
        deadline = time.monotonic() + PATIENCE_S
        while edge not in self._edges:
            line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            self.written.append(f"< {self._shortened(line)}")
            self._talk.hear(line)
            self._act()

    def _act(self) -> None:
        assert self._process.stdin is not None
        for message in self._talk.outbox.messages:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()
        self._edges += [fact["edge"] for fact in self._talk.outbox.facts]
        self._talk.outbox.clear()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def _shortened(self, line: bytes) -> str:
        told = json.dumps(_without(json.loads(line)), ensure_ascii=False)
        return re.sub(re.escape(os.path.realpath(self._place)), "/home/one", told)


COMMANDS = {
    "claude": (
        *("-p", "--verbose", "--input-format", "stream-json", "--output-format", "stream-json"),
        *("--permission-prompt-tool", "stdio"),
    ),
    "codex": ("app-server",),
}


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without(inner) for name, inner in value.items() if name not in LEFT_OUT}
    return [_without(inner) for inner in value] if isinstance(value, list) else value


def main(agent: str) -> None:
    """Record one agent anew."""
    with tempfile.TemporaryDirectory() as place, StandIn() as model:
        recorder = Recorder(agent, Path(place), model)
        try:
            recorder.play(SCENES[agent])
        except queue.Empty:
            raise SystemExit("nothing more came behind:\n" + "\n".join(recorder.written[-12:])) from None
    (RECORDED / f"{agent}.txt").write_text("\n".join(recorder.written) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])

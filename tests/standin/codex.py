"""Records what the real Codex shows and writes down in each scene, for the tests of its adapter, by version.

    python -m tests.standin.codex [SCENE ...]

It is launched as the adapter launches it, below the process of a terminal as the daemon has it started. Nothing of the
machine gets into a sample: the place of a scene becomes `/`, so that the home is `/home/user`.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.agents.installed import program, version_of
from benchmarks.truth.users import User, settle
from orchestrd.agents.codex import CodexAgent
from orchestrd.model.ids import SessionId
from orchestrd.model.run import LaunchContext
from orchestrd.model.session import Spec, Workspace
from orchestrd.runtimes import terminal
from orchestrd.testing.model import Answer, Ask, Cut, Refusal, Run, StandIn
from orchestrd.testing.model.moves import UNTIL_RELEASED
from tests.acceptance.processes import bearing, end, until
from tests.standin.record import _shortened
from tests.standin.terminal import Terminal

CODEX = program("codex")
AGENTS = Path(__file__).resolve().parents[1] / "agents"
SIZES = {"": (120, 40), ".small": (80, 24)}
# What it tells the model of itself and of the machine, which is long and no news.
OF_THE_PROGRAM = re.compile(
    r'"type":"(?:world_state|turn_context|thread_settings_applied)"|"role":"(?:developer|user)"'
)
STILL = 20  # looks
PROMPT = "Count the apples"
HELD = Answer(text="There are three.", hold_s=UNTIL_RELEASED, is_silent=True)
QUOTE = """It would look like this:

Would you like to run the following command?

$ touch sold

1. Yes, proceed (y)
2. No, and tell Codex what to do differently (esc)

Press enter to confirm or esc to cancel"""


class CodexStage:
    """A home, a repository, a stand-in model and a terminal; `begin` starts Codex."""

    def __init__(self, place: Path, columns: int, rows: int) -> None:
        self.place = place
        self.model = StandIn()
        self.home, self.repository = place / "home" / "user", place / "home" / "user" / "shop"
        self.repository.mkdir(parents=True)
        subprocess.run(["git", "init", "-q", str(self.repository)], check=True)
        user = User(home=self.home, repository=place / "elsewhere", url=self.model.url, wishes={})
        self.environment = dict(settle("codex", user).environment)
        self.run_directory = place / "run"
        self.run_directory.mkdir()
        self.hooks = self.run_directory / "hooks.jsonl"
        self.hooks.touch()
        self.terminal = Terminal(place, columns, rows)

    def launch(self, prompt: str | None = PROMPT, *words: str, conversation: str | None = None) -> None:
        """Start it as the adapter does."""
        spec = Spec(
            name="one",
            project=str(self.repository),
            agent="codex",
            runtime="tmux",
            argv=words,
            workspace=Workspace(kind="none", path=str(self.repository)),
            nonce="n",
        )
        context = LaunchContext(
            session=SessionId("k3v9d2mq"),
            generation=1,
            run_directory=str(self.run_directory),
            prompt_path=None,
            prompt=prompt,
            conversation=conversation,
        )
        self.begin(*CodexAgent().launch(spec, context).argv[1:])

    def begin(self, *words: str) -> None:
        """Start it with these arguments."""
        secrets = self.place / "secrets"
        secrets.write_bytes(b"\0".join(f"{name}={value}".encode() for name, value in self.environment.items()))
        told = {"ORCH_HOME": self.place, "ORCH_SESSION": "k3v9d2mq", "ORCH_RUN_DIR": self.run_directory}
        pairs = [f"{name}={value}" for name, value in told.items()]
        fields = ["k3v9d2mq:1:n", str(self.repository), str(self.place / "log"), str(secrets), str(len(pairs)), *pairs]
        (self.run_directory / "order").write_bytes("\0".join([*fields, str(CODEX), *words]).encode())
        launcher = [sys.executable, "-IS", terminal.__file__, str(self.run_directory)]
        self.terminal.run(
            launcher, self.repository, {"PATH": os.environ["PATH"], "TERM": "tmux-256color", "LANG": "C.UTF-8"}
        )

    def press(self, *keys: str) -> None:
        self.terminal.tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        """Paste a text."""
        self.terminal.tmux("load-buffer", "-", ";", "paste-buffer", "-p", "-d", stdin=text.encode())

    def until_shown(self, pattern: str) -> None:
        until(lambda: re.search(pattern, self.terminal.screen(), re.MULTILINE) is not None, f"it shows {pattern}")

    def until_told(self, state: str) -> None:
        """Wait until its last word to the terminal is this one, and the screen stands still."""
        until(lambda: self._states()[-1:] == [state], f"it tells {state}")
        self.settle()

    def settle(self) -> None:
        """Wait until it has shown the same for a while, but for what turns."""
        shown: list[str] = []

        def stands_still() -> bool:
            shown.append(re.sub(r"\d+s|[\u2800-\u28ff]", "", self.terminal.screen()))
            return len(shown) > STILL and len(set(shown[-STILL:])) == 1

        until(stands_still, "the screen stands still")

    def rollout(self) -> Path | None:
        return max(self.home.glob(".codex/sessions/*/*/*/rollout-*.jsonl"), default=None)

    def _states(self) -> list[str]:
        return re.findall(r'"state=(\w+)', self.hooks.read_text())

    def _is_ours(self, environment: dict[str, str]) -> bool:
        return environment.get("HOME") == str(self.home)

    def close(self) -> None:
        """End all that runs here."""
        self.terminal.close()
        self.model.close()
        for process in list(bearing(self._is_ours)):
            end(process, self._is_ours)


@contextmanager
def staged(columns: int = 120, rows: int = 40) -> Iterator[CodexStage]:
    """Make a stage, and take it away."""
    with tempfile.TemporaryDirectory(prefix="codex-", dir="/tmp", ignore_cleanup_errors=True) as place:
        stage = CodexStage(Path(place), columns, rows)
        try:
            yield stage
        finally:
            stage.close()


# ---- scenes ----------------------------------------------------------------------------------------------------------


def _idle(stage: CodexStage) -> None:
    stage.launch(None)
    stage.until_told("idle")
    stage.until_shown("Ask Codex")


def _working(stage: CodexStage) -> None:
    stage.model.script(HELD)
    stage.launch()
    stage.model.wait_until("working")
    stage.until_shown("Working")
    stage.settle()


def _turn_over(stage: CodexStage, *moves: Answer) -> None:
    stage.model.script(*moves)
    stage.launch()
    stage.until_shown("Worked for")
    stage.settle()


def _asked(stage: CodexStage) -> None:
    stage.model.script(Run(command="touch sold"))
    stage.launch()
    stage.until_told("blocked")


def _permitted(stage: CodexStage) -> None:
    _asked(stage)
    stage.press("1")
    stage.until_shown("Worked for")
    stage.settle()


def _denied(stage: CodexStage) -> None:
    _asked(stage)
    stage.press("Escape")
    stage.until_told("idle")


def _interrupted(stage: CodexStage) -> None:
    _working(stage)
    stage.press("Escape")
    stage.until_told("idle")


def _question(stage: CodexStage) -> None:
    stage.model.script(Ask(question="Which fruit?", choices=("Apples", "Pears")))
    stage.launch(PROMPT, "-c", "features.default_mode_request_user_input=true")
    stage.until_told("blocked")


def _limited(stage: CodexStage) -> None:
    stage.model.script(Refusal(why="usage_limit"))
    stage.launch()
    stage.until_told("error")


def _refused(stage: CodexStage) -> None:
    stage.model.script(Refusal(why="bad_request"))
    stage.launch()
    stage.until_told("error")


def _retrying(stage: CodexStage) -> None:
    stage.model.script(*[Cut()] * 40)
    stage.launch()
    stage.until_shown("Reconnecting")


def _draft(stage: CodexStage, text: str = "and what about the pears?") -> None:
    _turn_over(stage)
    stage.type(text)
    stage.settle()


def _typed(stage: CodexStage, text: str) -> None:
    _turn_over(stage)
    for letter in text:
        stage.press("-l", letter)
    stage.settle()


def _panel(stage: CodexStage, command: str) -> None:
    _typed(stage, command)
    stage.press("Enter")
    stage.settle()


def _busy_draft(stage: CodexStage) -> None:
    _working(stage)
    stage.type("and the pears")
    stage.settle()


def _quoted_working(stage: CodexStage) -> None:
    stage.model.script(Answer(text=QUOTE + "\n\nesc to cancel"), HELD)
    stage.launch()
    stage.until_shown("Worked for")
    stage.type("Count the pears")
    stage.settle()
    stage.press("Enter")
    stage.until_told("working")


def _trust(stage: CodexStage) -> None:
    stage.begin("--no-daemon")
    stage.until_shown("Trust this folder")
    stage.settle()


def _login(stage: CodexStage) -> None:
    (stage.home / ".codex" / "config.toml").write_text("check_for_update_on_startup = false\n")
    del stage.environment["OPENAI_API_KEY"]
    stage.begin("--no-daemon")
    stage.until_shown("Sign in")
    stage.settle()


def _hooks_review(stage: CodexStage) -> None:
    with (stage.home / ".codex" / "config.toml").open("a") as file:
        file.write('\n[[hooks.Stop]]\nhooks = [{ type = "command", command = "true" }]\n')
    stage.launch(None)
    stage.until_shown("Hooks need review")
    stage.settle()


def _left(stage: CodexStage) -> None:
    _turn_over(stage)
    stage.press("C-c")
    until(lambda: '"state=clear' in stage.hooks.read_text(), "it has left")


def _begun_elsewhere(stage: CodexStage) -> None:
    _left(stage)
    found = stage.rollout()
    assert found is not None
    stage.terminal.close()
    other = stage.place / "home" / "user" / "market"
    other.mkdir()
    (stage.run_directory / "claim").unlink()
    stage.repository = other
    stage.begin("resume", "--no-daemon", found.stem[-36:])
    stage.until_shown("Working directory|Trust")
    stage.settle()


Scene = Callable[[CodexStage], None]
SCENES: dict[str, Scene] = {
    "idle": _idle,
    "working": _working,
    "turn_over": _turn_over,
    "command": _asked,
    "permitted": _permitted,
    "denied": _denied,
    "interrupted": _interrupted,
    "question": _question,
    "limited": _limited,
    "refused": _refused,
    "retrying": _retrying,
    "draft": _draft,
    "draft_of_lines": lambda stage: _draft(stage, "and what about\n\nthe pears?"),
    "draft_pasted": lambda stage: _draft(stage, "pears " * 500),
    "shell_mode": lambda stage: _typed(stage, "!"),
    "mention": lambda stage: _typed(stage, "see @sh"),
    "commands": lambda stage: _typed(stage, "/"),
    "model": lambda stage: _panel(stage, "/model"),
    "permissions": lambda stage: _panel(stage, "/permissions"),
    "title": lambda stage: _panel(stage, "/title"),
    "shortcuts": lambda stage: _typed(stage, "?"),
    "quoted": lambda stage: _turn_over(stage, Answer(text=QUOTE)),
    "quoted_while_working": _quoted_working,
    "busy_draft": _busy_draft,
    "trust": _trust,
    "login": _login,
    "hooks_review": _hooks_review,
    "begun_elsewhere": _begun_elsewhere,
    "left": _left,
}


# ---- writing down ----------------------------------------------------------------------------------------------------


def record(name: str, version: str) -> None:
    """Play a scene in a wide and in a narrow terminal, and write down what is seen."""
    screens, folder = AGENTS / "screens" / "codex" / version, AGENTS / "codex_samples" / version / name
    for suffix, (columns, rows) in SIZES.items():
        with staged(columns, rows) as stage:
            SCENES[name](stage)
            screens.mkdir(parents=True, exist_ok=True)
            (screens / f"{name}{suffix}.txt").write_text(_neutral(stage, stage.terminal.screen()))
            if not suffix:
                _write(stage, folder)


def _write(stage: CodexStage, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "styled.txt").write_text(_neutral(stage, stage.terminal.styled_screen()))
    (folder / "title").write_text(_neutral(stage, stage.terminal.title().decode()))
    rollout = stage.rollout()
    for name, path in (("hooks.jsonl", stage.hooks), ("transcript.jsonl", rollout)):
        lines = [] if path is None else _neutral(stage, path.read_text()).splitlines()
        lines = [line for line in lines if not OF_THE_PROGRAM.search(line)]
        (folder / name).write_bytes(b"".join(_shortened(line.encode()) for line in lines))


def _neutral(stage: CodexStage, text: str) -> str:
    address = stage.model.url.removeprefix("http://")
    return text.replace(str(stage.place), "").replace(address, "127.0.0.1:8000").replace(os.uname().nodename, "host")


if __name__ == "__main__":
    for scene in sys.argv[1:] or SCENES:
        print(scene, flush=True)  # noqa: T201 - a command
        try:
            record(scene, version_of(CODEX))
        except (AssertionError, TimeoutError) as error:
            print(json.dumps(str(error)[:2_000]))  # noqa: T201

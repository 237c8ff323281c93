"""Scenario files: what a model does, what a person does meanwhile, and what is then so.

    title = "A command that needs permission"
    agents = ["claude", "codex"]   # that this can be done with; all when left out

    [[step]]
    person = "send"                # what a person does: see `Person`
    text = "Count the apples"

    [[step]]
    model = "run"                  # what the model does with one request: see orchestrd/testing/model/moves.py
    command = "touch counted"

    [[step]]
    truth = "blocked"              # wait until this is so, and the model has made its moves so far

Steps stand in the order in which they happen. The model's are known to it from the beginning: each request of the
agent's work takes the next one, and when none is left it says "Done.". The others are for whoever drives the agent.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
from msgspec import Struct

from orchestrd.model.errors import UsageError
from orchestrd.model.limits import STANDIN_SCENARIO_BYTES_MAX, STANDIN_STEPS_MAX
from orchestrd.testing.model.moves import Move, Truth

Act = Literal[
    "send",  # `text` through the daemon; `receipt` is what it must say of it, where that is known
    "type",  # `text` into the terminal, without Enter
    "paste",  # `text` into the terminal, bracketed
    "keys",  # `keys` of tmux
    "answer",  # the decision that is asked for, at the terminal, by its `choice`: allow, deny, dismiss or choose
    "decide",  # the same from afar, through the daemon; `choice` is allow or deny
    "interrupt",  # the turn, as a person does in this agent
    "clear",  # what stands in the box in which one types
    "resize",  # the terminal to `columns` and `rows`
    "scroll",  # back into what was shown before, ...
    "unscroll",  # ... and to the end again
    "wait",  # `seconds`
    "agree",  # nothing, until what the daemon says is the truth; whoever measures how late it is does not wait for it
    "release",  # what the model holds
    "kill",  # the agent, with SIGKILL
    "leave",  # the agent, as its user does, to the shell around it
    "lose_hook",  # take what hooks have written, and will write, away from the daemon, ...
    "find_hook",  # ... and give it back
    "restart_daemon",  # with SIGKILL
    "revive",  # the session
]


class Person(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done from outside, and what has become so by it where no model can know: `makes`."""

    person: Act
    text: str = ""
    keys: tuple[str, ...] = ()
    choice: str = ""
    receipt: str = ""
    columns: int = 0
    rows: int = 0
    seconds: float = 0.0
    makes: Truth | None = None


class Await(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Wait until this is the truth, after all moves of the model that stand before it, for so long at most."""

    truth: Truth
    within_s: float = 30.0


Step = Move | Person | Await


class Scenario(Struct, frozen=True, kw_only=True):
    """One story of one agent; `settings` are for whoever sets the stage: `columns`, `status_line` and the like.

    `not_for` says of an agent why this cannot be played with it, for whoever asks what was left out.
    """

    name: str
    title: str
    steps: tuple[Step, ...]
    agents: tuple[str, ...] = ()
    not_for: Mapping[str, str] = {}
    settings: Mapping[str, str | int | float | bool] = {}

    @property
    def moves(self) -> list[Move]:
        """What the model does, in order."""
        return [step for step in self.steps if not isinstance(step, Person | Await)]

    def moves_before(self, index: int) -> int:
        """Count the moves that the model has made before a step."""
        return sum(not isinstance(step, Person | Await) for step in self.steps[:index])

    def is_for(self, agent: str) -> bool:
        """Tell whether it can be played with an agent."""
        return agent not in self.not_for and (not self.agents or agent in self.agents)


class _Head(Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    agents: tuple[str, ...] = ()
    not_for: Mapping[str, str] = {}
    settings: Mapping[str, str | int | float | bool] = {}


def read_scenario(path: Path) -> Scenario:
    """Read a scenario file. Raises UsageError, which names the file and the step."""
    try:
        return _scenario(path.stem, tomllib.loads(_text(path)))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        hint = "compare it with orchestrd/testing/scenarios/permission_accepted.toml"
        raise UsageError(f"the scenario {path} cannot be read: {error}", hint=hint) from error


def scenarios_in(directory: Path) -> list[Scenario]:
    """Read all scenarios of a directory, by name. Raises UsageError where there is none."""
    found = [read_scenario(path) for path in sorted(directory.glob("*.toml"))]
    if not found:
        raise UsageError(f"there is no scenario in {directory}", hint="its files end in .toml")
    return found


def shipped_scenarios() -> Path:
    """Give where the scenarios are that come with orchestrd."""
    return Path(__file__).parent.parent / "scenarios"


def _text(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(STANDIN_SCENARIO_BYTES_MAX + 1)
    if len(content) > STANDIN_SCENARIO_BYTES_MAX:
        raise msgspec.ValidationError(f"it is longer than {STANDIN_SCENARIO_BYTES_MAX:,} bytes")
    return content.decode()


def _scenario(name: str, told: dict[str, Any]) -> Scenario:
    steps = told.pop("step", [])
    if not 0 < len(steps) <= STANDIN_STEPS_MAX:
        raise msgspec.ValidationError(f"it has {len(steps)} steps: 1 to {STANDIN_STEPS_MAX} are possible")
    head = msgspec.convert(told, _Head)
    return Scenario(
        name=name,
        title=head.title,
        agents=head.agents,
        not_for=head.not_for,
        settings=head.settings,
        steps=tuple(_steps(steps)),
    )


def _steps(told: list[dict[str, Any]]) -> Iterator[Step]:
    for number, step in enumerate(told, 1):
        try:
            yield _step(step)
        except msgspec.ValidationError as error:
            raise msgspec.ValidationError(f"step {number}: {error}") from error


def _step(told: dict[str, Any]) -> Step:
    if "model" in told:
        move: Move = msgspec.convert(told, Move)
        return move
    if "person" in told:
        return msgspec.convert(told, Person)
    if "truth" in told:
        return msgspec.convert(told, Await)
    raise msgspec.ValidationError(f"it says neither model nor person nor truth (one of {', '.join(get_args(Truth))})")

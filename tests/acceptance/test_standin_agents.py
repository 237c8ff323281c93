"""Each real agent asks the stand-in model in its own API: it uses the tool that is meant, and says what is answered."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks.agents.installed import program
from benchmarks.truth.users import User, settle
from orchestrd.testing.model import Answer, Delegate, Edit, Move, Read, Run, StandIn
from tests.standin.claude import make_repository, needs

PATIENCE_S = 60.0
QUESTION = "What do we sell?"
SOLD = "We sell apples."
ONCE: Mapping[str, tuple[str, ...]] = {  # the arguments with which each answers one question and ends
    "claude": ("-p", QUESTION, "--allowed-tools", "Bash"),
    "codex": ("exec", "--skip-git-repo-check", QUESTION),
    "opencode": ("run", QUESTION),
    "gemini": ("-p", QUESTION),
    "aider": ("--edit-format", "diff", "--yes-always", "--message", QUESTION),
}
RUN = Run(command="echo apples > sold", asks=False)
READ = Read(path="README.md")
PART = Delegate(prompt="How many apples are there?", result="Three.")
EDIT = Edit(path="README.md", old="# The shop", new="# The market", asks=False)
# What each may do where nobody can be asked; and what is then there, or was told to the model.
DONE: Mapping[str, tuple[tuple[Move, ...], str]] = {
    "claude": ((RUN, READ, PART), "sold"),
    "codex": ((RUN, READ, PART), "sold"),
    "opencode": ((READ, PART), ""),
    "gemini": ((READ,), ""),
    "aider": ((), ""),
}


@pytest.mark.parametrize("agent", [pytest.param(agent, marks=needs(agent)) for agent in ONCE])
def test_a_real_agent_does_what_the_model_says_and_the_model_knows_when_it_is_done(agent: str, tmp_path: Path) -> None:
    moves, made = DONE[agent]
    repository = make_repository(tmp_path / "home" / "shop")
    with StandIn() as model:
        model.script(*moves, Answer(text=SOLD))
        settled = settle(agent, User(home=tmp_path / "home", repository=repository, url=model.url, wishes={}))

        told = subprocess.run(
            [program(agent), *ONCE[agent], *settled.arguments],
            cwd=repository,
            env=dict(settled.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )

        assert SOLD in told.stdout, (told, model.edges)
        assert [edge.truth for edge in model.edges] == ["waiting", "working", "waiting"]
        assert "The shop" in str(list(model.requests)) or not moves
        assert (repository / made).exists()


@needs("aider")
def test_an_agent_without_tools_takes_an_edit_from_the_text(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "home" / "shop")
    with StandIn() as model:
        model.script(EDIT)
        settled = settle("aider", User(home=tmp_path / "home", repository=repository, url=model.url, wishes={}))

        subprocess.run(
            [program("aider"), *ONCE["aider"], "README.md"],
            cwd=repository,
            env=dict(settled.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=PATIENCE_S,
        )

        assert model.truth == "waiting"
    assert (repository / "README.md").read_text() == "# The market\n"

"""A workspace that has to be made has a time of its own, before that of a start."""

import pytest
from msgspec.structs import replace

from orchestrd.model.command import Admitted, Launched, Placed, Restarted, Spawn
from orchestrd.model.instant import DueName
from orchestrd.model.limits import START_DEADLINE_S, WORKSPACE_S
from orchestrd.model.session import Workspace
from tests.core.interpreter import SESSION, Interpreter, spec

NONE = Workspace(kind="none", path="/project")
WORKTREE = Workspace(kind="worktree", path=f"/w/shop/{SESSION}", branch=f"orch/{SESSION}", base="main")


def starting(workspace: Workspace) -> Interpreter:
    life = Interpreter()
    life.give(Spawn(session=SESSION, spec=replace(spec(), workspace=workspace)))
    life.give(Placed())
    life.give(Admitted())
    return life


def left_s(life: Interpreter) -> float:
    (due,) = (due for due in life.record.dues if due.name is DueName.START)
    return (due.at - life.now.at).total_seconds()


def launched(life: Interpreter) -> None:
    (effect,) = life.record.effects
    life.give(Launched(effect=effect.id, generation=1, handle="h"))


@pytest.mark.parametrize(("workspace", "limit_s"), [(NONE, 0.0), (WORKTREE, WORKSPACE_S)])
def test_a_launch_has_the_time_that_its_workspace_takes_and_that_of_a_start(
    workspace: Workspace, limit_s: float
) -> None:
    assert left_s(starting(workspace)) == limit_s + START_DEADLINE_S


def test_once_a_session_is_launched_only_the_time_of_a_start_is_left() -> None:
    plain, worktree = starting(NONE), starting(WORKTREE)
    for life in (plain, worktree):
        life.wait(10.0)
        launched(life)

    assert left_s(plain) == START_DEADLINE_S - 10.0
    assert left_s(worktree) == START_DEADLINE_S


def test_a_daemon_that_starts_anew_gives_both_again_as_far_as_they_are_still_to_come() -> None:
    to_be_made, made = starting(WORKTREE), starting(WORKTREE)
    launched(made)
    for life in (to_be_made, made):
        life.wait(20.0)
        life.give(Restarted())

    assert left_s(to_be_made) == WORKSPACE_S + START_DEADLINE_S
    assert left_s(made) == START_DEADLINE_S

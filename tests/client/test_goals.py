"""What is asked to end a session, and what is configured, made into one goal and its command."""

import pytest

from orchestrd.client.goals import GoalWish
from orchestrd.client.requests import WorkspaceWish, spawn_request
from orchestrd.model.errors import UsageError
from orchestrd.model.settings import SpawnSettings
from orchestrd.model.words import Until

EXIT, TURN, PR_OPEN, VERIFY = Until.EXIT, Until.TURN, Until.PR_OPEN, Until.VERIFY


@pytest.mark.parametrize(
    ("until", "verify", "usual", "goal"),
    [
        (None, None, {}, (EXIT, None)),
        (None, None, {"until": TURN}, (TURN, None)),
        (None, "make", {}, (VERIFY, "make")),
        (None, "make", {"until": TURN, "verify": "true"}, (VERIFY, "make")),
        (None, None, {"until": VERIFY, "verify": "true"}, (VERIFY, "true")),
        (VERIFY, None, {"verify": "true"}, (VERIFY, "true")),
        (VERIFY, "make", {"verify": "true"}, (VERIFY, "make")),
        (PR_OPEN, "make", {}, (PR_OPEN, "make")),
        (PR_OPEN, None, {"verify": "true"}, (PR_OPEN, None)),
        (None, None, {"verify": "true"}, (EXIT, None)),
    ],
)
def test_a_command_alone_means_that_it_verifies_and_a_configured_one_serves_that_goal_only(
    until: Until | None, verify: str | None, usual: dict[str, object], goal: tuple[Until, str | None]
) -> None:
    settled = GoalWish(until=until, verify=verify).settled(SpawnSettings(**usual))  # type: ignore[arg-type] # of its own fields

    assert (settled.until, settled.verify) == goal


@pytest.mark.parametrize("usual", [SpawnSettings(), SpawnSettings(until=VERIFY)])
def test_a_verification_without_a_command_is_refused_with_what_to_add(usual: SpawnSettings) -> None:
    with pytest.raises(UsageError) as refused:
        GoalWish(until=None if usual.until is VERIFY else VERIFY).settled(usual)

    assert refused.value.code == "no_command"
    assert "--verify" in refused.value.hint


def test_an_empty_command_verifies_nothing() -> None:
    with pytest.raises(UsageError):
        GoalWish(verify="").settled(SpawnSettings())


def test_a_pull_request_needs_a_branch_so_its_session_gets_a_worktree_or_is_refused() -> None:
    with pytest.raises(UsageError, match="needs a branch of its own"):
        spawn_request(argv=("true",), goal=GoalWish(until=PR_OPEN), workspace=WorkspaceWish(kind="none"), directory="/")

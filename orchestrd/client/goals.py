"""What is asked to end a session, made into its goal and the command that verifies it."""

from orchestrd.model.errors import UsageError
from orchestrd.model.settings import SpawnSettings
from orchestrd.model.words import Until

NEEDS_BRANCH = frozenset({Until.PR_OPEN, Until.PR_MERGED})  # a pull request is opened from a branch of one's own


def goal_of(until: Until | None, verify: str | None, usual: SpawnSettings) -> tuple[Until, str | None]:
    """Give the goal and its command: a command alone means `verify`, whatever is configured.

    A command that is configured serves the goal `verify`, and no other. Raises UsageError (`no_command`) where that
    goal has none.
    """
    goal = until or (Until.VERIFY if verify is not None else usual.until)
    command = usual.verify if verify is None and goal is Until.VERIFY else verify
    if goal is Until.VERIFY and not command:
        raise UsageError(
            "the goal verify needs a command that tells by its exit code whether the work is done",
            code="no_command",
            hint="orch spawn --verify 'make test' PROMPT, or for every session: orch config edit",
        )
    return goal, command

"""What is asked to end a session, made into its goal and the command that verifies it."""

from msgspec import Struct

from orchestrd.model.errors import UsageError
from orchestrd.model.settings import SpawnSettings
from orchestrd.model.words import OF_PULL_REQUEST, Until


class Goal(Struct, frozen=True, kw_only=True):
    """The fields of a `Spec` that say what ends it, completed."""

    until: Until = Until.EXIT
    verify: str | None = None

    @property
    def needs_branch(self) -> bool:
        """Tell whether it is about a pull request: that is opened from a branch of one's own."""
        return self.until in OF_PULL_REQUEST


class GoalWish(Struct, frozen=True, kw_only=True):
    """What is to end a session, completed; a command alone means the goal `verify`. Unsaid: as configured."""

    until: Until | None = None
    verify: str | None = None

    def settled(self, usual: SpawnSettings) -> Goal:
        """Give the goal and its command; a command that is configured serves the goal `verify`, and no other.

        Raises UsageError (`no_command`) where that goal has none.
        """
        goal = self.until or (usual.until if self.verify is None else Until.VERIFY)
        command = usual.verify if self.verify is None and goal is Until.VERIFY else self.verify
        if goal is Until.VERIFY and not command:
            raise UsageError(
                "the goal verify needs a command that tells by its exit code whether the work is done",
                code="no_command",
                hint="orch spawn --verify 'make test' PROMPT, or for every session: orch config edit",
            )
        return Goal(until=goal, verify=command)

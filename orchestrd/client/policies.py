"""What is asked of an agent's permissions, made into the policy of its session."""

from msgspec import Struct

from orchestrd.model.settings import SpawnSettings
from orchestrd.model.words import Permission


class PolicyWish(Struct, frozen=True, kw_only=True):
    """What is to become of what an agent needs permission for; rules alone mean `allow`. Unsaid: as configured."""

    permission: Permission | None = None
    allow: tuple[str, ...] = ()

    def settled(self, agent: str, usual: SpawnSettings) -> tuple[Permission, tuple[str, ...]]:
        """Give the policy and its rules. A command of one's own needs no permission, whatever is configured."""
        if self.permission is not None or self.allow:
            needs_rules = self.permission is Permission.ALLOW and not self.allow
            return self.permission or Permission.ALLOW, usual.allow if needs_rules else self.allow
        if agent == "shell":
            return Permission.ASK, ()
        if usual.permission is Permission.DENY:
            return Permission.DENY, ()
        return Permission.ALLOW if usual.allow else usual.permission, usual.allow

"""What is said of a key of the configuration, where it stands: its meaning, unit and bounds, and who may set it.

The annotations are the one place for all of that: the checks, the JSON Schema, the commented template and the reference
are made out of them (`orchestrd.config`).
"""

from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta, Struct

DURATION = r"^(?=[0-9])([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?$"  # as `orchestrd.core.duration` has it
URL = r"^https?://[^\s/?#@]+(/\S*)?$"  # without a user and a password: secrets have keys of their own
# Where a token is sent: nobody on the way can read it.
SEALED_URL = r"^(https://[^\s/?#@]+|http://(127\.0\.0\.1|\[::1\]|localhost)(:[0-9]{1,5})?)(/\S*)?$"
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"  # the name of one of the environment

Duration = Annotated[str, Meta(pattern=DURATION)]
Url = Annotated[str, Meta(pattern=URL)]
SealedUrl = Annotated[str, Meta(pattern=SEALED_URL)]
Variable = Annotated[str, Meta(pattern=VARIABLE)]
SecretFile = Annotated[str, Meta(pattern=r"^(/|~/).+$")]  # from the root, or from the home directory


class SetBy(StrEnum):
    """Who may set a key."""

    ANYONE = "anyone"  # a repository's own file too
    TRUSTED = "trusted"  # that one only once `orch trust` was said of it
    USER = "user"  # never a repository


class Named(Struct, frozen=True):
    """Adapters that a key names: ours, and those that the packages installed beside us add to an entry point."""

    group: str
    ours: tuple[str, ...]


AGENTS = Named("orchestrd.agents", ("aider", "claude", "codex", "gemini", "opencode", "shell"))
FORGES = Named("orchestrd.forges", ("github", "local"))
CHANNELS = Named("orchestrd.notifiers", ("apprise", "command", "desktop", "ntfy", "webhook"))


def key(
    meaning: str,
    unit: str,
    set_by: SetBy,
    example: Any = None,
    *,
    is_alone: bool = False,
    names: Named | None = None,
    **rules: Any,
) -> Meta:
    """Say all of a key: an example where the default is none; the rules are those of `msgspec.Meta`.

    `is_alone`: a list of one may be written as that one. `names`: it takes the names of adapters.
    """
    extra = {"unit": unit, "set_by": set_by, "example": example, "is_alone": is_alone, "names": names}
    return Meta(description=meaning, extra=extra, **rules)


def of_user(meaning: str, unit: str = "", example: Any = None, **rules: Any) -> Meta:
    """Say all of a key that no repository may set, in the same way."""
    return key(meaning, unit, SetBy.USER, example, **rules)

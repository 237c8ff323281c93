"""What a doctor finds: one judgement of one thing, and the whole checkup, as `doctor --json` prints it."""

from enum import StrEnum

from msgspec import Struct


class Level(StrEnum):
    """How bad it is: nothing to do; to be looked at, while everything works; something does not work or is lost."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(Struct, frozen=True, kw_only=True):
    """One thing, as it was found. `cause`: why it is so, or what comes of it; `next`: the next command.

    `can_fix`: `orch doctor --fix` mends it, and can lose nothing by that.
    """

    subject: str
    level: Level
    told: str
    cause: str = ""
    next: str = ""
    can_fix: bool = False


class Mended(Struct, frozen=True, kw_only=True):
    """One thing that was mended, or that could not be: the sentence says which."""

    subject: str
    told: str


class Checkup(Struct, frozen=True, kw_only=True):
    """`doctor --json`. `findings` are from after what was mended."""

    home: str
    version: str
    findings: tuple[Finding, ...]
    mended: tuple[Mended, ...] = ()

    @property
    def is_healthy(self) -> bool:
        """Tell whether nothing fails."""
        return all(finding.level is not Level.FAIL for finding in self.findings)

"""Where a setting comes from, and what is said of one: the values that `orch config` tells of."""

from enum import StrEnum
from typing import Any

from msgspec import Struct


class Kind(StrEnum):
    """The layers, the farthest first."""

    DEFAULT = "default"
    USER = "user"
    REPOSITORY = "repository"
    ENVIRONMENT = "environment"


class Origin(Struct, frozen=True, kw_only=True):
    """Where exactly: a line of a file, a file as a whole, or a variable of the environment."""

    kind: Kind
    file: str | None = None
    line: int | None = None
    variable: str | None = None

    def __str__(self) -> str:
        if self.file is None:
            return self.variable or self.kind
        return self.file if self.line is None else f"{self.file}:{self.line}"


class Setting(Struct, frozen=True, kw_only=True):
    """One value that holds, as JSON has it. The key of a name in a table ends in that name: `environment.set.LANG`."""

    key: str
    value: Any
    origin: Origin


class Mistake(Struct, frozen=True, kw_only=True):
    """Something that is not applied because it is wrong: where, why, and the next command."""

    origin: Origin
    cause: str
    hint: str

    def __str__(self) -> str:
        return f"{self.origin}: {self.cause}"


class ConfigReport(Struct, frozen=True, kw_only=True):
    """`config show --json` and `config check --json`: every setting, and where it comes from.

    `repository` is the file of the repository one stands in, whether it is there or not; null outside of one.
    `withheld` is what it asks for and does not get while it is not trusted.
    """

    user: str
    repository: str | None
    settings: tuple[Setting, ...]
    withheld: tuple[Setting, ...]
    mistakes: tuple[Mistake, ...]

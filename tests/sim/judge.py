"""The judge of the simulation: remembers every broken promise, for those who raise are not always heard."""


class Violation(AssertionError):
    """A promise was broken."""


class Judge:
    """One per seed."""

    def __init__(self) -> None:
        self.violations: list[str] = []

    def must(self, holds: bool, otherwise: str) -> None:  # noqa: FBT001 - a fact, as in assert
        """Note a violation, and raise it, unless this holds."""
        if not holds:
            self.violations.append(otherwise)
            raise Violation(otherwise)

    def close(self) -> None:
        """Raise what was noted, whoever has swallowed it."""
        if self.violations:
            raise Violation("; ".join(self.violations[:5]))

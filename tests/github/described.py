"""GitHub's own descriptions, where they are installed, and read once."""

from functools import cache
from pathlib import Path

import pytest

from orchestrd.testing.github.described import DESCRIPTION, SCHEMA, Described

DIRECTORY = Path(__file__).parents[2] / ".venv" / "github"

needs_descriptions = pytest.mark.skipif(
    not all((DIRECTORY / name).exists() for name in (SCHEMA, DESCRIPTION)),
    reason="GitHub's descriptions are not there: make described",
)


@cache
def described() -> Described:
    """Read them."""
    return Described(DIRECTORY)

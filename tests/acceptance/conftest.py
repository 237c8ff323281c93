"""What every acceptance test is given: homes of its own, in which nothing is left alive after it."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.claude_sessions import ClaudeSessions
from tests.acceptance.daemon import BOUND_BY_MODES, Home


@pytest.fixture
def make_home(tmp_path: Path) -> Iterator[Callable[[str], Home]]:
    """Make homes, each in a place of its own."""
    homes: list[Home] = []

    def make(name: str) -> Home:
        (tmp_path / name).mkdir()
        homes.append(Home(tmp_path / name))
        return homes[-1]

    yield make
    for home in homes:
        home.clear()


@pytest.fixture
def home(make_home: Callable[[str], Home]) -> Home:
    """Give one home; no daemon runs in it yet."""
    return make_home("place")


@pytest.fixture
def bound_home(home: Home) -> Home:
    """Give a home with a daemon for whom the modes of files mean something, even where it is root's."""
    is_almighty = os.geteuid() == 0
    if is_almighty and subprocess.run([*BOUND_BY_MODES, "true"], check=False, capture_output=True).returncode:
        pytest.skip("root may read everything, and cannot give that up here")
    home.start(before=BOUND_BY_MODES if is_almighty else ())
    return home


@pytest.fixture
def claude(home: Home) -> Iterator[ClaudeSessions]:
    """Give a home with a daemon, for sessions of the real Claude Code."""
    home.start(is_measured=False)  # it may be killed in the middle of a test
    sessions = ClaudeSessions(home)
    yield sessions
    sessions.close()


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Give the seed of this run: the one asked for, else a new one; it is shown with a failure."""
    asked = request.config.getoption("--seed")
    chosen = int.from_bytes(os.urandom(4), "big") if asked is None else int(asked)
    print(f"to have this again: --seed {chosen}")  # noqa: T201 - shown by pytest when the test fails
    return chosen

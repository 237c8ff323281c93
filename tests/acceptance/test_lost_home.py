"""The home goes away under its daemon: the daemon goes too, at once and loudly; the agents stay."""

import shutil
from pathlib import Path

import pytest

from tests.acceptance import agents
from tests.acceptance.daemon import STOP_S, Home
from tests.acceptance.processes import is_alive, until


@pytest.mark.parametrize("is_taken", [False, True])
def test_a_daemon_ends_when_its_home_is_removed_and_leaves_the_next_one_alone(home: Home, *, is_taken: bool) -> None:
    daemon = home.start()
    session = home.spawn(agents.SLEEPS)
    home.reach(session, "running")
    agent = next(iter(home.processes(session)))

    until(lambda: _is_removed(home.layout.home), "the home is gone")
    if is_taken:
        home.start()

    assert daemon.process.wait(STOP_S) == 1
    assert "removed or replaced" in daemon.words()
    assert is_alive(agent)
    assert not is_taken or home.facts().pid == home.daemons[-1].pid


def _is_removed(path: str) -> bool:
    """Remove it all; what a daemon writes meanwhile is in the way of one removal, and not of the next."""
    shutil.rmtree(path, ignore_errors=True)
    return not Path(path).exists()

"""Which clock a test lives by, what may block a loop, and how hard hypothesis tries."""

import asyncio
import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx
from hypothesis import settings

from orchestrd.config import is_variable
from tests.simloop import SimLoop

REAL = frozenset({"integration", "acceptance"})  # folders of tests that meet real processes, sockets and time

settings.register_profile("dev", deadline=None, max_examples=30)
settings.register_profile("ci", derandomize=False, deadline=None, max_examples=100, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


# A shell that runs the suite in the background has it ignore SIGINT, and so would every process that is started here.
signal.signal(signal.SIGINT, signal.default_int_handler)


# Nobody's own settings reach a test: there is nothing below this path.
os.environ["XDG_CONFIG_HOME"] = "/dev/null/config"
for _name in [name for name in os.environ if is_variable(name)]:
    del os.environ[_name]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer to write golden texts anew (what changed is for the reader to explain), and to repeat a day of chance."""
    parser.addoption("--rewrite", action="store_true", help="write golden texts anew in place of comparing")
    parser.addoption("--seed", type=int, help="the one seed of a test that leaves its day to chance")
    parser.addoption(
        "--day", type=float, default=20, help="how many seconds the day of 50 tmux sessions has (full: 60)"
    )
    parser.addoption("--seeds", type=int, default=60, help="how many seeds the simulation lives through")


@pytest.fixture
def shallow() -> Iterator[Path]:
    """Give a directory with a path so short that the address of a socket far below it is none too long."""
    with tempfile.TemporaryDirectory(prefix="o", dir="/tmp") as place:
        yield Path(place)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Hold a text equal to a file of the repository, or rewrite the file when asked to."""

    def hold_equal(path: Path, text: str) -> None:
        if request.config.getoption("--rewrite"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), (
            f"{path.name} tells another story; if this one is right: --rewrite"
        )

    return hold_equal


def _is_real(item: pytest.Item) -> bool:
    return not REAL.isdisjoint(item.path.relative_to(item.config.rootpath).parts)


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Virtual time everywhere but in the folders of `REAL`."""
    if _is_real(item):
        return {"real": asyncio.new_event_loop}
    return {"virtual": SimLoop}


@pytest.fixture(autouse=True)
def _nothing_blocks_the_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """On a real loop, a blocking call that has code of orchestrd on its stack raises `BlockingError`."""
    if not _is_real(request.node):
        yield
        return
    with blockbuster_ctx("orchestrd", excluded_modules=["orchestrd.testing.contracts"]):  # tests themselves
        yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say by name what could not run on this machine, and why."""
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        terminalreporter.section("could not run here")
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        terminalreporter.line(f"{report.nodeid}: {reason.removeprefix('Skipped: ')}")

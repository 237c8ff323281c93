"""The contract of all runtimes, over tmux; what only tmux can do follows in the other files."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orchestrd.testing.contracts.runtime import RuntimeContract
from tests.integration.tmux_stage import TmuxStage, needs_tmux


@pytest.fixture
def home(tmp_path: Path) -> TmuxStage:
    return TmuxStage(tmp_path)


@pytest.fixture
async def stage(home: TmuxStage) -> AsyncIterator[TmuxStage]:
    stage = home
    yield stage
    await stage.clear()


@needs_tmux
class TestTmuxRuntime(RuntimeContract):
    pass

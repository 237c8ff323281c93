"""The contract of all runtimes, over real processes; what only processes can do follows in the other files."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orchestrd.testing.contracts.runtime import RuntimeContract
from tests.integration.process_stage import ProcessStage


@pytest.fixture
def home(tmp_path: Path) -> ProcessStage:
    return ProcessStage(tmp_path)


@pytest.fixture
async def stage(home: ProcessStage) -> AsyncIterator[ProcessStage]:
    stage = home
    yield stage
    await stage.clear()


class TestProcessRuntime(RuntimeContract):
    pass

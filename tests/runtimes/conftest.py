from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtimes.launcher_bench import LauncherBench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[LauncherBench]:
    bench = LauncherBench(tmp_path)
    yield bench
    bench.clear()

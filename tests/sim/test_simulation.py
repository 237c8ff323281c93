"""The whole daemon but its processes, one day a seed. A failure names its seed: `pytest tests/sim --seed N`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim.simulation import Simulation

ROOT = Path(__file__).parent.parent.parent
DIGEST = "from tests.sim.simulation import Simulation; print(Simulation({seed}).run())"


def test_every_promise_is_kept_whatever_the_day_brings(seed: int) -> None:
    Simulation(seed).run()


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_a_seed_is_one_day_and_no_other(hash_seed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", DIGEST.format(seed=7)]

    again = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)

    assert again.stdout.strip() == Simulation(7).run()


def test_another_seed_is_another_day() -> None:
    assert Simulation(7).run() != Simulation(8).run()

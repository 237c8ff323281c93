"""The whole daemon but its processes, one day a seed. A failure names its seed: `pytest tests/sim --seed N`."""

from pathlib import Path

from tests.sim.simulation import Simulation

ROOT = Path(__file__).parent.parent.parent


def test_every_promise_is_kept_on_every_day(seed: int) -> None:
    Simulation(seed).run()

"""`pytest tests/sim --seed N` lives through one seed, `--seeds N` through that many; without them, through 60."""

import pytest

SEEDS = 60


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a seed be replayed, and more of them be tried."""
    parser.addoption("--seed", type=int, help="live through this seed only")
    parser.addoption("--seeds", type=int, default=SEEDS, help="live through so many seeds")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test that asks for a seed its seeds."""
    if "seed" in metafunc.fixturenames:
        one = metafunc.config.getoption("--seed", None)
        many = metafunc.config.getoption("--seeds", SEEDS)
        metafunc.parametrize("seed", range(many) if one is None else [one])

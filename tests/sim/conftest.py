"""`pytest tests/sim --seed N` lives through one seed, `--seeds N` through so many."""

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test that asks for a seed its seeds."""
    if "seed" in metafunc.fixturenames:
        one, many = metafunc.config.getoption("--seed"), metafunc.config.getoption("--seeds")
        metafunc.parametrize("seed", range(many) if one is None else [one])

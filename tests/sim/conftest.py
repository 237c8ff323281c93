"""`pytest tests/sim --seed N` lives through one seed, `--seeds N` through so many, and half as many of the forge."""

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test that asks for a seed its seeds."""
    one, many = metafunc.config.getoption("--seed"), metafunc.config.getoption("--seeds")
    for name, number in (("seed", many), ("forge_seed", many // 2)):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, range(number) if one is None else [one])

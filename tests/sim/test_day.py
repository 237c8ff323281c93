"""A day of the forge a seed. A failure names its seed: `pytest tests/sim/test_day.py --seed N`."""

from tests.sim.day import Day


def test_each_attempt_is_made_once_and_nothing_unproven_is_merged_whatever_the_day_brings(
    forge_seed: int,
) -> None:
    Day(forge_seed).run()


def test_a_seed_is_one_day_of_the_forge_and_no_other() -> None:
    assert Day(3).run() == Day(3).run()
    assert Day(3).run() != Day(4).run()

import asyncio

import pytest

from orchestrd.testing.clocks import DAWN, FakeClock, LoopClock


def test_a_fake_clock_stands_still_until_it_is_moved() -> None:
    clock = FakeClock()

    before, again = clock.now(), clock.now()
    clock.advance(2.5)

    assert before == again == DAWN
    assert (clock.now().at - DAWN.at).total_seconds() == 2.5
    assert clock.now().up_s == DAWN.up_s + 2.5


@pytest.mark.parametrize("kind", [FakeClock, LoopClock])
async def test_a_jump_moves_the_wall_clock_alone(kind: type[FakeClock] | type[LoopClock]) -> None:
    clock = kind()
    before = clock.now()

    clock.jump(-3_600)

    assert (clock.now().at - before.at).total_seconds() == -3_600
    assert (clock.now().boot, clock.now().up_s) == (before.boot, before.up_s)


@pytest.mark.parametrize("kind", [FakeClock, LoopClock])
async def test_a_reboot_starts_the_seconds_anew(kind: type[FakeClock] | type[LoopClock]) -> None:
    clock = kind()
    await asyncio.sleep(5)
    wall = clock.now().at

    clock.reboot("boot-2")

    assert (clock.now().boot, clock.now().up_s, clock.now().at) == ("boot-2", 0.0, wall)


async def test_a_loop_clock_goes_with_its_loop() -> None:
    clock = LoopClock()
    before = clock.now()

    await asyncio.sleep(90)

    assert clock.now().up_s - before.up_s == pytest.approx(90)

"""The same promises, looked for by hypothesis, which finds the shortest way to a broken one."""

from random import Random

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.store.powercuts import STEPS, World

steps = st.none() | st.integers(0, STEPS)


class StoreMachine(RuleBasedStateMachine):
    """A store that is used, starved, killed and robbed of its power; the world checks it after each start."""

    world: World

    @initialize(chance=st.randoms(use_true_random=False), reorders=st.booleans())
    def begin(self, chance: Random, *, reorders: bool) -> None:
        self.world = World(chance, reorders=reorders)

    @rule(crash_after=steps, fail_after=steps)
    def commit(self, crash_after: int | None, fail_after: int | None) -> None:
        self.world.attempt(self.world.commit, crash_after=crash_after, fail_after=fail_after)

    @rule(crash_after=steps, fail_after=steps)
    def sync(self, crash_after: int | None, fail_after: int | None) -> None:
        self.world.attempt(self.world.sync, crash_after=crash_after, fail_after=fail_after)

    @rule()
    def scan(self) -> None:
        self.world.attempt(self.world.scan)

    @rule()
    def end(self) -> None:
        self.world.attempt(self.world.end)


TestStoreMachine = StoreMachine.TestCase

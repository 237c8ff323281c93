import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from orchestrd.model.ids import SessionId, run_mark
from orchestrd.model.run import Order, Run
from orchestrd.model.words import Receipt
from orchestrd.testing.clocks import LoopClock
from orchestrd.testing.contracts import runtime as contract
from orchestrd.testing.runtime import ScriptedRuntime
from orchestrd.testing.world import Script, World

SCRIPTS = {
    contract.EXITS_0: Script(exits_after_s=0.1),
    contract.EXITS_3: Script(exits_after_s=0.1, exit_code=3),
    contract.DIES_OF_SEGV: Script(exits_after_s=0.1, exit_signal="SIGSEGV"),
    contract.SLEEPS: Script(starts_after_s=0.02, receipt=Receipt.TYPED),
    contract.IGNORES_TERM: Script(heeds_term_after_s=None, reports=((0.0, contract.LINES[0]),)),
    contract.REPORTS: Script(reports=((0.03, contract.LINES[0]), (0.2, contract.LINES[1]))),
    contract.READS: Script(),
    contract.HOLDS: Script(holds=("d1",), reports=((0.0, contract.LINES[0]),)),
    contract.MISSING: Script(start_error="cannot start 'frobnicate': no such program in the PATH of the run"),
}


class ScriptedStage:
    receipt_when_read = Receipt.SUBMITTED

    def __init__(self, *, has_terminal: bool) -> None:
        screens = ((0.0, "$ "),) if has_terminal else ()
        self.world = World(LoopClock(), lambda order: replace(SCRIPTS[order.argv[0]], screens=screens))
        self.runtime = ScriptedRuntime(self.world, has_terminal=has_terminal)
        self._orders = 0

    def order(self, behaviour: str) -> Order:
        self._orders += 1
        session = SessionId(f"scripte{'abcdefghij'[self._orders]}")
        return Order(
            run=Run(session=session, generation=1, mark=run_mark(session, 1, "nonce")),
            argv=(behaviour,),
            directory="/",
            environment=(),
            secrets_path="/dev/null",
            log_path="/dev/null",
        )

    async def answer_taken_by(self, run: Run) -> str:
        ((_, reply),) = self.world.newest(run.session).answers
        return reply

    async def restart(self) -> None:
        await self.runtime.close()
        self.runtime = ScriptedRuntime(self.world, has_terminal=self.runtime.has_terminal)

    async def until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(0.01)

    async def pause(self) -> None:
        await asyncio.sleep(0.05)


class TestScriptedRuntime(contract.RuntimeContract):
    @pytest.fixture(params=["scripted", "scripted with a terminal"])
    def stage(self, request: pytest.FixtureRequest) -> ScriptedStage:
        return ScriptedStage(has_terminal="terminal" in request.param)

"""Real runs in a home of their own, for tests; whatever a test leaves alive is killed by its mark."""

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from orchestrd.clock import SystemClock
from orchestrd.core.launch import StartRecord, decode_record
from orchestrd.core.layout import Layout
from orchestrd.model.ids import SessionId, run_mark
from orchestrd.model.run import Order, Run
from orchestrd.model.words import Receipt
from orchestrd.runtimes.process import ProcessRuntime
from orchestrd.runtimes.scopes import Scopes
from orchestrd.runtimes.tmux import TmuxRuntime
from orchestrd.testing.contracts import runtime as contract

REPORT = "printf '%s\\n' '{}' >>\"$ORCH_RUN_DIR/hooks.jsonl\""
COMMANDS = {
    contract.EXITS_0: "exit 0",
    contract.EXITS_3: "exit 3",
    contract.DIES_OF_SEGV: "ulimit -c 0; kill -SEGV $$",
    contract.SLEEPS: "exec sleep 300",
    contract.IGNORES_TERM: "trap '' TERM; "
    + REPORT.format(contract.LINES[0].decode())
    + "; while :; do sleep 0.1; done",
    contract.REPORTS: "; sleep 0.1; ".join(REPORT.format(line.decode()) for line in contract.LINES)
    + "; exec sleep 300",
    contract.HOLDS: 'mkdir "$ORCH_RUN_DIR/answers"; f="$ORCH_RUN_DIR/answers/d1"; mkfifo "$f"; exec 3<>"$f"; '
    + REPORT.format(contract.LINES[0].decode())
    + '; IFS= read -r said <&3; rm "$f"; printf %s "$said" >"$ORCH_RUN_DIR/said.tmp"; cd "$ORCH_RUN_DIR"; '
    "mv said.tmp said; exec 3>&-; exec sleep 300",
    contract.READS: "while read -r line; do :; done",
}
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


class ProcessStage:
    """One home with one runtime at a time, of processes or of another kind that has launchers."""

    receipt_when_read = Receipt.SUBMITTED
    kind: type[ProcessRuntime] | type[TmuxRuntime] = ProcessRuntime

    def __init__(self, home: Path, scopes: Scopes | None = None) -> None:
        self.scopes = scopes
        self.layout = Layout(str(home))
        self.clock = SystemClock()
        for directory in self.layout.directories():
            Path(directory).mkdir(exist_ok=True, parents=True)
        self.runtime = self.kind(self.layout, self.clock, scopes)
        self.orders: list[Order] = []

    def order(self, behaviour: str) -> Order:
        argv = ("frobnicate",) if behaviour == contract.MISSING else ("sh", "-c", COMMANDS[behaviour])
        return self.order_of(*argv)

    def order_of(
        self,
        *argv: str,
        secrets: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        directory: str = "/",
    ) -> Order:
        """Write the order that the engine would write for this command."""
        number = len(self.orders)
        session = SessionId("process"[: 8 - 2].ljust(6, "a") + LETTERS[number // 32] + LETTERS[number % 32])
        run = Run(session=session, generation=1, mark=run_mark(session, 1, f"{os.getpid()}.{number}"))
        values = {"PATH": os.defpath.strip(":"), **(secrets or {})}
        Path(self.layout.secret(session)).write_text("\0".join(f"{k}={v}" for k, v in values.items()))
        order = Order(
            run=run,
            argv=argv,
            directory=directory,
            environment=(
                ("ORCH_HOME", self.layout.home),
                ("ORCH_SESSION", session),
                ("ORCH_RUN", run.mark),
                ("ORCH_RUN_DIR", self.directory(run)),
                *(environment or {}).items(),
            ),
            secrets_path=self.layout.secret(session),
            log_path=self.layout.log(session),
        )
        self.orders.append(order)
        return order

    def directory(self, run: Run) -> str:
        """Give the run directory."""
        return self.layout.run_directory(run.session, run.generation)

    def record_of(self, run: Run) -> StartRecord:
        """Read the start record of a run."""
        record = decode_record(Path(self.directory(run), "start.json").read_bytes(), StartRecord)
        assert record is not None
        return record

    def log(self, run: Run) -> str:
        """Read what the run has put out so far."""
        path = Path(self.layout.log(run.session))
        return path.read_text() if path.exists() else ""

    async def answer_taken_by(self, run: Run) -> str:
        said = Path(self.directory(run), "said")
        await self.until(said.exists)
        return said.read_text()

    async def restart(self) -> None:
        await self.runtime.close()
        self.runtime = self.kind(self.layout, self.clock, self.scopes)

    async def until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():  # noqa: ASYNC110 - the world of processes has no event to wait for
            await asyncio.sleep(0.01)

    async def pause(self) -> None:
        await asyncio.sleep(0.05)

    async def clear(self) -> None:
        """Kill whatever is left, and let go."""
        for order in self.orders:
            if Path(self.directory(order.run)).exists():
                await self.runtime.kill(order.run)
        await self.runtime.close()

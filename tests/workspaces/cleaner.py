"""One clean of one root, by the very parts the daemon has, as a process that can be killed at any of its steps.

    python cleaner.py ROOT [STEP]

With a STEP it is killed, as by `kill -9`, right before that step: a change of the disk, or the start of a git.
Without one it prints its report, and how many steps it took.
"""

import asyncio
import os
import signal
import sys
from typing import Any

import msgspec

from orchestrd.engine.cleaning import Clean, Cleaning
from orchestrd.engine.roster import Roster
from orchestrd.model.document import CleanReport, CleanRequest
from orchestrd.model.ids import SessionId
from orchestrd.workspaces.git import Git
from orchestrd.workspaces.managed import ManagedWorktrees

STEPS = frozenset({"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "subprocess.Popen"})


class Archive:
    """A store in whose archive every session is: all have ended."""

    def is_archived(self, session: SessionId) -> bool:
        return True


async def clean(root: str, *, dry_run: bool = False, git: Git | None = None) -> CleanReport:
    """Clean once."""
    said: list[str] = []
    cleaning = Cleaning(
        worktrees=ManagedWorktrees(root, git or Git()),
        roster=Roster(lambda what, error: said.append(what)),
        read_only={},
        store=Archive(),  # type: ignore[arg-type] # it is asked for nothing else
        on_error=lambda what, error: said.append(f"{what}: {error}"),
    )
    await cleaning.start()
    try:
        report: CleanReport = await cleaning.ask(Clean(CleanRequest(dry_run=dry_run)))
    finally:
        await cleaning.stop()
    assert not said, said
    return report


def main(root: str, fatal_step: int) -> None:
    """Clean, and live to tell it or not."""
    steps = 0

    def count(event: str, _: Any) -> None:
        nonlocal steps
        if event in STEPS:
            steps += 1
            if steps == fatal_step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    report = asyncio.run(clean(root))
    sys.stdout.buffer.write(msgspec.json.encode({"steps": steps, "report": report}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)

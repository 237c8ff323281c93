"""Beginning sessions in worktrees on tmux, beside `git worktree add` of the same repository, which each has to do."""

import itertools
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.daemons import Daemon, daemon
from benchmarks.homes import SLEEP
from benchmarks.measuring import MILLISECONDS, Effort, alternate, timed
from benchmarks.rows import Row, at_most
from orchestrd.client.requests import WorkspaceWish

FAMILY = "worktrees"
FILES = 1_000
MANY = 20
MANY_MS, ON_TOP_MS = 1_300.0, 10.0
GIT_S = 60.0
AUTHOR = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
NO_SETTINGS = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
REASON = (
    "git is called for the plan, the branch, the files and the place; the launcher starts an interpreter in a pane, "
    "and each step is made durable"
)


def measure(effort: Effort) -> Iterator[Row]:
    """Measure one session, then many at once."""
    with tempfile.TemporaryDirectory(prefix="orch-bench-", ignore_cleanup_errors=True) as place, daemon() as running:
        repository = _repository(Path(place, "project"))
        for number, rounds in ((1, effort.of(10, 3)), (MANY, effort.of(3, 1))):
            yield _row(running, repository, number, rounds)


def _row(place: Daemon, repository: Path, number: int, rounds: int) -> Row:
    numbers = itertools.count()

    def ours() -> float:
        begun = time.perf_counter()
        place.begin(
            number,
            SLEEP,
            runtime="tmux",
            project=str(repository),
            workspace=WorkspaceWish(kind="worktree", base="main"),
        )
        return (time.perf_counter() - begun) * MILLISECONDS

    def bare() -> None:
        for _ in range(number):
            name = f"bare-{number}-{next(numbers)}"
            _git(repository, "worktree", "add", "--quiet", "-b", name, f"{repository}.{name}")

    taken, peer = alternate([ours, timed(bare)], rounds)
    return Row(
        family=FAMILY,
        what=f"spawn {number} in worktrees of {FILES:,} files on tmux, until all run"
        if number > 1
        else f"spawn in a worktree of {FILES:,} files on tmux, until it runs",
        unit="ms",
        ours=taken,
        peer_name=f"{number} bare `git worktree add`",
        peer=peer,
        target=(at_most(MANY_MS) if number == MANY else at_most(ON_TOP_MS, "surplus"),),
        reason=REASON,
    )


def _repository(path: Path) -> Path:
    for number in range(FILES):
        file = path / f"part{number % 20}" / f"file{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"line of file {number}\n" * 40)
    _git(path, "init", "--quiet", "--initial-branch=main")
    _git(path, "add", ".")
    _git(path, *AUTHOR, "commit", "--quiet", "--message=Begin")
    return path


def _git(where: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=where, env=os.environ | NO_SETTINGS, check=True, timeout=GIT_S)

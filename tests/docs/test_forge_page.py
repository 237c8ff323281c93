"""What it costs to look at GitHub is measured over the fake; `--rewrite` writes the table anew."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from orchestrd.forges.github.adapter import GitHubForge
from orchestrd.model import limits
from orchestrd.testing.clocks import LoopClock
from orchestrd.testing.github import FakeGitHub
from tests.docs.pages import DOCS, with_generated
from tests.forges.github.surroundings import REPOSITORY, connect_to, forge_at, github_at, wanted
from tests.github.described import needs_descriptions

pytestmark = needs_descriptions

PAGE = DOCS / "forge.md"
COUNTS = (1, 10, 100)
HOUR_S = 3_600.0
ROUNDS_S = limits.CHANGES_LOOK_S


class Wire:
    """A repository with a pull request for each session, and all that goes over the wire to look at them."""

    def __init__(self, count: int) -> None:
        clock = LoopClock()
        self.github: FakeGitHub = github_at(clock)
        self.repository = self.github.repository("o/r")
        self.wanted = [wanted(f"orch/session-{number:08}", session=f"{number:08}") for number in range(count)]
        for number, one in enumerate(self.wanted):
            self.repository.pull(one.branch, sha=_sha(number), title="A change of forty characters, as many are")
            for name in ("lint", "test", "build"):
                self.repository.check(_sha(number), name, "success", log="A line of the log.\n" * 100)
        self.requests = self.sent = self.received = 0
        self.forge: GitHubForge = forge_at(None, clock, connect=self._connect)

    async def look(self) -> tuple[int, int, int, int]:
        """Look at all, as who knows what was told before; gives requests, points, bytes sent and bytes received."""
        self.requests = self.sent = self.received = 0
        looks = await self.forge.look(REPOSITORY, self.wanted)
        self.wanted = [replace(one, known=look.change) for one, look in zip(self.wanted, looks, strict=True)]
        return self.requests, self.forge._looks[REPOSITORY].cost, self.sent, self.received

    def turn_red(self, count: int) -> None:
        """Let a check of the first sessions fail."""
        heads = {_sha(number) for number in range(count)}
        for check in self.repository.checks:
            if check.name == "test" and check.sha in heads:
                check.conclusion = "failure"

    def _connect(self) -> httpx.AsyncClient:
        client = connect_to(self.github)()
        client.event_hooks = {"response": [self._count]}
        return client

    async def _count(self, response: httpx.Response) -> None:
        self.requests += 1
        self.sent += len(response.request.content)
        self.received += len(await response.aread())


def _sha(number: int) -> str:
    return f"{number:040x}"


def _row(what: str, count: int, seen: tuple[int, int, int, int]) -> str:
    requests, points, sent, received = seen
    return f"| {count} | {what} | {requests} | {points} | {sent / 1_024:.1f} | {received / 1_024:.1f} |"


async def rows() -> list[str]:
    first, steady, remark, red, all_red = [], [], [], [], []
    for count in COUNTS:
        wire = Wire(count)
        first.append(_row("the first look", count, await wire.look()))
        steady.append(_row("nothing comes or goes", count, await wire.look()))
        pull = wire.repository.pulls[1]
        pull.remark("ann", "This is not what it was meant to be.", "src/pay.py", 12)
        remark.append(_row("one remark was made", count, await wire.look()))
        wire.turn_red(1)
        red.append(_row("one has turned red, with a log of 100 lines", count, await wire.look()))
        wire.turn_red(count)
        await wire.look()
        all_red.append(_row("nothing comes or goes, and all are red", count, await wire.look()))
    return [*steady, *all_red, *first, *remark, *red]


async def test_the_table_of_what_looking_costs_is_measured(golden: Callable[[Path, str], None]) -> None:
    head = "| sessions | when | requests | points | KiB sent | KiB received |\n|---|---|---|---|---|---|"

    golden(PAGE, with_generated(PAGE, "\n".join([head, *await rows()])))


@pytest.mark.parametrize("red", [0, 1])
async def test_a_steady_round_costs_at_most_two_requests_and_leaves_the_share(red: int) -> None:
    wire = Wire(COUNTS[-1])
    wire.turn_red(COUNTS[-1] * red)
    await wire.look()
    await wire.look()

    requests, points, _, _ = await wire.look()

    assert requests <= 2
    assert points * HOUR_S / ROUNDS_S <= (1 - limits.FORGE_SHARE) * wire.github.budgets["graphql"].limit


def test_the_figures_within_sentences_are_those_that_hold() -> None:
    page = " ".join(PAGE.read_text().split())

    assert f"every {limits.CHANGES_LOOK_S:g} s" in page
    assert f"the first {limits.FAILED_CHECKS_MAX} failed checks" in page
    assert f"the newest {limits.REMARKS_MAX} remarks" in page
    assert f"the newest {limits.ISSUE_COMMENTS_MAX} comments" in page
    assert f"{limits.WEBHOOK_BODY_BYTES_MAX // 1024 // 1024} MiB" in page

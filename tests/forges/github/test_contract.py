"""GitHub as a forge: the contract of all forges, over the fake."""

from hashlib import sha1

import pytest

from orchestrd.forges.github.adapter import GitHubForge
from orchestrd.testing.clocks import LoopClock
from orchestrd.testing.contracts import forge as contract
from orchestrd.testing.github import Repository
from orchestrd.testing.github.repository import Pull
from tests.forges.github.surroundings import forge_at, github_at
from tests.github.described import needs_descriptions

pytestmark = needs_descriptions


class GitHubStage:
    """A repository at the fake."""

    remote = "git@github.com:O/r.git"
    foreign_remotes = (
        "/a/shop.git",
        "file:///a/shop.git",
        "https://gitlab.com/o/r.git",
        "https://github.example/o/r",
        "https://github.com/o",
        "https://github.com/o/r/wiki/page",
        "https://gist.github.com/0123456789abcdef.git",
    )

    def __init__(self) -> None:
        self._clock = LoopClock()
        self.github = github_at(self._clock)
        self.repository: Repository = self.github.repository("o/r")
        self.forge: GitHubForge = forge_at(self.github, self._clock)
        self._heads: dict[str, str] = {}

    async def push(self, branch: str, text: str = "new\n") -> str:
        head = sha1(f"{branch} {text}".encode()).hexdigest()
        self._heads[branch] = head
        self.repository.push(branch, head)
        return head

    async def propose(self, branch: str) -> None:
        self.repository.pull(branch, sha=self._heads[branch])

    async def conflict_with(self, branch: str) -> None:
        self._of(branch).mergeable = "CONFLICTING"

    async def merge_by_hand(self, branch: str) -> None:
        self.repository.merge(self._of(branch))

    async def abandon(self, branch: str) -> None:
        self._of(branch).state = "CLOSED"

    async def base_has(self, branch: str) -> bool:
        return self._of(branch).state == "MERGED"

    async def vanish(self) -> None:
        del self.github.repositories["o/r"]

    async def restart(self) -> None:
        await self.forge.close()
        self.forge = forge_at(self.github, self._clock)

    def _of(self, branch: str) -> Pull:
        return next(pull for pull in self.repository.pulls.values() if pull.branch == branch)


@pytest.fixture
async def stage() -> GitHubStage:
    return GitHubStage()


class TestGitHubForge(contract.ForgeContract):
    """The contract, over the fake GitHub."""


async def test_all_that_the_contract_asks_is_as_github_describes_it(stage: GitHubStage) -> None:
    head = await contract.proposed(stage, contract.FIX)

    await contract.merge(stage, contract.FIX, head)

    assert stage.github.violations == []

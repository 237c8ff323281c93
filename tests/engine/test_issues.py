"""Issues, read at the forge that a project's remote leads to, or that a URL names."""

from collections.abc import Mapping
from typing import Any

import pytest

from orchestrd.engine.forges import Forges
from orchestrd.engine.issues import Issues
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.issue import Issue
from orchestrd.ports import Checkout
from orchestrd.testing.forge import ScriptedCheckouts

SHOP = "/home/me/shop"
REMOTE = "git@github.com:o/r.git"


class Tracker:
    """A forge of which only the issues are asked for."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.asked: list[tuple[str, int]] = []

    def repository_of(self, remote: str) -> str | None:
        return f"{self.host}/o/r" if self.host in remote else None

    async def issue(self, repository: str, number: int) -> Issue:
        self.asked.append((repository, number))
        return Issue(id=f"{repository}#{number}", title="Fix it")


def issues(forges: Mapping[str, Any], remote: str | None = REMOTE, name: str = "origin") -> Issues:
    checkouts = ScriptedCheckouts()
    checkouts.found[SHOP] = Checkout(remote=remote)
    return Issues(Forges(forges, _fail), checkouts, lambda: name)


def _fail(what: str, error: BaseException | None) -> None:
    raise AssertionError(what) from error


async def test_a_number_is_one_of_the_repository_that_the_project_belongs_to() -> None:
    github = Tracker("github.com")

    issue = await issues({"github": github}).read(SHOP, "#12")

    assert (issue.id, github.asked) == ("github.com/o/r#12", [("github.com/o/r", 12)])


async def test_a_url_names_its_own_repository_and_its_own_forge() -> None:
    github, other = Tracker("github.com"), Tracker("ghe.example")

    issue = await issues({"github": github, "other": other}, remote=None).read(SHOP, "https://ghe.example/o/r/issues/3")

    assert (issue.id, github.asked) == ("ghe.example/o/r#3", [])


@pytest.mark.parametrize(
    ("text", "remote", "forges", "code", "said"),
    [
        ("twelve", REMOTE, {"github": Tracker("github.com")}, "no_issue", "is no issue"),
        (
            "12",
            None,
            {"github": Tracker("github.com")},
            "no_remote",
            f"{SHOP} is in no repository with a remote 'origin'",
        ),
        (
            "12",
            "https://me:t0ken@git.example/o/r",
            {"github": Tracker("github.com")},
            "no_forge",
            "of git.example/o/r;",
        ),
        ("12", "/srv/r.git", {}, "no_forge", "of a repository on this machine; there is none"),
    ],
)
async def test_where_nobody_can_be_asked_that_is_said_without_a_secret(
    text: str, remote: str | None, forges: dict[str, Any], code: str, said: str
) -> None:
    with pytest.raises(OrchestrdError) as refused:
        await issues(forges, remote).read(SHOP, text)

    assert refused.value.code == code
    assert said in refused.value.message
    assert "t0ken" not in refused.value.message
    assert refused.value.hint.startswith("orch spawn --issue")

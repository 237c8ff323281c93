"""`[forge]` set otherwise under a real daemon: taken by a reload, without a restart, or refused."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from orchestrd.testing.github import FakeGitHub, GitHubServer
from tests.acceptance.command_line import Shell
from tests.acceptance.processes import until
from tests.github.described import described, needs_descriptions
from tests.workspaces.repositories import a_repository, git

pytestmark = needs_descriptions


class Day:
    """A user whose session works on a branch that has a pull request at GitHub."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.github = GitHubServer(FakeGitHub(described()))
        self.file = place / "config" / "orchestrd" / "config.toml"
        self.file.parent.mkdir(parents=True)
        (place / "token").write_text(self.github.fake.token)
        (place / "hook").write_text("of the hook")
        self.shell = Shell(place)
        self.shell.environment |= {"XDG_CONFIG_HOME": str(place / "config"), "HOME": str(place)}
        for name in ("GITHUB_TOKEN", "GH_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"):
            self.shell.environment.pop(name, None)

    def close(self) -> None:
        self.shell.clear()
        self.github.close()

    def set(self, **keys: str) -> None:
        lines = [f'{key} = "{value}"' for key, value in keys.items()]
        self.file.write_text("\n".join(["[forge]", *lines, ""]))

    def asks_github(self, **keys: str) -> dict[str, str]:
        return {"github_url": self.github.url, "github_api": self.github.url, **keys}

    def hears(self, address: str, **keys: str) -> dict[str, str]:
        return self.asks_github(webhook_listen=address, webhook_secret_file=f"{self.place}/hook", **keys)

    def begin(self) -> str:
        shop = a_repository(self.place / "shop")
        git(shop, "remote", "add", "origin", f"{self.github.url}/ada/shop.git")
        asked = ("--dir", "shop", "--workspace", "worktree", "--name", "work", "--json")
        session = self.shell.must("spawn", *asked, "--", "sleep", "600").json
        self.github.fake.repository("ada/shop").pull(session["workspace"]["branch"], sha="a" * 40)
        return str(session["id"])

    def told(self) -> str | None:
        change = self.shell.must("show", "work", "--json").json["change"]
        return change["pr"] if change else None

    def doctor(self) -> str:
        return " ".join(self.shell.orch("doctor").out.split())


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    begun = Day(tmp_path)
    yield begun
    begun.close()


def test_where_github_is_and_its_token_are_taken_by_a_reload(day: Day) -> None:
    day.set(kind="none")
    day.begin()
    before = day.told()

    day.set(**day.asks_github(token_file=f"{day.place}/nowhere"))
    day.shell.must("daemon", "reload")
    until(lambda: "cannot read" in day.doctor(), "the token is missed")
    day.set(**day.asks_github(token_file=f"{day.place}/token"))
    day.shell.must("daemon", "reload")
    until(lambda: day.told() == "open", "it is told of")

    assert before is None
    assert "127.0.0.1 answers" in day.doctor()


def test_webhooks_are_heard_where_a_reload_says_and_one_that_cannot_be_taken_changes_nothing(day: Day) -> None:
    free = _free_address()
    day.set(**day.hears(free, token_file=f"{day.place}/token"))
    day.begin()
    other = _free_address()

    day.set(**day.hears(other, token_file=f"{day.place}/token"))
    day.shell.must("daemon", "reload")
    moved = (_is_listened_at(free), _is_listened_at(other))
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        day.set(**day.hears(address, token_file=f"{day.place}/nowhere"))
        refused = day.shell.orch("daemon", "reload")
    until(lambda: day.told() == "open", "it is told of")

    assert moved == (False, True)
    assert refused.code != 0
    assert f"cannot listen for webhooks on {address}" in refused.err
    assert _is_listened_at(other)


def _free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"


def _is_listened_at(address: str) -> bool:
    host, _, port = address.partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5.0).close()
    except OSError:
        return False
    return True

"""A day of an issue, on real parts: a repository, a forge, a terminal, the real Claude Code, and a daemon between them.

Only the model and GitHub are stand-ins: the one does what the story says, the other answers as GitHub's own
descriptions allow. The test is the CI and the reviewer; everything else happens by itself.
"""

import hashlib
import hmac
import json
import os
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrd.model.event import Event, EventType
from orchestrd.model.ids import SessionId
from orchestrd.testing.github import FakeGitHub, GitHubServer
from orchestrd.testing.model import StandIn
from orchestrd.testing.model.moves import Answer, Run
from tests.acceptance.command_line import Done, Shell
from tests.acceptance.daemon import Home
from tests.acceptance.processes import until
from tests.acceptance.tmux import needs_tmux
from tests.github.described import described, needs_descriptions
from tests.standin.claude import CLAUDE, ClaudeHome, make_repository, needs_claude
from tests.workspaces.repositories import git

pytestmark = [needs_claude, needs_descriptions, needs_tmux]

PATIENCE_S = 45.0
SECRET = "a-secret-that-only-the-fake-knows"
SAID_BY_CI = "AssertionError: 12 is not 13"
OPENS = """
set -e
echo 'price = 12' >pay.py
git add pay.py
git commit -q -m 'Let people pay'
git push -q -u origin HEAD
branch=$(git branch --show-current)
curl -fsS -o opened -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' \\
  -d '{{"title": "Let people pay", "head": "'"$branch"'", "base": "main"}}' {url}/repos/ada/shop/pulls
rm opened
"""
MENDS = """
set -e
echo 'price = 13' >pay.py
git commit -q -a -m 'Ask for enough'
git push -q
"""


class Day:
    """A user's machine with a repository that is at GitHub, and hands on everything around it."""

    def __init__(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home, place = home, home.place
        self.model = StandIn()
        self.user = ClaudeHome(place / "user", self.model.url)
        self.shop = make_repository(place / "user" / "shop")
        self.user.prepare(self.shop)
        self.bare = place / "shop.git"
        git(place, "clone", "-q", "--bare", str(self.shop), str(self.bare))
        self.github = GitHubServer(FakeGitHub(described()))
        self.repository = self.github.fake.repository("ada/shop", bare=self.bare)
        self.webhooks = f"127.0.0.1:{free_port()}"
        git(self.shop, "remote", "add", "origin", f"{self.github.url}/ada/shop.git")
        git(self.shop, "config", f"url.{self.bare}.pushInsteadOf", f"{self.github.url}/ada/shop.git")
        (self.user.path / ".gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.org\n")
        self.hands = self._write_hands()
        monkeypatch.setenv("XDG_CONFIG_HOME", str(self._configure()))
        self.shell = Shell(place)
        path = f"{CLAUDE.parent}:{self.shell.environment['PATH']}"
        self.shell.environment |= self.user.environment(PATH=path, XDG_CONFIG_HOME=os.environ["XDG_CONFIG_HOME"])
        home.start(is_measured=False)

    def close(self) -> None:
        self.home.tmux.clear()
        self.model.close()
        self.github.close()

    def _write_hands(self) -> Path:
        """Write down what the agent does at its terminal."""
        hands = self.home.place / "hands"
        hands.mkdir()
        (hands / "open.sh").write_text(OPENS.format(token=self.github.fake.token, url=self.github.url))
        (hands / "mend.sh").write_text(MENDS)
        return hands

    def _configure(self) -> Path:
        """Write the user's configuration: where GitHub is, and that what is ready is to be merged."""
        folder = self.home.place / "config"
        (folder / "orchestrd").mkdir(parents=True)
        for name, secret in (("token", self.github.fake.token), ("hook", SECRET)):
            (folder / name).write_text(f"{secret}\n")
            (folder / name).chmod(0o600)
        (folder / "orchestrd" / "config.toml").write_text(
            f"""
[forge]
github_url = "{self.github.url}"
github_api = "{self.github.url}"
token_file = "{folder}/token"
webhook_listen = "{self.webhooks}"
webhook_secret_file = "{folder}/hook"

[reactions.approved-and-green]
act = "merge"
text = ""
method = "squash"
"""
        )
        return folder

    # ---- what people and programs do ---------------------------------------------------------------------------------

    def orch(self, *words: str) -> Done:
        return self.shell.must(*words)

    def spawn(self, issue: int) -> SessionId:
        """Give an issue to Claude Code, as one does at a shell."""
        allowed = (word for name in ("open", "mend") for word in ("--allow", f"Bash({self._runs(name)})"))
        asked = ("--agent", "claude", "--runtime", "tmux", "--workspace", "worktree", "--dir", str(self.shop))
        told = self.orch("spawn", *asked, "--issue", str(issue), "--until", "pr_merged", *allowed, "--json")
        session = SessionId(told.json["id"])
        self.home.sessions.add(session)
        return session

    def restart(self) -> None:
        """Kill the daemon, and start another one."""
        self.home.daemons[-1].kill()
        self.home.start(is_measured=False)

    def plays(self, name: str) -> None:
        """Have the agent do one thing in its next turn."""
        self.model.script(Run(command=self._runs(name), asks=False), Answer(text="Done."))

    def ci_says(self, commit: str, conclusion: str, log: str = "") -> None:
        self.repository.check(commit, "build", conclusion, log=log, step="Run the tests" if log else None)
        self.delivers("check_run")

    def delivers(self, event: str) -> None:
        """Call the daemon, as GitHub does when something has happened."""
        body = json.dumps({"repository": {"html_url": f"{self.github.url}/ada/shop"}}).encode()
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": os.urandom(8).hex(),
            "X-Hub-Signature-256": f"sha256={signature}",
            "Content-Type": "application/json",
        }
        request = urllib.request.Request(
            f"http://{self.webhooks}/v1/webhooks/github", data=body, headers=headers, method="POST"
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            assert answer.status < 300

    def forgets(self, branch: str) -> None:
        """Let the branch be gone from GitHub, and the repository here know it: nothing but the forge's word is left."""
        git(self.bare, "update-ref", "-d", f"refs/heads/{branch}")
        git(self.shop, "update-ref", "-d", f"refs/remotes/origin/{branch}")

    def pushed(self, branch: str, *, behind: str | None = None) -> str:
        """Wait until something new was pushed to a branch, and give its commit."""

        def is_there() -> str | None:
            told = git(self.bare, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")
            return told if told not in ("", behind) else None

        until(lambda: is_there() is not None, f"{branch} was pushed", within_s=PATIENCE_S)
        return is_there() or ""

    def _runs(self, name: str) -> str:
        return f"sh {self.hands}/{name}.sh"


@pytest.fixture
def day(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Day]:
    begun = Day(home, monkeypatch)
    yield begun
    begun.close()


def test_an_issue_becomes_a_merged_pull_request_and_nothing_is_left_of_it(day: Day) -> None:
    home, model = day.home, day.model
    issue = day.repository.issue("Let people pay", "Nobody can pay. A price of **13** is right.")
    day.plays("open")

    session = day.spawn(issue.number)
    until(lambda: bool(day.repository.pulls), "the agent has opened a pull request", within_s=PATIENCE_S)
    (pull,) = day.repository.pulls.values()
    first = day.pushed(pull.branch)
    model.wait_until("waiting", request=2, within_s=PATIENCE_S)
    home.reach(session, "waiting", within_s=PATIENCE_S)
    day.plays("mend")
    day.ci_says(first, "failure", f"collected 1 test\n\x1b[31m{SAID_BY_CI}\x1b[0m\n")
    second = day.pushed(pull.branch, behind=first)
    model.wait_until("waiting", request=4, within_s=PATIENCE_S)
    day.restart()
    red = day.orch("show", session).out
    day.ci_says(second, "success")
    pull.review("grace", "APPROVED", "Well done")
    day.delivers("pull_request_review")
    ended = home.until_over(session, within_s=PATIENCE_S)[session]
    shown = day.orch("status", "--all").out
    day.forgets(pull.branch)
    cleaned = day.orch("clean")

    heard = model.heard
    assert len(heard) == 2
    assert "Let people pay" in heard[0]
    assert "A price of **13** is right." in heard[0]
    assert SAID_BY_CI in heard[1]
    assert "\x1b" not in heard[1]
    assert first[:7] in heard[1]
    assert f"#{pull.number}" in red
    assert (ended.state, ended.reason) == ("completed", "pr_merged")
    assert (pull.state, pull.sha) == ("MERGED", second)
    assert git(day.bare, "show", "main:pay.py") == "price = 13"
    assert f"#{pull.number} merged" in shown
    assert "removed" in cleaned.out
    assert not Path(ended.workspace.path).exists()
    assert git(day.shop, "for-each-ref", "refs/orch/preserve") == ""
    assert not list(home.processes(session))
    assert day.github.fake.violations == []
    assert told_in_order(home.journal(), session) == [
        "state running",
        "pr open",
        "fired ci-failed",
        "message submitted",
        "fired approved-and-green",
        "merge merged",
        "pr merged",
        "state completed",
    ]


def told_in_order(journal: list[Event], session: str) -> list[str]:
    """Tell the journal of a session as a person would, up to its end; each thing when it was first so."""
    told: list[str] = []
    for event in journal:
        line = _line(event) if event.session == session else None
        if line is not None and line not in told:
            told.append(line)
    return told[: told.index("state completed") + 1]


def _line(event: Event) -> str | None:
    match event.type:
        case EventType.STATE_CHANGED if event.to in ("running", "completed"):
            return f"state {event.to}"
        case EventType.CHANGE_CHANGED if event.to in ("open", "merged"):
            return f"pr {event.to}"
        case EventType.REACTION_FIRED:
            return f"fired {event.source}"
        case EventType.MESSAGE_SETTLED if (event.message or "").startswith("reaction."):
            return f"message {event.receipt}"
        case EventType.MERGE_SETTLED:
            return f"merge {event.to}"
        case _:
            return None


def free_port() -> int:
    """Find a port of this machine that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])

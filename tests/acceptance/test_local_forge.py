"""A bare repository as a forge under a real daemon: pushed, told of, merged by a reaction, completed, cleaned."""

from pathlib import Path

import pytest

from orchestrd.model.words import State
from tests.acceptance.agents import report
from tests.acceptance.command_line import Shell
from tests.acceptance.daemon import Home
from tests.workspaces.repositories import ENVIRONMENT, a_repository, git

WORKS = "echo new >new && git add new && git commit -q -m 'Something new' && git push -q origin HEAD; "
IS_DONE = f"{WORKS}{report('waiting')}exec sleep 600"
MERGES = """
[reactions.merge-what-is-pushed]
when = { pr = "open", checks = "none" }
act = "merge"
method = "squash"
"""


def test_what_is_pushed_to_a_bare_repository_is_merged_there_and_ends_its_session(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, bare = a_repository(home.place / "shop"), home.place / "shop.git"
    git(home.place, "clone", "-q", "--bare", "shop", "shop.git")
    git(shop, "remote", "add", "origin", f"file://{bare}")
    config = home.place / "config" / "orchestrd"
    config.mkdir(parents=True)
    (config / "config.toml").write_text(MERGES)
    for name, value in ENVIRONMENT.items():
        if name.startswith("GIT_"):
            monkeypatch.setenv(name, value)  # so that the daemon is somebody who may commit
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config.parent))
    home.start()
    shell = Shell(home.place)

    named = [word for name in ENVIRONMENT if name.startswith("GIT_") for word in ("--env", name)]
    asked = ("--dir", "shop", "--workspace", "worktree", "--until", "pr_merged", *named)
    session = shell.must("spawn", *asked, "--", "sh", "-c", IS_DONE).out.split()[0]
    home.sessions.add(session)
    ended = home.until_over(session, within_s=60.0)[session]
    git(shop, "update-ref", "-d", f"refs/remotes/origin/{ended.workspace.branch}")
    shown, cleaned = shell.must("show", session).out, shell.must("clean").out

    assert (ended.state, ended.reason) == (State.COMPLETED, "pr_merged")
    assert git(bare, "show", "main:new") == "new"
    assert git(bare, "log", "--format=%s", "main").splitlines() == ["Something new", "first"]
    assert "merged: Something new" in shown
    assert "removed" in cleaned
    assert not Path(ended.workspace.path).exists()

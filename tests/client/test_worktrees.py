"""What becomes of a wish for a worktree, depending on where the caller stands."""

from pathlib import Path
from typing import Any

import pytest

from orchestrd.client import WorkspaceWish, spawn_request
from orchestrd.client import repository as looking
from orchestrd.client.repository import changes_in, repository_at
from orchestrd.model.document import SpawnRequest
from orchestrd.model.errors import OrchestrdError, RefusedError, UsageError
from tests.workspaces.repositories import ENVIRONMENT, a_repository, git, write


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return a_repository(tmp_path / "shop")


def asked(place: Path, *, home: str = "/home/me/.orch", **changes: Any) -> SpawnRequest:
    wish = {name: changes.pop(name) for name in ("kind", "base", "copy", "link", "setup") if name in changes}
    return spawn_request(
        **{
            "argv": ["true"],
            "agent": "claude",
            "runtime": "tmux",
            "directory": str(place),
            "environ": ENVIRONMENT | {"ORCH_HOME": home},
            "workspace": WorkspaceWish(**wish),
            **changes,
        }
    )


def refusal_of(place: Path, **changes: Any) -> OrchestrdError:
    with pytest.raises(OrchestrdError) as caught:
        asked(place, **changes)
    return caught.value


def test_an_agent_in_a_repository_gets_a_worktree_of_its_own(project: Path) -> None:
    request = asked(project, prompt="Fix the login, please")

    workspace = request.spec.workspace
    assert (request.spec.project, workspace.kind, workspace.base) == (str(project), "worktree", "main")
    assert workspace.path == f"/home/me/.orch/worktrees/shop/{request.id}"
    assert workspace.branch == f"orch/{request.id}-fix-the-login-please"
    assert workspace.subdirectory is None


def test_the_branch_is_called_after_the_name_where_there_is_one(project: Path) -> None:
    request = asked(project, prompt="Fix the login", name="Login 2")

    assert request.spec.workspace.branch == f"orch/{request.id}-login-2"


def test_a_command_works_where_it_is_unless_a_worktree_is_asked_for(project: Path) -> None:
    assert asked(project, agent="shell").spec.workspace.kind == "none"
    assert asked(project, agent="shell", kind="worktree").spec.workspace.kind == "worktree"
    assert asked(project, agent="shell", base="main").spec.workspace.kind == "worktree"
    assert asked(project, kind="none").spec.workspace.kind == "none"


def test_git_is_not_asked_where_there_is_nothing_to_ask(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "ask", lambda *_, **__: pytest.fail("asked"))

    assert asked(project, agent="shell").spec.project == str(project)
    assert asked(project, kind="none").spec.project == str(project)


def test_who_stands_in_a_folder_of_the_project_works_in_that_folder_of_the_worktree(project: Path) -> None:
    (project / "web/api").mkdir(parents=True)

    request = asked(project / "web/api")

    assert (request.spec.project, request.spec.workspace.subdirectory) == (str(project), "web/api")
    assert request.spec.workspace.directory == f"/home/me/.orch/worktrees/shop/{request.id}/web/api"


def test_a_link_into_a_project_leads_to_that_project(project: Path, tmp_path: Path) -> None:
    (tmp_path / "web").symlink_to(project / "src")
    (tmp_path / "whole").symlink_to(project)

    assert asked(tmp_path / "web").spec.project == str(project)
    assert asked(tmp_path / "web").spec.workspace.subdirectory == "src"
    assert asked(tmp_path / "whole").spec.project == str(tmp_path / "whole")  # as the user calls it


def test_from_a_linked_worktree_the_project_is_the_main_one_and_the_base_its_own_branch(
    project: Path, tmp_path: Path
) -> None:
    git(project, "worktree", "add", "-q", "-b", "feature", str(tmp_path / "linked"))

    request = asked(tmp_path / "linked/src")

    assert (request.spec.project, request.spec.workspace.base) == (str(project), "feature")
    assert request.spec.workspace.subdirectory == "src"


def test_a_bare_repository_is_its_own_project_and_so_is_a_worktree_of_it(project: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(project), "bare.git")
    git(tmp_path / "bare.git", "worktree", "add", "-q", "-b", "feature", str(tmp_path / "linked"))

    bare, linked = asked(tmp_path / "bare.git"), asked(tmp_path / "linked")

    assert (bare.spec.project, bare.spec.workspace.base) == (str(tmp_path / "bare.git"), "main")
    assert "/worktrees/bare/" in bare.spec.workspace.path
    assert (linked.spec.project, linked.spec.workspace.base) == (str(tmp_path / "linked"), "feature")


def test_a_submodule_is_a_project_of_its_own(project: Path, tmp_path: Path) -> None:
    inner = a_repository(tmp_path / "inner")
    git(project, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "lib")

    assert asked(project / "lib/src").spec.project == str(project / "lib")


def test_a_detached_head_is_a_base_by_its_commit(project: Path) -> None:
    git(project, "switch", "-q", "--detach")

    assert asked(project).spec.workspace.base == git(project, "rev-parse", "HEAD")


def test_the_base_can_be_said_and_has_to_be_a_commit(project: Path) -> None:
    git(project, "tag", "v1")

    assert asked(project, base="v1").spec.workspace.base == "v1"
    for base in ("nowhere", "v1:README"):
        assert (refusal_of(project, base=base).code, type(refusal_of(project, base=base))) == ("no_base", UsageError)
    assert "cannot be a commit" in refusal_of(project, base="--all").message


def test_where_there_is_no_repository_an_agent_works_in_the_directory_and_that_is_said(tmp_path: Path) -> None:
    said: list[str] = []

    request = asked(tmp_path, notice=said.append)

    assert (request.spec.workspace.kind, request.spec.workspace.path) == ("none", str(tmp_path))
    (line,) = said
    assert line.startswith(f"orch: {tmp_path} is in no git repository: the session works in the directory itself")


@pytest.mark.parametrize("wish", [{"kind": "worktree"}, {"setup": "make"}, {"copy": (".env",)}])
def test_who_asks_for_a_worktree_where_there_is_none_to_be_had_is_refused(
    tmp_path: Path, wish: dict[str, object]
) -> None:
    git(tmp_path, "init", "-q", "-b", "main", "young")
    git(tmp_path, "init", "-q", "--bare", "young.git")

    plain, young, bare = (refusal_of(tmp_path / place, **wish) for place in (".", "young", "young.git"))

    assert [(type(error), error.code) for error in (plain, young, bare)] == [
        (RefusedError, "no_repository"),
        (RefusedError, "no_commit"),
        (RefusedError, "no_commit"),
    ]
    assert young.hint == f"git -C {tmp_path}/young commit --allow-empty -m begin"


@pytest.mark.parametrize("kind", ["auto", "worktree"])
def test_what_needs_a_repository_is_named_where_there_is_none(tmp_path: Path, kind: str) -> None:
    detailed, plain = refusal_of(tmp_path, kind=kind, setup="make"), refusal_of(tmp_path, kind="worktree")

    assert detailed.message == (
        f"{tmp_path} is in no git repository, and --base, --copy, --link and --setup need one: leave them out"
    )
    assert detailed.hint == f"git -C {tmp_path} init"
    assert plain.hint == "orch spawn --workspace none"


def test_without_git_that_is_what_is_said_to_be_missing(project: Path, tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path), "HOME": "/home/me"}
    said: list[str] = []

    request = asked(project, environ=environ, notice=said.append)
    refusal = refusal_of(project, environ=environ, kind="worktree")

    assert request.spec.workspace.kind == "none"
    assert said[0].startswith("orch: there is no git on the PATH: the session works in the directory itself")
    assert (refusal.message, refusal.code, refusal.hint) == ("there is no git on the PATH", "no_git", "apt install git")


def test_within_gits_own_directory_nothing_is_begun(project: Path) -> None:
    assert "git's own directory" in refusal_of(project / ".git/refs").message


def test_a_repository_that_git_will_not_use_is_told_in_its_words(project: Path) -> None:
    (project / ".git/config").write_text("[broken\n")

    refusal = refusal_of(project)

    assert "bad config" in refusal.message
    assert refusal.hint == f"git -C {project} status"


def test_a_repository_of_another_user_is_told_with_what_makes_git_use_it(project: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    guarded = f"echo \"fatal: detected dubious ownership in repository at '{project}'\" >&2; exit 128"
    (tmp_path / "bin/git").write_text(f"#!/bin/sh\n{guarded}\n")
    (tmp_path / "bin/git").chmod(0o755)

    refusal = refusal_of(project, environ=ENVIRONMENT | {"PATH": str(tmp_path / "bin")})

    assert (refusal.code, refusal.hint) == (
        "foreign_repository",
        f"git config --global --add safe.directory {project}",
    )


def test_what_is_to_be_brought_along_is_named_from_the_root_and_is_there(project: Path, tmp_path: Path) -> None:
    write(project, {".env": "x", "data/seed": "y"})
    (project / "out").symlink_to(tmp_path)

    workspace = asked(project / "src", copy=(".env",), link=("data",), setup="make").spec.workspace

    assert (workspace.copy, workspace.link, workspace.setup) == ((".env",), ("data",), "make")
    for path, said in (("gone", "no 'gone'"), ("out", "leads out"), ("../x", "leads out"), (".git/config", "git")):
        assert said in refusal_of(project, copy=(path,)).message
        assert said in refusal_of(project, link=(path,)).message


def test_what_only_a_worktree_has_cannot_be_asked_for_without_one(project: Path) -> None:
    contradiction = refusal_of(project, kind="none", setup="make")

    assert contradiction.message == (
        "--base, --copy, --link and --setup are for a worktree, and --workspace none makes none: leave one out"
    )
    assert "no workspace 'vm'" in refusal_of(project, kind="vm").message


def test_changes_that_a_worktree_will_not_hold_are_counted(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert changes_in(str(project), ENVIRONMENT) == 0

    write(project, {"README": "changed", "new/1": "", "new/2": "", ".gitignore": "ignored\n", "ignored": ""})

    assert changes_in(str(project), ENVIRONMENT) == 3
    assert changes_in("/", ENVIRONMENT) == 0
    monkeypatch.setattr(looking, "CHANGES_LOOK_S", 0.0)
    assert changes_in(str(project), ENVIRONMENT) == 0


def test_a_git_that_does_not_answer_keeps_nobody_waiting(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "REPOSITORY_LOOK_S", 0.0)

    with pytest.raises(OrchestrdError) as late:
        repository_at(str(project), ENVIRONMENT)

    assert late.value.code == "git_late"

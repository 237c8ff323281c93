"""Worktrees of real repositories: ready to run in, whatever came in between, and the project as it was."""

import asyncio
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from orchestrd.core.layout import Layout
from orchestrd.core.worktree import branch_for, worktree_path
from orchestrd.model.errors import OrchestrdError, UsageError
from orchestrd.model.ids import SessionId
from orchestrd.model.session import Spec, Workspace
from orchestrd.workspaces.git import Git
from orchestrd.workspaces.worktree import WorktreeKeeper
from tests.documents import a_spec
from tests.workspaces.repositories import ENVIRONMENT, a_repository, git, write

ID = SessionId("abcdefgh")
OTHER = SessionId("bcdefghi")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    (tmp_path / "home/logs").mkdir(parents=True)
    return Layout(str(tmp_path / "home"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return a_repository(tmp_path / "shop")


@pytest.fixture
def keeper(layout: Layout) -> WorktreeKeeper:
    return WorktreeKeeper(layout, Git(ENVIRONMENT))


def spec_for(layout: Layout, project: Path, session: SessionId = ID, **changes: Any) -> Spec:
    workspace = Workspace(
        kind="worktree",
        path=worktree_path(layout.worktrees, str(project), session),
        branch=branch_for(session, "fix it"),
        base="main",
    )
    return a_spec(name=session, project=str(project), workspace=replace(workspace, **changes))


def state_of(project: Path) -> tuple[str, ...]:
    """Everything about a repository that making a worktree must leave as it is."""
    return (
        git(project, "status", "--porcelain=v2", "--branch"),
        git(project, "config", "--list", "--local"),
        git(project, "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads/main", "refs/tags"),
        (project / ".git/index").read_bytes().hex(),
        (project / ".git/info/exclude").read_text(),
    )


async def refusal_of(keeper: WorktreeKeeper, spec: Spec, session: SessionId = ID) -> OrchestrdError:
    with pytest.raises(OrchestrdError) as caught:
        await keeper.prepare(session, spec)
    return caught.value


def listed(place: Path) -> list[str]:
    """Every file below a place but git's own, sorted."""
    return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.name != ".git")


def registered(project: Path) -> list[str]:
    """The worktrees that git knows of, and what it says of each."""
    return [block for block in git(project, "worktree", "list", "--porcelain").split("\n\n")[1:] if block]


# ---- made ------------------------------------------------------------------------------------------------------------


async def test_a_worktree_holds_the_files_of_its_base_on_a_branch_of_its_own(
    keeper: WorktreeKeeper, layout: Layout, project: Path
) -> None:
    spec = spec_for(layout, project)

    await keeper.prepare(ID, spec)

    place = Path(spec.workspace.path)
    assert listed(place) == ["README", "src", "src/app.py"]
    assert git(place, "status", "--porcelain=v2", "--branch").splitlines()[1] == "# branch.head orch/abcdefgh-fix-it"
    assert git(place, "rev-parse", "HEAD") == git(project, "rev-parse", "main")
    assert git(place, "status", "--porcelain") == ""
    assert stat.S_IMODE(Path(layout.worktrees).stat().st_mode) == 0o700


async def test_the_project_gains_a_branch_and_a_registration_and_nothing_else(
    keeper: WorktreeKeeper, layout: Layout, project: Path
) -> None:
    write(project, {"README": "changed\n", "new": "x\n"})
    before = state_of(project)

    await keeper.prepare(ID, spec_for(layout, project))

    assert state_of(project) == before
    assert git(project, "for-each-ref", "--format=%(refname)") == "refs/heads/main\nrefs/heads/orch/abcdefgh-fix-it"
    assert [block.splitlines()[2:] for block in registered(project)] == [["branch refs/heads/orch/abcdefgh-fix-it"]]


async def test_uncommitted_changes_stay_where_they_are(keeper: WorktreeKeeper, layout: Layout, project: Path) -> None:
    write(project, {"README": "mine\n", "notes": "mine\n"})
    spec = spec_for(layout, project)

    await keeper.prepare(ID, spec)

    assert (Path(spec.workspace.path) / "README").read_text() == "hello\n"
    assert not (Path(spec.workspace.path) / "notes").exists()
    assert (project / "README").read_text() == "mine\n"


async def test_preparing_again_touches_nothing(keeper: WorktreeKeeper, layout: Layout, project: Path) -> None:
    spec = spec_for(layout, project)
    await keeper.prepare(ID, spec)
    place = Path(spec.workspace.path)
    write(place, {"README": "half done\n", "new": "x\n"})
    git(place, "switch", "-q", "-c", "elsewhere")

    await keeper.prepare(ID, spec)

    assert git(place, "status", "--porcelain=v2", "--branch").splitlines()[1] == "# branch.head elsewhere"
    assert (place / "README").read_text() == "half done\n"


@pytest.mark.parametrize("base", ["feature", "v1", "main~1"])
async def test_the_base_is_any_commit(keeper: WorktreeKeeper, layout: Layout, project: Path, base: str) -> None:
    git(project, "branch", "feature")
    git(project, "tag", "v1")
    git(project, "commit", "-q", "--allow-empty", "-m", "second")
    spec = spec_for(layout, project, base=base)

    await keeper.prepare(ID, spec)

    assert git(Path(spec.workspace.path), "log", "--format=%s") == "first"
    assert git(project, "config", "--list", "--local").count("branch.") == 0  # it follows nothing


async def test_a_base_that_is_no_commit_is_named(keeper: WorktreeKeeper, layout: Layout, project: Path) -> None:
    refusal = await refusal_of(keeper, spec_for(layout, project, base="nowhere"))

    assert isinstance(refusal, UsageError)
    assert "no commit 'nowhere'" in refusal.message
    assert git(project, "branch", "--list", "orch/*") == ""


async def test_the_directory_that_the_caller_stood_in_is_there(
    keeper: WorktreeKeeper, layout: Layout, project: Path
) -> None:
    spec = spec_for(layout, project, subdirectory="packages/new")

    await keeper.prepare(ID, spec)

    assert Path(spec.workspace.directory).is_dir()
    assert spec.workspace.directory == f"{spec.workspace.path}/packages/new"


async def test_two_sessions_of_one_repository_at_once_each_get_theirs(
    keeper: WorktreeKeeper, layout: Layout, project: Path
) -> None:
    sessions = [SessionId(f"abcdefg{letter}") for letter in "abcdefghijkl"]

    async with asyncio.TaskGroup() as group:
        for session in sessions:
            group.create_task(keeper.prepare(session, spec_for(layout, project, session)), name=session)

    assert len(registered(project)) == len(sessions)
    for session in sessions:
        assert git(Path(layout.worktrees, "shop", session), "status", "--porcelain") == ""


# ---- kinds of repositories -------------------------------------------------------------------------------------------


async def test_a_bare_repository_has_worktrees_too(
    keeper: WorktreeKeeper, layout: Layout, project: Path, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(project), "shop.git")
    spec = spec_for(layout, tmp_path / "shop.git")

    await keeper.prepare(ID, spec)

    assert spec.workspace.path == f"{layout.worktrees}/shop/abcdefgh"
    assert listed(Path(spec.workspace.path)) == ["README", "src", "src/app.py"]


async def test_a_shallow_clone_will_do(keeper: WorktreeKeeper, layout: Layout, project: Path, tmp_path: Path) -> None:
    git(project, "commit", "-q", "--allow-empty", "-m", "second")
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{project}", "shallow")
    spec = spec_for(layout, tmp_path / "shallow")

    await keeper.prepare(ID, spec)

    assert git(Path(spec.workspace.path), "rev-list", "--count", "HEAD") == "1"


async def test_an_empty_commit_makes_an_empty_worktree(keeper: WorktreeKeeper, layout: Layout, tmp_path: Path) -> None:
    spec = spec_for(layout, a_repository(tmp_path / "empty", files={}))

    await keeper.prepare(ID, spec)
    await keeper.prepare(ID, spec)

    assert listed(Path(spec.workspace.path)) == []


async def test_what_is_no_repository_is_refused(keeper: WorktreeKeeper, layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()

    for place in ("plain", "gone"):
        refusal = await refusal_of(keeper, spec_for(layout, tmp_path / place))

        assert (refusal.code, refusal.hint) == ("no_repository", "orch spawn --workspace none")
        assert f"no git repository in {tmp_path}/{place}" in refusal.message


async def test_a_repository_without_a_commit_has_nothing_to_begin_at(
    keeper: WorktreeKeeper, layout: Layout, tmp_path: Path
) -> None:
    git(tmp_path, "init", "-q", "-b", "main", "young")

    refusal = await refusal_of(keeper, spec_for(layout, tmp_path / "young", base="main"))

    assert refusal.code == "no_base"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
async def test_a_repository_of_another_user_is_told_with_gits_own_way_out(
    keeper: WorktreeKeeper, layout: Layout, project: Path
) -> None:
    for path in (project, project / ".git"):
        os.chown(path, 12345, 12345)

    refusal = await refusal_of(keeper, spec_for(layout, project))

    assert refusal.code == "foreign_repository"
    assert refusal.hint == f"git config --global --add safe.directory {project}"


async def test_submodules_that_the_project_has_filled_are_filled(layout: Layout, project: Path, tmp_path: Path) -> None:
    allowed = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "protocol.file.allow", "GIT_CONFIG_VALUE_0": "always"}
    inner = a_repository(tmp_path / "inner", files={"lib.py": "1\n"})
    for name in ("filled", "left empty"):
        git(project, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), name)
    git(project, "commit", "-q", "-m", "submodules")
    git(project, "submodule", "--quiet", "deinit", "-f", "left empty")
    spec = spec_for(layout, project)

    await WorktreeKeeper(layout, Git(ENVIRONMENT | allowed)).prepare(ID, spec)

    place = Path(spec.workspace.path)
    assert (place / "filled/lib.py").read_text() == "1\n"
    assert not (place / "left empty/lib.py").exists()
    assert not Path(layout.log(ID)).exists()


async def test_submodules_that_cannot_be_had_are_told_of_in_the_log(
    keeper: WorktreeKeeper, layout: Layout, project: Path, tmp_path: Path
) -> None:
    inner = a_repository(tmp_path / "inner")
    git(project, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "lib")
    git(project, "commit", "-q", "-m", "submodules")
    shutil.rmtree(inner)

    await keeper.prepare(ID, spec_for(layout, project))

    assert Path(layout.log(ID)).read_text().startswith("orchestrd: the submodules are not all there: git submodule")


async def test_no_hook_of_the_repository_runs(
    keeper: WorktreeKeeper, layout: Layout, project: Path, tmp_path: Path
) -> None:
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        hook = project / ".git/hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran-{name}\n")
        hook.chmod(0o755)

    await keeper.prepare(ID, spec_for(layout, project))

    assert list(tmp_path.glob("ran-*")) == []


async def test_a_home_within_the_project_is_no_trouble(tmp_path: Path) -> None:
    project = a_repository(tmp_path / "shop")
    layout = Layout(f"{project}/.orch")
    Path(layout.logs).mkdir(parents=True)
    write(project, {".gitignore": ".orch\ndata\n", ".worktreeinclude": "data\n.orch\n", "data/x": "1\n"})
    spec = spec_for(layout, project, copy=(".orch",))

    await WorktreeKeeper(layout, Git(ENVIRONMENT)).prepare(ID, spec)

    place = Path(spec.workspace.path)
    assert (place / "data/x").read_text() == "1\n"
    assert not (place / ".orch/worktrees").exists()


# ---- what no commit holds --------------------------------------------------------------------------------------------


async def test_ignored_files_named_in_worktreeinclude_are_copied_and_no_others(
    keeper: WorktreeKeeper, layout: Layout, project: Path
) -> None:
    write(
        project,
        {
            ".gitignore": ".env*\nnode_modules/\n*.log\n",
            ".worktreeinclude": "# for the server\n.env*\n!.env.local\nnode_modules/\nuntracked\nREADME\n",
            ".env": "KEY=1\n",
            ".env.local": "KEY=2\n",
            "web/.env": "KEY=3\n",
            "node_modules/a b/index.js": "1\n",
            "x.log": "no\n",
            "untracked": "not ignored\n",
            "README": "changed\n",
        },
    )
    (project / ".env").chmod(0o600)
    spec = spec_for(layout, project)

    await keeper.prepare(ID, spec)

    place = Path(spec.workspace.path)
    assert set(listed(place)) - {"README", "src", "src/app.py"} == {
        ".env",
        "web",
        "web/.env",
        "node_modules",
        "node_modules/a b",
        "node_modules/a b/index.js",
    }
    assert stat.S_IMODE((place / ".env").stat().st_mode) == 0o600
    assert (place / "README").read_text() == "hello\n"


async def test_what_is_asked_for_is_copied_as_it_is_and_linked(
    keeper: WorktreeKeeper, layout: Layout, project: Path
) -> None:
    write(project, {"data/one/x": "1\n", "data/run.sh": "#!/bin/sh\n", "big/file": "1\n", "etc/key": "k\n"})
    (project / "data/run.sh").chmod(0o755)
    (project / "data/link").symlink_to("one/x")
    (project / "data/dead").symlink_to("nowhere")
    (project / "data/empty").mkdir(mode=0o500)
    os.mkfifo(project / "data/pipe")
    spec = spec_for(layout, project, copy=("data", "etc/key"), link=("big",))

    await keeper.prepare(ID, spec)

    place = Path(spec.workspace.path)
    assert (place / "data/one/x").read_text() == "1\n"
    assert os.access(place / "data/run.sh", os.X_OK)
    assert (place / "data/link").readlink() == Path("one/x")
    assert (place / "data/dead").readlink() == Path("nowhere")
    assert (place / "data/empty").is_dir()
    assert not (place / "data/pipe").exists()
    assert (place / "etc/key").read_text() == "k\n"
    assert (place / "big").readlink() == project / "big"


async def test_nothing_that_is_tracked_is_overwritten(
    keeper: WorktreeKeeper, layout: Layout, project: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (project / "conf").symlink_to(tmp_path / "outside")
    write(project, {"plain": "a file\n"})
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "a link that leads out, and a file")
    (project / "conf").unlink()
    (project / "plain").unlink()
    write(project, {"conf/secret": "x\n", "plain/x": "y\n", "src/app.py": "changed\n", "src/more.py": "2\n"})
    spec = spec_for(layout, project, copy=("conf", "conf/secret", "plain/x", "src"), link=("README",))

    await keeper.prepare(ID, spec)

    place = Path(spec.workspace.path)
    assert git(place, "status", "--porcelain") == "?? src/more.py"
    assert list((tmp_path / "outside").iterdir()) == []


async def test_what_is_not_there_or_leads_out_of_the_project_is_refused_and_nothing_is_left(
    keeper: WorktreeKeeper, layout: Layout, project: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("x")
    (project / "out").symlink_to(tmp_path)

    for wish in (
        spec_for(layout, project, copy=("gone",)),
        spec_for(layout, project, copy=("out/secret",)),
        spec_for(layout, project, link=("out",)),
    ):
        refusal = await refusal_of(keeper, wish)

        assert refusal.code in ("no_file", "outside")
        assert registered(project) == []
        assert git(project, "branch", "--list", "orch/*") == ""
        assert listed(Path(layout.worktrees)) == [".making", "shop"]


async def test_a_worktreeinclude_that_names_too_much_says_so(
    keeper: WorktreeKeeper, layout: Layout, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrd.workspaces.filling.INCLUDED_FILES_MAX", 2)
    write(project, {".gitignore": "d\n", ".worktreeinclude": "d\n", "d/1": "", "d/2": "", "d/3": ""})

    refusal = await refusal_of(keeper, spec_for(layout, project))

    assert ".worktreeinclude names 3 files" in refusal.message

"""`orch clean` and `orch diff` at the command line: what is printed, where, and the exit code."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrd.model.document import CleanedWorktree, CleanReport, Document
from orchestrd.model.session import Workspace
from tests.cli.fake_daemon import FakeDaemon, Result, whole
from tests.documents import a_document
from tests.workspaces.landscapes import BRANCH, NAME, Landscape, git

Orch = Callable[..., Result]


def says(daemon: FakeDaemon, *deeds: str, **changes: Any) -> None:
    rows = tuple(CleanedWorktree(session=NAME, path="/w", deed=deed, why="it is so") for deed in deeds)
    report = CleanReport(dry_run=False, worktrees=rows, freed_bytes=0, **changes)
    daemon.answers("/v1/clean", whole(msgspec.json.encode(report)))


def knows(daemon: FakeDaemon, told: Document) -> None:
    daemon.answers(f"/v1/sessions/{told.id}", whole(msgspec.json.encode(told)))
    daemon.answers("/v1/health", whole(b'{"pid":1,"epoch":1,"sequence":0}'))


@pytest.mark.parametrize(
    ("deeds", "refs", "code"),
    [
        ((), (), 0),
        (("remove", "preserve", "spare"), (), 0),
        (("remove", "keep"), (), 1),
        (("spare",), (NAME,), 1),
        (("absent",), (NAME,), 0),
    ],
)
def test_the_exit_says_whether_all_was_cleaned_that_was_to_be(
    daemon: FakeDaemon, orch: Orch, deeds: tuple[str, ...], refs: tuple[str, ...], code: int
) -> None:
    says(daemon, *deeds)

    assert orch("clean", *refs).code == code


def test_a_removal_left_over_from_a_crash_is_told_and_is_no_success(daemon: FakeDaemon, orch: Orch) -> None:
    says(daemon, troubles=("/w/.x.gone is left over",))

    done = orch("clean")

    assert done.code == 1
    assert "trouble   /w/.x.gone is left over" in done.out


def test_what_was_done_is_printed_for_people_or_as_json(daemon: FakeDaemon, orch: Orch) -> None:
    says(daemon, "remove")

    assert orch("clean").out.startswith(f"{NAME}  removed: it is so\n")
    assert json.loads(orch("clean", "--json").out)["worktrees"][0]["deed"] == "remove"


@pytest.fixture
def land(tmp_path: Path, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> Landscape:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    land = Landscape(tmp_path / "land")
    workspace = Workspace(kind="worktree", path=str(land.worktree), branch=BRANCH, base="main")
    knows(daemon, a_document(NAME, project=str(land.project), workspace=workspace))
    return land


def test_a_difference_is_printed_by_git_itself(land: Landscape, orch: Orch) -> None:
    (land.worktree / "new").write_text("1\n")

    done = orch("diff", NAME)
    brief = orch("diff", NAME, "--stat")

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("diff --git a/new b/new\nnew file mode 100644\n")
    assert brief.out.endswith(" 1 file changed, 1 insertion(+)\n")


def test_what_is_said_beside_it_goes_to_stderr(land: Landscape, orch: Orch) -> None:
    git(land.project, "worktree", "remove", str(land.worktree))

    done = orch("diff", NAME)

    assert (done.code, done.out) == (0, "")
    assert "is not there: this is from refs/heads/" in done.err


def test_a_directory_in_no_repository_is_refused_with_what_to_try(
    tmp_path: Path, daemon: FakeDaemon, orch: Orch
) -> None:
    knows(daemon, a_document(workspace=Workspace(kind="none", path=str(tmp_path))))

    done = orch("diff", "abcdefgh")

    assert done.code == 4
    assert "try: orch logs abcdefgh" in done.err


def test_a_git_that_fails_fails_the_verb(land: Landscape, orch: Orch) -> None:
    git(land.project, "config", "diff.algorithm", "nonsense")
    (land.worktree / ".gitignore").write_text("1\n")

    assert orch("diff", NAME).code == 1

"""Names of worktrees: whatever people call things, git takes the branch and the path stays where it belongs."""

import posixpath
import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrd.core.worktree import branch_for, making_path, owner_of, project_name, slug_of, worktree_path
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import PROJECT_NAME_CHARS_MAX, SLUG_CHARS_MAX

ID = SessionId("abcdefgh")
ROOT = "/home/me/.orch/worktrees"


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("fix-login", "fix-login"),
        ("Fix the LOGIN page!", "fix-the-login-page"),
        ("Über naïve Café", "uber-naive-cafe"),
        ("refactor: the whole of the authentication and more", "refactor-the-whole-of-the-authentication"),
        ("a" * 60, "a" * 40),
        ("first line\nsecond", "first-line-second"),
        ("../../etc/passwd", "etc-passwd"),
        ("-rf --force", "rf-force"),
        ("x.lock", "x-lock"),
        ("直す", ""),
        ("", ""),
    ],
)
def test_a_slug_is_the_first_words_in_plain_letters(text: str, slug: str) -> None:
    assert slug_of(text) == slug


def test_a_branch_bears_the_id_and_where_there_are_words_those() -> None:
    assert branch_for(ID, "fix it") == "orch/abcdefgh-fix-it"
    assert branch_for(ID, "🚀") == "orch/abcdefgh"


@given(st.text())
def test_a_branch_is_short_plain_and_known_as_ours(text: str) -> None:
    branch = branch_for(ID, text)

    assert re.fullmatch(r"orch/abcdefgh(-[a-z0-9]+)*", branch)
    assert len(branch.removeprefix("orch/abcdefgh-")) <= max(SLUG_CHARS_MAX, len(branch_for(ID, "")))
    assert owner_of(branch) == ID


@given(st.lists(st.text(), min_size=1, max_size=20))
def test_git_takes_every_branch_we_name(texts: list[str]) -> None:
    for branch in {branch_for(ID, text) for text in texts}:
        subprocess.run(["git", "check-ref-format", "--branch", branch], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(
    "branch",
    [
        "main",
        "orch/",
        "orch/abcdefgH",
        "orch/abcdefgh-",
        "orch/abcdefgh--",
        "orch/abcdefgh-x-",
        "orch/abcdefgh-X",
        "orch/abcdefgh/x",
        "orch/abcdefgh-x\n",
        "orch/abcdefgh-" + "x" * 41,
    ],
)
def test_other_branches_are_nobodys(branch: str) -> None:
    assert owner_of(branch) is None


@pytest.mark.parametrize(
    ("project", "name"),
    [
        ("/home/me/shop", "shop"),
        ("/home/me/shop/", "shop"),
        ("/srv/git/shop.git", "shop"),
        ("/home/me/My Shop (new)", "My-Shop--new-"),
        ("/home/me/Übung", "Übung"),
        ("/home/me/.dotfiles", "dotfiles"),
        ("/home/me/-rf", "rf"),
        ("/home/me/..", "project"),
        ("/", "project"),
        ("", "project"),
        ("/home/me/x\udcff", "x-"),
    ],
)
def test_a_project_is_named_after_its_directory(project: str, name: str) -> None:
    assert project_name(project) == name


@given(st.text())
def test_no_name_of_a_project_leads_out_of_the_root(project: str) -> None:
    name = project_name(project)
    path = worktree_path(ROOT, project, ID)

    assert posixpath.normpath(path) == path
    assert path == f"{ROOT}/{name}/abcdefgh"
    assert name
    assert not {"/", "\0"}.intersection(name)
    assert len(name) <= PROJECT_NAME_CHARS_MAX
    assert len(name.encode()) <= 255
    assert not name.startswith((".", "-"))


def test_where_it_is_made_lies_as_deep_as_where_it_will_be() -> None:
    assert making_path(ROOT, ID).count("/") == worktree_path(ROOT, "/home/me/shop", ID).count("/")
    assert making_path(ROOT, ID) != worktree_path(ROOT, "/home/me/.making", ID)

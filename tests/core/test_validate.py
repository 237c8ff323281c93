"""What may be asked for: what passes, and what is refused with which words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from orchestrd.core.validate import (
    problem_with,
    problem_with_command,
    problem_with_env_name,
    problem_with_grace,
    problem_with_id,
    problem_with_name,
    problem_with_request,
)
from orchestrd.model import limits
from orchestrd.model.command import Kill, Revive, Send, Spawn, Stop
from orchestrd.model.ids import SessionId
from orchestrd.model.session import Workspace
from orchestrd.model.words import Until
from tests.documents import a_request, a_spec

ID = SessionId("abcdefgh")
WORKSPACE = Workspace(kind="none", path="/home/me")
WORKTREE = Workspace(
    kind="worktree",
    path="/home/me/.orch/worktrees/shop/abcdefgh",
    branch="orch/abcdefgh-fix-it",
    base="main",
    copy=(".env", "data/seed"),
    link=("node_modules",),
    setup="make deps",
    subdirectory="packages/web",
)


@pytest.mark.parametrize("name", ["a", "fix login", "naïve-ünïcode", "🚀", "👩‍🚀 crew", "x" * 64, "1.2", "ab-_cd"])
def test_a_name_is_any_short_visible_line(name: str) -> None:
    assert problem_with_name(name) is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "empty"),
        ("x" * 65, "65 characters"),
        ("x" * 10_000, "10000 characters"),
        ("-rf", "begins with '-'"),
        (".hidden", "begins with '.'"),
        ("../../etc/passwd", "begins with '.'"),
        ("a/b", "contains '/'"),
        (" a", "space"),
        ("a ", "space"),
        ("a\nb", "cannot be seen"),
        ("a\x1b[31mb", "cannot be seen"),
        ("a\0b", "cannot be seen"),
        ("a\u202eb", "cannot be seen"),
        ("a\ud800b", "cannot be seen"),
        ("a\u2028b", "cannot be seen"),
    ],
)
def test_a_name_that_deceives_is_refused(name: str, said: str) -> None:
    problem = problem_with_name(name)

    assert problem is not None
    assert said in problem
    assert problem.isprintable()


@given(st.text())
def test_a_name_that_passes_is_one_path_component_and_no_option(name: str) -> None:
    if problem_with_name(name) is None:
        assert not {"/", "\0", "\n", "\x1b"}.intersection(name)
        assert name[0] not in "-."
        assert name.encode()


@pytest.mark.parametrize("text", ["", "abc", "ABCDEFGH", "abcdefg1", "../../..", "abcdefghi"])
def test_an_id_is_eight_characters_of_base32(text: str) -> None:
    assert problem_with_id(ID) is None
    assert problem_with_id(text) is not None


def test_a_plain_request_passes() -> None:
    assert problem_with_request(a_request()) is None
    assert problem_with_request(a_request(prompt="do it")) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "a/b"}, "name"),
        ({"project": "relative"}, "absolute"),
        ({"project": "/a\0b"}, "NUL"),
        ({"project": "/" + "a" * 5000}, "5001 bytes"),
        ({"workspace": replace(WORKSPACE, kind="vm")}, "workspace kind"),
        ({"workspace": replace(WORKSPACE, setup="make")}, "need a worktree"),
        ({"workspace": replace(WORKSPACE, copy=(".env",))}, "need a worktree"),
        ({"workspace": replace(WORKSPACE, subdirectory="web")}, "need a worktree"),
        ({"workspace": replace(WORKTREE, path="x")}, "workspace 'x'"),
        ({"workspace": replace(WORKTREE, base="--force")}, "the base"),
        ({"workspace": replace(WORKTREE, base="")}, "the base"),
        ({"workspace": replace(WORKTREE, base="a b")}, "the base"),
        ({"workspace": replace(WORKTREE, base="a\n")}, "the base"),
        ({"workspace": replace(WORKTREE, base="x" * 2000)}, "2000 bytes"),
        ({"workspace": replace(WORKTREE, copy=("/etc/passwd",))}, "copy '/etc/passwd' leads out"),
        ({"workspace": replace(WORKTREE, copy=("ok", "a/../../b"))}, "copy 'a/../../b' leads out"),
        ({"workspace": replace(WORKTREE, link=("a//b",))}, "link 'a//b' is not plain"),
        ({"workspace": replace(WORKTREE, link=(".",))}, "link '.' is not plain"),
        ({"workspace": replace(WORKTREE, link=("",))}, "link '' is not plain"),
        ({"workspace": replace(WORKTREE, copy=("lib/.git/config",))}, "belongs to git"),
        ({"workspace": replace(WORKTREE, copy=("\udcff",))}, "UTF-8"),
        ({"workspace": replace(WORKTREE, copy=("a",) * 257)}, "257 paths to copy"),
        ({"workspace": replace(WORKTREE, link=("a",) * 257)}, "257 paths to link"),
        ({"workspace": replace(WORKTREE, setup="\0")}, "the setup command"),
        ({"workspace": replace(WORKTREE, subdirectory="../x")}, "work in '../x' leads out"),
        ({"workspace": replace(WORKSPACE, path="x")}, "workspace 'x'"),
        ({"lane": "fast"}, "lane"),
        ({"argv": ("a\0",)}, "NUL"),
        ({"argv": ("",)}, "the command is empty"),
        ({"argv": ("\udcff",)}, "UTF-8"),
        ({"argv": ("x" * (limits.ARGV_BYTES_MAX + 1),)}, "an argument"),
        ({"argv": ("x" * 1000,) * 140}, "command line is longer"),
        ({"env_names": ("OK", "no-good")}, "'no-good'"),
        ({"grace_s": -1.0}, "grace"),
        ({"grace_s": float("nan")}, "grace"),
        ({"grace_s": 1e9}, "grace"),
        ({"nonce": ""}, "nonce"),
        ({"nonce": "a:b"}, "nonce"),
        ({"nonce": "a" * 65}, "nonce"),
        ({"prompt": "x" * 2001}, "head of the prompt"),
        ({"prompt": "\0"}, "NUL"),
    ],
)
def test_a_spec_that_breaks_a_rule_is_told_which(changes: dict[str, object], said: str) -> None:
    problem = problem_with(a_spec(**changes))

    assert problem is not None
    assert said in problem


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"session": "no sense"}, "session id"),
        ({"spec": a_spec(name="")}, "name"),
        ({"spec": a_spec(workspace=replace(WORKTREE, branch="main"))}, "'main' is not one of abcdefgh"),
        ({"spec": a_spec(workspace=replace(WORKTREE, branch=None))}, "'None' is not one of abcdefgh"),
        ({"spec": a_spec(workspace=replace(WORKTREE, branch="orch/bcdefghi"))}, "not one of abcdefgh"),
        ({"spec": a_spec(workspace=replace(WORKTREE, path="/w/bcdefghi"))}, "does not end in the id"),
        ({"environment": {"A B": "x"}}, "'A B'"),
        ({"environment": {"ORCH_HOME": "x"}}, "set by orchestrd"),
        ({"environment": {"A": "x\0"}}, "value of A"),
        ({"environment": {f"A{n}": "x" * 100_000 for n in range(6)}}, "fewer variables"),
        ({"prompt": "x" * (limits.PROMPT_BYTES_MAX + 1)}, "the prompt"),
    ],
)
def test_a_request_that_breaks_a_rule_is_told_which(changes: dict[str, Any], said: str) -> None:
    problem = problem_with_request(a_request(**changes))

    assert problem is not None
    assert said in problem


def test_a_worktree_of_the_session_itself_passes() -> None:
    spec = a_spec(workspace=WORKTREE)

    assert problem_with_request(a_request(spec=spec)) is None
    assert problem_with_request(a_request(spec=a_spec(workspace=replace(WORKTREE, base=None, setup=None)))) is None
    assert problem_with_command(Spawn(session=ID, spec=spec)) is None
    assert problem_with_command(Spawn(session=SessionId("bcdefghi"), spec=spec)) is not None


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A=B", "Ä", "A\n"])
def test_an_environment_name_is_what_a_shell_accepts(name: str) -> None:
    assert problem_with_env_name("_A1") is None
    assert problem_with_env_name(name) is not None


def test_a_grace_may_be_nothing_and_the_bound_itself() -> None:
    assert problem_with_grace(0) is None
    assert problem_with_grace(limits.GRACE_S_MAX) is None


def test_commands_are_held_to_the_same_rules() -> None:
    assert problem_with_command(Spawn(session=ID, spec=a_spec())) is None
    assert problem_with_command(Stop(session=ID)) is None
    assert problem_with_command(Stop(session=ID, grace_s=3)) is None
    assert problem_with_command(Kill(session=ID)) is None
    assert problem_with_command(Revive(session=ID)) is None
    assert problem_with_command(Send(session=ID, message="m", text="go on\n")) is None

    assert problem_with_command(Spawn(session=SessionId("no"), spec=a_spec())) is not None
    assert problem_with_command(Spawn(session=ID, spec=a_spec(name=""))) is not None
    assert problem_with_command(Stop(session=ID, grace_s=-3)) is not None
    assert problem_with_command(Send(session=ID, message="m", text="x" * (limits.MESSAGE_BYTES_MAX + 1))) is not None


@pytest.mark.parametrize("text", ["", "\n", "\n\n"])
def test_a_message_of_newlines_alone_is_as_empty_as_one_of_nothing(text: str) -> None:
    assert "is empty" in (problem_with_command(Send(session=ID, message="m", text=text)) or "")
    assert problem_with_command(Send(session=ID, message="m", text=f"{text} ")) is None


@pytest.mark.parametrize(
    ("goal", "said"),
    [
        ({"until": Until.PR_OPEN}, "pr_open needs a branch of its own"),
        ({"until": Until.PR_MERGED}, "pr_merged needs a branch of its own"),
        ({"until": Until.VERIFY}, "needs a command"),
        ({"until": Until.VERIFY, "verify": "  "}, "is empty"),
        ({"verify": "a\0b"}, "contains a NUL"),
        ({"verify": "x" * (limits.ARGV_BYTES_MAX + 1)}, "bytes"),
        ({"issue": "x" * (limits.PATH_BYTES_MAX + 1)}, "bytes"),
    ],
)
def test_a_goal_that_can_never_be_met_is_refused(goal: dict[str, Any], said: str) -> None:
    assert said in (problem_with(a_spec(**goal)) or "")


def test_a_goal_that_can_be_met_is_none_to_refuse() -> None:
    assert problem_with(a_spec(until=Until.VERIFY, verify="make test", issue="github.com/o/r#12")) is None
    assert problem_with(a_spec(until=Until.PR_MERGED, workspace=WORKTREE)) is None

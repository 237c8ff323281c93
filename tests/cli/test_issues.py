"""`orch spawn --issue`: from a file without a daemon, by number and URL from the daemon, and not twice."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from orchestrd.core.layout import Layout
from orchestrd.model.issue import Issue
from orchestrd_cli import exits
from orchestrd_cli.issues import BYTES_MAX
from tests.cli.fake_daemon import FakeDaemon, Result, whole
from tests.documents import a_document

Orch = Callable[..., Result]
PLAIN = ("spawn", "--no-daemon", "--runtime", "process")
SPAWN = (*PLAIN, "--json")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "issue.md"
    path.write_text("# Fix the parser\n\nIt fails on `[`.\n")
    return path


def prompt_of(home: Path, session: str) -> str:
    return Path(Layout(str(home)).prompt(session)).read_text()


def test_a_session_is_begun_from_a_file_and_named_after_it(orch: Orch, home: Path, file: Path) -> None:
    done = orch(*SPAWN, "--issue", str(file), "Write a test first.", "--", "true")

    told = json.loads(done.out)
    assert (done.code, told["name"], told["issue"]) == (exits.OK, "fix-the-parser", str(file))
    prompt = prompt_of(home, told["id"])
    assert prompt.startswith("Write a test first.\n\nWork on the issue 'Fix the parser'\n")
    assert "```text\nIt fails on `[`.\n```" in prompt


def test_a_name_that_is_given_counts(orch: Orch, file: Path) -> None:
    done = orch(*SPAWN, "--issue", str(file), "--name", "mine", "--", "true")

    assert json.loads(done.out)["name"] == "mine"


def test_a_second_session_for_the_same_file_is_refused_without_force(orch: Orch, file: Path) -> None:
    first = json.loads(orch(*SPAWN, "--issue", str(file), "--", "true").out)

    refused = orch(*PLAIN, "--issue", str(file.parent / "." / "issue.md"), "--", "true")
    forced = orch(*SPAWN, "--issue", str(file), "--force", "--", "true")

    assert (refused.code, refused.out) == (exits.REFUSED, "")
    assert f"session {first['id']} (fix-the-parser) works on {file} already: it has not ended" in refused.err
    assert f"try: orch show {first['id']}; to begin another one all the same:" in refused.err
    assert forced.code == exits.OK


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "has no words in it: there is nothing to work on"),
        (b" \n\t\n", "has no words in it: there is nothing to work on"),
        (b"\x1b[31m\x1b[0m\n", "has no words in it: there is nothing to work on"),
        (b"x" * (BYTES_MAX + 1), f"has more than {BYTES_MAX:,} bytes: cut it down to what is wanted"),
        (b"\xff", "is no UTF-8 text (byte 0): convert it first"),
    ],
)
def test_a_file_that_says_nothing_or_too_much_is_no_issue(orch: Orch, file: Path, text: bytes, said: str) -> None:
    file.write_bytes(text)

    done = orch(*PLAIN, "--issue", str(file), "--", "true")

    assert (done.code, done.out) == (exits.USAGE, "")
    assert f"the issue {str(file)!r} {said}" in done.err


def test_the_way_to_convert_a_file_names_it(orch: Orch, file: Path) -> None:
    latin1 = file.rename(file.parent / "my issue.md")
    latin1.write_bytes(b"\xff")

    done = orch(*PLAIN, "--issue", str(latin1), "--", "true")

    assert done.err.endswith(f"\n  try: iconv -f latin1 -t utf-8 -- '{latin1}'\n")


@pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFSOCK])
def test_what_is_no_plain_file_is_not_waited_for(orch: Orch, tmp_path: Path, kind: int) -> None:
    os.mknod(tmp_path / "pipe", 0o600 | kind)

    done = orch(*PLAIN, "--issue", str(tmp_path / "pipe"), "--", "true")

    assert (done.code, done.out) == (exits.USAGE, "")
    assert "is no plain file" in done.err
    assert 'try: orch spawn --issue 12 "' in done.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--issue", "nowhere.md"), exits.USAGE, "the issue 'nowhere.md' cannot be read: No such file or directory"),
        (("--issue", "https://github.com/o/r/pull/1"), exits.USAGE, "is the URL of no issue"),
        (("--issue", "-"), exits.USAGE, "an issue from stdin has no name"),
        (("--issue", "12"), exits.UNREACHABLE, "this needs a daemon, and none is to be used"),
        (("--force",), exits.USAGE, "--force is about an --issue"),
        (("--until", "verify"), exits.USAGE, "the goal verify needs a command"),
        (("--until", "pr_open", "--workspace", "none"), exits.USAGE, "the goal pr_open needs a branch of its own"),
    ],
)
def test_what_cannot_be_asked_for_is_said(orch: Orch, words: tuple[str, ...], code: int, said: str) -> None:
    done = orch(*PLAIN, *words, "--", "true")

    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert "try: orch" in done.err


def test_a_command_that_verifies_makes_that_the_goal(orch: Orch) -> None:
    done = orch(*SPAWN, "--verify", "make test", "--", "true")

    told = json.loads(done.out)
    assert (told["until"], told["verify"]) == ("verify", "make test")


def test_a_number_is_read_by_the_daemon_for_the_project_and_a_closed_issue_is_told_of(
    orch: Orch, daemon: FakeDaemon, tmp_path: Path
) -> None:
    issue = Issue(id="github.com/o/r#12", title="Fix it", url="https://github.com/o/r/issues/12", is_closed=True)
    daemon.answers("/v1/issues", whole(msgspec.json.encode(issue)))
    daemon.answers("/v1/sessions", whole(msgspec.json.encode(a_document())))

    done = orch("spawn", "--dir", str(tmp_path), "--runtime", "process", "--issue", "#12", "--", "true")

    asked, spawned = daemon.requests[0].split("\r\n")[0], json.loads(daemon.bodies[-1])
    assert asked.startswith("GET /v1/issues?project=%2F")
    assert "issue=%2312" in asked
    assert (spawned["spec"]["name"], spawned["spec"]["issue"]) == ("12-fix-it", "github.com/o/r#12")
    assert "Work on the issue 'Fix it': https://github.com/o/r/issues/12" in spawned["prompt"]
    assert done.code == exits.OK
    assert "orch: issue github.com/o/r#12 is closed; the session works on it all the same" in done.err

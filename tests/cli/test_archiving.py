"""`orch rm` at the command line: what is printed, where, and the exit code."""

import json
from collections.abc import Callable

from tests.cli.fake_daemon import FakeDaemon, Result, whole

Orch = Callable[..., Result]

GONE = b'{"session":"abcdefgh","path":"/h/archive/abcdefgh"}'
WITH_WORKTREE = GONE[:-1] + b',"worktree":"/h/worktrees/shop/abcdefgh"}'
REFUSED = (
    b'{"title":"no","status":409,"code":"not_ended","detail":"session bbbbbbbb has not ended","hint":"orch stop b"}'
)


def test_where_it_went_is_said(daemon: FakeDaemon, orch: Orch) -> None:
    daemon.answers("/v1/sessions/fix/archive", whole(GONE))

    done = orch("rm", "fix")

    assert (done.code, done.out, done.err) == (0, "abcdefgh  archived in /h/archive/abcdefgh\n", "")
    assert daemon.requests[0].startswith("POST /v1/sessions/fix/archive ")


def test_a_worktree_that_stays_is_told_of_with_the_next_command(daemon: FakeDaemon, orch: Orch) -> None:
    daemon.answers("/v1/sessions/fix/archive", whole(WITH_WORKTREE))

    assert "orch clean abcdefgh" in orch("rm", "fix").err


def test_one_that_is_refused_keeps_none_of_the_others(daemon: FakeDaemon, orch: Orch) -> None:
    daemon.answers("/v1/sessions/b/archive", whole(REFUSED, status="409 Conflict"))
    daemon.answers("/v1/sessions/fix/archive", whole(GONE))

    done = orch("rm", "b", "fix")

    assert (done.code, done.out) == (4, "abcdefgh  archived in /h/archive/abcdefgh\n")
    assert done.err == "orch: session bbbbbbbb has not ended\n  try: orch stop b\n"


def test_json_is_a_line_for_each(daemon: FakeDaemon, orch: Orch) -> None:
    daemon.answers("/v1/sessions/fix/archive", whole(WITH_WORKTREE))

    done = orch("rm", "--json", "fix", "fix")

    assert [json.loads(line)["worktree"] for line in done.out.splitlines()] == ["/h/worktrees/shop/abcdefgh"] * 2
    assert done.err == ""

"""What is not a terminal is told nothing of waiting; what is waited for has a name."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest

from orchestrd.client import Client
from orchestrd_cli import progress, terminal
from tests.cli.fake_daemon import FakeDaemon, chunked, whole
from tests.documents import a_document


def test_a_pipe_gets_no_line(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "PROGRESS_AFTER_S", 0.001)

    with progress.waiting_for("it"):
        assert terminal.take_away_line is None

    assert capfd.readouterr() == ("", "")


def test_what_is_waited_for_is_named(daemon: FakeDaemon) -> None:
    waits: list[str] = []

    @contextmanager
    def waiting(what: str) -> Iterator[None]:
        waits.append(what)
        yield

    running, over = a_document(), a_document(state="completed", reason="exited")
    event = b'{"sequence":1,"at":"2026-11-20T12:00:00Z","session":"abcdefgh","generation":1,"type":"state_changed",'
    event += b'"from":"running","to":"completed","reason":"exited","authority":null,"revision":5}\n'
    daemon.answers("/v1/clean", whole(b'{"dry_run":false,"worktrees":[],"freed_bytes":0}'))
    daemon.answers("/v1/sessions/abcdefgh", *(whole(msgspec.json.encode(told)) for told in (running, over)))
    daemon.answers("/v1/events", chunked(event))
    daemon.answers("/v1/sessions/abcdefgh/archive", whole(b'{"session":"abcdefgh","path":"/a"}'))
    daemon.answers("/v1/health", whole(b'{"pid":1,"epoch":1,"sequence":0}'))
    client = Client(str(daemon.home), waiting=waiting)

    client.clean()
    client.archive("abcdefgh")
    client.wait(["abcdefgh"])

    assert [what for what in waits if what != "the daemon"] == [
        "the worktrees to be cleaned",
        "its worktree to be looked at",
        "abcdefgh to end",
    ]

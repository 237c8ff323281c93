"""A user who is told: real sessions that end badly, a real daemon that is killed, channels that answer and do not."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.command_line import Shell
from tests.acceptance.processes import until
from tests.integration.far_ends import SECRET, Server

PAGER = '#!/bin/sh\ncat > "$0.new.$$" && mv "$0.new.$$" "$0.told.$$"\n'


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def shell(tmp_path: Path, server: Server) -> Iterator[Shell]:
    """A user with a webhook whose URL and signature are secret, and a pager."""
    pager = tmp_path / "page-me"
    pager.write_text(PAGER)
    pager.chmod(stat.S_IRWXU)
    typed = Shell(tmp_path)
    typed.environment["XDG_CONFIG_HOME"] = str(tmp_path / "config")
    typed.environment["HOOK_URL"] = f"http://{server.address}/{SECRET}"
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "secret").chmod(0o600)
    set_up(
        typed,
        f"""
        [daemon]
        interval_s = 0.5
        [reactions.all-complete]
        enabled = false
        [channels.hook]
        kind = "webhook"
        url_env = "HOOK_URL"
        secret_file = "{tmp_path}/secret"
        [channels.pager]
        kind = "command"
        command = ["{pager}"]
        """,
    )
    yield typed
    typed.clear()


def set_up(shell: Shell, text: str) -> None:
    file = shell.place / "config" / "orchestrd" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def paged(shell: Shell) -> list[str]:
    """Give the reactions that the pager was told of."""
    told = [json.loads(path.read_text()) for path in shell.place.glob("page-me.told.*")]
    return [notice["reaction"] for body in told for notice in body["notices"]]


def posted(server: Server) -> list[str]:
    return [notice["reaction"] for request in server.posted for notice in json.loads(request.body)["notices"]]


def notices(shell: Shell, kind: str) -> list[str | None]:
    lines = shell.must("events", "--json", "--since", "0", "--type", kind).lines
    return [event["to"] for event in lines]


def fails(shell: Shell, name: str) -> None:
    """Let a session end with 3."""
    shell.must("spawn", "--name", name, "--", "sh", "-c", "exit 3")
    shell.orch("wait", name)


def test_a_session_that_fails_is_told_once_over_every_channel_also_after_a_restart(
    shell: Shell, server: Server
) -> None:
    shell.must("daemon", "start")
    fails(shell, "first")
    until(lambda: paged(shell) and posted(server), "both channels are told")

    shell.must("daemon", "restart")
    fails(shell, "second")
    until(lambda: len(paged(shell)) > 1 and len(posted(server)) > 1, "they are told of the second one")

    assert paged(shell) == posted(server) == ["agent-exited"] * 2
    assert not any(SECRET in path.read_text() for path in Path(shell.layout.sessions).glob("*.json"))
    assert SECRET not in Path(shell.layout.daemon_log).read_text()


def test_a_channel_that_fails_keeps_no_other_waiting_and_is_told_when_it_works(shell: Shell, server: Server) -> None:
    server.status = 503
    shell.must("daemon", "start")

    fails(shell, "first")
    until(lambda: paged(shell), "the pager is told")
    until(lambda: "hook" in (shell.must("daemon", "status", "--json").json["daemon"]["trouble"] or ""), "it is said")
    failed = len(server.posted)
    server.status = 200
    shell.must("daemon", "reload")
    until(lambda: len(server.posted) > failed, "the webhook is tried again")
    until(lambda: sorted(filter(None, notices(shell, "notice_told"))) == ["hook", "pager"], "both stand in the journal")

    assert len(paged(shell)) == 1
    assert shell.must("daemon", "status", "--json").json["daemon"]["trouble"] is None


def test_without_channels_it_stands_in_the_journal_as_told_to_nobody(shell: Shell) -> None:
    set_up(shell, "[daemon]\ninterval_s = 0.5\n")
    shell.must("daemon", "start")

    fails(shell, "first")
    until(lambda: notices(shell, "notice_told"), "it stands in the journal")

    assert notices(shell, "notice_told")[0] is None


def test_a_user_tries_the_channels_and_sees_what_each_answers(shell: Shell, server: Server) -> None:
    shell.must("daemon", "start")

    well = shell.orch("notify", "hello", "there")
    server.status = 401
    one = shell.orch("notify", "--channel", "hook", "hello")
    none = shell.orch("notify", "--channel", "phone", "hello")

    assert (well.code, well.out.splitlines()) == (0, ["hook   webhook  told", "pager  command  told"])
    assert json.loads(server.posted[0].body)["notices"][0]["title"] == "hello there"
    assert one.code == 1
    assert "401" in one.out
    assert SECRET not in one.out
    assert (none.code, none.err.splitlines()[0]) == (3, "orch: there is no channel 'phone' that is on")

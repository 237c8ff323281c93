"""What is offered where the cursor is; the shells themselves are met in tests/integration/test_shells.py."""

from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from orchestrd_cli import app, exits
from orchestrd_cli.completion import answering
from orchestrd_cli.completion import table as completion
from orchestrd_cli.grammar import app as grammar
from tests.cli.fake_daemon import FakeDaemon, Result, never_answering, whole

Orch = Callable[..., Result]


def offered(orch: Orch, *typed: str) -> list[str]:
    """Give the first line of the answer, and the words of the others."""
    done = orch("__complete", *typed)
    assert (done.code, done.err) == (exits.OK, "")
    first, *lines = done.out.split("\n")[:-1]
    return [first, *(line.partition("\t")[0] for line in lines)]


def test_what_is_offered_is_what_can_be_typed(golden: Callable[[Path, str], None]) -> None:
    assert app.VERBS
    group = typer.main.get_command(grammar)
    assert isinstance(group, TyperGroup)

    golden(Path(completion.__file__).with_name("table.txt"), completion.table(group))


def test_every_verb_has_a_section_of_the_list(orch: Callable[..., Result]) -> None:
    group = typer.main.get_command(grammar)
    assert isinstance(group, TyperGroup)
    shown = orch("--help").out

    assert [name for name, verb in group.commands.items() if not verb.hidden and f"\n  {name} " not in shown] == []


def test_verbs_are_offered_with_what_they_do_and_hidden_ones_are_not(orch: Orch) -> None:
    done = orch("__complete", "s")

    assert "\nstatus\tList the sessions, those that need you first.\n" in done.out
    assert {"spawn", "status", "send", "screen", "show", "stop"} == set(offered(orch, "s")[1:])
    assert "ls" not in offered(orch, "")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (("daemon", "sta"), ["start", "status"]),
        (("-V", "daemon", "lo"), ["logs"]),
        (("status", "--wa"), ["--watch"]),
        (("ls", "--wa"), ["--watch"]),
        (("spawn", "--until", ""), ["exit", "turn", "pr_open", "pr_merged", "verify"]),
        (("spawn", "--until=t"), ["--until=turn"]),
        (("spawn", "--name", "--until", "--unt"), ["--until"]),
        (("events", "--type", "state_c"), ["state_changed"]),
        (("wait", "x", "--for", "wai"), ["waiting"]),
        (("completion", "z"), ["zsh"]),
        (("stop", "--grace", ""), []),
        (("no-such-verb", ""), []),
    ],
)
def test_the_grammar_says_what_comes_next(
    daemon: FakeDaemon, orch: Orch, typed: tuple[str, ...], words: list[str]
) -> None:
    assert offered(orch, *typed) == ["", *words]


def test_an_option_is_offered_once_but_for_those_that_repeat(orch: Orch) -> None:
    assert "--json" not in offered(orch, "events", "--json", "--")
    assert "--session" in offered(orch, "events", "--session", "x", "--")


@pytest.mark.parametrize(
    ("typed", "by_itself"),
    [
        (("spawn", "--dir", ""), "directories"),
        (("spawn", "--prompt-file", "x"), "files"),
        (("spawn", "--", ""), "commands"),
        (("spawn", "-x", "--", "git", "--st"), "files"),
    ],
)
def test_the_shell_offers_by_itself_what_it_knows_best(orch: Orch, typed: tuple[str, ...], by_itself: str) -> None:
    assert offered(orch, *typed) == [by_itself]


@pytest.mark.parametrize(
    ("typed", "of"),
    [
        (("stop", ""), "running"),
        (("send", ""), "running"),
        (("attach", ""), "running"),
        (("answer", ""), "blocked"),
        (("revive", ""), "ended"),
        (("rm", ""), "ended"),
        (("show", ""), "all"),
        (("events", "--session", ""), "all"),
        (("status", "--project", ""), "projects"),
    ],
)
def test_sessions_are_asked_of_the_daemon_those_that_the_verb_can_take(
    daemon: FakeDaemon, orch: Orch, typed: tuple[str, ...], of: str
) -> None:
    daemon.answers("/v1/candidates", whole(b"fix\twaiting 5m\nother\tworking\n"))

    assert offered(orch, *typed) == ["", "fix", "other"]
    assert f"GET /v1/candidates?of={of}&begins= HTTP" in daemon.requests[-1]


def test_the_choices_of_a_decision_are_those_of_the_session_that_stands_before_them(
    daemon: FakeDaemon, orch: Orch
) -> None:
    daemon.answers("/v1/candidates", whole(b"allow\tYes\ndeny\tNo\n"))

    assert offered(orch, "answer", "fix it", "") == ["", "allow", "deny"]
    assert "GET /v1/candidates?of=choices&begins=&session=fix%20it HTTP" in daemon.requests[-1]


def test_what_has_begun_to_be_typed_is_sent_along_safely(daemon: FakeDaemon, orch: Orch) -> None:
    daemon.answers("/v1/candidates", whole(b""))

    offered(orch, "show", "a&b c")

    assert "begins=a%26b%20c " in daemon.requests[-1]


def test_a_session_that_stands_there_already_is_not_offered_again(daemon: FakeDaemon, orch: Orch) -> None:
    daemon.answers("/v1/candidates", whole(b"fix\twaiting 5m\nother\tworking\n"))

    assert offered(orch, "stop", "fix", "--grace", "3", "") == ["", "other"]
    assert offered(orch, "stop", "fi") == ["", "fix"]
    assert "--json" in offered(orch, "send", "fix", "hello", "")


def test_without_a_daemon_the_disk_is_read_and_none_is_started(home: Path, orch: Orch) -> None:
    assert offered(orch, "stop", "") == [""]
    assert not home.exists()


def test_a_daemon_that_hangs_or_refuses_costs_half_a_second_and_no_word(
    home: Path, orch: Orch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "COMPLETION_ANSWER_S", 0.1)
    daemon = FakeDaemon(home)
    daemon.start()
    daemon.answers("/v1/candidates", whole(b"{}", status="500 No"))
    refused = offered(orch, "stop", "")
    daemon.answers("/v1/candidates", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nfi")
    cut_off = offered(orch, "stop", "")
    daemon.stop()
    daemon.path.unlink()

    with never_answering(home):
        silent = offered(orch, "stop", "")

    assert refused == cut_off == silent == [""]


def test_whatever_is_wrong_nothing_is_said(orch: Orch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "_beside", lambda name: f"/nowhere/{name}")

    done = orch("__complete", "st")

    assert (done.code, done.out, done.err) == (exits.FAILED, "", "")


@pytest.mark.parametrize("shell", answering.SHELLS)
def test_the_script_of_a_shell_is_printed(orch: Orch, shell: str) -> None:
    done = orch("completion", shell)

    assert (done.code, done.err) == (exits.OK, "")
    assert "__complete" in done.out
    assert orch("completion", "--", shell).out == done.out


def test_another_shell_is_refused_by_name(orch: Orch) -> None:
    done = orch("completion", "tcsh")

    assert (done.code, done.out) == (exits.USAGE, "")
    assert "no shell 'tcsh' is known: bash, zsh, fish" in done.err

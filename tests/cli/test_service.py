"""A daemon that holds its home and answers nobody is seen, named and stopped; and other things said of a daemon."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrd.client import blocking
from orchestrd.core.layout import Layout
from orchestrd_cli import exits, fast, holder, reach, service, wire
from tests.cli.fake_daemon import Result, holding, never_answering

Orch = Callable[..., Result]


def test_a_daemon_that_does_not_answer_is_named(home: Path, orch: Orch) -> None:
    with holding(Layout(str(home)).lock) as hung:
        done = orch("daemon", "status")

    assert (done.code, done.out) == (exits.UNREACHABLE, "")
    assert done.err == (f"orch: daemon {hung.pid} holds {home} and does not answer\n  try: orch daemon restart\n")


def test_a_daemon_that_does_not_answer_is_stopped(home: Path, orch: Orch) -> None:
    with holding(Layout(str(home)).lock) as hung:
        done = orch("daemon", "stop")

        assert (done.code, done.out) == (exits.OK, f"daemon {hung.pid} has stopped; sessions go on\n")
        assert hung.wait(20) != 0


def test_a_daemon_that_does_not_stop_in_time_is_killed(home: Path, orch: Orch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holder, "DAEMON_STOP_S", 0.2)

    with holding(Layout(str(home)).lock, ignores_term=True) as stubborn:
        done = orch("daemon", "stop")

        assert (done.code, done.out) == (exits.OK, f"daemon {stubborn.pid} has stopped; sessions go on\n")
        assert done.err == f"orch: daemon {stubborn.pid} did not stop within 0.2 s: killing it (nothing is lost)\n"
        assert stubborn.wait(20) == -signal.SIGKILL


def test_one_that_lets_go_of_the_home_but_does_not_end_is_not_killed(
    home: Path, orch: Orch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holder, "DAEMON_STOP_S", 0.2)
    held = iter([True, False])
    monkeypatch.setattr(holder.Holder, "holds", lambda _, __: next(held))

    with holding(Layout(str(home)).lock, ignores_term=True) as slow:
        done = orch("daemon", "stop")

        assert (done.code, done.out, done.err) == (exits.OK, f"daemon {slow.pid} has stopped; sessions go on\n", "")
        assert slow.poll() is None


def test_one_that_even_a_kill_does_not_end_is_said(home: Path, orch: Orch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holder.Holder, "ends_within", lambda _, __: False)

    with holding(Layout(str(home)).lock, ignores_term=True) as stuck:
        done = orch("daemon", "stop")

    assert done.code == exits.TIMED_OUT
    assert f"daemon {stuck.pid} was killed and has not ended" in done.err
    assert f"try: ps -o pid,stat,wchan -p {stuck.pid}" in done.err


@pytest.mark.parametrize(
    ("words", "code"), [(("status",), 0), (("status", "--json"), 0), (("events",), 0), (("show", "x"), 3)]
)
def test_looking_waits_once_for_a_daemon_that_hangs_and_says_which(
    home: Path, orch: Orch, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int
) -> None:
    for module in (wire, blocking):
        monkeypatch.setattr(module, "LOOK_ANSWER_S", 0.1)

    with holding(Layout(str(home)).lock) as hung, never_answering(home) as asked:
        done = orch(*words)

        assert asked() == 1
        assert done.code == code
        if code == exits.OK:
            assert f"the daemon (pid {hung.pid}) does not answer" in done.out + done.err
            assert "orch daemon restart" in done.out + done.err
            assert "orch daemon start" not in done.out + done.err


def test_a_restart_that_would_not_come_back_stops_nothing(
    home: Path, orch: Orch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "orchestrd").mkdir()
    (tmp_path / "orchestrd/config.toml").write_text("[daemon]\nmax_running = 0\n")

    with holding(Layout(str(home)).lock) as running:
        done = orch("daemon", "restart")

        assert running.poll() is None
    assert done.code == exits.USAGE
    assert "config.toml:2: 'max_running' must be" in done.err
    assert done.err.endswith("  try: orch config edit\n")


@pytest.mark.parametrize("verb", ["run", "start", "restart"])
@pytest.mark.parametrize(
    "wrong", [*(("--interval", seconds) for seconds in ("nan", "inf", "-1", "0", "99999")), ("--max-running", "0")]
)
def test_an_option_that_no_daemon_would_start_with_is_refused_before_anything_is_done(
    home: Path, orch: Orch, verb: str, wrong: tuple[str, str]
) -> None:
    with holding(Layout(str(home)).lock) as running:
        done = orch("daemon", verb, *wrong)

        assert running.poll() is None
    assert (done.code, done.out) == (exits.USAGE, "")
    assert wrong[0] in done.err
    assert done.err.endswith(f"  try: orch daemon {verb} --help\n")


def test_a_restart_of_one_that_cannot_say_how_it_ran_says_so(
    home: Path, orch: Orch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_start", lambda *_, **__: exits.OK)

    with holding(Layout(str(home)).lock):
        done = orch("daemon", "restart")

    assert (done.code, done.err) == (
        exits.OK,
        "orch: it could not say how it ran: the next one begins with the defaults\n",
    )


def test_a_watch_says_that_the_daemon_hangs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LOOK_ANSWER_S", 0.1)
    monkeypatch.setattr(reach, "is_daemon_silent", False)

    with never_answering(home):
        picture = fast._picture_or_from_disk(fast._Daemon(), {}).decode()

    assert picture.splitlines()[-1] == "the daemon does not answer; start it anew: orch daemon restart"


@pytest.mark.parametrize("words", [("status",), ("daemon", "start"), ("spawn", "--", "true")])
def test_a_home_that_is_a_file_is_said(home: Path, orch: Orch, words: tuple[str, ...]) -> None:
    home.touch()

    done = orch(*words)

    assert done.code == exits.USAGE
    assert done.err == f"orch: the home '{home}' is no directory\n  try: export ORCH_HOME=DIRECTORY\n"


@pytest.mark.parametrize(
    "words", [("status",), ("events",), ("daemon", "start"), ("spawn", "--", "true"), ("doctor",), ("config", "show")]
)
def test_a_home_that_would_be_another_in_every_directory_is_refused(
    orch: Orch, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCH_HOME", "rel")

    done = orch(*words)

    assert done.code == exits.USAGE
    assert "orch: ORCH_HOME='rel' is no absolute path" in done.err
    assert done.err.endswith('  try: export ORCH_HOME="$PWD"/rel\n')


def test_no_daemon_at_all_is_said_as_json_too(home: Path, orch: Orch) -> None:
    done = orch("daemon", "status", "--json")

    assert (done.code, done.out) == (exits.UNREACHABLE, '{"daemon":null}\n')
    assert '"hint":"orch daemon start"' in done.err


def test_running_in_the_foreground_becomes_the_daemon(orch: Orch, monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[list[str]] = []

    def become(path: str, words: list[str]) -> None:
        became.append([path, *words])
        raise SystemExit(0)

    monkeypatch.setattr("os.execv", become)

    with pytest.raises(SystemExit):
        orch("daemon", "run", "--interval", "0.5", "--max-running", "3")

    python = became[0][0]
    words = [python, "-P", "-m", "orchestrd", "run", "--interval", "0.5", "--max-running", "3"]
    assert became == [[python, *words]]

"""A person in front of a terminal attaches to sessions: real terminals, real keys, in a tmux that nobody else uses."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrd.client import spawn_request
from tests.acceptance.command_line import ORCH, Shell
from tests.acceptance.processes import until

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux here")

ECHOES = 'stty -echo; {report}; echo "I am {name}"; while read -r x; do echo "{name} got $x"; done'
DETACH = "C-b", "d"
CODE = re.compile(r"^CODE (\d+)$", re.MULTILINE)


class Server:
    """One tmux server, spoken to as a person would."""

    def __init__(self, socket: str, environment: dict[str, str]) -> None:
        self._argv = ("tmux", "-u", "-f/dev/null", "-S", socket)
        self._environment = {name: value for name, value in environment.items() if not name.startswith("TMUX")}

    def __call__(self, *words: str) -> str:
        done = subprocess.run(
            [*self._argv, *words], env=self._environment, capture_output=True, text=True, timeout=20, check=True
        )
        return done.stdout

    def end(self) -> None:
        subprocess.run([*self._argv, "kill-server"], env=self._environment, capture_output=True, check=False)


class Person:
    """Sits in front of a terminal of 100 columns with a shell in it, which is a pane of a tmux of its own."""

    def __init__(self, shell: Shell) -> None:
        self.tmux = Server(str(shell.place / "outer.sock"), shell.environment | {"PS1": "$ "})
        self.tmux("new-session", "-d", "-x", "100", "-y", "24", "-c", str(shell.place), "sh")
        self.types("PS1='$ '; clear")

    def types(self, line: str) -> None:
        self.tmux("send-keys", "-l", line)
        self.tmux("send-keys", "Enter")

    def presses(self, *keys: str) -> None:
        for key in keys:
            self.tmux("send-keys", key)

    def orch(self, *words: str, is_nested: bool = False) -> None:
        """Type an `orch`, and after its end its exit code; `is_nested`: with what says that this is a tmux."""
        outside = "" if is_nested else "env -u TMUX "
        self.types(f"clear; {outside}{' '.join((*ORCH, *words))}; echo CODE $?")

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p")

    def sees(self, text: str) -> None:
        until(lambda: text in self.screen(), f"the person sees {text!r}", within_s=30)

    def sees_code(self) -> int:
        until(lambda: CODE.search(self.screen()), "the command has ended", within_s=30)
        found = CODE.search(self.screen())
        assert found is not None
        return int(found.group(1))


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    typed = Shell(tmp_path)
    typed.start()
    yield typed
    typed.clear()
    Server(typed.layout.tmux_socket, typed.environment).end()


@pytest.fixture
def person(shell: Shell) -> Iterator[Person]:
    seated = Person(shell)
    yield seated
    seated.tmux.end()


@pytest.fixture
def ours(shell: Shell) -> Server:
    return Server(shell.layout.tmux_socket, shell.environment)


def _spawn(shell: Shell, name: str, activity: str = "blocked") -> str:
    """Begin a session that says what it does, and then echoes what it reads."""
    script = ECHOES.format(name=name, report=f"orch report {activity} 'may {name}?'")
    request = spawn_request(
        argv=("sh", "-c", script),
        runtime="tmux",
        directory=str(shell.place),
        name=name,
        environ=shell.environment,
    )
    session = shell.client.spawn(request).document.id
    shell.until(session, activity)
    until(lambda: f"I am {name}" in shell.client.screen(session).screen, f"{name} is ready")
    return session


def test_without_an_id_one_is_in_the_terminal_that_needs_one_most_and_leaves_it_running(
    shell: Shell, person: Person
) -> None:
    _spawn(shell, "patient", "waiting")
    session = _spawn(shell, "urgent", "blocked")

    person.orch("attach")
    person.sees("I am urgent")
    person.types("my answer")
    person.sees("urgent got my answer")
    person.presses(*DETACH)

    assert person.sees_code() == 0
    assert f"orch: {session} urgent, blocked" in person.screen()
    assert ": may urgent?" in person.screen()
    assert "orch: to detach: Ctrl-b d" in person.screen()
    assert shell.show(session).state == "running"


def test_how_to_detach_stands_in_the_terminal_for_a_while(shell: Shell, person: Person) -> None:
    _spawn(shell, "one")

    person.orch("attach", "one")

    person.sees("I am one")
    person.sees("orch: to detach: Ctrl-b d")


def test_read_only_shows_everything_and_lets_no_key_through(shell: Shell, person: Person, ours: Server) -> None:
    session = _spawn(shell, "one")

    person.orch("attach", "one", "--read-only")
    person.sees("I am one")
    person.types("not for the agent")
    ours("send-keys", "-t", f"={session}-1:", "from elsewhere", "Enter")  # what was typed before would come before it
    person.sees("one got from elsewhere")
    person.presses(*DETACH)

    assert person.sees_code() == 0
    assert "orch: read-only; to detach: Ctrl-b d" in person.screen()
    assert "not for the agent" not in shell.must("logs", "one").out


def test_in_somebody_elses_tmux_it_says_that_the_prefix_is_pressed_twice(shell: Shell, person: Person) -> None:
    _spawn(shell, "one")

    person.orch("attach", "one", is_nested=True)
    person.sees("I am one")
    person.presses(*DETACH)

    assert person.sees_code() == 0
    assert "orch: to detach: Ctrl-b Ctrl-b d" in person.screen()


def test_inside_our_own_tmux_the_client_goes_over(shell: Shell, person: Person, ours: Server) -> None:
    _spawn(shell, "one")
    _spawn(shell, "two")
    person.orch("attach", "one")
    person.sees("I am one")

    ours("new-window", "-c", str(shell.place), "-e", f"ORCH_HOME={shell.layout.home}", "sh")
    person.types(f"{' '.join(ORCH)} attach two")

    person.sees("I am two")
    assert ours("list-clients", "-F", "#{client_control_mode}").split().count("0") == 1
    person.presses("C-b", "L")
    person.sees("attach two")


def test_renamed_and_moved_sessions_are_found(shell: Shell, person: Person, ours: Server) -> None:
    session = _spawn(shell, "one")
    ours("rename-session", "-t", f"={session}-1", "another name")
    ours("new-session", "-d", "-s", "foreign", "cat")
    ours("move-window", "-s", "another name:", "-t", "foreign:7")

    person.orch("attach", "one")

    person.sees("I am one")


def test_no_daemon_is_needed(shell: Shell, person: Person) -> None:
    _spawn(shell, "one")
    shell.kill_daemon()

    person.orch("attach")
    person.sees("I am one")
    person.presses(*DETACH)

    assert person.sees_code() == 0
    assert "orch: no daemon answers; this is from disk" in person.screen()


def test_right_behind_a_spawn_it_waits_for_the_terminal(shell: Shell, person: Person) -> None:
    person.types(
        f"clear; {' '.join(ORCH)} spawn --runtime tmux --name new -- sh -c 'echo I am new; sleep 100' &&"
        f" env -u TMUX {' '.join(ORCH)} attach new"
    )

    person.sees("I am new")


def test_without_a_terminal_on_either_side_it_says_what_to_do(shell: Shell) -> None:
    drawn, stopped = _spawn(shell, "one"), _spawn(shell, "two")
    plain = shell.spawn("sleep 100")
    shell.must("stop", stopped)
    shell.until(stopped, "cancelled")

    answers = {session: shell.orch("attach", session) for session in (drawn, plain, stopped)}

    assert {session: done.code for session, done in answers.items()} == {drawn: 2, plain: 4, stopped: 4}
    assert f"try: orch screen {drawn}" in answers[drawn].err
    assert f"try: orch logs -f {plain}" in answers[plain].err
    assert "has ended: cancelled (stopped)" in answers[stopped].err
    assert f"orch revive {stopped}" in answers[stopped].err


def test_a_screen_is_seen_while_it_runs_and_after_its_end(shell: Shell) -> None:
    session = _spawn(shell, "one")

    running = shell.must("screen", session).out
    shell.must("stop", session)
    shell.until(session, "cancelled")
    ended = shell.must("screen", session).out
    shell.kill_daemon()

    assert "I am one" in running
    assert "I am one" in ended
    assert shell.orch("screen", session).out == ended


def test_what_was_drawn_is_read_as_text_and_followed_to_the_end(shell: Shell) -> None:
    script = "printf '\\033]0;title\\007\\033[1mbold\\033[0m\\n'; read x; echo last"
    request = spawn_request(
        argv=("sh", "-c", script), runtime="tmux", directory=str(shell.place), environ=shell.environment
    )
    session = shell.client.spawn(request).document.id
    with shell.going_on("logs", "-f", session) as following:
        assert following.stdout is not None
        first = following.stdout.readline()
        shell.must("send", session, "go on")
        rest = following.stdout.read()

    assert first == b"bold\n"
    assert rest == b"go on\nlast\n"
    assert "\x1b[1mbold\x1b[0m" in shell.must("logs", "--raw", session).out

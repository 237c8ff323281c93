"""Commands of the daemon as real processes: where they run, how they end, and that nothing of them is left behind."""

import asyncio
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrd.core.layout import Layout
from orchestrd.core.running import run_of
from orchestrd.model.limits import COMMAND_OUTPUT_CHARS_MAX, COMMANDS_AT_ONCE_MAX
from orchestrd.model.session import Session, Workspace
from orchestrd.runtimes.commands import KeptCommands
from orchestrd.store.attachments import FileAttachments
from tests.core.interpreter import Interpreter
from tests.processes import bearers, is_alive

# Detached, deaf to TERM, its parent gone.
HIDES = "setsid sh -c 'trap \"\" TERM; echo $$ >hidden; while :; do sleep 0.1; done' & sleep 300"


class Stage:
    """A session with a workspace, and what runs commands in it."""

    def __init__(self, place: Path) -> None:
        self.directory = place / "work"
        self.directory.mkdir()
        self.layout = Layout(str(place / "home"))
        self.attachments = FileAttachments(self.layout)
        self.session = self._session()
        self.mark = run_of(self.session).mark
        self.given(PATH=os.environ["PATH"])

    def given(self, **environment: str) -> None:
        """Set the environment of the session."""
        self.attachments.write_secret(self.session.id, environment)

    def runner(self, limit_s: float = 60.0) -> KeptCommands:
        return KeptCommands(self.layout, self.attachments, limit_s=limit_s)

    def _session(self) -> Session:
        life = Interpreter()
        life.spawn()
        spec = replace(life.record.spec, workspace=Workspace(kind="none", path=str(self.directory)))
        return replace(life.record, spec=replace(spec, nonce=f"n{os.getpid()}"))

    async def when(self, found: Callable[[], object]) -> None:
        """Wait until this is so."""
        async with asyncio.timeout(60):
            while not found():  # noqa: ASYNC110 - nothing tells when a process has got that far
                await asyncio.sleep(0.02)

    def pid(self, name: str) -> int:
        return int((self.directory / name).read_text())


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


async def test_a_command_runs_in_the_workspace_with_what_its_session_was_given_and_nothing_of_the_daemon(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_DAEMON", "1")
    await asyncio.to_thread(stage.given, PATH=os.environ["PATH"], TOKEN="t0ken")

    end = await stage.runner().run(
        stage.session, "pwd; echo $TOKEN,$ORCH_SESSION,$ORCH_RUN,$SECRET_OF_THE_DAEMON; nice"
    )

    assert end.exit_code == 0
    lines = [str(stage.directory), f"t0ken,{stage.session.id},{stage.mark},", str(min(19, os.nice(0) + 10))]
    assert end.output.splitlines() == lines


async def test_nobody_is_asked_and_both_outputs_are_one(stage: Stage) -> None:
    end = await stage.runner().run(stage.session, "cat; echo out; echo err >&2; exit 3")

    assert (end.exit_code, end.output, end.error) == (3, "out\nerr", None)


async def test_of_a_long_output_the_end_is_kept_without_what_a_terminal_would_obey(stage: Stage) -> None:
    end = await stage.runner().run(stage.session, "yes '\033[31mred\033[0m' | head -n 100000; printf 'a\\rlast\\a'")

    assert len(end.output) <= COMMAND_OUTPUT_CHARS_MAX
    assert end.output.endswith("red\nlast")
    assert "\x1b" not in end.output


async def test_a_command_that_a_signal_ends_has_no_code(stage: Stage) -> None:
    for name in ("TERM", "KILL", "SEGV"):
        end = await stage.runner().run(stage.session, f"kill -{name} $$")

        assert (end.exit_code, end.error) == (None, f"it was ended by SIG{name}")


async def test_what_a_command_leaves_behind_ends_with_it(stage: Stage) -> None:
    end = await stage.runner().run(stage.session, "sleep 300 & (setsid sleep 300 &) ; echo done")

    assert (end.exit_code, end.output) == (0, "done")
    assert bearers(stage.mark) == []


async def test_a_command_that_takes_too_long_is_ended_with_all_that_it_has_started(stage: Stage) -> None:
    end = await stage.runner(limit_s=1.0).run(stage.session, f"echo begun; {HIDES}")

    assert (end.exit_code, end.output) == (None, "begun")
    assert end.error == "it had not ended after 1 s, and was ended"
    assert bearers(stage.mark) == []
    assert not is_alive(stage.pid("hidden"))


async def test_a_call_that_is_called_off_leaves_nothing_behind(stage: Stage) -> None:
    running = asyncio.ensure_future(stage.runner().run(stage.session, HIDES))
    await stage.when(lambda: (stage.directory / "hidden").exists() and (stage.directory / "hidden").stat().st_size)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert bearers(stage.mark) == []


async def test_a_directory_that_is_gone_and_a_call_without_one_are_said(stage: Stage) -> None:
    stage.directory.rmdir()

    end = await stage.runner().run(stage.session, "true")

    assert end.exit_code is None
    assert end.error == f"it cannot be run in {stage.directory}: No such file or directory"


async def test_only_so_many_run_at_once(stage: Stage) -> None:
    runner = stage.runner()
    command = "mkdir -p at; : >at/$$; ls at | wc -l; while [ ! -e go ]; do sleep 0.05; done; rm at/$$"
    calls = [asyncio.ensure_future(runner.run(stage.session, command)) for _ in range(COMMANDS_AT_ONCE_MAX + 1)]
    await stage.when(lambda: (stage.directory / "at").is_dir() and len(list((stage.directory / "at").iterdir())) == 4)
    (stage.directory / "go").touch()

    ends = await asyncio.gather(*calls)

    assert all(end.exit_code == 0 and int(end.output) <= COMMANDS_AT_ONCE_MAX for end in ends)


async def test_a_daemon_that_is_killed_takes_its_commands_along(stage: Stage, tmp_path: Path) -> None:
    script = tmp_path / "daemon.py"
    script.write_text(
        textwrap.dedent(f"""
        import asyncio, pathlib
        from tests.integration.test_commands import HIDES, Stage
        stage = Stage(pathlib.Path({str(tmp_path / "other")!r}))
        print(stage.mark, flush=True)
        asyncio.run(stage.runner().run(stage.session, HIDES))
    """)
    )
    (tmp_path / "other").mkdir()
    daemon = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    with daemon:
        assert daemon.stdout is not None
        mark = daemon.stdout.readline().strip()
        hidden = tmp_path / "other" / "work" / "hidden"
        await stage.when(lambda: hidden.exists() and hidden.stat().st_size)

        daemon.kill()

    await stage.when(lambda: not bearers(mark))
    assert not is_alive(int(hidden.read_text()))


async def test_who_holds_the_output_open_from_elsewhere_holds_nobody_up(stage: Stage) -> None:
    running = asyncio.ensure_future(
        stage.runner().run(stage.session, "echo $$ >pid; while [ ! -e go ]; do sleep 0.05; done; exit 7")
    )
    await stage.when(lambda: (stage.directory / "pid").exists() and (stage.directory / "pid").read_text().strip())

    held = os.open(f"/proc/{stage.pid('pid')}/fd/1", os.O_WRONLY)
    (stage.directory / "go").touch()
    end = await running
    os.close(held)

    assert end.exit_code == 7

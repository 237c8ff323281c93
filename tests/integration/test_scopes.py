"""Scopes of systemd for runs and for the tmux server, by a systemd-run that is none: the real one has tests of its own.

What must hold is that nothing else changes: who the launcher is, what is in its environment, and that there is one.
"""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from orchestrd.model.ids import SessionId
from orchestrd.model.limits import SCOPE_RETRY_S
from orchestrd.model.run import Run
from orchestrd.model.settings import Limits
from orchestrd.runtimes import launched, scopes, tmux_command
from orchestrd.runtimes.scopes import Scopes, is_below_user_manager, scopes_here
from orchestrd.testing.contracts import runtime as contract
from orchestrd.testing.contracts.runtime import RuntimeContract, started
from tests.integration import fake_systemd
from tests.integration.fake_systemd import FakeSystemd
from tests.integration.process_stage import ProcessStage
from tests.integration.tmux_stage import TmuxStage, needs_tmux
from tests.processes import bearers, is_alive, read
from tests.supervisors import listening_as_systemd

LIMITS = Limits(memory_max="2G", tasks_max=512, cpu_weight=50)
HELD = "--property=MemoryMax=2G --property=TasksMax=512 --property=CPUWeight=50"
WITHOUT = "runs are started without a scope of their own, and so without limits"
FEW_S = 0.5
KINDS = [ProcessStage, pytest.param(TmuxStage, marks=needs_tmux)]


@pytest.fixture
def systemd(tmp_path: Path) -> FakeSystemd:
    (tmp_path / "systemd").mkdir()
    return FakeSystemd(tmp_path / "systemd", LIMITS)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> type[ProcessStage]:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def home(kind: type[ProcessStage], systemd: FakeSystemd, shallow: Path) -> ProcessStage:
    return kind(shallow, systemd.scopes)


@pytest.fixture
async def stage(home: ProcessStage) -> AsyncIterator[ProcessStage]:
    stage = home
    yield stage
    await stage.clear()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (launched, scopes, tmux_command):
        monkeypatch.setattr(module, "SCOPE_S", FEW_S)


def launcher_of(stage: ProcessStage, run: Run) -> int:
    return stage.record_of(run).launcher.pid


def environment_of(pid: int) -> set[bytes]:
    return set(read(f"/proc/{pid}/environ").split(b"\0"))


async def test_a_run_gets_a_scope_that_bears_its_name_and_holds_its_limits(
    stage: ProcessStage, systemd: FakeSystemd
) -> None:
    run = await started(stage, contract.SLEEPS)

    asked = systemd.asked()[-1]

    assert "--user --scope --quiet --collect --no-ask-password --slice=orchestrd.slice " in asked
    assert f"--unit=orchestrd-{run.session}-1.scope --description=session {run.session} " in asked
    assert f"--property=OOMPolicy=continue {HELD} -- " in asked
    assert systemd.told == [None]


async def test_the_launcher_is_the_very_process_that_was_put_into_the_scope(
    stage: ProcessStage, systemd: FakeSystemd
) -> None:
    run = await started(stage, contract.SLEEPS)

    assert systemd.asked()[-1].split()[0] == str(launcher_of(stage, run))
    assert str(launcher_of(stage, run)) in (run.handle or "")


async def test_a_launcher_has_the_environment_and_the_command_line_that_it_has_without_a_scope(
    stage: ProcessStage, systemd: FakeSystemd
) -> None:
    run = await started(stage, contract.SLEEPS)
    scoped = launcher_of(stage, run)
    stage.scopes = None
    await stage.restart()
    plain = launcher_of(stage, await started(stage, contract.SLEEPS))

    def varies(pair: bytes) -> bool:
        return pair.startswith((b"ORCH_RUN=", b"TMUX", b"PWD="))  # the last is of the shell that plays systemd-run

    assert systemd.environment()["XDG_RUNTIME_DIR"] == systemd.runtime_directory
    assert {pair for pair in environment_of(scoped) if not varies(pair)} == {
        pair for pair in environment_of(plain) if not varies(pair)
    }
    assert f"ORCH_RUN={run.mark}".encode() in environment_of(scoped)
    assert read(f"/proc/{scoped}/cmdline").split(b"\0")[:3] == read(f"/proc/{plain}/cmdline").split(b"\0")[:3]


async def test_a_run_in_a_scope_is_found_by_the_next_daemon_and_ended_to_the_last_process(
    stage: ProcessStage,
) -> None:
    run = await started(stage, contract.IGNORES_TERM)
    await stage.restart()

    sweep = await stage.runtime.kill(run)

    assert sweep.survivors == ()
    assert bearers(run.mark) == []


async def test_a_scope_that_is_refused_costs_no_launch_and_is_said_once_until_it_is_tried_again(
    stage: ProcessStage, systemd: FakeSystemd
) -> None:
    await started(stage, contract.SLEEPS)
    systemd.be(fake_systemd.REFUSES_RUNS)

    for _ in range(3):
        await started(stage, contract.SLEEPS)

    assert len(systemd.asked()) == len(before_refusal(systemd)) + 1
    assert systemd.told == [
        None,
        f"{WITHOUT}: systemd-run has not started what it was told to",
    ]

    systemd.be(fake_systemd.WORKS)
    systemd.clock.ahead_s = SCOPE_RETRY_S
    await started(stage, contract.SLEEPS)

    assert systemd.told[-1] is None
    assert len(systemd.told) == 3


def before_refusal(systemd: FakeSystemd) -> list[str]:
    """Give what was asked for the first run: the tmux server has a scope too."""
    first = [line for line in systemd.asked() if "orchestrd-tmux" in line]
    return [*first, "the run"]


async def test_a_systemd_that_refuses_everything_is_asked_no_more_and_quoted(
    stage: ProcessStage, systemd: FakeSystemd
) -> None:
    systemd.be(fake_systemd.REFUSES)

    await started(stage, contract.SLEEPS)
    await started(stage, contract.SLEEPS)

    assert systemd.asked() == []
    assert systemd.told == [
        f"{WITHOUT}: Failed to start transient scope unit: Access denied",
    ]


async def test_a_systemd_run_that_was_taken_away_costs_no_launch(stage: ProcessStage, systemd: FakeSystemd) -> None:
    await started(stage, contract.SLEEPS)
    systemd.remove()

    await started(stage, contract.SLEEPS)

    assert systemd.told == [None, f"{WITHOUT}: {systemd.program}: No such file or directory"]


@pytest.mark.usefixtures("impatient")
async def test_a_systemd_that_gives_no_answer_is_waited_for_within_a_bound(
    stage: ProcessStage, systemd: FakeSystemd
) -> None:
    systemd.be(fake_systemd.NO_ANSWER)

    await started(stage, contract.SLEEPS)

    assert systemd.told == [f"{WITHOUT}: systemd-run gave no answer within 0.5 s"]
    assert len(systemd.asked_at_all()) == 1


async def test_a_scope_that_hangs_costs_no_launch_and_is_ended_once_another_has_the_claim(
    stage: ProcessStage, systemd: FakeSystemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    await started(stage, contract.SLEEPS)
    asked_before = len(systemd.asked())
    systemd.be(fake_systemd.HANGS)
    monkeypatch.setattr(launched, "SCOPE_S", FEW_S)

    run = await started(stage, contract.SLEEPS)

    hung = [int(line.split()[0]) for line in systemd.asked()[asked_before:]]  # none, where it was ended that early
    assert launcher_of(stage, run) not in hung
    await stage.until(lambda: not any(map(is_alive, hung)))  # it is told to end, and not waited for
    assert str(launcher_of(stage, run)) in (run.handle or "")


async def test_who_has_the_claim_is_never_ended_for_being_slow(stage: ProcessStage) -> None:
    run = await started(stage, contract.SLEEPS)

    stage.runtime._runs.end_unless_claimed_by(run, run.handle or "")

    assert is_alive(launcher_of(stage, run))


async def test_what_is_not_claimed_yet_is_left_to_claim_it(stage: ProcessStage) -> None:
    run = await started(stage, contract.SLEEPS)
    Path(stage.directory(run), "claim").unlink()

    stage.runtime._runs.end_unless_claimed_by(run, run.handle or "")

    assert is_alive(launcher_of(stage, run))


async def test_a_launch_that_is_repeated_in_a_scope_starts_nothing_more(
    stage: ProcessStage, systemd: FakeSystemd
) -> None:
    run = await started(stage, contract.SLEEPS)
    first = launcher_of(stage, run)

    await stage.runtime.launch(stage.orders[-1])

    assert launcher_of(stage, run) == first
    assert systemd.told == [None]


async def test_other_limits_hold_for_what_is_started_from_then_on(stage: ProcessStage, systemd: FakeSystemd) -> None:
    await started(stage, contract.SLEEPS)

    systemd.scopes.take(Limits(memory_max="50%"))
    await started(stage, contract.SLEEPS)

    assert "--property=OOMPolicy=continue --property=MemoryMax=50% -- " in systemd.asked()[-1]


async def test_an_older_systemd_is_not_asked_for_what_it_does_not_know(
    stage: ProcessStage, systemd: FakeSystemd
) -> None:
    systemd.be(fake_systemd.REFUSES_OOM_POLICY)

    await started(stage, contract.SLEEPS)

    assert "OOMPolicy" not in systemd.asked()[-1]
    assert HELD in systemd.asked()[-1]
    assert systemd.told == [None]


async def test_limits_that_systemd_does_not_take_cost_no_launch_and_are_quoted(
    stage: ProcessStage, systemd: FakeSystemd
) -> None:
    systemd.be(fake_systemd.REFUSES_LIMITS)

    await started(stage, contract.SLEEPS)

    assert "Unknown assignment: MemoryMax" in (systemd.told[-1] or "")


@needs_tmux
@pytest.mark.parametrize("kind", [TmuxStage])
async def test_a_tmux_server_is_started_in_a_scope_without_limits_and_cannot_reach_the_manager(
    stage: TmuxStage, systemd: FakeSystemd
) -> None:
    await started(stage, contract.SLEEPS)

    (server,) = [line for line in systemd.asked() if "orchestrd-tmux" in line]

    assert "--slice=orchestrd.slice --unit=orchestrd-tmux-" in server
    assert "orchestrd --property=OOMPolicy=continue -- " in server
    names = {pair.split(b"=")[0] for pair in environment_of(stage.server())}
    assert names.isdisjoint({b"XDG_RUNTIME_DIR", b"INVOCATION_ID", b"DBUS_SESSION_BUS_ADDRESS"})


@needs_tmux
@pytest.mark.parametrize("kind", [TmuxStage])
async def test_a_second_daemon_beside_a_server_that_runs_blames_nobody(stage: TmuxStage, systemd: FakeSystemd) -> None:
    run = await started(stage, contract.SLEEPS)
    server = stage.server()
    await stage.restart()

    await started(stage, contract.SLEEPS)

    assert stage.server() == server
    assert is_alive(launcher_of(stage, run))
    assert systemd.told == [None]


class TestProcessRuntimeInScopes(RuntimeContract):
    """What every runtime promises holds in scopes."""

    @pytest.fixture
    def kind(self) -> type[ProcessStage]:
        return ProcessStage


@pytest.mark.parametrize(
    ("cgroups", "is_below"),
    [
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/orchestrd.service\n", True),
        ("9:name=systemd:/user.slice/user-1000.slice/user@1000.service\n8:pids:/\n0::/\n", True),
        ("0::/user.slice/user-1000.slice/session-3.scope\n", False),
        ("0::/user.slice/user-0.slice/user@0.service/init.scope\n", False),
        ("0::/system.slice/cron.service\n", False),
        ("", False),
    ],
)
def test_only_a_daemon_below_the_manager_of_its_user_puts_runs_into_scopes(cgroups: str, *, is_below: bool) -> None:
    assert is_below_user_manager(cgroups, 1000) == is_below


@pytest.fixture
def below_manager(systemd: FakeSystemd, shallow: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Stand below a user manager, as far as this process can see; give the environment."""
    monkeypatch.setattr(scopes, "CGROUPS", shallow / "cgroup")
    (shallow / "cgroup").write_text(f"0::/user.slice/user@{os.getuid()}.service/app.slice/orchestrd.service\n")
    (shallow / "run" / "systemd").mkdir(parents=True)
    with listening_as_systemd(shallow / "run" / "systemd" / "private"):
        yield {"XDG_RUNTIME_DIR": str(shallow / "run"), "PATH": systemd.runtime_directory}


def scopes_given(systemd: FakeSystemd, environ: dict[str, str]) -> Scopes | None:
    return scopes_here(LIMITS, systemd.clock, lambda _: None, environ)


def test_below_the_manager_of_its_user_a_daemon_has_scopes(systemd: FakeSystemd, below_manager: dict[str, str]) -> None:
    given = scopes_given(systemd, below_manager)

    assert given is not None
    scope = given.of_run(Run(session=SessionId("abcdefgh"), generation=2, mark="abcdefgh:2:x"))
    assert scope is not None
    assert "--unit=orchestrd-abcdefgh-2.scope" in scope.words
    assert scope.environment == (("XDG_RUNTIME_DIR", below_manager["XDG_RUNTIME_DIR"]),)


@pytest.mark.parametrize(
    "missing", [{"XDG_RUNTIME_DIR": "/nowhere"}, {"PATH": "/nowhere"}], ids=["no manager", "no systemd-run"]
)
def test_without_a_manager_or_its_tool_there_are_none(
    systemd: FakeSystemd, below_manager: dict[str, str], missing: dict[str, str]
) -> None:
    assert scopes_given(systemd, below_manager | missing) is None


@pytest.mark.parametrize("cgroups", ["0::/user.slice/user-1.slice/session-3.scope\n", None])
def test_elsewhere_there_are_none_and_nothing_is_started(
    systemd: FakeSystemd, below_manager: dict[str, str], cgroups: str | None
) -> None:
    scopes.CGROUPS.unlink()
    if cgroups is not None:
        scopes.CGROUPS.write_text(cgroups)

    assert scopes_given(systemd, below_manager) is None
    assert systemd.asked_at_all() == []

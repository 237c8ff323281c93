"""What is configured for who stands in a directory."""

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrd.client import WorkspaceWish, spawn_request
from orchestrd.client.configuring import asked_by, configuration_in, effective_in, repository_file, trusting
from orchestrd.client.goals import GoalWish
from orchestrd.client.trust import trust
from orchestrd.core.layout import Layout
from orchestrd.model.document import SpawnRequest
from orchestrd.model.errors import NotFoundError, UsageError
from orchestrd.model.settings import Configuration, EnvironmentSettings, SpawnSettings
from orchestrd.model.words import Until
from tests.workspaces.repositories import ENVIRONMENT, a_repository, write

SETUP = '[spawn]\nsetup = "make"\ngrace_s = 3\n'


@pytest.fixture
def user(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "ORCH_HOME": str(tmp_path / "home"), "PATH": "/bin"}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    place = tmp_path / "web"
    (place / ".git").mkdir(parents=True)
    (place / "src" / "deep").mkdir(parents=True)
    return place


def _write(environ: dict[str, str], text: str) -> Path:
    file = Path(environ["HOME"], ".config", "orchestrd", "config.toml")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_the_file_of_a_repository_lies_at_its_top(repository: Path, tmp_path: Path) -> None:
    assert repository_file(str(repository / "src" / "deep")) == f"{repository}/.orchestrd.toml"
    assert repository_file(str(tmp_path)) is None


def test_where_nothing_is_configured_nothing_is_loaded(user: dict[str, str], repository: Path) -> None:
    program = (
        "import sys; from orchestrd.client.configuring import configuration_in;"
        f"configuration_in({str(repository)!r}, {user!r});"
        "print('orchestrd.config' in sys.modules)"
    )

    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert said.stdout == "False\n"
    assert configuration_in(str(repository), user) == Configuration()


def test_all_layers_are_taken_in(user: dict[str, str], repository: Path) -> None:
    _write(user, '[spawn]\nruntime = "process"\ngrace_s = 1\n')
    (repository / ".orchestrd.toml").write_text("[spawn]\ngrace_s = 2\n")

    spawn = configuration_in(str(repository / "src"), user | {"ORCH_SPAWN_UNTIL": "turn"}).spawn

    assert (spawn.runtime, spawn.grace_s, spawn.until) == ("process", 2.0, Until.TURN)


def test_a_repository_that_is_not_trusted_is_said_with_what_it_does_not_get(
    user: dict[str, str], repository: Path
) -> None:
    (repository / ".orchestrd.toml").write_text(SETUP)
    said: list[str] = []

    spawn = configuration_in(str(repository / "src"), user, said.append).spawn

    assert (spawn.setup, spawn.grace_s) == (None, 3.0)
    (notice,) = said
    assert notice.splitlines() == [
        f"orch: {repository}/.orchestrd.toml is not trusted: not applied is spawn.setup",
        f"  try: orch trust {repository}/src",
    ]


def test_no_name_of_a_directory_commands_the_terminal_that_a_notice_is_read_on(
    user: dict[str, str], tmp_path: Path
) -> None:
    place = tmp_path / "evil\x1b[2J"
    (place / ".git").mkdir(parents=True)
    (place / ".orchestrd.toml").write_text(SETUP)
    said: list[str] = []

    configuration_in(str(place), user, said.append)

    assert "evil\\x1b[2J/.orchestrd.toml is not trusted" in said[0]
    assert "\x1b" not in said[0]


def test_a_repository_is_trusted_until_its_file_changes(user: dict[str, str], repository: Path) -> None:
    file = repository / ".orchestrd.toml"
    file.write_text(SETUP)
    trust(Layout(user["ORCH_HOME"]), str(file), file.read_bytes(), {})
    said: list[str] = []

    trusted = configuration_in(str(repository), user, said.append).spawn.setup
    file.write_text(SETUP + "# more\n")
    changed = configuration_in(str(repository), user, said.append).spawn.setup

    assert (trusted, changed, len(said)) == ("make", None, 1)


def test_a_mistake_is_raised_with_its_place(user: dict[str, str], tmp_path: Path) -> None:
    file = _write(user, "[spawn]\nagnet = 1\n")

    with pytest.raises(UsageError, match=f"{file}:2: there is no key 'agnet' in .spawn.: did you mean 'agent'"):
        configuration_in(str(tmp_path), user)
    assert len(effective_in(str(tmp_path), user).mistakes) == 1


def test_what_a_file_asks_for_is_told_whether_it_is_trusted_or_not(repository: Path) -> None:
    file = repository / ".orchestrd.toml"
    file.write_text(SETUP)

    layer, asked = asked_by(str(file))

    assert [(setting.key, setting.value) for setting in asked] == [("spawn.setup", "make"), ("spawn.grace_s", 3.0)]
    assert layer.content == SETUP.encode()


def test_a_file_that_is_absent_or_wrong_asks_for_nothing(repository: Path) -> None:
    file = repository / ".orchestrd.toml"

    with pytest.raises(NotFoundError, match="nothing asks to be trusted"):
        asked_by(str(file))
    file.write_text("[spawn]\nx = 1\n")
    with pytest.raises(UsageError, match="there is no key 'x'"):
        asked_by(str(file))
    file.chmod(0o666)
    with pytest.raises(UsageError, match="everyone may write to it"):
        asked_by(str(file))


def test_the_command_that_trusts_names_the_directory_where_it_must(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)

    assert (trusting(str(repository)), trusting("src")) == ("orch trust", "orch trust src")


# ---- what becomes of it ----------------------------------------------------------------------------------------------


def _asked(place: Path, usual: SpawnSettings, **changes: object) -> SpawnRequest:
    return spawn_request(
        **{
            "argv": ["true"],
            "directory": str(place),
            "environ": ENVIRONMENT | {"ORCH_HOME": "/home/me/.orch"},
            "usual": Configuration(spawn=usual),
            **changes,
        }  # type: ignore[arg-type]
    )


def test_what_is_not_said_is_as_configured_and_what_is_said_wins(tmp_path: Path) -> None:
    usual = SpawnSettings(agent="claude", runtime="process", grace_s=3.0, until=Until.TURN, workspace="none")

    taken = _asked(tmp_path, usual, runtime="tmux").spec
    said = _asked(tmp_path, usual, agent="shell", runtime="process", grace_s=0.0, goal=GoalWish(until=Until.EXIT)).spec

    assert (taken.agent, taken.runtime, taken.grace_s, taken.until) == ("claude", "tmux", 3.0, Until.TURN)
    assert (said.agent, said.runtime, said.grace_s, said.until) == ("shell", "process", 0.0, Until.EXIT)


def test_the_configured_environment_is_passed_on_and_its_values_stand_nowhere_else(tmp_path: Path) -> None:
    usual = Configuration(environment=EnvironmentSettings(pass_=("TOKEN",), set={"MODE": "geheim"}, path=("/x",)))

    request = spawn_request(argv=["true"], directory=str(tmp_path), environ={"TOKEN": "t", "PATH": "/bin"}, usual=usual)

    assert request.environment == {"TOKEN": "t", "MODE": "geheim", "PATH": "/x:/bin"}
    assert "geheim" not in str(request.spec)


def test_configured_details_of_worktrees_hold_where_one_is_made_and_make_none(tmp_path: Path) -> None:
    project = a_repository(tmp_path / "shop")
    write(project, {".env": "x"})
    usual = SpawnSettings(base="HEAD", copy=(".env", "absent"), link=("absent",), setup="make")

    command = _asked(project, usual).spec.workspace
    agent = _asked(project, usual, agent="claude", runtime="tmux").spec.workspace
    said = _asked(project, usual, workspace=WorkspaceWish(base="main", setup="")).spec.workspace

    assert (command.kind, command.setup, command.copy) == ("none", None, ())
    assert (agent.kind, agent.base, agent.copy, agent.link, agent.setup) == ("worktree", "HEAD", (".env",), (), "make")
    assert (said.kind, said.base, said.copy, said.setup) == ("worktree", "main", (".env",), None)


def test_the_configured_kind_of_workspace_holds_unless_more_is_asked_for(tmp_path: Path) -> None:
    project = a_repository(tmp_path / "shop")
    none, always = SpawnSettings(workspace="none", setup="make"), SpawnSettings(workspace="worktree")

    kinds = [
        _asked(project, none, agent="claude", runtime="tmux").spec.workspace.kind,
        _asked(project, none, workspace=WorkspaceWish(base="main")).spec.workspace.kind,
        _asked(project, none, workspace=WorkspaceWish(kind="worktree")).spec.workspace.kind,
        _asked(project, always).spec.workspace.kind,
        _asked(project, always, workspace=WorkspaceWish(kind="none")).spec.workspace.kind,
    ]

    assert kinds == ["none", "worktree", "worktree", "worktree", "none"]


def test_a_configured_file_that_leads_out_of_the_project_is_refused(tmp_path: Path) -> None:
    project = a_repository(tmp_path / "shop")
    (project / "out").symlink_to(tmp_path)

    with pytest.raises(UsageError, match="'out' leads out of the project"):
        _asked(project, SpawnSettings(link=("out",)), agent="claude", runtime="tmux")

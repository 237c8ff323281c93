"""Whether a session could run at all, told where its caller stands."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrd.client.programs import missing_program
from orchestrd.model.document import SpawnRequest
from orchestrd.model.session import Workspace
from tests.documents import a_request, a_spec


def asked(*argv: str, path: str | None, agent: str = "shell", **changes: object) -> SpawnRequest:
    spec = replace(a_spec(argv=argv, agent=agent), **changes)
    return replace(a_request(spec=spec), environment={} if path is None else {"PATH": path})


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "mine").touch(mode=0o755)
    (tmp_path / "plain").touch(mode=0o644)
    return str(tmp_path)


def test_a_program_on_the_path_of_the_session_is_there(folder: str) -> None:
    assert missing_program(asked("mine", path=f"/nowhere:{folder}")) is None
    assert missing_program(asked("sh", path=None)) is None


def test_one_that_is_not_is_named(folder: str) -> None:
    for program in ("plain", "other"):
        missing = missing_program(asked(program, "-v", path=folder))

        assert missing is not None
        assert (missing.code, missing.hint) == ("no_program", f"orch spawn -- /PATH/TO/{program} -v")
        assert f"no program {program!r}" in missing.message


def test_what_was_meant_is_guessed(folder: str) -> None:
    line = missing_program(asked("npm test && npm run it", path=folder))
    here = missing_program(asked("mine", "-v", path="/nowhere", project=folder))
    agent = missing_program(asked(path=folder, agent="claude"))

    assert line is not None
    assert line.hint == "orch spawn -- sh -c 'npm test && npm run it'"
    assert here is not None
    assert here.hint == "orch spawn -- ./mine -v"
    assert agent is not None
    assert agent.hint == "npm install -g @anthropic-ai/claude-code"


def test_where_nobody_can_say_yet_it_counts_as_there(folder: str) -> None:
    setup = Workspace(kind="worktree", path="/w", setup="make tools")

    assert missing_program(asked("./later", path=folder)) is None
    assert missing_program(asked("other", path="bin:/usr/bin")) is None
    assert missing_program(asked("other", path=folder, workspace=setup)) is None


def test_an_agent_that_nobody_knows_is_for_the_daemon_to_refuse(folder: str) -> None:
    assert missing_program(asked("other", path=folder, agent="other")) is None

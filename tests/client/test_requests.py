"""What a caller knows, made into a request; and the calls, read and written without a daemon."""

import hashlib
from pathlib import Path

import msgspec
import pytest

from orchestrd import __version__, versions
from orchestrd.client import WorkspaceWish, caller_authority, calls, mint_id, mint_message_id, spawn_request
from orchestrd.client.calls import error_from
from orchestrd.client.transcript import RESUMING
from orchestrd.core.terminal import needs_terminal
from orchestrd.model.document import Problem, SpawnRequest, Version
from orchestrd.model.errors import ConflictError, OrchestrdError, RefusedError, UsageError
from orchestrd.model.ids import is_session_id
from orchestrd.model.words import Authority
from orchestrd.plugins import Plugins
from tests.documents import a_request

CALLER = {"HOME": "/home/me", "PATH": "/bin", "API_KEY": "secret", "OTHER": "x", "ORCH_HOME": "/h"}


def _asked(place: Path, **changes: object) -> SpawnRequest:
    return spawn_request(**{"argv": ["true"], "directory": str(place), "environ": CALLER, **changes})  # type: ignore[arg-type]


def test_the_environment_is_the_standard_names_and_what_was_asked_for(tmp_path: Path) -> None:
    request = _asked(tmp_path, env_names=["API_KEY", "PATH"])

    assert request.environment == {"HOME": "/home/me", "PATH": "/bin", "API_KEY": "secret"}
    assert request.spec.env_names == ("HOME", "PATH", "API_KEY")
    assert "secret" not in str(request.spec)


def test_an_agent_gets_its_own_settings_too(tmp_path: Path) -> None:
    caller = CALLER | {"ANTHROPIC_API_KEY": "secret", "CLAUDECODE": "1", "HTTPS_PROXY": "http://p"}

    request = _asked(
        tmp_path,
        agent="claude",
        runtime="tmux",
        workspace=WorkspaceWish(kind="none"),
        environ=caller,
        env_names=["OTHER"],
    )

    assert request.spec.env_names == ("HOME", "PATH", "ANTHROPIC_API_KEY", "HTTPS_PROXY", "OTHER")


def test_the_runtime_is_tmux_where_there_is_one_and_it_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "tmux").touch(mode=0o755)

    with_tmux = _asked(tmp_path, runtime="auto", environ={"PATH": str(tmp_path)})
    without = _asked(tmp_path, runtime="auto", environ={"PATH": "/nowhere"})

    assert (with_tmux.spec.runtime, without.spec.runtime) == ("tmux", "process")
    assert _asked(tmp_path, runtime="other").spec.runtime == "other"


def test_where_the_address_of_tmux_is_too_long_it_is_a_plain_process_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "tmux").touch(mode=0o755)
    said: list[str] = []

    request = _asked(tmp_path, runtime="auto", environ=_far_from_home(tmp_path), notice=said.append)

    assert request.spec.runtime == "process"
    (line,) = said
    assert line.startswith(f"orch: /{'h' * 100}/run/tmux.sock is too long for the address of a tmux server: ")
    assert line.endswith("the session runs as a plain process, as with --runtime process")


def test_an_agent_that_needs_tmux_is_refused_with_the_reason_why_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "tmux").touch(mode=0o755)
    wish: dict[str, object] = {"agent": "opencode", "workspace": WorkspaceWish(kind="none")}

    with pytest.raises(RefusedError) as absent:
        _asked(tmp_path, **wish, environ={"PATH": "/nowhere"})
    with pytest.raises(RefusedError) as long:
        _asked(tmp_path, **wish, environ=_far_from_home(tmp_path))

    assert absent.value.message == "agent opencode needs tmux, and there is none on your PATH"
    assert absent.value.hint == "apt install tmux"
    assert long.value.message.startswith(f"agent opencode needs tmux, and /{'h' * 100}/run/tmux.sock is too long")
    assert long.value.hint == "export ORCH_HOME=SHORTER_DIRECTORY"


def test_the_agents_that_need_a_terminal_are_those_that_say_so() -> None:
    agents = Plugins().agents()

    told = {name: needs_terminal(name) for name in agents}

    assert told == {name: agent.needs_terminal for name, agent in agents.items()}


def test_the_agents_that_go_on_with_a_conversation_are_those_that_say_so() -> None:
    assert {name for name, agent in Plugins().agents().items() if agent.capabilities.resume} == RESUMING


def _far_from_home(tmux: Path) -> dict[str, str]:
    return {"PATH": str(tmux), "ORCH_HOME": "/" + "h" * 100}


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'MISSING' is not set"):
        _asked(tmp_path, env_names=["MISSING"])
    with pytest.raises(UsageError, match="give the name only: --env TOKEN") as refused:
        _asked(tmp_path, env_names=["TOKEN=geheim"])
    assert "geheim" not in refused.value.message


def test_a_session_without_a_name_bears_its_id(tmp_path: Path) -> None:
    request = _asked(tmp_path)

    assert request.spec.name == request.id
    assert _asked(tmp_path, name="web").spec.name == "web"


def test_a_prompt_is_held_by_its_head_its_size_and_its_hash(tmp_path: Path) -> None:
    prompt = "ü" * 3000

    request = _asked(tmp_path, prompt=prompt)

    assert (request.prompt, request.spec.prompt, request.spec.prompt_bytes) == (prompt, prompt[:2000], 6000)
    assert request.spec.prompt_sha256 == hashlib.sha256(prompt.encode()).hexdigest()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "../x"}, "the name"),
        ({"prompt": "\udcff"}, "UTF-8"),
        ({"argv": ["\udcff"]}, "UTF-8"),
        ({"directory": "/nowhere/at/all"}, "no directory"),
        ({"grace_s": 1e12}, "grace"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_before_it_is_sent(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        _asked(tmp_path, **changes)


def test_a_relative_directory_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "web").mkdir()
    monkeypatch.chdir(tmp_path)

    request = spawn_request(argv=["true"], directory="web", environ={})

    assert (request.spec.project, request.spec.workspace.path) == (f"{tmp_path}/web", f"{tmp_path}/web")


def test_inside_a_run_the_caller_is_an_agent(tmp_path: Path) -> None:
    assert caller_authority({}) is Authority.USER
    assert caller_authority({"ORCH_SESSION": "abcdefgh"}) is Authority.AGENT
    assert _asked(tmp_path, environ={"ORCH_SESSION": "abcdefgh"}).authority is Authority.AGENT


def test_ids_are_minted_anew_each_time() -> None:
    ids = {mint_id() for _ in range(100)}

    assert len(ids) == 100
    assert all(map(is_session_id, ids))
    assert mint_message_id() != mint_message_id()


# ---- calls -----------------------------------------------------------------------------------------------------------


def test_a_word_is_quoted_in_the_path() -> None:
    assert calls.show("fix login ü?").target == "/v1/sessions/fix%20login%20%C3%BC%3F"


def test_a_spawn_carries_its_id_as_its_key() -> None:
    request = calls.spawn(a_request()).request()

    assert b"Idempotency-Key: abcdefgh\r\n" in request
    assert msgspec.json.decode(request.partition(b"\r\n\r\n")[2], type=SpawnRequest) == a_request()


def test_events_are_asked_for_by_cursor_and_choice() -> None:
    call = calls.events(7, follow=True, sessions=["abcdefgh", "web"], types=["void"])

    assert call.target == "/v1/events?since=7&follow=1&session=abcdefgh&session=web&type=void"
    assert call.accept == "application/x-ndjson"


def test_an_answer_is_read_as_what_was_asked_for_and_may_hold_more() -> None:
    assert calls.version().read(200, b'{"version": "9", "api": 1, "new": []}') == Version(version="9")


def test_an_answer_that_is_something_else_says_so() -> None:
    with pytest.raises(OrchestrdError) as refused:
        calls.version().read(200, b'{"version": 9}')

    assert refused.value.code == "not_understood"


def test_a_problem_is_raised_as_the_daemon_raised_it() -> None:
    body = msgspec.json.encode(Problem(title="t", status=409, code="conflict", detail="taken", hint="orch show x"))

    with pytest.raises(ConflictError) as refused:
        calls.version().read(409, body)

    assert (refused.value.message, refused.value.hint) == ("taken", "orch show x")


def test_an_error_that_is_no_problem_document_is_an_error_all_the_same() -> None:
    error = error_from(418, b"<html>\xff")

    assert (type(error), error.message) == (OrchestrdError, "the daemon answered 418: <html>\ufffd")


def test_versions_that_differ_are_told() -> None:
    assert versions.notice(None) is None
    assert versions.notice(__version__) is None
    assert "orch daemon restart" in (versions.notice("9.9") or "")

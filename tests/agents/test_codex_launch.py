"""How Codex is launched, what is refused for it, and where it writes down what it does."""

import hashlib
import json
import tomllib
from itertools import pairwise

import pytest
from msgspec.structs import replace

from orchestrd.agents.codex import CodexAgent
from orchestrd.core.rollout import rollout_pattern
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import PROMPT_ARGUMENT_BYTES_MAX
from orchestrd.model.run import AgentFiles, LaunchContext, Run
from orchestrd.model.session import Spec, Workspace
from orchestrd.model.words import Activity, Permission

AGENT = CodexAgent()
THREAD = "01a1fd7d-f125-7d50-ac96-6314b154f232"  # begun on 2026-11-21 at 09:44 UTC
SPEC = Spec(
    name="one",
    project="/repo",
    agent="codex",
    runtime="tmux",
    argv=("--model", "m"),
    workspace=Workspace(kind="none", path='/re"po'),
    nonce="n",
)
CONTEXT = LaunchContext(
    session=SessionId("abcdefgh"),
    generation=1,
    run_directory="/runs/abcdefgh.1",
    prompt_path="/prompts/abcdefgh",
    prompt="-x is an option",
    conversation=None,
)
RUN = Run(session=SessionId("abcdefgh"), generation=1, mark="m", conversation=THREAD)


def configured(argv: tuple[str, ...]) -> dict[str, object]:
    """Read what stands behind each -c, as Codex does."""
    settings: dict[str, object] = {}
    for name, value in (word.split("=", 1) for option, word in pairwise(argv) if option == "-c"):
        settings[name] = tomllib.loads(f"value = {value}")["value"]
    return settings


def test_it_begins_with_the_prompt_behind_all_options() -> None:
    argv = AGENT.launch(SPEC, CONTEXT).argv

    assert argv[:4] == ("codex", "--no-daemon", "--model", "m")
    assert argv[-2:] == ("--", "-x is an option")


def test_a_conversation_is_gone_on_with_by_its_id_and_the_prompt_is_not_said_again() -> None:
    argv = AGENT.launch(SPEC, replace(CONTEXT, conversation=THREAD)).argv

    assert argv[:3] == ("codex", "resume", "--no-daemon")
    assert argv[-1] == THREAD
    assert CONTEXT.prompt not in argv


def test_a_prompt_too_large_for_a_command_line_is_typed() -> None:
    launch = AGENT.launch(SPEC, replace(CONTEXT, prompt="x" * (PROMPT_ARGUMENT_BYTES_MAX + 1)))

    assert launch.types_prompt
    assert "--" not in launch.argv


def test_the_directory_is_trusted_for_this_launch_and_it_asks_nothing_at_its_start() -> None:
    settings = configured(AGENT.launch(SPEC, CONTEXT).argv)

    assert settings["projects"] == {'/re"po': {"trust_level": "trusted"}}
    assert settings["check_for_update_on_startup"] is False
    assert settings["tui.resume_cwd"] == "current"


def test_our_hooks_and_no_others_are_trusted_each_by_the_digest_of_what_it_is() -> None:
    argv = AGENT.launch(SPEC, CONTEXT).argv
    settings = configured(argv)

    trusted = settings["hooks.state"]
    assert isinstance(trusted, dict)
    assert not any("dangerously" in word for word in argv)
    for label, name in (("stop", "Stop"), ("user_prompt_submit", "UserPromptSubmit")):
        groups = settings[f"hooks.{name}"]
        assert isinstance(groups, list)
        identity = {"event_name": label, **groups[0]}
        written = json.dumps(identity, sort_keys=True, separators=(",", ":")).encode()
        digest = "sha256:" + hashlib.sha256(written).hexdigest()
        assert trusted[f"/<session-flags>/config.toml:{label}:0:0"] == {"trusted_hash": digest}


def test_without_hooks_none_go_along() -> None:
    argv = AGENT.launch(SPEC, replace(CONTEXT, with_hooks=False)).argv

    assert not any("hooks." in word for word in argv)


@pytest.mark.parametrize(
    ("permission", "words"),
    [
        (Permission.ASK, ("--ask-for-approval", "on-request")),
        (Permission.DENY, ("--ask-for-approval", "never", "--sandbox", "read-only")),
    ],
)
def test_what_is_said_of_permissions_goes_along(permission: Permission, words: tuple[str, ...]) -> None:
    argv = AGENT.launch(replace(SPEC, permission=permission), replace(CONTEXT, with_hooks=False)).argv

    assert argv[-2 - len(words) : -2] == words
    assert permission in AGENT.capabilities.policies


@pytest.mark.parametrize("permission", AGENT.capabilities.policies)
def test_without_a_terminal_its_app_server_is_hosted(permission: Permission) -> None:
    context = replace(CONTEXT, has_terminal=False)
    argv = AGENT.launch(replace(SPEC, permission=permission), context).argv
    resumed = AGENT.launch(SPEC, replace(context, conversation=THREAD)).argv

    assert argv[-1] == "app-server"
    assert (CONTEXT.prompt_path in argv, CONTEXT.prompt_path in resumed) == (True, False)
    assert THREAD in resumed
    assert configured(argv)["approval_policy"] == ("never" if permission is Permission.DENY else "on-request")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--yolo",), "--yolo lets Codex do whatever it wants"),
        (("--dangerously-bypass-approvals-and-sandbox",), "lets Codex do whatever it wants"),
        (("--dangerously-bypass-hook-trust",), "lets Codex do whatever it wants"),
        (("-s", "danger-full-access"), "danger-full-access lets Codex"),
        (("-c", 'sandbox_mode="danger-full-access"'), "lets Codex do whatever it wants"),
        (("-sdanger-full-access",), "lets Codex do whatever it wants"),
        (("-anever",), "-anever is how orchestrd itself drives Codex"),
        (("-a", "never"), "-a is how orchestrd itself drives Codex"),
        (("--remote=unix://",), "--remote=unix:// is how orchestrd itself drives Codex"),
        (("exec", "ls"), "exec is how orchestrd itself drives Codex"),
    ],
)
def test_what_would_take_it_out_of_our_hands_is_refused_in_a_sentence(words: tuple[str, ...], said: str) -> None:
    assert said in (AGENT.problem_with(replace(SPEC, argv=words)) or "")
    assert AGENT.problem_with(SPEC) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no empty message"),
        (" \n", "no empty message"),
        ("!ls", "run as a shell command"),
        ("/model", "taken for a command"),
        ("look at @shop", "would complete @shop"),
        ("use $skill", "would complete $skill"),
        ("@", "would complete @"),
    ],
)
def test_a_text_that_would_not_arrive_as_it_is_is_refused(text: str, said: str) -> None:
    assert said in (AGENT.problem_with_message(text) or "")


@pytest.mark.parametrize(
    "text", ["count", " /model", "look at @shop ", "mail me@shop", "costs 5$", "ends with \\", "?"]
)
def test_a_text_that_arrives_is_not_refused(text: str) -> None:
    assert AGENT.problem_with_message(text) is None


def test_a_prompt_is_looked_at_as_a_message_where_it_is_typed() -> None:
    large = replace(SPEC, prompt="/model", prompt_bytes=PROMPT_ARGUMENT_BYTES_MAX + 1)

    assert "taken for a command" in (AGENT.problem_with(large) or "")
    assert AGENT.problem_with(replace(large, runtime="process")) is None
    assert AGENT.problem_with(replace(large, prompt_bytes=7)) is None


@pytest.mark.parametrize(
    ("environment", "home"), [({"HOME": "/home/one"}, "/home/one/.codex"), ({"HOME": "/h", "CODEX_HOME": "/c/"}, "/c")]
)
def test_its_transcript_is_found_by_the_id_of_its_conversation(environment: dict[str, str], home: str) -> None:
    files = AGENT.files(SPEC, environment, RUN, 42)

    assert files is not None
    assert files.transcript == f"{home}/sessions/2026/11/*/rollout-*-{THREAD}.jsonl"


def test_it_has_no_files_before_its_conversation_is_known_nor_without_a_home_nor_beside_a_host() -> None:
    assert AGENT.files(SPEC, {"HOME": "/h"}, replace(RUN, conversation=None), 42) is None
    assert AGENT.files(SPEC, {}, RUN, 42) == AgentFiles()
    assert AGENT.files(replace(SPEC, runtime="process"), {"HOME": "/h"}, RUN, 42) is None


@pytest.mark.parametrize(
    ("thread", "folders"),
    [
        ("01a1fd7d-f125-7d50-ac96-6314b154f232", "2026/11/*"),
        ("01a1fb0f-0000-7d50-ac96-6314b154f232", "2026/11/*"),
        ("019b76da-a800-7d50-ac96-6314b154f232", "*/*/*"),  # in the first second of a year
        ("ffffffff-ffff-7d50-ac96-6314b154f232", "*/*/*"),  # no time that any clock has shown
    ],
)
def test_the_day_of_a_conversation_is_known_as_far_as_time_zones_leave_it(thread: str, folders: str) -> None:
    assert rollout_pattern({"HOME": "/h"}, thread) == f"/h/.codex/sessions/{folders}/rollout-*-{thread}.jsonl"


def test_its_account_is_named_by_what_lets_it_in() -> None:
    one, other = AGENT.account(SPEC, {"HOME": "/one"}), AGENT.account(SPEC, {"HOME": "/one", "CODEX_HOME": "/c"})

    assert one != other
    assert str(one).startswith("codex:")


@pytest.mark.parametrize("activity", list(Activity))
def test_its_screen_is_looked_at_whatever_it_does_for_a_person_may_open_a_dialog_at_any_time(
    activity: Activity,
) -> None:
    assert AGENT.wants_screen(activity, "osc")


def test_a_prompt_that_would_be_run_as_a_shell_command_is_refused_though_it_is_an_argument() -> None:
    assert "run as a shell command" in (AGENT.problem_with(replace(SPEC, prompt="!ls", prompt_bytes=3)) or "")
    assert AGENT.problem_with(replace(SPEC, prompt="/status @shop", prompt_bytes=13)) is None

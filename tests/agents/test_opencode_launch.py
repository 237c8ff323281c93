"""How OpenCode is launched, what is refused, and what goes along with it."""

import json

import pytest
from msgspec.structs import replace

from orchestrd.agents.opencode import OpenCodeAgent
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import PROMPT_ARGUMENT_BYTES_MAX
from orchestrd.model.run import LaunchContext
from orchestrd.model.session import Spec, Workspace
from orchestrd.model.words import Activity, Permission

AGENT = OpenCodeAgent()
SPEC = Spec(
    name="one",
    project="/repo",
    agent="opencode",
    runtime="tmux",
    argv=("--model", "zen/pickle"),
    workspace=Workspace(kind="none", path="/repo"),
    nonce="n0nce",
)
CONTEXT = LaunchContext(
    session=SessionId("abcdefgh"),
    generation=1,
    run_directory="/my runs/abcdefgh.1",
    prompt_path="/prompts/abcdefgh",
    prompt="-fix\nit",
    conversation=None,
)


def config(spec: Spec = SPEC, context: LaunchContext = CONTEXT) -> object:
    return json.loads(dict(AGENT.launch(spec, context).environment)["OPENCODE_CONFIG_CONTENT"])


def rules(permission: Permission, *allow: str) -> object:
    environment = dict(AGENT.launch(replace(SPEC, permission=permission, allow=allow), CONTEXT).environment)
    return json.loads(environment.get("OPENCODE_PERMISSION", "null"))


def test_a_prompt_goes_along_in_one_argument_whatever_it_begins_with() -> None:
    assert AGENT.launch(SPEC, CONTEXT).argv == ("opencode", "--model", "zen/pickle", "--prompt=-fix\nit")


def test_without_a_prompt_it_waits_for_one() -> None:
    assert AGENT.launch(SPEC, replace(CONTEXT, prompt=None)).argv == ("opencode", "--model", "zen/pickle")


def test_a_prompt_too_large_for_an_argument_is_typed() -> None:
    launch = AGENT.launch(SPEC, replace(CONTEXT, prompt="x" * (PROMPT_ARGUMENT_BYTES_MAX + 1)))

    assert launch.argv == ("opencode", "--model", "zen/pickle")
    assert launch.types_prompt


def test_a_revived_session_goes_on_with_its_conversation_and_says_nothing_again() -> None:
    launch = AGENT.launch(SPEC, replace(CONTEXT, conversation="ses_1"))

    assert launch.argv == ("opencode", "--model", "zen/pickle", "--session", "ses_1")
    assert not launch.types_prompt


def test_the_plugin_stands_in_the_run_directory_and_is_named_by_the_environment_alone() -> None:
    launch = AGENT.launch(SPEC, CONTEXT)

    ((name, content),) = launch.files
    assert b"export default" in content
    assert config() == {"plugin": [[f"file:///my%20runs/abcdefgh.1/{name}", {"denies": False}]]}


def test_without_hooks_nothing_of_ours_goes_along() -> None:
    assert AGENT.launch(SPEC, replace(CONTEXT, with_hooks=False)).files == ()
    assert config(context=replace(CONTEXT, with_hooks=False)) == {}


def test_what_is_asked_about_is_for_its_user_to_configure() -> None:
    assert rules(Permission.ASK) is None


def test_what_is_listed_is_allowed_and_the_rest_is_asked_about() -> None:
    assert rules(Permission.ALLOW, "bash(git *)", "bash(ls)", "webfetch", "shop_search") == {
        "edit": {"*": "ask"},
        "bash": {"*": "ask", "git *": "allow", "ls": "allow"},
        "webfetch": "allow",
        "websearch": "ask",
        "shop_search": "allow",
    }


def test_what_is_allowed_as_a_whole_is_not_narrowed_down() -> None:
    allowed = rules(Permission.ALLOW, "bash", "bash(ls)", "external_directory(~/x/*)")

    assert isinstance(allowed, dict)
    assert (allowed["bash"], allowed["external_directory"]) == ("allow", {"~/x/*": "allow"})


def test_a_session_that_denies_refuses_whatever_reaches_beyond_reading_and_whatever_is_asked() -> None:
    spec = replace(SPEC, permission=Permission.DENY)

    refused = rules(Permission.DENY)

    assert isinstance(refused, dict)
    assert set(refused.values()) == {"deny"}
    assert {"edit", "bash", "webfetch", "external_directory"} <= set(refused)
    assert '{"denies": true}' in json.dumps(config(spec))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"runtime": "process"}, "needs a terminal"),
        ({"argv": ("--auto",)}, "--auto allows everything"),
        ({"argv": ("--session=ses_1",)}, "--session is how orchestrd itself"),
        ({"argv": ("run", "x")}, "leave 'run' out"),
        ({"argv": ("--model", "m", "--pure")}, "with --pure nobody would see"),
        ({"env_names": ("OPENCODE_CONFIG_CONTENT",)}, "name it in OPENCODE_CONFIG"),
        ({"allow": ("*",)}, "'*' is no permission of OpenCode"),
        ({"allow": ("webfetch(https://*)",)}, "as a whole or not at all"),
        ({"prompt": "/review it"}, "begins with /"),
    ],
)
def test_what_would_not_work_is_refused_and_named(change: dict[str, object], said: str) -> None:
    problem = AGENT.problem_with(replace(SPEC, **change))

    assert problem is not None
    assert said in problem


@pytest.mark.parametrize("text", ["!ls", "look at @README.md", " /help", "exit the loop", "漢字\n\nend"])
def test_what_arrives_as_it_is_has_no_problem(text: str) -> None:
    assert AGENT.problem_with(replace(SPEC, prompt=text)) is None


@pytest.mark.parametrize(
    ("text", "said"), [("  ", "no empty message"), ("exit\n", "would end at exit"), ("/x", "command")]
)
def test_what_would_not_arrive_as_a_message_is_refused(text: str, said: str) -> None:
    problem = AGENT.problem_with_message(text)

    assert problem is not None
    assert said in problem


def test_it_has_no_file_to_be_read_and_its_screen_is_always_looked_at() -> None:
    assert AGENT.wants_screen(Activity.WAITING, "plugin")
    assert not AGENT.capabilities.transcript


def test_sessions_of_one_login_and_provider_share_an_account() -> None:
    home = {"HOME": "/home/one"}
    told = AGENT.account(SPEC, home)

    assert told is not None
    assert told.startswith("opencode:")
    assert AGENT.account(replace(SPEC, argv=("-m=zen/other",)), home) == told
    assert AGENT.account(replace(SPEC, argv=("--model", "shop/pickle")), home) != told
    assert AGENT.account(SPEC, home | {"XDG_DATA_HOME": "/data"}) != told
    assert AGENT.account(replace(SPEC, argv=()), {}) is None

"""OpenCode as an agent: its command line, what goes along with it, and all its witnesses put together."""

from collections.abc import Mapping
from importlib import resources
from itertools import pairwise
from pathlib import PurePosixPath

import msgspec

from orchestrd.agents.accounts import account_name
from orchestrd.agents.opencode.box import read_draft
from orchestrd.agents.opencode.permission import permissions, problem_with_rules
from orchestrd.agents.opencode.plugin_lines import read_plugin
from orchestrd.agents.reading import reading_of
from orchestrd.agents.screen_rules import read_screen, rules_of
from orchestrd.model.agent import Capabilities, Trust
from orchestrd.model.limits import PROMPT_ARGUMENT_BYTES_MAX, WORKING_TRUSTED_S
from orchestrd.model.run import AgentFiles, AgentLaunch, Glimpse, LaunchContext, Reading, Run
from orchestrd.model.session import Spec
from orchestrd.model.words import Activity, Permission

PLUGIN = "orchestrd-plugin.js"
CONFIG = "OPENCODE_CONFIG_CONTENT"  # is merged into what the user has configured, and replaces none of it
_PROVIDER = "PROVIDER"  # no variable, but counts like one
ACCOUNT = tuple((name, "OPENCODE_CONFIG", _PROVIDER) for name in ("OPENCODE_AUTH_CONTENT", "XDG_DATA_HOME", "HOME"))
OURS = frozenset(("--prompt", "--session", "-s", "--continue", "-c", "--fork"))
BYPASSES = frozenset(("--auto",))
OTHERS = frozenset(("--mini", "--pure"))  # another screen; and no plugin
LEAVES = frozenset(("exit", "quit", ":q"))  # whoever types one of these alone


class OpenCodeAgent:
    """OpenCode, found as `opencode`. What stands after `--` in a spawn are more arguments for it."""

    name = "opencode"
    capabilities = Capabilities(
        tested="1.18.33",
        hooks=True,
        resume=True,
        cost=True,
        commands="/",
        answers=True,
        policies=(Permission.ASK, Permission.ALLOW, Permission.DENY),
    )
    witnesses: tuple[Trust, ...] = (
        Trust("plugin", WORKING_TRUSTED_S),
        Trust("report", WORKING_TRUSTED_S),
        Trust("screen"),
    )
    needs_terminal = True
    awaits_turn = True
    confirms = True
    resume_text: str | None = None  # it tries again by itself

    def __init__(self) -> None:
        self.screen_rules = rules_of("opencode")
        self._plugin = (resources.files("orchestrd.agents.opencode") / "plugin.js").read_bytes()

    def problem_with(self, spec: Spec) -> str | None:
        if spec.runtime == "process":
            return "OpenCode needs a terminal, and runtime process has none: orch spawn --agent opencode --runtime tmux"
        if CONFIG in spec.env_names:
            return f"{CONFIG} is how orchestrd itself reaches OpenCode: write a file, and name it in OPENCODE_CONFIG"
        problem = _problem_with_arguments(spec.argv) or problem_with_rules(spec.allow)
        return problem or (None if spec.prompt is None else self.problem_with_message(spec.prompt))

    def account(self, spec: Spec, environment: Mapping[str, str]) -> str | None:
        """Sessions share what their user has logged in to, and the provider of a model that each may name."""
        return account_name(self.name, {**environment, _PROVIDER: _provider(spec.argv)}, ACCOUNT)

    def problem_with_message(self, text: str) -> str | None:
        if not text.strip():
            return "OpenCode takes no empty message"
        if text.strip() in LEAVES:
            return f"OpenCode would end at {text.strip()}: if that is meant, orch stop"
        if text.startswith("/"):
            return (
                "a text that begins with / would be taken for a command by OpenCode: "
                "put a space before it to have it read, or type it yourself: orch attach"
            )
        return None

    def launch(self, spec: Spec, context: LaunchContext) -> AgentLaunch:
        program, files = ("opencode", *spec.argv), ((PLUGIN, self._plugin),) if context.with_hooks else ()
        environment = tuple(_environment(spec, context).items())
        if context.conversation is not None:
            return AgentLaunch(argv=(*program, "--session", context.conversation), environment=environment, files=files)
        prompt = context.prompt or ""
        is_typed = len(prompt.encode("utf-8", "replace")) > PROMPT_ARGUMENT_BYTES_MAX
        given = () if is_typed or not prompt else (f"--prompt={prompt}",)
        return AgentLaunch(argv=(*program, *given), environment=environment, files=files, types_prompt=is_typed)

    def files(self, spec: Spec, environment: Mapping[str, str], run: Run, agent_pid: int | None) -> AgentFiles | None:
        return None

    def wants_screen(self, activity: Activity, source: str | None) -> bool:
        """Only the screen is looked at anew, and only it shows the panels that a person opens."""
        return True

    def read(self, glimpse: Glimpse) -> Reading:
        said, unheard = read_plugin(glimpse.hook_lines)
        if glimpse.screen is not None:
            said.append(read_screen(glimpse.screen, self.screen_rules))
        return reading_of(said, glimpse.now, unheard)

    def draft(self, screen: str) -> str | None:
        return read_draft(screen)


def _problem_with_arguments(argv: tuple[str, ...]) -> str | None:
    words = [word.split("=")[0] for word in argv]
    if words and not words[0].startswith("-"):
        return f"OpenCode is started in its session's directory, with its own screen: leave {words[0]!r} out"
    for word in words:
        if word in OURS:
            return f"{word} is how orchestrd itself drives OpenCode: leave it out of what stands after --"
        if word in BYPASSES:
            return f"{word} allows everything: orch spawn --permission allow --allow 'bash(git *)' allows what it names"
        if word in OTHERS:
            return f"with {word} nobody would see what OpenCode does: leave it out of what stands after --"
    return None


def _provider(argv: tuple[str, ...]) -> str:
    """Name the provider of `--model PROVIDER/MODEL`; empty where the configuration decides."""
    words = [word for argument in argv for word in argument.split("=", 1)]
    named = next((model for word, model in pairwise(words) if word in ("--model", "-m")), "")
    return named.partition("/")[0]


def _environment(spec: Spec, context: LaunchContext) -> dict[str, str]:
    """Give what it is told by its environment; nothing is written where the user or the repository keeps settings.

    Even an empty configuration has a use: without one OpenCode writes a first file into the user's own.
    """
    place = PurePosixPath(context.run_directory, PLUGIN).as_uri()
    plugin = [place, {"denies": spec.permission is Permission.DENY}]
    config = {"plugin": [plugin]} if context.with_hooks else {}
    given = {CONFIG: msgspec.json.encode(config).decode(), "OPENCODE_DISABLE_AUTOUPDATE": "1"}
    rules = permissions(spec)
    return given if rules is None else given | {"OPENCODE_PERMISSION": rules}

"""Claude Code as an agent: its command line, where it writes down what it does, and all its witnesses put together."""

import uuid
from collections.abc import Mapping

from orchestrd.agents.accounts import account_name
from orchestrd.agents.claude import hosted
from orchestrd.agents.claude.box import read_draft
from orchestrd.agents.claude.hooks import read_hooks, settings
from orchestrd.agents.claude.policy import POLICIES, policy_words, problem_with_policy
from orchestrd.agents.claude.state_file import StateFile
from orchestrd.agents.claude.title import read_title
from orchestrd.agents.claude.transcript import read_transcript
from orchestrd.agents.host_lines import HOST_TRUST, PROVIDER_TRUST
from orchestrd.agents.reading import reading_of
from orchestrd.agents.screen_rules import read_screen, rules_of
from orchestrd.core.conversation import config_folder, transcript_pattern
from orchestrd.core.terminal import has_terminal
from orchestrd.model.agent import Capabilities, Trust
from orchestrd.model.ids import run_mark
from orchestrd.model.limits import PROMPT_ARGUMENT_BYTES_MAX, WORKING_TRUSTED_S
from orchestrd.model.run import AgentFiles, AgentLaunch, Glimpse, LaunchContext, Reading, Run
from orchestrd.model.session import Spec
from orchestrd.model.words import Activity

SETTINGS = "settings.json"
ACCOUNT = (  # a key or token of its own, in the order it looks for one; else who is logged in there
    ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"),
    ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
    ("CLAUDE_CODE_OAUTH_TOKEN",),
    ("CLAUDE_CONFIG_DIR",),
    ("HOME",),
)
OURS = frozenset(
    ("--settings", "--session-id", "--resume", "-r", "--continue", "-c", "--fork-session", "--print", "-p")
)
LEAVES = frozenset(("exit", "quit", ":q", ":q!", ":wq", ":wq!"))  # whoever types one of these alone


class ClaudeAgent:
    """Claude Code, found as `claude`. What stands after `--` in a spawn are more arguments for it."""

    name = "claude"
    capabilities = Capabilities(
        tested="2.1.197",
        hooks=True,
        structured=True,
        transcript=True,
        resume=True,
        commands="/",
        hosted_commands=True,
        cost=True,
        answers=True,
        policies=POLICIES,
    )
    witnesses: tuple[Trust, ...] = (
        HOST_TRUST,
        PROVIDER_TRUST,
        Trust("session_file"),
        Trust("hook", WORKING_TRUSTED_S),
        Trust("report", WORKING_TRUSTED_S),
        Trust("title"),
        Trust("transcript", WORKING_TRUSTED_S),
        Trust("screen"),
    )
    needs_terminal = False
    awaits_turn = True
    confirms = True
    resume_text: str | None = "continue"

    def __init__(self) -> None:
        self.screen_rules = rules_of("claude")

    def problem_with(self, spec: Spec) -> str | None:
        is_hosted = not has_terminal(spec.runtime)
        ours = OURS | hosted.OURS if is_hosted else OURS
        taken = next((word for word in spec.argv if word.split("=")[0] in ours), None)
        if taken is not None:
            return f"{taken} is how orchestrd itself drives Claude Code: leave it out of what stands after --"
        if (problem := problem_with_policy(spec)) is not None:
            return problem
        is_typed = not is_hosted and spec.prompt_bytes > PROMPT_ARGUMENT_BYTES_MAX
        return self.problem_with_message(spec.prompt) if spec.prompt is not None and is_typed else None

    def account(self, spec: Spec, environment: Mapping[str, str]) -> str | None:
        return account_name(self.name, environment, ACCOUNT)

    def problem_with_message(self, text: str) -> str | None:
        if not text.strip():
            return "Claude Code takes no empty message"
        if text.strip() in LEAVES:
            return f"Claude Code would end at {text.strip()}: if that is meant, orch stop"
        if text.endswith("\\"):
            return "a text that ends with a backslash would go on in another line of Claude Code: put a space after it"
        if not text.startswith(("!", "/")):
            return None
        becomes = "run as a shell command" if text.startswith("!") else "taken for a command"
        return (
            f"a text that begins with {text[0]} would be {becomes} by Claude Code: "
            "put a space before it to have it read, or type it yourself: orch attach"
        )

    def launch(self, spec: Spec, context: LaunchContext) -> AgentLaunch:
        program, files = ("claude", *spec.argv, *policy_words(spec)), tuple[tuple[str, bytes], ...]()
        if context.conversation is not None:
            begun: tuple[str, ...] = ("--resume", context.conversation)
        else:
            begun = ("--session-id", pinned(run_mark(context.session, context.generation, spec.nonce)))
        if not context.has_terminal:
            return hosted.launch_hosted(spec, context, program, begun)
        if context.with_hooks:
            program = (*program, "--settings", f"{context.run_directory}/{SETTINGS}")
            files = ((SETTINGS, settings()),)
        prompt = (context.prompt or "") if context.conversation is None else ""
        if len(prompt.encode("utf-8", "replace")) > PROMPT_ARGUMENT_BYTES_MAX:
            return AgentLaunch(argv=(*program, *begun), files=files, types_prompt=True)
        return AgentLaunch(argv=(*program, *begun, *(("--", prompt) if prompt else ())), files=files)

    def files(self, spec: Spec, environment: Mapping[str, str], run: Run, agent_pid: int | None) -> AgentFiles | None:
        folder = config_folder(environment)
        if folder is None or not has_terminal(spec.runtime):
            return None  # a host tells all that they could
        return AgentFiles(
            state=None if agent_pid is None else f"{folder}/sessions/{agent_pid}.json",
            transcript=transcript_pattern(environment, run.conversation or pinned(run.mark)),
        )

    def wants_screen(self, activity: Activity, source: str | None) -> bool:
        """To all others a retry looks like work, and a dialog of the start like nothing."""
        return activity is not Activity.WAITING

    def read(self, glimpse: Glimpse) -> Reading:
        state = StateFile(glimpse)
        hooks, unheard = read_hooks(glimpse, is_busy=state.is_busy)
        entries, unread = read_transcript(glimpse.transcript_lines)
        said = [*hooks, *entries, *state.testimonies(), *read_title(glimpse)]
        if glimpse.screen is not None:
            said.append(read_screen(glimpse.screen, self.screen_rules))
        return reading_of(said, glimpse.now, unheard + unread)

    def draft(self, screen: str) -> str | None:
        return read_draft(screen)


def pinned(mark: str) -> str:
    """Give the id of the conversation that the run with this mark begins."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, mark))

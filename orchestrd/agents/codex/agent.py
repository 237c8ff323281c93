"""Codex as an agent: its command line, where it writes down what it does, and all its witnesses put together."""

import re
from collections.abc import Iterable, Mapping

import msgspec
from msgspec.structs import replace

from orchestrd.agents.accounts import account_name
from orchestrd.agents.codex.box import read_draft
from orchestrd.agents.codex.hooks import NAME, hook_arguments, hook_word
from orchestrd.agents.codex.rollout import read_rollout
from orchestrd.agents.codex.shown import TITLE_ITEMS, read_title, terminal_word
from orchestrd.agents.hook_lines import payload_of
from orchestrd.agents.host_lines import HOST_TRUST, PROVIDER_TRUST, read_host, read_provider
from orchestrd.agents.reading import reading_of
from orchestrd.agents.reports import read_report
from orchestrd.agents.screen_rules import read_screen, rules_of
from orchestrd.core.rollout import rollout_pattern
from orchestrd.core.terminal import has_terminal
from orchestrd.hosting.command import hosted
from orchestrd.model.agent import Capabilities, Trust
from orchestrd.model.limits import PROMPT_ARGUMENT_BYTES_MAX, WORKING_TRUSTED_S
from orchestrd.model.observation import Testimony
from orchestrd.model.run import AgentFiles, AgentLaunch, Glimpse, LaunchContext, Reading, Run
from orchestrd.model.session import Spec
from orchestrd.model.words import Activity, Permission

ACCOUNT = (("CODEX_ACCESS_TOKEN",), ("CODEX_API_KEY",), ("CODEX_HOME",), ("HOME",))
OURS = frozenset(
    {
        *("--no-daemon", "--remote", "--worktree", "--cd", "-C", "--ask-for-approval", "-a", "--approve-for-me"),
        *("resume", "fork", "exec", "e", "review", "app-server", "agents", "queue", "--last"),
    }
)
OURS_JOINED = re.compile(r"-[aC].+", re.DOTALL)  # a short option with its value
BYPASS = re.compile(r"--dangerously-.*|--yolo\b.*|.*danger-full-access.*", re.DOTALL)
COMPLETED = re.compile(r"(?:^|\s)([@$]\S*)\Z")  # what a list of completions opens for, which takes the Enter
POLICIES = {
    Permission.ASK: ("--ask-for-approval", "on-request"),
    Permission.DENY: ("--ask-for-approval", "never", "--sandbox", "read-only"),
}
ASKING = 'approval_policy="on-request"'
SETTINGS = (
    "check_for_update_on_startup=false",
    "notice.hide_rate_limit_model_nudge=true",  # a dialog that opens by itself at a usage limit
    'tui.resume_cwd="current"',  # else it asks, where a conversation began elsewhere
    f"tui.terminal_title={TITLE_ITEMS}",
)


class CodexAgent:
    """Codex, found as `codex`. What stands after `--` in a spawn are more arguments for it."""

    name = NAME
    capabilities = Capabilities(
        tested="0.169.0",
        hooks=True,
        structured=True,
        transcript=True,
        resume=True,
        cost=True,
        commands="/",
        policies=tuple(POLICIES),
    )
    witnesses: tuple[Trust, ...] = (
        HOST_TRUST,
        PROVIDER_TRUST,
        Trust("osc", WORKING_TRUSTED_S),
        Trust("screen"),
        Trust("title"),
        Trust("hook", WORKING_TRUSTED_S),
        Trust("transcript", WORKING_TRUSTED_S),
        Trust("report", WORKING_TRUSTED_S),
    )
    needs_terminal = False
    awaits_turn = True
    confirms = True
    resume_text: str | None = "continue"

    def __init__(self) -> None:
        self.screen_rules = rules_of(NAME)

    def problem_with(self, spec: Spec) -> str | None:
        if bypass := next((word for word in spec.argv if BYPASS.fullmatch(word)), None):
            return f"{bypass} lets Codex do whatever it wants, and is not passed on: orch spawn --permission ask|deny"
        if taken := next((word for word in spec.argv if _is_ours(word)), None):
            return f"{taken} is how orchestrd itself drives Codex: leave it out of what stands after --"
        if spec.prompt is None or not has_terminal(spec.runtime):
            return None
        is_typed = spec.prompt_bytes > PROMPT_ARGUMENT_BYTES_MAX
        is_run = spec.prompt.startswith("!")  # even as an argument, and outside its sandbox
        return self.problem_with_message(spec.prompt) if is_typed or is_run else None

    def account(self, spec: Spec, environment: Mapping[str, str]) -> str | None:
        return account_name(NAME, environment, ACCOUNT)

    def problem_with_message(self, text: str) -> str | None:
        if not text.strip():
            return "Codex takes no empty message"
        if completed := COMPLETED.search(text):
            return f"Codex would complete {completed[1]} and not send the text: put a space or a full stop behind it"
        if not text.startswith(("!", "/")):
            return None
        becomes = "run as a shell command" if text.startswith("!") else "taken for a command"
        return (
            f"a text that begins with {text[0]} would be {becomes} by Codex: "
            "put a space before it to have it read, or type it yourself: orch attach"
        )

    def launch(self, spec: Spec, context: LaunchContext) -> AgentLaunch:
        if not context.has_terminal:
            return self._launch_hosted(spec, context)
        trusted = f'projects={{{msgspec.json.encode(spec.workspace.directory).decode()}={{trust_level="trusted"}}}}'
        program = ("--no-daemon", *spec.argv, *_configured((*SETTINGS, trusted)), *POLICIES[spec.permission])
        if context.with_hooks:
            program = (*program, *hook_arguments())
        if context.conversation is not None:
            return AgentLaunch(argv=(NAME, "resume", *program, context.conversation))
        prompt = context.prompt or ""
        if len(prompt.encode("utf-8", "replace")) > PROMPT_ARGUMENT_BYTES_MAX:
            return AgentLaunch(argv=(NAME, *program), types_prompt=True)
        return AgentLaunch(argv=(NAME, *program, *(("--", prompt) if prompt else ())))

    def files(self, spec: Spec, environment: Mapping[str, str], run: Run, agent_pid: int | None) -> AgentFiles | None:
        if run.conversation is None or not has_terminal(spec.runtime):
            return None  # a host tells all that it could
        return AgentFiles(transcript=rollout_pattern(environment, run.conversation))

    def wants_screen(self, activity: Activity, source: str | None) -> bool:
        """A dialog that a person opens between two turns shows nowhere else."""
        return True

    def read(self, glimpse: Glimpse) -> Reading:
        heard = [_heard(line, offset) for line, offset in glimpse.hook_lines]
        entries, unread = read_rollout(glimpse.transcript_lines)
        limits = [limit for line, offset in glimpse.hook_lines if (limit := read_provider(line, offset)) is not None]
        said = [*limits, *(word for word, _ in heard if word is not None), *entries, *read_title(glimpse)]
        if glimpse.screen is not None:
            said.append(read_screen(glimpse.screen, self.screen_rules))
        return reading_of(said, glimpse.now, unread + sum(not is_line for _, is_line in heard))

    def draft(self, screen: str) -> str | None:
        return read_draft(screen)

    def _launch_hosted(self, spec: Spec, context: LaunchContext) -> AgentLaunch:
        """Run its app server, with a host that speaks to it."""
        is_denying = spec.permission is Permission.DENY
        policy = ('approval_policy="never"', 'sandbox_mode="read-only"') if is_denying else (ASKING,)
        is_new = context.conversation is None
        argv = hosted(
            NAME,
            (NAME, *spec.argv, *_configured((SETTINGS[0], *policy)), "app-server"),
            prompt_path=context.prompt_path if is_new else None,
            conversation=context.conversation,
            permission=spec.permission,
        )
        return AgentLaunch(argv=argv)


def _is_ours(word: str) -> bool:
    return word.split("=", maxsplit=1)[0] in OURS or OURS_JOINED.fullmatch(word) is not None


def _configured(settings: Iterable[str]) -> Iterable[str]:
    return (word for setting in settings for word in ("-c", setting))


def _heard(line: bytes, offset: int) -> tuple[Testimony | None, bool]:
    """Say what a line of hooks.jsonl says, and whether it is one that could be understood."""
    if (said := read_report(line, offset) or read_host(line, offset)) is not None:
        return said, True
    if (told := payload_of(line, NAME)) is not None:
        word = hook_word(*told)
    elif (told := payload_of(line, "terminal")) is not None:
        word = terminal_word(*told)
    else:
        return None, False
    return (None if word is None else replace(word, offset=offset)), True

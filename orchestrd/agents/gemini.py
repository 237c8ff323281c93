"""Agent `gemini`: Gemini CLI in a terminal. How it is launched, and what each of its witnesses means.

The order of authority, and what each of them does not see:

1. The *screen*, for what it says is said only by a dialog whose lower edge is the last thing there, or by the composer,
   which is never there beside a dialog. It alone tells of a trust or login dialog, at which the title says `Ready`,
   and of a usage limit, at which it says `Working`. That the composer is there tells working from waiting not at all.
2. The *title* tells working, ready and action required apart at each look, and is late by 70 ms at most. A user may
   have it turned off.
3. *Hooks* come with their times, and alone tell of each prompt at once. None is called when a dialog is answered, nor
   where one is denied: there the turn ends without an AfterAgent. An interrupt has one. Gemini waits for each of them:
   none is asked for before a tool, where a dialog would come the later for it.
4. The *transcript* tells of what was cancelled, and of tokens; of an answer it does not tell whether it is the last.
5. A *report* of the session itself, which knows least of the turn it is made in.

A conversation is named by its hooks, and not beforehand: Gemini begins anew by itself once a directory is trusted, and
would refuse the name that it has used a moment before. So without hooks there is none to go on with.

Gemini CLI reads the hooks from what stands in for the defaults of the system (GEMINI_CLI_SYSTEM_DEFAULTS_PATH), which
it merges with the settings of user and project: theirs run beside ours. It takes such a file only where it and every
directory above it are root's, and nobody else may write there; else all is as without hooks. Held to version 0.61.0.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

import msgspec
from msgspec.structs import replace

from orchestrd.agents.accounts import account_name
from orchestrd.agents.hook_lines import HOOK_NAME, hook_command, payload_of
from orchestrd.agents.reading import reading_of
from orchestrd.agents.reports import read_report, written_time
from orchestrd.agents.screen_rules import read_screen, rules_of
from orchestrd.core.conversation import Fields, conversation_id, described, fields_of, one_line, text_of
from orchestrd.core.launch import decode_record
from orchestrd.core.wording import count_of
from orchestrd.model.agent import Capabilities, Trust
from orchestrd.model.limits import HOOK_SECONDS_MAX, PROMPT_ARGUMENT_BYTES_MAX, WORKING_TRUSTED_S
from orchestrd.model.observation import Testimony
from orchestrd.model.run import AgentFiles, AgentLaunch, Glimpse, LaunchContext, Reading, Run
from orchestrd.model.session import Spec
from orchestrd.model.spending import Spent, Tokens
from orchestrd.model.words import Activity, Permission

WORKING, WAITING, BLOCKED, LIMITED = Activity.WORKING, Activity.WAITING, Activity.BLOCKED, Activity.LIMITED
UNDER_WAY = (WORKING, BLOCKED)

NAME = "gemini"
DEFAULTS, POLICY = "gemini.json", "gemini-policy.toml"  # in the run directory
OURS = frozenset(
    {
        *("--session-id", "--resume", "-r", "--session-file", "--prompt", "-p", "--prompt-interactive", "-i"),
        *("--acp", "--experimental-acp", "--output-format", "-o", "--worktree", "-w", "--screen-reader"),
    }
)
ACCOUNT = (  # a key of its own, else who is logged in there
    ("GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"),
    ("GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL"),
    ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT"),
    ("GEMINI_CLI_HOME",),
    ("HOME",),
)
BYPASS = re.compile(r"--yolo\b(?!=false)|-[a-z]*y[a-z]*\Z|--approval-mode=yolo")
ASKS = ("run_shell_command", "write_file", "replace", "web_fetch", "activate_skill", "mcp_*", "discovered_tool_*")
PRIORITY = 900  # of our rules among those of the user
ALLOWED = re.compile(r"([\w*-]{1,128})(?:\(([^()\n]{1,1024})\))?")  # a tool, or a tool with how its command begins

TITLES = {
    "✦": (WORKING, LIMITED),  # it says so at the dialog of a usage limit as well
    "⏲": (WORKING,),
    "◇": (WAITING, BLOCKED, LIMITED),  # it says so at the dialogs of its start as well
    "✋": (BLOCKED,),
}
HOOKS: dict[str, tuple[Activity, ...]] = {
    "SessionStart": (WORKING, WAITING, BLOCKED),  # a prompt may have gone along, and a dialog may be open
    "BeforeAgent": (WORKING,),
    "Notification": (BLOCKED,),
    "AfterTool": UNDER_WAY,
    "AfterAgent": (WAITING,),
    "SessionEnd": (),
}
NO_ANSWER = "[no response text]"  # it was interrupted, or an error stands in the answer's place
ON_DISK = ("AfterTool", "AfterAgent")  # by then the conversation has been written down
QUOTA = re.compile(r"exhausted your|usage limit|quota", re.IGNORECASE)

ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))|[\x0e\x0f]")
COMPOSER = re.compile(r"^─{10,}\s*\n(?:(?!─{10}).*\n){0,4}? [>!*] (.*\n(?:   .*\n)*)", re.MULTILINE)
PLACEHOLDER = re.compile(r"\s*(?:Type your (?:message|shell command)|Press '(?:Esc|i)' for |\Z)")


class GeminiAgent:
    """Gemini CLI, found as `gemini`. What stands after `--` in a spawn are more arguments for it."""

    name = NAME
    capabilities = Capabilities(
        tested="0.61.0",
        hooks=True,
        transcript=True,
        resume=True,
        cost=True,
        commands="/",
        policies=(Permission.ASK, Permission.ALLOW, Permission.DENY),
    )
    witnesses: tuple[Trust, ...] = (
        Trust("screen"),
        Trust("title"),
        Trust("hook", WORKING_TRUSTED_S),
        Trust("transcript", WORKING_TRUSTED_S),
        Trust("report", WORKING_TRUSTED_S),
    )
    needs_terminal = True
    awaits_turn = True
    confirms = True
    resume_text: str | None = None  # at its limit a dialog is open, into which nothing is typed

    def __init__(self) -> None:
        self.screen_rules = rules_of(NAME)

    def problem_with(self, spec: Spec) -> str | None:
        if spec.runtime == "process":
            return "Gemini CLI needs a terminal, and runtime process has none: orch spawn --agent gemini --runtime tmux"
        if (problem := _problem_with_words(spec.argv)) is not None:
            return problem
        wrong = next((rule for rule in spec.allow if not ALLOWED.fullmatch(rule)), None)
        if wrong is not None:
            return f"{wrong!r} is no rule of Gemini CLI: name a tool, or run_shell_command(git status) for a command"
        is_typed = spec.prompt_bytes > PROMPT_ARGUMENT_BYTES_MAX
        return self.problem_with_message(spec.prompt) if spec.prompt is not None and is_typed else None

    def account(self, spec: Spec, environment: Mapping[str, str]) -> str | None:
        return account_name(self.name, environment, ACCOUNT)

    def problem_with_message(self, text: str) -> str | None:
        if not text.strip():
            return "Gemini CLI takes no empty message"
        if text.rstrip(" \n").endswith("\\"):
            return (
                "a text that ends with a backslash would go on in another line of Gemini CLI: put a full stop after it"
            )
        if text.lstrip().startswith("/"):
            return (
                "a text that begins with / would be taken for a command by Gemini CLI: "
                "put a word before it to have it read, or type it yourself: orch attach"
            )
        return None

    def launch(self, spec: Spec, context: LaunchContext) -> AgentLaunch:
        argv: tuple[str, ...] = (NAME, *spec.argv)
        environment: tuple[tuple[str, str], ...] = ()
        files: dict[str, bytes] = {}
        if context.with_hooks:
            environment = (("GEMINI_CLI_SYSTEM_DEFAULTS_PATH", f"{context.run_directory}/{DEFAULTS}"),)
            files[DEFAULTS] = _defaults()
        if rules := _policy(spec):
            argv = (*argv, "--policy", f"{context.run_directory}/{POLICY}")
            files[POLICY] = rules
        if context.conversation is not None:
            return AgentLaunch(
                argv=(*argv, "--resume", context.conversation), environment=environment, files=tuple(files.items())
            )
        prompt = context.prompt or ""
        is_typed = len(prompt.encode("utf-8", "replace")) > PROMPT_ARGUMENT_BYTES_MAX
        return AgentLaunch(
            argv=(*argv, f"--prompt-interactive={prompt}") if prompt and not is_typed else argv,
            environment=environment,
            files=tuple(files.items()),
            types_prompt=is_typed,
        )

    def files(self, spec: Spec, environment: Mapping[str, str], run: Run, agent_pid: int | None) -> AgentFiles | None:
        home = environment.get("GEMINI_CLI_HOME") or environment.get("HOME")
        if not home or run.conversation is None:
            return None
        begins = run.conversation.partition("-")[0]
        return AgentFiles(transcript=f"{home.rstrip('/')}/.gemini/tmp/*/chats/session-*-{begins}.jsonl")

    def wants_screen(self, activity: Activity, source: str | None) -> bool:
        """At each look: what is open when the title says nothing new is told by nobody else."""
        return True

    def read(self, glimpse: Glimpse) -> Reading:
        has_title = (glimpse.title or "")[:1] in TITLES
        hooks, unheard = _read_hooks(glimpse.hook_lines, has_title=has_title)
        entries, unread = _read_transcript(glimpse.transcript_lines)
        said = [*hooks, *entries, *_read_title(glimpse.title)]
        if glimpse.screen is not None:
            said.append(read_screen(glimpse.screen, self.screen_rules))
        return reading_of(said, glimpse.now, unheard + unread)

    def draft(self, screen: str) -> str | None:
        boxes = COMPOSER.findall(ESCAPE.sub("", screen) + "\n")
        return None if not boxes or PLACEHOLDER.match(boxes[-1]) else one_line(boxes[-1])


def _problem_with_words(words: Sequence[str]) -> str | None:
    """Say which argument would take the session out of our hands, or bypass all permissions."""
    for word, following in pairwise((*words, "")):
        if BYPASS.match(word) or (word == "--approval-mode" and following == "yolo"):
            return f"{word} would let Gemini CLI do everything unasked: name what it may do with --allow"
        if word.split("=")[0] in OURS:
            return f"{word} is how orchestrd itself drives Gemini CLI: leave it out of what stands after --"
    return None


def _defaults() -> bytes:
    """Write the settings of a launch: hooks, and nothing else."""
    hook = {"type": "command", "command": hook_command(NAME), "name": "orchestrd", "timeout": HOOK_SECONDS_MAX * 1_000}
    return msgspec.json.encode({"hooks": {name: [{"hooks": [hook]}] for name in HOOKS}})


def _policy(spec: Spec) -> bytes:
    """Write the rules of a session's permissions; none where a person is asked for everything."""
    if spec.permission is Permission.DENY:
        rules = [_rule("deny", tool) for tool in ASKS]
    elif spec.permission is Permission.ALLOW:
        rules = [_rule("allow", *found.groups()) for rule in spec.allow if (found := ALLOWED.fullmatch(rule))]
    else:
        return b""
    return "\n".join(rules).encode()


def _rule(decision: str, tool: str, begins: str | None = None) -> str:
    """Write one rule of Gemini's policy engine; strings of JSON are strings of TOML."""
    prefix = "" if begins is None else f"commandPrefix = {msgspec.json.encode(begins).decode()}\n"
    return f'[[rule]]\ntoolName = "{tool}"\n{prefix}decision = "{decision}"\npriority = {PRIORITY}\n'


def _read_title(title: str | None) -> Iterator[Testimony]:
    if title is not None:
        yield Testimony(observer="title", allows=TITLES.get(title[:1], ()), excerpt=one_line(title))


def _read_hooks(lines: Iterable[tuple[bytes, int]], *, has_title: bool) -> tuple[list[Testimony], int]:
    """Say what each new line says, and how many are none.

    Gemini takes no prompt before the hook behind its answer has ended: where there is a title, that tells when it does.
    """
    said: list[Testimony] = []
    malformed = 0
    for line, offset in lines:
        if (report := read_report(line, offset)) is not None:
            said.append(report)
        elif (heard := payload_of(line, NAME)) is None:
            malformed += 1
        elif (word := _of_hook(*heard)) is not None:
            allows = (WORKING, *word.allows) if has_title and word.is_turn_over else word.allows
            said.append(replace(word, offset=offset, allows=allows))
    return said, malformed


def _of_hook(at: datetime | None, payload: Fields) -> Testimony | None:
    name = text_of(payload, HOOK_NAME)
    if name not in HOOKS:
        return None
    answer = text_of(payload, "prompt_response")
    is_over = name == "AfterAgent"
    is_cleared = name == "SessionStart" and payload.get("source") == "clear"
    allows = (WAITING, LIMITED) if is_over and answer == NO_ANSWER else (WAITING,) if is_cleared else HOOKS[name]
    return Testimony(
        observer="hook",
        allows=allows,
        at=at,
        text=_text(name, payload, answer),
        excerpt=f"{name} {one_line(text_of(payload, 'tool_name') or text_of(payload, 'source'))}".strip(),
        is_turn_over=is_over,
        prompt=text_of(payload, "prompt") or None if name == "BeforeAgent" else None,
        conversation=conversation_id(text_of(payload, "session_id")) if name in ON_DISK else None,
    )


def _text(name: str, payload: Fields, answer: str) -> str | None:
    """Tell people what it is about: which tool, what is asked, or what was answered last."""
    if name == "AfterTool":
        return described(payload, "tool_name", "tool_input")
    if name == "Notification":
        details = fields_of(payload.get("details"))
        about = text_of(details, "command") or text_of(details, "title") or text_of(payload, "message")
        return f"asks for permission: {one_line(about)}"
    return one_line(answer) or None if answer != NO_ANSWER else None


def _read_transcript(lines: Sequence[bytes]) -> tuple[list[Testimony], int]:
    """Say what new lines come to: each prompt, and the last word of all; and how many lines are none."""
    entries = [entry for line in lines if (entry := decode_record(line, dict)) is not None]
    said = [word for entry in entries if (word := _of_entry(entry)) is not None]
    spent = {one.key: one for entry in entries if (one := _spent(entry)) is not None}
    if said:
        said[-1] = replace(said[-1], spent=tuple(spent.values()))
    told = [word for word in said if word.prompt is not None or word is said[-1]]
    return told, len(lines) - len(entries)


def _of_entry(entry: Fields) -> Testimony | None:
    """Say what one entry says; an answer may be followed by a tool, by another answer, or by nothing."""
    content = entry.get("content")
    told = content if isinstance(content, str) else ""
    allows: tuple[Activity, ...]
    prompt = text = None
    match entry.get("type"):
        case "user":
            prompt = _prompt(content)
            allows, text = ((WORKING,), None) if prompt else (UNDER_WAY, None)
        case "gemini":
            allows, text = (WORKING, BLOCKED, WAITING), one_line(told) or None
        case "error":
            allows, text = ((LIMITED,) if QUOTA.search(told) else (WAITING,)), one_line(told)
        case "info" if told.startswith("Request cancelled"):
            allows, text = (WAITING,), "interrupted by the user"
        case _:
            return None
    at, excerpt = written_time(text_of(entry, "timestamp")), f"{entry['type']}: {one_line(told or prompt or '')}"
    return Testimony(observer="transcript", allows=allows, at=at, text=text, excerpt=excerpt, prompt=prompt)


def _prompt(content: object) -> str | None:
    parts = [fields_of(part) for part in content] if isinstance(content, list) else []
    return "\n".join(text_of(part, "text") for part in parts).strip() or None


def _spent(entry: Fields) -> Spent | None:
    """Say what an answer has cost; what it has read from a cache is a part of its input as it is told."""
    told, key = fields_of(entry.get("tokens")), text_of(entry, "id")
    if not told or not key:
        return None
    cached = count_of(told, "cached")
    tokens = Tokens(
        input=max(0, count_of(told, "input") + count_of(told, "tool") - cached),
        output=count_of(told, "output") + count_of(told, "thoughts"),
        cache_read=cached,
    )
    return Spent(key=key, tokens=tokens)

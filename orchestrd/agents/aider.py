"""Agent `aider`: Aider in a terminal. How it is launched, and what each of its witnesses means.

The order of authority, and what each of them does not see:

1. The *screen*: that it waits is shown by the sign behind which one types, empty and the last thing there, and that it
   asks by a question which is. What stands behind the sign may be a draft, or have been sent a moment ago.
2. The *hook* is its notification, called 15 ms after an answer is complete and as a question is asked, which it does
   not tell apart. It tells of no beginning.
3. The *transcript* is the history of the chat, which holds each prompt as it is sent, and behind each answer its tokens
   and its cost; it has no times, and a question only once it is answered.
4. A *report* of the session itself.

Aider has no title, no session and nothing to resume: a revive begins anew, with the prompt of the session. (What
`--restore-chat-history` reads back is a summary of a file, and not the conversation.) All that it would write into the
working directory lies in the run directory instead, but for its cache of tags. It is asked for nothing at its start
that a person need not answer: neither for news nor for an update, nor whether to change the repository's .gitignore.
Held to version 0.86.2.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from orchestrd.agents.accounts import account_name
from orchestrd.agents.hook_lines import hook_command, payload_of
from orchestrd.agents.reading import reading_of
from orchestrd.agents.reports import read_report
from orchestrd.agents.screen_rules import live_area, read_screen, rules_of
from orchestrd.core.conversation import one_line
from orchestrd.model.agent import Capabilities, Trust
from orchestrd.model.limits import WORKING_TRUSTED_S
from orchestrd.model.observation import Testimony
from orchestrd.model.run import AgentFiles, AgentLaunch, Glimpse, LaunchContext, Reading, Run
from orchestrd.model.screen_rule import ScreenRule
from orchestrd.model.session import Spec
from orchestrd.model.spending import Spent, Tokens
from orchestrd.model.words import Activity

WORKING, WAITING, BLOCKED, LIMITED = Activity.WORKING, Activity.WAITING, Activity.BLOCKED, Activity.LIMITED

NAME = "aider"
CHAT, INPUT, MODEL = "aider-chat.md", "aider-input.txt", "aider-model.txt"  # in the run directory
QUIET = ("--no-check-update", "--no-show-release-notes", "--no-show-model-warnings", "--no-analytics", "--no-gitignore")
OURS = (  # how it would end after one turn, or be driven by somebody else; long words may be cut short
    *(
        "--message",
        "--msg",
        "--message-file",
        "--commit",
        "--lint",
        "--test",
        "--apply",
        "--exit",
        "--gui",
        "--browser",
    ),
    *("--chat-history-file", "--input-history-file", "--llm-history-file", "--notifications", "--multiline", "--vim"),
)
ACCOUNT = (
    ("OPENAI_API_KEY", "OPENAI_API_BASE"),
    ("ANTHROPIC_API_KEY", "ANTHROPIC_API_BASE"),
    ("OPENROUTER_API_KEY",),
    ("GEMINI_API_KEY",),
    ("DEEPSEEK_API_KEY",),
    ("HOME",),
)
NOTIFY = f'printf \'{{"hook_event_name":"Notification"}}\' | {{ {hook_command(NAME)}; }}'

PROMPT, NOTE = "#### ", "> "  # how the lines of the history begin that are no answer
SPENT = re.compile(
    r"> Tokens: (?P<input>[\d.]+[kM]?) sent(?:, (?P<cache_write>[\d.]+[kM]?) cache write)?"
    r"(?:, (?P<cache_read>[\d.]+[kM]?) cache hit)?, (?P<output>[\d.]+[kM]?) received\."
    r"(?: Cost: \$(?P<cost>[\d.]+) message)?"
)
TIMES = {"k": 1_000, "M": 1_000_000}
LIMITS = ("> The API provider has rate limited you", "> litellm.RateLimitError")
ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))|[\x0e\x0f]")
BOX = re.compile(r"(?:(?![a-z-]* ?> ).*\n)*?[a-z-]* ?> (\S.*(?:\n[a-z-]* ?> .*)*)\s*")


class AiderAgent:
    """Aider, found as `aider`. What stands after `--` in a spawn are more arguments for it."""

    name = NAME
    capabilities = Capabilities(tested="0.86.2", hooks=True, transcript=True, cost=True, commands="/")
    witnesses: tuple[Trust, ...] = (
        Trust("screen"),
        Trust("hook", WORKING_TRUSTED_S),
        Trust("transcript", WORKING_TRUSTED_S),
        Trust("report", WORKING_TRUSTED_S),
    )
    screen_rules: tuple[ScreenRule, ...]
    needs_terminal = True
    awaits_turn = True
    confirms = True
    resume_text: str | None = "continue"

    def __init__(self) -> None:
        self.screen_rules = rules_of(NAME)

    def problem_with(self, spec: Spec) -> str | None:
        if spec.runtime == "process":
            return "Aider needs a terminal, and runtime process has none: orch spawn --agent aider --runtime tmux"
        for word in spec.argv:
            name = word.partition("=")[0]
            if name.startswith("--yes"):
                return f"{word} would let Aider do everything unasked: leave it out, and answer it by orch answer"
            if name in ("-m", "-f") or (len(name) > len("--m") and any(our.startswith(name) for our in OURS)):
                return f"{word} is how orchestrd itself drives Aider: leave it out of what stands after --"
        return self.problem_with_message(spec.prompt) if spec.prompt is not None else None

    def account(self, spec: Spec, environment: Mapping[str, str]) -> str | None:
        return account_name(self.name, environment, ACCOUNT)

    def problem_with_message(self, text: str) -> str | None:
        if not text.strip():
            return "Aider takes no empty message"
        first = text.lstrip()[0]
        if first not in "/!{":
            return None
        becomes = {"/": "taken for a command", "!": "run as a shell command", "{": "taken for the begin of more lines"}
        return (
            f"a text that begins with {first} would be {becomes[first]} by Aider: "
            "put a word before it to have it read, or type it yourself: orch attach"
        )

    def launch(self, spec: Spec, context: LaunchContext) -> AgentLaunch:
        place = context.run_directory
        histories = (
            *("--chat-history-file", f"{place}/{CHAT}"),
            *("--input-history-file", f"{place}/{INPUT}"),
            *("--llm-history-file", f"{place}/{MODEL}"),
        )
        hook = ("--notifications", "--notifications-command", NOTIFY) if context.with_hooks else ()
        return AgentLaunch(argv=(NAME, *QUIET, *histories, *hook, *spec.argv), types_prompt=bool(context.prompt))

    def files(self, spec: Spec, environment: Mapping[str, str], run: Run, agent_pid: int | None) -> AgentFiles | None:
        return AgentFiles(transcript=CHAT)

    def wants_screen(self, activity: Activity, source: str | None) -> bool:
        """At each look: nobody else tells a question from a turn that is over."""
        return True

    def read(self, glimpse: Glimpse) -> Reading:
        hooks, unheard = _read_hooks(glimpse.hook_lines)
        said = [*hooks, *_read_history(glimpse.transcript_lines, glimpse.now)]
        if glimpse.screen is not None:
            said.append(read_screen(glimpse.screen, self.screen_rules))
        return reading_of(said, glimpse.now, unheard)

    def draft(self, screen: str) -> str | None:
        box = BOX.fullmatch(live_area(ESCAPE.sub("", screen)))
        return None if box is None else one_line(re.sub(r"^[a-z-]* ?> ", "", box[1], flags=re.MULTILINE))


def _read_hooks(lines: Iterable[tuple[bytes, int]]) -> tuple[list[Testimony], int]:
    """Say what each new line says, and how many are none."""
    said: list[Testimony] = []
    malformed = 0
    for line, offset in lines:
        if (report := read_report(line, offset)) is not None:
            said.append(report)
        elif (heard := payload_of(line, NAME)) is None:
            malformed += 1
        else:
            word = Testimony(observer="hook", allows=(WAITING, BLOCKED), at=heard[0], excerpt="notification")
            said.append(replace(word, offset=offset))
    return said, malformed


def _read_history(lines: Sequence[bytes], now: datetime) -> Iterator[Testimony]:
    """Say what new lines of the chat come to: each prompt, and the last word of all, with what it has cost."""
    texts = [line.decode("utf-8", "replace").rstrip() for line in lines]
    said = [*_prompts(texts)]
    last = next((word for text in reversed(texts) if (word := _word(text)) is not None), None)
    if last is not None and not (said and last.allows == (WORKING,)):
        said.append(last)
    if said:
        said[-1] = replace(said[-1], spent=_spent(texts, now))
    yield from said


def _prompts(texts: Sequence[str]) -> Iterator[Testimony]:
    """Put the lines of each prompt together again."""
    lines: list[str] = []
    for text in (*texts, ""):
        if text.startswith(PROMPT.rstrip()):
            lines.append(text.removeprefix(PROMPT.rstrip()).removeprefix(" "))
        elif lines:
            prompt, lines = "\n".join(lines), []
            yield Testimony(
                observer="transcript", allows=(WORKING,), prompt=prompt, excerpt=f"prompt: {one_line(prompt)}"
            )


def _word(text: str) -> Testimony | None:
    """Say what one line says; behind the tokens of an answer there may come a question, or the next answer."""
    if text.startswith(PROMPT.rstrip()):
        return Testimony(observer="transcript", allows=(WORKING,), excerpt=one_line(text))
    if text.startswith(LIMITS):
        return Testimony(observer="transcript", allows=(WORKING, LIMITED), text=one_line(text[2:]), excerpt="refused")
    if SPENT.match(text):
        return Testimony(observer="transcript", allows=(WORKING, WAITING, BLOCKED), excerpt=one_line(text[2:]))
    return None


def _spent(texts: Sequence[str], now: datetime) -> tuple[Spent, ...]:
    """Say what each answer has cost. A line is read once, so that its place in this look is a name for it."""
    found = [match for text in texts if (match := SPENT.match(text))]
    return tuple(_of_answer(match, f"{now.timestamp():.6f}.{n}") for n, match in enumerate(found))


def _of_answer(told: re.Match[str], key: str) -> Spent:
    counts = {name: _count(told[name]) for name in ("input", "output", "cache_read", "cache_write")}
    counts["input"] = max(0, counts["input"] - counts["cache_read"] - counts["cache_write"])
    return Spent(key=key, tokens=Tokens(**counts), cost_usd=_number(told["cost"]))


def _count(told: str | None) -> int:
    """Read a count as people are told it: `2.4k`."""
    number = _number((told or "0").rstrip("kM")) or 0.0
    return round(number * TIMES.get((told or "")[-1:], 1))


def _number(told: str | None) -> float | None:
    try:
        return float((told or "").rstrip("."))
    except ValueError:
        return None

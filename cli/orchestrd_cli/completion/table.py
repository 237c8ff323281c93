"""The table of words that completion reads, made from the grammar that typer parses; a test holds the two equal.

A line has four fields between tabs: the verb below which it belongs, a word (`*`: an argument), what it takes, and its
meaning; see `answering.py` for the words of the third. A hidden verb has no meaning, and so is never offered.
"""

from collections.abc import Iterator

from typer import Context
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from orchestrd.model.event import EventType
from orchestrd.model.notice import Priority
from orchestrd.model.words import Activity, Permission, State, Until
from orchestrd_cli.completion.answering import ARGUMENT, CHOICES, MORE, VERB
from orchestrd_cli.grammar import ORDER

ANYTHING = "text"
MEANING_CHARS_MAX = 100
_OF_OPTION = {
    "--agent": CHOICES + "aider|claude|codex|gemini|opencode|shell",
    "--runtime": CHOICES + "auto|tmux|process",
    "--workspace": CHOICES + "auto|worktree|none",
    "--for": CHOICES + "|".join((*State, *Activity)),
    "--type": CHOICES + "|".join(EventType),
    "--permission": CHOICES + "|".join(Permission),
    "--priority": CHOICES + "|".join(Priority),
    "--until": CHOICES + "|".join(Until),
    "--project": "projects",
}
_OF_METAVAR = {
    "CHOICE": "choices",
    "DIR": "directories",
    "FILE": "files",
    "ISSUE": "files",
    "PATH": "files",
    "ID": "all",
    "SHELL": CHOICES + "bash|zsh|fish",
    "VERB": CHOICES + "|".join(ORDER),
}
_SESSIONS_OF = {  # of an argument ID, where not any session will do
    **dict.fromkeys(("attach", "kill", "send", "stop", "wait"), "running"),
    "answer": "blocked",
    **dict.fromkeys(("clean", "revive", "rm"), "ended"),
}


def table(group: TyperGroup) -> str:
    """Give the table of a whole command line."""
    return "".join("\t".join(fields) + "\n" for fields in _lines(group, ""))


def _lines(command: TyperCommand | TyperGroup, verb: str) -> Iterator[tuple[str, str, str, str]]:
    for parameter in command.params:
        if isinstance(parameter, TyperArgument):
            yield verb, ARGUMENT, _argument(parameter, verb), ""
        elif isinstance(parameter, TyperOption):
            yield from ((verb, name, _value(parameter), _first(parameter.help)) for name in parameter.opts)
    yield verb, "--help", "", "Show its help."
    if isinstance(command, TyperGroup):
        yield from _below(command, verb)


def _argument(argument: TyperArgument, verb: str) -> str:
    kind = _OF_METAVAR.get(argument.metavar or "", ANYTHING)
    if kind == "all":
        kind = _SESSIONS_OF.get(verb, kind)
    return kind + (MORE if argument.nargs == -1 else "")


def _value(option: TyperOption) -> str:
    if option.is_flag:
        return ""
    kind = next((_OF_OPTION[name] for name in option.opts if name in _OF_OPTION), None)
    return (kind or _OF_METAVAR.get(option.metavar or "", ANYTHING)) + (MORE if option.multiple else "")


def _first(text: str | None) -> str:
    """Give the first sentence, for a list has no room for more."""
    sentence, dot, _ = (text or "").replace("`", "").partition(". ")
    return sentence + dot.strip()


def _below(group: TyperGroup, verb: str) -> Iterator[tuple[str, str, str, str]]:
    for name in group.list_commands(Context(group)):
        below = group.commands[name]
        assert isinstance(below, TyperCommand | TyperGroup)
        whole = f"{verb} {name}".strip()
        yield verb, name, VERB + whole, "" if below.hidden else below.get_short_help_str(limit=MEANING_CHARS_MAX)
        yield from _lines(below, whole)

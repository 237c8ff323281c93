"""What can stand where the cursor is: verbs, options and their values, sessions.

Invariant: it imports next to nothing while a daemon answers, it starts none, it waits for none longer than half a
second, and it never says anything but candidates: a Tab is no place for an error.

The answer's first line says what the shell is to offer by itself (`files`, `directories`, `commands`, or nothing), each
further one is a word, a tab, and what it means.
"""

import os

from orchestrd.core.layout import Layout, home_from
from orchestrd.model.limits import COMPLETION_ANSWER_S
from orchestrd_cli import exits, terminal
from orchestrd_cli.wire import Answer, CutOff, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SHELLS = ("bash", "zsh", "fish")
WITH_COMMAND = ("spawn", "new", "run")
HTTP_OK = 200

# What stands in the table where an option or an argument takes a value: a word of these, or choices.
OF_THE_SHELL = ("files", "directories")
OF_A_SESSION = "choices"  # that the session before it has to decide on
LIVE = ("all", "running", "blocked", "ended", "projects", OF_A_SESSION)  # sessions, and where they are at home
CHOICES = "="
MORE = "+"  # behind any of them: as often as one likes
VERB = "@"  # no value, but the words up to this verb
ARGUMENT = "*"  # in the place of an option's name


class Line:
    """One line of the table: below which verb it belongs, a word, the value that it takes, and its meaning."""

    def __init__(self, text: str) -> None:
        self.below, self.word, takes, self.meaning = text.split("\t")
        self.may_repeat = takes.endswith(MORE)
        self.takes = takes.removesuffix(MORE)

    @property
    def shown(self) -> str:
        """The line that tells a shell of it."""
        return f"{self.word}\t{self.meaning}"


class Typed:
    """What has been typed before the cursor, as the grammar reads it."""

    def __init__(self, words: list[str]) -> None:
        with open(_beside("table.txt"), encoding="utf-8") as file:  # noqa: PTH123 - pathlib would cost milliseconds
            self._lines = [Line(text) for text in file.read().splitlines()]
        self.verb = ""
        self.arguments: list[str] = []
        self.options: list[str] = []
        self.pending = ""  # the kind of value that the last option waits for
        for word in words:
            self._take(word)

    def kind_of(self, option: str) -> str:
        """Tell which kind of value an option takes; empty for none."""
        return next((line.takes for line in self._of_this_verb() if line.word == option), "")

    def verbs(self) -> "list[Line]":
        """Give the verbs that may come next; none where an argument has begun."""
        return [] if self.arguments else [line for line in self._of_this_verb() if line.takes.startswith(VERB)]

    def left_options(self) -> "Iterator[Line]":
        """Give the long options that can still be given; behind a verb that is none there are not any."""
        for line in self._of_this_verb() if self.verb or not self.arguments else ():
            if line.word.startswith("--") and (line.may_repeat or line.word not in self.options):
                yield line

    def next_argument(self) -> str:
        """Tell which kind of argument comes next; empty where there is to be none."""
        lines = [line for line in self._of_this_verb() if line.word == ARGUMENT]
        if len(self.arguments) < len(lines):
            return lines[len(self.arguments)].takes
        return lines[-1].takes if lines and lines[-1].may_repeat else ""

    def _of_this_verb(self) -> "Iterator[Line]":
        return (line for line in self._lines if line.below == self.verb)

    def _take(self, word: str) -> None:
        if self.pending:
            self.pending = ""
        elif word[:1] == "-" and word != "-":
            option, equals, _ = word.partition("=")
            self.options.append(option)
            self.pending = "" if equals else self.kind_of(option)
        elif verb := next((line for line in self.verbs() if line.word == word), None):
            self.verb = verb.takes.removeprefix(VERB)
        else:
            self.arguments.append(word)


def main(words: list[str]) -> int:
    """Answer for the words behind `orch` up to the cursor, the one being typed among them; gives the exit code."""
    try:
        offered, lines = answer(words or [""])
        terminal.write("\n".join((offered, *lines, "")).encode("utf-8", "surrogateescape"))
    except Exception:  # noqa: BLE001 - whatever it is, another command will say it; the prompt stays as it is
        return exits.FAILED
    return exits.OK


def script(shell: str) -> bytes:
    """Give the script for one of `SHELLS`."""
    with open(_beside(f"orch.{shell}"), "rb") as file:  # noqa: PTH123 - as above
        return file.read()


def answer(words: list[str]) -> "tuple[str, Iterable[str]]":
    """Give what the shell is to offer by itself, and the lines of what else can stand in the place of the last word."""
    *before, current = words
    if "--" in before and next((word for word in before if word[:1] != "-"), "") in WITH_COMMAND:
        return ("commands" if before[-1] == "--" else "files"), ()
    typed = Typed(before)
    if typed.pending:
        return _values(typed.pending, current, typed)
    option, equals, value = current.partition("=")
    if equals and option[:2] == "--":
        offered, lines = _values(typed.kind_of(option), value, typed)
        return offered, [f"{option}={line}" for line in lines]
    listed = typed.verbs()
    if current[:1] != "-" and not listed and (kind := typed.next_argument()):
        return _values(kind, current, typed)
    if current[:1] == "-" or not (listed or current):
        listed = list(typed.left_options())
    return "", [line.shown for line in listed if line.meaning and line.word.startswith(current)]


def _values(kind: str, begins: str, typed: Typed) -> "tuple[str, Iterable[str]]":
    if kind in OF_THE_SHELL:
        return kind, ()
    if kind.startswith(CHOICES):
        return "", [word for word in kind.removeprefix(CHOICES).split("|") if word.startswith(begins)]
    session = typed.arguments[0] if typed.arguments else ""
    lines = _live(kind, begins, session).splitlines() if kind in LIVE else []
    return "", [line for line in lines if line.startswith(begins) and line.partition("\t")[0] not in typed.arguments]


def _live(kind: str, begins: str, session: str) -> str:
    """Ask the daemon; where none answers in time, the disk."""
    socket = Layout(home_from(os.environ)).socket
    of_session = f"&session={quoted(session)}" if kind == OF_A_SESSION else ""
    target = f"/v1/candidates?of={kind}&begins={quoted(begins)}{of_session}"
    try:
        told = Answer(socket, target, "text/plain", COMPLETION_ANSWER_S)
    except CutOff:
        return _on_disk(kind, begins, session)
    try:
        return told.body().decode() if told.status == HTTP_OK else _on_disk(kind, begins, session)
    except CutOff:
        return _on_disk(kind, begins, session)
    finally:
        told.close()


def _on_disk(kind: str, begins: str, session: str) -> str:
    from datetime import UTC, datetime

    from orchestrd.client import Client
    from orchestrd.render import candidates

    found = Client(use_daemon=False).status(with_ended=True)
    now = datetime.now(tz=UTC)  # noqa: TID251 - a command line has no injected clock
    return candidates(found.sessions, now, of=kind, begins=begins, session=session)


def _beside(name: str) -> str:
    return os.path.join(os.path.dirname(__file__), name)  # noqa: PTH118, PTH120 - as above

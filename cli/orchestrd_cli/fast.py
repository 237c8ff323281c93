"""The verbs that are run all day, in the time of a bare interpreter: `status`, `show`, `explain`, `events`, `report`.

The daemon sends ready text or lines; here they are asked for and written out. Invariant: what this path does not
understand - an option, an answer, a daemon that is not there - it declines before anything is written, and the full
command line starts over with the same words. From a silent daemon it takes with it that nobody need ask that one again.
"""

import os
import time

from orchestrd import __version__, versions
from orchestrd.core.layout import Layout, home_from
from orchestrd.model.limits import REACHED_AGAIN_S
from orchestrd_cli import exits, terminal
from orchestrd_cli.wire import Answer, CutOff, Silent, quoted

TEXT, JSON, NDJSON = "text/plain", "application/json", "application/x-ndjson"

ALIASES = {"ls": "status", "ps": "status"}
SWITCHES = {
    "status": {
        "-w": "watch",
        "--watch": "watch",
        "--json": "json",
        "-q": "quiet",
        "--quiet": "quiet",
        "--all": "all",
        "--wide": "wide",
    },
    "events": {"-f": "follow", "--follow": "follow", "--json": "json"},
}
VALUES = {"status": ("--project",), "events": ("--since", "--session", "--type")}
PAGES = {"show": "", "explain": "/explain"}  # of one session; what stands behind its name in the address
COMPLETE = "__complete"  # what the completion of a shell asks at every Tab
REPEATABLE = ("session", "type")
BETWEEN = "\0"  # the values of such an option: no word of a command line can hold it
HTTP_OK = 200

Options = dict[str, str]


class Declined(Exception):
    """Not for the fast path; nothing has been written yet."""


def run(words: list[str]) -> int | None:
    """Do what the words ask for; gives the exit code, or null when the full command line has to do it.

    Raises Silent when that has to do it without the daemon, which is there and does not answer.
    """
    if words in (["--version"], ["-V"]):
        terminal.write(f"orchestrd {__version__}\n".encode())
        return exits.OK
    verb = ALIASES.get(words[0], words[0]) if words else ""
    if verb == "report" and not {"-h", "--help"}.intersection(words):
        from orchestrd_cli import report

        return report.main(words[1:])
    if verb in (COMPLETE, "completion"):
        return _completion(verb, words[1:])
    if verb not in SWITCHES and verb not in PAGES:
        return None
    try:
        if verb in PAGES:
            return _page(PAGES[verb], words[1:])
        options = _parse(verb, words[1:])
        return _status(options) if verb == "status" else _events(options)
    except Declined:
        return None


def _parse(verb: str, words: list[str]) -> Options:
    """Read options of which every one is known; the full command line has the help for any other."""
    options: Options = {}
    left = words[::-1]
    while left:
        word, equals, value = left.pop().partition("=")
        if word in SWITCHES[verb] and not equals:
            options[SWITCHES[verb][word]] = "1"
        elif word in VALUES[verb] and (equals or left):
            given, name = value if equals else left.pop(), word[2:]
            is_one_more = name in options and name in REPEATABLE
            options[name] = options[name] + BETWEEN + given if is_one_more else given
        else:
            raise Declined
    if "quiet" in options and "json" in options:
        raise Declined
    return options


def _completion(verb: str, words: list[str]) -> int | None:
    from orchestrd_cli.completion import answering

    if verb == COMPLETE:
        return answering.main(words)
    if len(words) != 1 or words[0] not in answering.SHELLS:
        return None
    terminal.write(answering.script(words[0]))
    return exits.OK


# ---- status ----------------------------------------------------------------------------------------------------------


def _status(options: Options) -> int:
    daemon = _Daemon()
    picture = _picture(daemon, options)
    if "watch" not in options:
        terminal.write(picture)
        return exits.OK
    from orchestrd_cli import watching

    return watching.watch(picture, lambda: _picture_or_from_disk(daemon, options), as_lines="json" in options)


def _picture(daemon: "_Daemon", options: Options) -> bytes:
    asked: Options = {name: options[name] for name in ("all", "project", "quiet", "wide") if name in options}
    if "json" in options:
        return daemon.answer("status", asked, JSON) + b"\n"
    columns, lines = terminal.size()
    if columns:
        asked["width"] = str(columns)
    if columns and "watch" in options:
        asked["height"] = str(lines)
    if terminal.wants_colour():
        asked["colour"] = "1"
    return daemon.answer("status", asked, TEXT)


def _picture_or_from_disk(daemon: "_Daemon", options: Options) -> bytes:
    """Where the daemon has gone, or hangs, show what the disk says, and that it does; until there is one again."""
    try:
        return _picture(daemon, options)
    except (Declined, Silent) as error:
        from orchestrd_cli import looking, reach

        reach.is_daemon_silent = isinstance(error, Silent)
        wanted = looking.Wanted(
            all="all" in options,
            project=options.get("project"),
            quiet="quiet" in options,
            wide="wide" in options,
            json="json" in options,
            is_watched=True,
        )
        return looking.next_picture(reach.client(), wanted)


# ---- pages -----------------------------------------------------------------------------------------------------------


def _page(address: str, words: list[str]) -> int:
    names = [word for word in words if word != "--json"]
    if len(names) != 1 or names[0][:1] in ("", "-") or "/" in names[0]:
        raise Declined
    form = JSON if "--json" in words else TEXT
    page = _Daemon().answer(f"sessions/{quoted(names[0])}{address}", {}, form)
    terminal.write(page + b"\n" if form == JSON else page)
    return exits.OK


# ---- events ----------------------------------------------------------------------------------------------------------


def _events(options: Options) -> int:
    stream = _Stream(options)
    answer = stream.ask()
    if "follow" in options:
        return stream.follow(answer)
    try:
        stream.copy(answer)
    except CutOff:
        return _cut_off(stream.cursor, as_json="json" in options)
    return exits.OK


class _Stream:
    """The event stream as one reader sees it, over any number of daemons: it goes on after the last whole line."""

    def __init__(self, options: Options) -> None:
        self._daemon = _Daemon()
        self._asked: Options = {name: options[name] for name in ("since", "session", "type") if name in options}
        self._asked["follow"] = "1" if "follow" in options else "0"
        self._form = NDJSON if "json" in options else TEXT

    @property
    def cursor(self) -> str:
        """The number of the last event written."""
        return self._asked.get("since", "0")

    def ask(self) -> Answer:
        """Ask for everything after the cursor."""
        answer = self._daemon.ask("events", self._asked, self._form)
        self._go_on_after(answer.header("orch-cursor"))
        return answer

    def copy(self, answer: Answer) -> None:
        """Write the lines as they come, whole ones only. Raises CutOff when there should have been more."""
        held = b""
        try:
            for piece in answer.pieces(patient=self._asked["follow"] == "1"):
                whole, newline, held = (held + piece).rpartition(b"\n")
                if newline:
                    terminal.write(whole + newline)
                    self._go_on_after(_sequence_of(whole.rpartition(b"\n")[2]))
        finally:
            answer.close()

    def follow(self, answer: Answer) -> int:
        """Write the lines of this daemon and of those after it; only Ctrl-C ends it."""
        while True:
            try:  # noqa: SIM105 - importing contextlib takes as long as all the rest
                self.copy(answer)
            except CutOff:
                pass  # killed or stopped is the same to a reader that goes on
            terminal.note("orch: the daemon has gone; waiting for the next one (Ctrl-C to leave)")
            answer = self._next_daemon()

    def _next_daemon(self) -> Answer:
        while True:
            time.sleep(REACHED_AGAIN_S)
            try:
                return self.ask()
            except (Declined, Silent):
                continue

    def _go_on_after(self, number: str | None) -> None:
        if number is not None:
            self._asked["since"] = number


def _sequence_of(line: bytes) -> str | None:
    """Read the number that a line begins with, in either form; a gap has none, and is told again after a cut."""
    digits = line.removeprefix(b'{"sequence":').lstrip().partition(b",")[0].partition(b" ")[0]
    return digits.decode() if digits.isdigit() else None


def _cut_off(cursor: str, *, as_json: bool) -> int:
    from orchestrd.model.errors import UnreachableError
    from orchestrd_cli import failures

    error = UnreachableError("the daemon went away before the end of the events", hint=f"orch events --since {cursor}")
    return failures.tell(error, as_json=as_json)


# ---- asking ----------------------------------------------------------------------------------------------------------


class _Daemon:
    """The daemon of this home. Raises Silent when it hangs, Declined when it is not there or says something else."""

    def __init__(self) -> None:
        if not os.environ.get("ORCH_HOME", "/").startswith("/"):  # refused, with the reason, by the full command line
            raise Declined
        self._socket = Layout(home_from(os.environ)).socket
        self._versions_compared = False

    def answer(self, resource: str, asked: Options, form: str) -> bytes:
        """Ask for something and read the whole of it."""
        answer = self.ask(resource, asked, form)
        try:
            return answer.body()
        except Silent:
            raise
        except CutOff as error:
            raise Declined from error
        finally:
            answer.close()

    def ask(self, resource: str, asked: Options, form: str) -> Answer:
        """Ask for something, to be read as it comes."""
        pairs = ((name, value) for name, values in asked.items() for value in values.split(BETWEEN))
        query = "&".join(f"{name}={quoted(value)}" for name, value in pairs)
        try:
            answer = Answer(self._socket, f"/v1/{resource}?{query}", form)
        except Silent:
            raise
        except CutOff as error:
            raise Declined from error
        if answer.status != HTTP_OK:
            answer.close()
            raise Declined
        self._compare_versions(answer.header("orch-version"))
        return answer

    def _compare_versions(self, theirs: str | None) -> None:
        if (said := versions.notice(theirs)) and not self._versions_compared:
            terminal.note(f"orch: {said}")
        self._versions_compared = True

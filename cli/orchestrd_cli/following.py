"""`orch logs`: what a session has said, read from its files, so that it needs no daemon and outlives the session.

An agent that writes its conversation down is told by that; what any other has written is shown as text. `--raw` is for
who wants every byte.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Protocol

import typer

from orchestrd.client import Client
from orchestrd.client.terminal import was_drawn
from orchestrd.client.transcript import Transcript, keeps_transcript
from orchestrd.core.launch import EXIT
from orchestrd.model.document import Document
from orchestrd.model.words import TERMINAL
from orchestrd_cli import exits, reach, terminal
from orchestrd_cli.drawn import Readable
from orchestrd_cli.grammar import Follow, Ref, verb
from orchestrd_cli.harmless import AsItIs, Harmless
from orchestrd_cli.logfile import LogFile

LOOK_S = 0.1  # between two looks at the file
ASK_S = 0.5  # between two looks at the session
CALL = "* "  # how the line of a tool call begins

Lines = Annotated[int | None, typer.Option("--lines", "-n", metavar="N", min=0, help="Only the last N lines.")]
Raw = Annotated[bool, typer.Option("--raw", help="Every byte as it was written, whatever it does to a terminal.")]


@verb("[OPTIONS] ID")
def logs(ref: Ref, *, follow: Follow = False, lines: Lines = None, raw: Raw = False) -> int:
    """Print a session's conversation, or its output.

    Of an agent it is the conversation: prompts behind >, tool calls behind *,
    errors behind !. Of any other command it is the output, as text where it
    was drawn on a terminal. With -f it goes on until the session has ended.

    orch logs fix
    orch logs -f -n 20 fix
    orch logs --raw fix | less -R
    """
    home = reach.client()
    told = home.show(ref)
    reach.note_age_of_disk(home)
    session = _Followed(home, told, is_followed=follow)
    if raw or not keeps_transcript(told):
        _print_output(session, lines, raw=raw)
        return exits.OK
    if told.conversation is None:
        terminal.note("orch: no conversation is on disk yet; this is what its terminal was sent")
        _print_output(session, lines, raw=False, ends_with_talk=True)
    if session.told.conversation is not None:
        _print_talk(_Talk(home, session), session, lines if told.conversation else None)
    return exits.OK


class Source(Protocol):
    """Something that is printed as it grows."""

    def rest(self) -> Iterator[bytes]:
        """Give what there is to print up to the present end."""
        ...

    def end(self) -> bytes:
        """Give what is to be printed when nothing more comes."""
        ...


def copy(source: Source, is_over: Callable[[], bool], lines: int | None = None) -> None:
    """Print what is there (of it the last `lines`) and what comes, until it is over and everything is printed."""
    try:
        over = is_over()  # asked before each last read, so that what was written before the end is in it
        for piece in source.rest() if lines is None else _last(lines, source.rest()):
            terminal.write(piece)
        while not over:
            time.sleep(LOOK_S)
            over = is_over()
            for piece in source.rest():
                terminal.write(piece)
    finally:
        terminal.write(source.end())


class _Followed:
    """A session while it is followed, asked now and then; without a daemon the launcher's record tells of its end."""

    def __init__(self, home: Client, told: Document, *, is_followed: bool) -> None:
        self.told = told
        self._home = home
        self._is_followed = is_followed
        self._ask_at = 0.0

    def is_over(self) -> bool:
        """Tell whether nothing more will be printed."""
        if not self._is_followed or self.told.state in TERMINAL:
            return True
        if time.monotonic() < self._ask_at:  # noqa: TID251 - a command line has no injected clock
            return False
        self.told = self._home.show(self.told.id)
        self._ask_at = time.monotonic() + ASK_S  # noqa: TID251 - as above
        return self.told.state in TERMINAL or self._has_exit_record()

    def talks(self) -> bool:
        """Tell whether its conversation has begun, or never will."""
        return self.is_over() or self.told.conversation is not None

    def _has_exit_record(self) -> bool:
        run = self._home.layout.run_directory(self.told.id, self.told.generation)
        return Path(run, EXIT).exists()


class Output:
    """What was written to a log, in the form that suits whoever reads it."""

    def __init__(self, log: LogFile, *, is_raw: bool = False, is_drawn: bool = False) -> None:
        self._log = log
        is_shown = terminal.is_terminal() and not is_raw
        self._words = Readable(keeps_colours=is_shown) if is_drawn and not is_raw else AsItIs()
        self._form = Harmless() if is_shown else AsItIs()

    def rest(self) -> Iterator[bytes]:
        """Give what there is to print up to the present end."""
        for piece in self._log.rest():
            yield self._form.feed(self._words.feed(piece))

    def end(self) -> bytes:
        """Give what was held back."""
        return self._form.feed(self._words.end()) + self._form.end()


class _Talk:
    """What a session's agent and its user have said to each other."""

    def __init__(self, home: Client, session: _Followed) -> None:
        self._session = session
        self._transcript = Transcript(home.layout, session.told)
        self._last_entry: str | None = None

    @property
    def is_empty(self) -> bool:
        """Tell whether there was nothing to tell."""
        return self._last_entry is None

    def rest(self) -> Iterator[bytes]:
        yield from map(self._told, self._transcript.more())
        yield from map(self._told, self._transcript.turn_to(self._session.told))

    def end(self) -> bytes:
        return b"".join(map(self._told, self._transcript.unfinished()))

    def _told(self, entry: str) -> bytes:
        """Set an entry apart from the one before, but keep tool calls together."""
        last, self._last_entry = self._last_entry, entry
        is_close = last is None or (last.startswith(CALL) and entry.startswith(CALL))
        return f"{'' if is_close else chr(10)}{entry}\n".encode("utf-8", "replace")


def _print_talk(talk: _Talk, session: _Followed, lines: int | None) -> None:
    copy(talk, session.is_over, lines)
    if talk.is_empty:
        said = f"nothing of its conversation is on disk; what its terminal was sent: orch logs --raw {session.told.id}"
        terminal.note(f"orch: {said}")


def _print_output(session: _Followed, lines: int | None, *, raw: bool, ends_with_talk: bool = False) -> None:
    log = LogFile(session.told.log)
    if lines is not None:
        log.skip_to_last(lines)
    output = Output(log, is_raw=raw, is_drawn=was_drawn(session.told))
    copy(output, session.talks if ends_with_talk else session.is_over)
    if log.skipped_bytes:
        terminal.note(f"orch: {log.skipped_bytes} bytes of its head are no longer kept")


def _last(lines: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
    every_line = (line for piece in pieces for line in piece.splitlines(keepends=True))
    yield from deque(every_line, maxlen=lines)

"""How verbs reach the home, and the few forms in which they write what they found."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from orchestrd.client import Client
from orchestrd.model.document import Document
from orchestrd.model.errors import UsageError
from orchestrd.model.words import Activity, State
from orchestrd.render import age, visible, why
from orchestrd_cli import holder
from orchestrd_cli.progress import waiting_for
from orchestrd_cli.terminal import Unwritable, note, write

is_daemon_silent = False  # it has been asked in vain before the verb began


def client(*, use_daemon: bool = True) -> Client:
    """Give the client of this home; what it has to say on the way goes to stderr.

    Raises UsageError where the home is there and is no directory.
    """
    home = Client(use_daemon=use_daemon, notice=note, waiting=waiting_for)
    place = Path(home.layout.home)
    if place.exists() and not place.is_dir():
        raise UsageError(f"the home '{place}' is no directory", code="no_directory", hint="export ORCH_HOME=DIRECTORY")
    if is_daemon_silent:
        home.leave_alone()
    return home


def now() -> datetime:
    """Tell what time it is, for ages."""
    return datetime.now(tz=UTC)  # noqa: TID251 - a command line has no injected clock


def write_text(text: str) -> None:
    """Write text for people."""
    write(text.encode())


def json_line(value: object) -> bytes:
    """Give a value of the machine contract as one line."""
    return msgspec.json.encode(value) + b"\n"


def write_json(value: object) -> None:
    """Write a value of the machine contract as one line."""
    write(json_line(value))


def write_document(told: Document, *, as_json: bool, is_spooled: bool = False) -> None:
    """Write a session: its whole document, or for people its id and how it stands."""
    if as_json:
        write_json(told)
    else:
        write_text(f"{told.id}  {standing(told)}{', spooled' if is_spooled else ''}\n")


@contextmanager
def telling_that(deed: str) -> Iterator[None]:
    """Where stdout takes no word of what is done, say so on stderr: nobody should do it twice."""
    try:
        yield
    except Unwritable as error:
        raise Unwritable(f"{deed}, but {error}") from error
    except BrokenPipeError:
        note(f"orch: {deed}, but nobody reads stdout")
        raise


def standing(told: Document) -> str:
    """Say how a session stands: state, with what it ended or why it is there, what went wrong or the agent said."""
    because = why(told.reason, told.exit_code, told.exit_signal)
    state = told.state if because == told.state else f"{told.state} ({because})"
    if told.state != State.RUNNING or told.activity == Activity.UNKNOWN:
        return visible(f"{state}: {told.error}" if told.error else state)
    text = f": {told.activity_text}" if told.activity_text else ""
    return visible(f"{state}, {told.activity}{text}")


def note_age_of_disk(reader: Client) -> None:
    """Where no daemon answers, say so, and how old what the disk says is."""
    if not reader.is_silent and reader.answers():
        return
    newest = reader.status().newest_record_at
    how_old = "nothing is on disk yet" if newest is None else f"this is from disk, as of {age(newest, now())} ago"
    silence = silent_daemon(reader)
    note(
        f"orch: no daemon answers; {how_old} (orch daemon start)"
        if silence is None
        else f"orch: {silence}; {how_old} (orch daemon restart)"
    )


def silent_daemon(reader: Client) -> str | None:
    """Name the daemon that is there and has not answered; null where there is no such."""
    if not reader.is_silent:
        return None
    daemon = holder.find(reader.layout)
    if daemon is None:
        return "the daemon does not answer"
    with daemon:
        return f"the daemon (pid {daemon.pid}) does not answer"

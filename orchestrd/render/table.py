"""The status table: one row a session, those that need a person first; `?` is not known, `-` is not there.

It fits the width it is given by clipping the columns that can bear it, the widest first; without a width (a pipe, a
file) only the last column is, which says what a row is about. Words only: colour adds nothing that is not said.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from orchestrd.model.document import Document, Status
from orchestrd.model.words import TERMINAL, Activity, Liveness, Reason, State
from orchestrd.render.text import NONE, UNKNOWN, age, clip, counted, fit, visible, width

RECENT = timedelta(hours=1)  # a failure is news for that long
GAP = "  "
ABOUT_CHARS_MAX = 80  # nobody reads a whole script in a row, not even in a pipe

PLAIN_REASONS = frozenset(  # they say no more than the state does
    {
        Reason.ACCEPTED,
        Reason.QUEUED,
        Reason.ADMITTED,
        Reason.STARTED,
        Reason.EXITED,
    }
)
NEEDS_ME = (Activity.BLOCKED, Activity.WAITING)

_RED, _YELLOW, _GREEN, _DIM, _BOLD, _RESET = "\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[2m", "\x1b[1m", "\x1b[0m"


class Column(Struct, frozen=True, kw_only=True):
    """One column: its head, its cell for a session, and how narrow it may be made (0: not at all).

    Of two columns, that with twice the share is left twice as wide as the other before it is clipped.
    """

    head: str
    cell: Callable[[Document, datetime], str]
    narrowest: int = 0
    share: int = 1


def status_table(
    status: Status, now: datetime, *, columns: int | None = None, colour: bool = False, silence: str | None = None
) -> str:
    """Draw the answer of `orch status`: table, counts, the daemon's lines; `columns` is the terminal's width.

    `silence` names a daemon that is there and does not answer, where the table is from the disk.
    """
    sessions = sorted(status.sessions, key=lambda told: _order(told, now))
    lines = _rows(sessions, now, columns, colour=colour) if sessions else []
    footer = [_counts(status), _daemon_line(status, silence, now)]
    if status.daemon and status.daemon.trouble:
        footer.append(f"trouble: {visible(status.daemon.trouble)}")
    return "\n".join([*lines, *(part for line in footer for part in _wrapped(line, columns))]) + "\n"


def needs_me(told: Document) -> bool:
    """Tell whether a running session waits for a person: its turn is over, or it needs a decision."""
    return told.state == State.RUNNING and told.activity in NEEDS_ME


def state_cell(told: Document) -> str:
    """Write state with its reason where that says more, and liveness where it is in doubt."""
    if told.state == State.RUNNING and told.liveness != Liveness.ALIVE:
        return f"{told.state} ({told.liveness})"
    if told.exit_signal is not None and told.reason == Reason.SIGNAL:
        return f"{told.state} ({told.exit_signal})"
    if told.exit_code is not None and told.reason == Reason.EXIT_CODE:
        return f"{told.state} (exit {told.exit_code})"
    return visible(told.state if told.reason in PLAIN_REASONS else f"{told.state} ({told.reason})")


def activity_cell(told: Document, now: datetime) -> str:
    """Write what the agent does and for how long; `?` where nobody knows, `-` where no agent runs."""
    if told.state in TERMINAL or told.started_at is None:
        return NONE
    if told.activity == Activity.UNKNOWN:
        return UNKNOWN
    since = "" if told.activity_since is None else " " + age(told.activity_since, now)
    return visible(told.activity) + since


def name_cell(told: Document) -> str:
    """Write the name that was given; a word in this column can be typed in the place of the id."""
    return NONE if told.name == told.id else visible(told.name)


def about_cell(told: Document) -> str:
    """Write what a person would ask next: what it waits for, else what went wrong, else what it was given to do."""
    asked = told.activity_text if needs_me(told) else None
    text = asked or told.error or told.prompt or " ".join(told.argv)
    return clip(visible(" ".join(text[: 2 * ABOUT_CHARS_MAX].split())), ABOUT_CHARS_MAX) or NONE


COLUMNS = (
    Column(head="ID", cell=lambda told, _: visible(told.id)),
    Column(head="NAME", cell=lambda told, _: name_cell(told), narrowest=8),
    Column(
        head="PROJECT", cell=lambda told, _: visible(told.project.rstrip("/").rpartition("/")[2]) or "/", narrowest=8
    ),
    Column(head="AGENT", cell=lambda told, _: visible(told.agent), narrowest=5),
    Column(head="STATE", cell=lambda told, _: state_cell(told), narrowest=10),
    Column(head="ACTIVITY", cell=activity_cell, narrowest=8),
    Column(head="SINCE", cell=lambda told, now: age(told.state_since, now)),
)
GENERATION = Column(head="RUN", cell=lambda told, _: str(told.generation))
ABOUT = Column(head="ABOUT", cell=lambda told, _: about_cell(told), narrowest=10, share=3)


def _order(told: Document, now: datetime) -> tuple[int, float, str]:
    return _rank(told, now), -told.created_at.timestamp(), told.id


def _rank(told: Document, now: datetime) -> int:
    if needs_me(told):
        return NEEDS_ME.index(Activity(told.activity))
    if told.state == State.LOST or (told.state == State.FAILED and now - told.state_since < RECENT):
        return len(NEEDS_ME)
    return len(NEEDS_ME) + (2 if told.state in TERMINAL else 1)


def _rows(sessions: Sequence[Document], now: datetime, columns: int | None, *, colour: bool) -> list[str]:
    shown = (*COLUMNS, *((GENERATION,) if any(told.generation > 1 for told in sessions) else ()), ABOUT)
    cells = [[column.cell(told, now) for column in shown] for told in sessions]
    heads = [column.head for column in shown]
    widths = _fitted(shown, [max(map(width, column)) for column in zip(heads, *cells, strict=True)], columns)
    head = _row(heads, widths)
    rows = [_row(row, widths) for row in cells]
    if colour:
        rows = [f"{_tint(told, now)}{row}{_RESET}" for told, row in zip(sessions, rows, strict=True)]
        head = f"{_BOLD}{head}{_RESET}"
    return [head, *rows]


def _fitted(shown: Sequence[Column], natural: list[int], columns: int | None) -> list[int]:
    """Take columns from the widest for its share that can bear it until the row fits, or until none can."""
    widths = natural.copy()
    while columns is not None and sum(widths) + len(GAP) * (len(widths) - 1) > columns:
        yielding = [n for n, column in enumerate(shown) if column.narrowest and widths[n] > column.narrowest]
        if not yielding:
            break
        widths[max(yielding, key=lambda n: widths[n] / shown[n].share)] -= 1
    return widths


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join([fit(cell, columns) for cell, columns in zip(cells, widths, strict=True)]).rstrip()


def _tint(told: Document, now: datetime) -> str:
    return {0: _RED, 1: _YELLOW, 2: _RED, 4: _DIM}.get(_rank(told, now), _GREEN if told.state == State.RUNNING else "")


def _wrapped(line: str, columns: int | None) -> list[str]:
    """Give each part of a line that does not fit a line of its own: the next command is in the last one."""
    if columns is None or width(line) <= columns:
        return [line]
    return [clip(part, columns) for part in line.split("; ")]


def _counts(status: Status) -> str:
    if not status.sessions and not status.hidden:
        return "no sessions; begin one: orch spawn -- COMMAND"
    counts = Counter(_counted_as(told) for told in status.sessions)
    parts = ", ".join(f"{number} {visible(word)}" for word, number in sorted(counts.items()))
    line = counted(len(status.sessions), "session") + (f": {parts}" if parts else "")
    return line + (f"; {status.hidden} ended not shown (orch status --all)" if status.hidden else "")


def _counted_as(told: Document) -> str:
    return told.activity if needs_me(told) else told.state


def _daemon_line(status: Status, silence: str | None, now: datetime) -> str:
    daemon, newest_record_at = status.daemon, status.newest_record_at
    if daemon is not None:
        rejected = f", {counted(daemon.rejected, 'file')} in quarantine (orch events)" if daemon.rejected else ""
        return f"daemon {daemon.pid}, version {daemon.version}, up {age(daemon.started_at, now)}{rejected}"
    as_of = "" if newest_record_at is None else f"; as of {age(newest_record_at, now)} ago"
    if silence is not None:
        return f"{silence}{as_of}; start it anew: orch daemon restart"
    return f"no daemon answers{as_of}; start it: orch daemon start"

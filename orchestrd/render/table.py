"""The status table: one row a session, those that need a person first; `?` is not known, `-` is not there.

It fits the width it is given: by clipping the columns that can bear it, the widest first, and where that is not enough
by leaving out those that are missed least. Without a width (a pipe, a file) only the last column is clipped, which says
what a row is about. Words only: colour adds nothing that is not said.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from orchestrd.model.document import Document, Status, Usage
from orchestrd.model.words import TERMINAL, Activity, Liveness, Reason, State
from orchestrd.render.changes import change_cell, is_given_up, is_ready
from orchestrd.render.decisions import answer_hint
from orchestrd.render.text import (
    CLIPPED,
    NONE,
    UNKNOWN,
    age,
    clip,
    clock_time,
    counted,
    figures,
    fit,
    size,
    visible,
    width,
)

RECENT = timedelta(hours=1)  # a failure is news for that long
GAP = "  "
ROWS_REMEMBERED = 1_024
TROUBLES_SHOWN = 3
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
TELLING = (*NEEDS_ME, Activity.LIMITED)  # what it says then comes before what it was given to do

_RED, _YELLOW, _GREEN, _DIM, _BOLD, _RESET = "\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[2m", "\x1b[1m", "\x1b[0m"


class Column(Struct, frozen=True, kw_only=True):
    """One column: its head, its cell for a session, and how narrow it may be made (0: not at all).

    Of two columns, that with twice the share is left twice as wide as the other before it is clipped. The one with the
    highest `spare` is left out first where there is no room, one with 0 never is.
    """

    head: str
    cell: Callable[[Document, datetime], str]
    narrowest: int = 0
    share: int = 1
    spare: int = 0


def status_table(
    status: Status,
    now: datetime,
    *,
    project: str | None = None,
    columns: int | None = None,
    lines_max: int | None = None,
    colour: bool = False,
    silence: str | None = None,
) -> str:
    """Draw the answer of `orch status`: table, counts, the daemon's lines; `columns` is the terminal's width.

    With `lines_max` it leaves out the sessions at the end for which a window of that many lines has no room.
    `project` is the one that was asked for. `silence` names a daemon that is there and does not answer, where the table
    is from the disk.
    """
    sessions = in_order(status.sessions, now)
    is_window = lines_max is not None
    shown = _columns_for(sessions, status.usage, frozenset(status.asked_about))
    lines = _rows(sessions, shown, now, columns, colour=colour, is_window=is_window) if sessions else []
    hint = answer_hint(sessions)
    footer = [_counts(status, project), *([hint] if hint else ()), _daemon_line(status, silence, now)]
    footer += _troubles(status)
    footer = [part for line in footer for part in _wrapped(line, columns)]
    if lines_max is not None:
        lines = _in_window(lines, lines_max - len(footer))
    return "\n".join([*lines, *footer]) + "\n"


def _troubles(status: Status) -> Iterator[str]:
    """Tell what does not work, the newest first; of a daemon that is older than this, what failed last."""
    daemon = status.daemon
    if daemon is None or daemon.trouble is None:
        return
    troubles = daemon.troubles or (daemon.trouble,)
    yield from (f"trouble: {visible(trouble)}" for trouble in troubles[:TROUBLES_SHOWN])
    if len(troubles) > TROUBLES_SHOWN:
        yield f"{counted(len(troubles) - TROUBLES_SHOWN, 'trouble')} more: orch doctor"


def in_order(sessions: Iterable[Document], now: datetime) -> list[Document]:
    """Put those first that need a person, and behind them the newest."""
    return sorted(sessions, key=lambda told: (_rank(told, now), -told.created_at.timestamp(), told.id))


def needs_me(told: Document) -> bool:
    """Tell whether a session waits for a person: its turn is over, it needs a decision, or its pull request does."""
    return _waits_for_me(told) or is_ready(told) or is_given_up(told)


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
    if told.held_until is not None:
        return f"held back until {clock_time(told.held_until, now)}"
    if told.state in TERMINAL or told.started_at is None:
        return NONE
    if told.activity == Activity.UNKNOWN:
        return UNKNOWN
    if told.limited_until is not None:
        return f"{visible(told.activity)} until {clock_time(told.limited_until, now)}"
    if told.stuck_since is not None:
        return f"{visible(told.activity)}, stuck {age(told.stuck_since, now)}"
    since = "" if told.activity_since is None else " " + age(told.activity_since, now)
    return visible(told.activity) + since


def name_cell(told: Document) -> str:
    """Write the name that was given; a word in this column can be typed in the place of the id."""
    return NONE if told.name == told.id else visible(told.name)


def project_cell(told: Document) -> str:
    """Write the project by the last part of its path, by which it can be asked for."""
    return visible(told.project.rstrip("/").rpartition("/")[2]) or "/"


def branch_cell(told: Document) -> str:
    """Write the branch of its worktree; of one of ours what stands behind the id, which the row has already."""
    return visible((told.workspace.branch or "").removeprefix(f"orch/{told.id}-")) or NONE


def memory_cell(told: Document, usage: Usage | None) -> str:
    """Write the memory of its processes; `?` where nobody has looked at all of them, `-` where none runs."""
    if usage is None or usage.memory_bytes is None:
        return NONE if told.state in TERMINAL or told.started_at is None else UNKNOWN
    return size(usage.memory_bytes)


def tokens_cell(told: Document) -> str:
    """Write all the tokens that its conversation has cost so far; `-` where nobody tells."""
    return NONE if told.tokens is None else figures(told.tokens.total)


def cpu_cell(told: Document, usage: Usage | None) -> str:
    """Write what its processes take of one core, in the same way."""
    if usage is None:
        return NONE if told.state in TERMINAL or told.started_at is None else UNKNOWN
    return f"{usage.cpu_percent:.0f}%"


def about_cell(told: Document) -> str:
    """Write what a person would ask next: what it waits for, else what went wrong, else what it was given to do."""
    asked = told.activity_text if told.state == State.RUNNING and told.activity in TELLING else None
    doing = told.activity_text if told.state not in TERMINAL else None
    return _in_a_line(asked or told.error or told.notice or told.prompt or doing or " ".join(told.argv))


@lru_cache(maxsize=ROWS_REMEMBERED)
def _in_a_line(text: str) -> str:
    """Write the beginning of a text in one visible line; of a session it seldom changes from one table to the next."""
    return clip(visible(" ".join(text[: 2 * ABOUT_CHARS_MAX].split())), ABOUT_CHARS_MAX) or NONE


ID = Column(head="ID", cell=lambda told, _: visible(told.id))
NAME = Column(head="NAME", cell=lambda told, _: name_cell(told), narrowest=8, spare=1)
PROJECT = Column(
    head="PROJECT",
    cell=lambda told, _: project_cell(told),
    narrowest=7,
    spare=2,
)
BRANCH = Column(head="BRANCH", cell=lambda told, _: branch_cell(told), narrowest=10, spare=4)
AGENT = Column(head="AGENT", cell=lambda told, _: visible(told.agent), narrowest=6, spare=3)
STATE = Column(head="STATE", cell=lambda told, _: state_cell(told), narrowest=15)
ACTIVITY = Column(head="ACTIVITY", cell=activity_cell, narrowest=11)
SINCE = Column(head="SINCE", cell=lambda told, now: age(told.state_since, now), spare=5)
GENERATION = Column(head="RUN", cell=lambda told, _: str(told.generation), spare=6)
ABOUT = Column(head="ABOUT", cell=lambda told, _: about_cell(told), narrowest=24, share=3)
ABOUT_BESIDE_USAGE = replace(ABOUT, narrowest=12)  # memory and CPU were asked for, and names matter more


def _rank(told: Document, now: datetime) -> int:
    if _waits_for_me(told):
        return NEEDS_ME.index(Activity(told.activity))
    if needs_me(told):
        return 2
    if told.state == State.LOST or told.stuck_since or (told.state == State.FAILED and now - told.state_since < RECENT):
        return 3
    return 5 if told.state in TERMINAL else 4


def _waits_for_me(told: Document) -> bool:
    return told.state == State.RUNNING and told.activity in NEEDS_ME


def _rows(
    sessions: Sequence[Document],
    shown: Iterable[Column],
    now: datetime,
    columns: int | None,
    *,
    colour: bool,
    is_window: bool,
) -> list[str]:
    """Draw the head and the rows. A window does not wrap, so there what still does not fit is cut off at its edge."""
    table = [_Filled(column, sessions, now) for column in shown]
    table, widths = _fitted(table, columns)
    drawn = [filled.drawn(columns) for filled, columns in zip(table, widths, strict=True)]
    joined = (GAP.join(cells).rstrip() for cells in zip(*drawn, strict=True))
    head, *rows = [clip(row, columns) if is_window and columns else row for row in joined]
    if colour:
        rows = [f"{_tint(told, now)}{row}{_RESET}" for told, row in zip(sessions, rows, strict=True)]
        head = f"{_BOLD}{head}{_RESET}"
    return [head, *rows]


def _in_window(lines: list[str], room: int) -> list[str]:
    """Say how many are left out, in the place of the first of them; where there is no room at all that is cut off."""
    if len(lines) <= max(room, 2):
        return lines
    kept = max(room - 1, 2)
    return [*lines[:kept], f"{CLIPPED} and {len(lines) - kept} more, for which the window is too low"]


def _columns_for(
    sessions: Sequence[Document], usage: Mapping[str, Usage] | None, asked_about: Collection[str]
) -> Iterator[Column]:
    """Give the columns that say something about any of these sessions, or were asked for."""
    yield from (ID, NAME, PROJECT)
    if any(told.workspace.branch for told in sessions):
        yield BRANCH
    yield from (AGENT, STATE, ACTIVITY)
    cells = {told.id: change_cell(told, is_asked=told.id in asked_about) for told in sessions}
    if any(cell != NONE for cell in cells.values()):
        yield Column(head="PR", cell=lambda told, _: cells[told.id], spare=1)
    yield SINCE
    if usage is not None:
        yield Column(head="MEMORY", cell=lambda told, _: memory_cell(told, usage.get(told.id)))
        yield Column(head="CPU", cell=lambda told, _: cpu_cell(told, usage.get(told.id)))
        if any(told.tokens for told in sessions):
            yield Column(head="TOKENS", cell=lambda told, _: tokens_cell(told))
    if any(told.generation > 1 for told in sessions):
        yield GENERATION
    yield ABOUT if usage is None else ABOUT_BESIDE_USAGE


class _Filled:
    """A column with its cells, head first, and the room these would like and can do with. Each is measured once."""

    def __init__(self, column: Column, sessions: Sequence[Document], now: datetime) -> None:
        self.column = column
        cells = [column.head, *(column.cell(told, now) for told in sessions)]
        self._cells = [(cell, len(cell) if cell.isascii() else width(cell)) for cell in cells]
        self.natural = max(taken for _, taken in self._cells)
        self.least = min(self.natural, column.narrowest or self.natural)

    def drawn(self, columns: int) -> list[str]:
        """Give the cells, each exactly this wide."""
        return [
            cell + " " * (columns - taken) if taken <= columns else fit(cell, columns) for cell, taken in self._cells
        ]


def _fitted(table: list[_Filled], columns: int | None) -> tuple[list[_Filled], list[int]]:
    """Leave out what there is no room for; then clip what is widest for its share until the rest fits."""
    if columns is None:
        return table, [filled.natural for filled in table]
    while _room([filled.least for filled in table]) > columns:
        spared = max(table, key=lambda filled: filled.column.spare)
        if not spared.column.spare:
            break
        table = [filled for filled in table if filled is not spared]
    widths = [filled.natural for filled in table]
    while _room(widths) > columns:
        yielding = [n for n, filled in enumerate(table) if widths[n] > filled.least]
        if not yielding:
            break
        widths[max(yielding, key=lambda n: widths[n] / table[n].column.share)] -= 1
    return table, widths


def _room(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _tint(told: Document, now: datetime) -> str:
    tints = {0: _RED, 1: _YELLOW, 2: _YELLOW, 3: _RED, 5: _DIM}
    return tints.get(_rank(told, now), _GREEN if told.state == State.RUNNING else "")


def _wrapped(line: str, columns: int | None) -> list[str]:
    """Give each part of a line that does not fit a line of its own: the next command is in the last one."""
    if columns is None or width(line) <= columns:
        return [line]
    return [clip(part, columns) for part in line.split("; ")]


def _counts(status: Status, project: str | None) -> str:
    if not status.sessions and not status.hidden and project is not None:
        return f"no sessions in project {visible(project)}; of every project: orch status --all"
    if not status.sessions and not status.hidden:
        return "no sessions; begin one: orch spawn -- COMMAND"
    counts = Counter(_counted_as(told) for told in status.sessions)
    parts = ", ".join(f"{number} {visible(word)}" for word, number in sorted(counts.items()))
    line = counted(len(status.sessions), "session") + (f": {parts}" if parts else "")
    return line + (f"; {status.hidden} ended not shown (orch status --all)" if status.hidden else "")


def _counted_as(told: Document) -> str:
    return told.activity if _waits_for_me(told) else told.state


def _daemon_line(status: Status, silence: str | None, now: datetime) -> str:
    daemon, newest_record_at = status.daemon, status.newest_record_at
    if daemon is not None:
        rejected = f", {counted(daemon.rejected, 'file')} in quarantine (orch events)" if daemon.rejected else ""
        return f"daemon {daemon.pid}, version {daemon.version}, up {age(daemon.started_at, now)}{rejected}"
    as_of = "" if newest_record_at is None else f"; as of {age(newest_record_at, now)} ago"
    if silence is not None:
        return f"{silence}{as_of}; start it anew: orch daemon restart"
    return f"no daemon answers{as_of}; start it: orch daemon start"

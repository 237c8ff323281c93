"""Words, widths and ages: what every rendered line is made of."""

import re
import unicodedata
from datetime import datetime

from orchestrd.model.words import Reason

UNKNOWN = "?"  # nobody knows
NONE = "-"  # there is nothing to know
CLIPPED = "…"

ENDED_BY_ITSELF = (Reason.EXITED, Reason.EXIT_CODE, Reason.SIGNAL)  # they say less than the code or the signal

_JOINER = "\u200d"  # holds an emoji of several characters together; harmless, and kept
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")  # 500 rows are 100,000 characters: only these are looked at
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"))
_THOUSANDS = ((1_000_000, "M"), (1_000, "k"))
_BYTES = ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def visible(text: str) -> str:
    """Show as escapes what could deceive a reader or a terminal: controls, line ends, what is invisible or reorders."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == _JOINER else _escape(char) for char in text)


def visible_lines(text: str) -> list[str]:
    """The same for a text of several lines, whose line ends and tabs are meant."""
    return [visible(line) for line in text.expandtabs(4).split("\n")]


def width(text: str) -> int:
    """Columns of a terminal that a visible text takes: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return len(text) + sum([_columns(char) - 1 for char in _NOT_ASCII.findall(text)])


def clip(text: str, columns: int) -> str:
    """Cut a visible text to a width, saying so by an ellipsis."""
    if width(text) <= columns:
        return text
    if text[:columns].isascii():
        return text[: columns - 1] + CLIPPED
    kept, left = "", columns - 1
    for char in text:
        left -= _columns(char)
        if left < 0:
            break
        kept += char
    return kept + CLIPPED


def fit(text: str, columns: int) -> str:
    """Make a visible text exactly this wide: filled up, or cut."""
    missing = columns - width(text)
    if missing < 0:
        text = clip(text, columns)
        missing = columns - width(text)
    return text + " " * missing


def why(reason: str | None, exit_code: int | None, exit_signal: str | None) -> str:
    """Say why a state holds: the reason, with what the program ended, or that alone where the reason says no more."""
    ended_with = exit_signal if exit_code is None else f"exit code {exit_code}"
    said = (None if ended_with and reason in ENDED_BY_ITSELF else reason, ended_with)
    return ", ".join(part for part in said if part)


def age(since: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that fits: `12s`, `5m`, `3h`, `2d`; a time to come counts as now."""
    return short((now - since).total_seconds())


def short(duration_s: float) -> str:
    """Write a duration the same way; less than none is none."""
    seconds = max(0, int(duration_s))
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def ago(since: datetime | None, now: datetime) -> str:
    """Write a moment as a time and its age, or that there was none."""
    return NONE if since is None else f"{moment(since)} ({age(since, now)} ago)"


def moment(at: datetime) -> str:
    """Write a moment to the second, in UTC as stored."""
    return f"{at:%Y-%m-%d %H:%M:%S}Z"


def clock_time(at: datetime, now: datetime) -> str:
    """Write when something will be, as the clock on the wall shows it here: with the day where that is another one."""
    here = at.astimezone()
    return f"{here:%H:%M}" if here.date() == now.astimezone().date() else f"{here:%b} {here.day} {here:%H:%M}"


def counted(number: int, noun: str) -> str:
    """Write a number of things."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def figures(number: int) -> str:
    """Write a large number with two or three figures: `950`, `12.3k`, `1.2M`."""
    for unit, name in _THOUSANDS:
        if number >= unit:
            return f"{number / unit:.3g}{name}" if number < 999.5 * unit else f"{number // unit}{name}"
    return str(number)


def size(number: int) -> str:
    """Write a number of bytes with two or three figures: `1.4 GiB`."""
    for unit, name in _BYTES:
        if number >= unit:
            return f"{number / unit:.3g} {name}" if number < 1000 * unit else f"{number // unit} {name}"
    return counted(number, "byte")


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def _columns(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1

"""When a usage limit ends, by what an agent tells people of it: a clock time, a date, an epoch, or a duration.

Invariant: what comes out lies in the future of when it was told, and no further than LIMIT_S_MAX; where no sense can be
made of a text, nothing comes out. A clock time is one of the time zone that the text names, or else of this machine:
the next one there is. One that has just passed was told a moment too late, and means at once.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from orchestrd.model.limits import LIMIT_LATE_S, LIMIT_S_MAX, LIMIT_S_MIN, TEXT_OF_LIMIT_CHARS_MAX

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_EPOCH = re.compile(r"\|\s*(\d{10})\b")
_WHEN = re.compile(
    r"""
    \b(?:resets?|reset\s+(?:at|on)|try\s+again|retry|available\s+again|until)\b (?:\s+(?:at|on|after))? :? \s+
    (?: (?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* \s+ (?P<day>\d{1,2})(?:st|nd|rd|th)?
        (?: ,?\s+ (?P<year>\d{4}) )? (?: ,?\s+(?:at\s+)? | \s+ ) )?
    (?P<hour>\d{1,2}) (?: :(?P<minute>\d{2}) (?: :\d{2})? )? \s? (?P<half>[ap])?\.?(?(half)m)\b
    (?: \s* \( (?P<zone>[A-Za-z0-9_+\-/]{1,64}) \) | \s+(?P<utc>UTC|GMT)\b )?
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SPAN = re.compile(r"\b(?:in|after)\s+((?:\d+(?:\.\d+)?\s*[a-z]+[,\s]*(?:and\s+)?){1,4})", re.IGNORECASE)
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)", re.IGNORECASE)
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_UNITS = re.compile(r"(?:s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)\Z", re.IGNORECASE)


def reset_time(text: str, told_at: datetime) -> datetime | None:
    """Say when the limit ends that a text told at `told_at` speaks of; null where it does not say."""
    text = text[:TEXT_OF_LIMIT_CHARS_MAX]
    found = _by_epoch(text) or _by_clock(text, told_at) or _by_span(text, told_at)
    return None if found is None else _within_reason(found, told_at)


def _by_epoch(text: str) -> datetime | None:
    found = _EPOCH.search(text)
    return datetime.fromtimestamp(int(found[1]), UTC) if found else None


def _by_clock(text: str, told_at: datetime) -> datetime | None:
    for found in _WHEN.finditer(text):
        if not (found["half"] or found["minute"]):
            continue  # a bare number is no time of day
        try:
            return _next(found, told_at.astimezone(_zone(found)))
        except ValueError:  # no such hour, no such day
            continue
    return None


def _next(found: re.Match[str], here: datetime) -> datetime:
    """Find the first moment behind `here` that reads like this there."""
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    if half := found["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(hour)
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    told = here.replace(hour=hour, minute=minute, second=59, microsecond=0)  # what is shown is cut to the minute
    earliest = here - timedelta(seconds=LIMIT_LATE_S)
    if found["month"] is None:
        return told if told >= earliest else told + timedelta(days=1)
    year = int(found["year"] or here.year)
    dated = told.replace(year=year, month=_MONTHS.index(found["month"].lower()) + 1, day=int(found["day"]))
    return dated if dated >= earliest or found["year"] else dated.replace(year=year + 1)


def _zone(found: re.Match[str]) -> tzinfo | None:
    """Find the time zone that is named; null is that of this machine."""
    if found["utc"]:
        return UTC
    try:
        return ZoneInfo(found["zone"]) if found["zone"] else None
    except (ValueError, OSError, ZoneInfoNotFoundError):  # not one that is known here
        return None


def _by_span(text: str, told_at: datetime) -> datetime | None:
    for span in _SPAN.finditer(text):
        parts = [(float(number), unit) for number, unit in _PART.findall(span[1]) if _UNITS.match(unit)]
        if parts:
            return told_at + timedelta(seconds=min(sum(_seconds(*part) for part in parts), 2 * LIMIT_S_MAX))
    return None


def _seconds(number: float, unit: str) -> float:
    return number * _SECONDS[unit[0].lower()]


def _within_reason(found: datetime, told_at: datetime) -> datetime | None:
    wait_s = (found - told_at).total_seconds()
    if not -LIMIT_LATE_S <= wait_s <= LIMIT_S_MAX:
        return None
    return max(found, told_at + timedelta(seconds=LIMIT_S_MIN)).astimezone(UTC)

"""Quiet hours: a time of the day, by the clock on the wall, in which a person is left alone unless it matters.

They may pass over midnight, and their zone may change its offset meanwhile: what counts is what a clock there shows.
"""

import re
from datetime import UTC, datetime, time, timedelta, tzinfo

from msgspec import Struct

from orchestrd.model.notice_settings import HOURS

_WHOLE = re.compile(HOURS)
_LOOSE = re.compile(r"([0-9]{1,2})(?:[:.h]([0-9]{2}))? ?([ap]m)?")  # a time as others write it
_BETWEEN = re.compile(r" ?(?:-|–|to) ?")
_SHOWN_CHARS_MAX = 60
_NOON = 12


class QuietHours(Struct, frozen=True, kw_only=True):
    """From one time of the day, included, to another, excluded, in one zone. The same twice: none."""

    begins: time
    ends: time
    zone: tzinfo

    def holds(self, now: datetime) -> bool:
        """Tell whether it is quiet."""
        shown = now.astimezone(self.zone).time()
        if self.begins <= self.ends:
            return self.begins <= shown < self.ends
        return shown >= self.begins or shown < self.ends

    def end(self, now: datetime) -> datetime:
        """Say when a clock there next shows their end; where it shows that twice, or skips it, the look is repeated."""
        today = now.astimezone(self.zone).date()
        shown = (
            datetime.combine(today + timedelta(days=days), self.ends.replace(fold=fold), self.zone).astimezone(UTC)
            for days in (0, 1)
            for fold in (0, 1)
        )
        return min(moment for moment in shown if moment > now)


def quiet_hours(text: str, zone: tzinfo) -> QuietHours:
    """Read `22:00-07:00`. Raises ValueError where the text is none."""
    begins, ends = map(time.fromisoformat, text.split("-"))
    return QuietHours(begins=begins, ends=ends, zone=zone)


def problem_with_quiet_hours(text: str) -> str | None:
    """Say what is wrong with a text that should be quiet hours, and what may have been meant; null: nothing is."""
    if not _WHOLE.fullmatch(text):
        guess = _meant(text)
        ending = f": did you mean '{guess}'?" if guess else ""
        how = 'write two times of a day of 24 hours, such as "22:00-07:00"'
        return f"{text[:_SHOWN_CHARS_MAX]!r} are no hours: {how}{ending}"
    begins, _, ends = text.partition("-")
    if begins == ends:
        return f"'{text}' ends where it begins, so it is never quiet: give two times, or leave it out"
    return None


def _meant(text: str) -> str | None:
    """Read what is evident; null where nothing is."""
    times = _BETWEEN.split(" ".join(text.lower().split()))
    read = [_time(shown) for shown in times]
    return f"{read[0]}-{read[1]}" if len(read) == len(("from", "to")) and None not in read else None


def _time(shown: str) -> str | None:
    found = _LOOSE.fullmatch(shown)
    if found is None:
        return None
    hour, minute, half = int(found[1]), found[2] or "00", found[3]
    if half:
        hour = hour % _NOON + _NOON * (half == "pm")
    told = f"{0 if hour == _NOON * 2 else hour:02d}:{minute}"
    return told if _WHOLE.fullmatch(f"{told}-{told}") else None

"""Quiet hours: a time of the day, by the clock on the wall, in which a person is left alone unless it matters.

They may pass over midnight, and their zone may change its offset meanwhile: what counts is what a clock there shows.
"""

from datetime import UTC, datetime, time, timedelta, tzinfo

from msgspec import Struct


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

"""What a run says of itself by `orch report`, or by a line of plain sh that writes the same into hooks.jsonl.

Any agent may do so, beside whatever its own hooks say. A line that is no report means nothing.
"""

from datetime import datetime

from orchestrd.core.launch import Report, decode_record, utc
from orchestrd.model.limits import REPORT_TEXT_CHARS_MAX
from orchestrd.model.observation import Testimony
from orchestrd.model.words import Activity

AT_S_MAX = 253_402_300_799.0  # the last second of the year 9999: a date cannot be later

_REPORTED = {word.value: word for word in (Activity.WORKING, Activity.WAITING, Activity.BLOCKED)}


def read_report(line: bytes, offset: int) -> Testimony | None:
    """Tell what a line of hooks.jsonl that ends at `offset` reports, or null when it is no report."""
    report = decode_record(line, Report)
    activity = None if report is None else _REPORTED.get(report.report)
    if report is None or activity is None:
        return None
    return Testimony(
        observer="report",
        allows=(activity,),
        at=sane_time(report.at),
        text=report.text[:REPORT_TEXT_CHARS_MAX] if report.text else None,
        excerpt=f"orch report {activity}",
        is_turn_over=activity is Activity.WAITING,
        offset=offset,
    )


def sane_time(at_s: float | None) -> datetime | None:
    """Drop a time that no clock has ever shown (`at_s`: seconds since the epoch); what it belongs to is still true."""
    return utc(at_s) if at_s is not None and 0 <= at_s <= AT_S_MAX else None


def written_time(text: str) -> datetime | None:
    """Read a moment as ISO 8601 writes it, with its zone; null where it is none that a clock has ever shown."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return sane_time(at.timestamp()) if at.tzinfo is not None else None

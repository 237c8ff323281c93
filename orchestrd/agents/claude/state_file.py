"""The file that Claude Code keeps of each of its processes, `sessions/<pid>.json`, written at each change.

It sees nearly every edge, and it is undocumented. So it is believed only where it is sure to be of this very process,
and a word in it that is not known here says nothing, and says so: then another version has changed it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from orchestrd.agents.reports import sane_time
from orchestrd.core.conversation import fields_of, one_line, text_of
from orchestrd.core.launch import decode_record
from orchestrd.model.observation import Testimony
from orchestrd.model.run import Glimpse
from orchestrd.model.words import Activity

UNHEARD_AFTER = timedelta(seconds=5)  # the first hook fires within a second of the start

_IDLE = (Activity.WAITING, Activity.LIMITED)  # behind an error of the API it is idle as well
_STATUSES = {
    "busy": (Activity.WORKING, Activity.LIMITED),  # while it tries again, too
    "idle": _IDLE,
    "shell": _IDLE,  # a command of its own runs on in the background
    "waiting": (Activity.BLOCKED,),
}


class StateFile:
    """What one look found in it."""

    def __init__(self, glimpse: Glimpse) -> None:
        self._glimpse = glimpse
        self._fields = fields_of(decode_record(glimpse.state or b"", dict))
        self._status = text_of(self._fields, "status")
        self._doubt = self._why_not_believed()
        self.is_busy = self._doubt is None and self._status == "busy"

    def testimonies(self) -> Iterator[Testimony]:
        """Say what it says; and once hooks ought to have fired, that none was heard."""
        if self._glimpse.agent_pid is None:
            return
        if self._doubt is not None:
            yield Testimony(observer="session_file", allows=(), excerpt=self._doubt)
            return
        asked = one_line(text_of(self._fields, "waitingFor")) if self._status == "waiting" else ""
        yield Testimony(
            observer="session_file",
            allows=_STATUSES[self._status],
            at=_time_ms(self._fields.get("statusUpdatedAt")),
            text=f"waits for an answer: {asked}" if asked else None,
            excerpt=f"{self._status} {asked}".strip(),
        )
        started = _time_ms(self._fields.get("startedAt"))
        if not self._glimpse.has_hooks and started is not None and self._glimpse.now - started > UNHEARD_AFTER:
            text = "no hook has fired: which tool it uses, what it asks and which error it meets may go unheard"
            yield Testimony(observer="hook", allows=(), text=text)

    def _why_not_believed(self) -> str | None:
        glimpse, fields = self._glimpse, self._fields
        if glimpse.state is None:
            return "its process has none"
        if fields.get("pid") != glimpse.agent_pid or str(fields.get("procStart")) != str(glimpse.agent_started_ticks):
            return "it is not of its process"
        if self._status not in _STATUSES:
            version = one_line(text_of(fields, "version")) or "?"
            return f"version {version} writes status {one_line(self._status) or '?'}, which is not known here"
        return None


def _time_ms(value: object) -> datetime | None:
    return sane_time(value / 1000) if isinstance(value, int) and value.bit_length() < 64 else None

"""Agent `shell`: any command at all. It ends with its exit code, and says what it does only if it wants to.

What it says are lines of hooks.jsonl, by `orch report` or by a line of plain sh (see `orchestrd_cli/report.py`).
Nothing is concluded from silence.
"""

from collections.abc import Mapping

from orchestrd.core.launch import Report, decode_record
from orchestrd.model.limits import REPORT_TEXT_CHARS_MAX
from orchestrd.model.observation import ActivityReport
from orchestrd.model.session import Spec
from orchestrd.model.words import Activity

AT_S_MAX = 253_402_300_799.0  # the last second of the year 9999: a date cannot be later

_REPORTED = {word.value: word for word in (Activity.WORKING, Activity.WAITING, Activity.BLOCKED)}


class ShellAgent:
    """Runs whatever stands after `--`. The prompt, if there is one, is a file named by ORCH_PROMPT_FILE."""

    name = "shell"
    env_names: tuple[str, ...] = ()

    def problem_with(self, spec: Spec) -> str | None:
        if spec.argv:
            return None
        return "agent shell runs a command and was given none: orch spawn [PROMPT] -- CMD..."

    def argv(self, spec: Spec, prompt_path: str | None) -> tuple[str, ...]:
        return spec.argv

    def environment(self, spec: Spec, prompt_path: str | None) -> Mapping[str, str]:
        return {} if prompt_path is None else {"ORCH_PROMPT_FILE": prompt_path}

    def read_hook(self, line: bytes) -> ActivityReport | None:
        report = decode_record(line, Report)
        activity = None if report is None else _REPORTED.get(report.report)
        if report is None or activity is None:
            return None
        text = report.text[:REPORT_TEXT_CHARS_MAX] if report.text else None
        return ActivityReport(activity=activity, text=text, at_s=_sane(report.at))


def _sane(at_s: float | None) -> float | None:
    """Drop a time that no clock has ever shown; what it belongs to is still true."""
    return at_s if at_s is not None and 0 <= at_s <= AT_S_MAX else None

"""Durations as people write them: `90s`, `10m`, `1h30m`, `2d`. The one place where they are read and written.

Whole numbers with their units, the largest first, each at most once; what is longer than a year makes no sense here.
"""

import re

from orchestrd.model.limits import DURATION_S_MAX
from orchestrd.model.setting_key import DURATION

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PART = re.compile(r"([0-9]+)([dhms])")
_WHOLE = re.compile(DURATION)


def problem_with_duration(text: str) -> str | None:
    """Say what is wrong with a text that should be a duration; null where nothing is."""
    if not _WHOLE.fullmatch(text):
        return f'{text[:60]!r} is no duration: write it like "90s", "10m", "1h30m" or "2d"'
    if seconds_of(text) > DURATION_S_MAX:
        return f"'{text}' is too long: at most {duration_of(DURATION_S_MAX)}"
    return None


def seconds_of(duration: str) -> float:
    """Give the seconds of a duration. Raises ValueError where the text is none."""
    if not _WHOLE.fullmatch(duration):
        raise ValueError(f"{duration[:60]!r} is no duration")
    return float(sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(duration)))


def duration_of(seconds: float) -> str:
    """Write whole seconds as a duration, as short as they can be said: `90` is `1m30s`."""
    left, parts = round(seconds), []
    for unit, length in _UNITS.items():
        number, left = divmod(left, length)
        parts += [f"{number}{unit}"] if number else []
    return "".join(parts) or "0s"

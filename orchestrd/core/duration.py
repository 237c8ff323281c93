"""Durations as people write them: `90s`, `10m`, `1h30m`, `2d`. The one place where they are read and written.

Whole numbers with their units, the largest first, each at most once; what is longer than a year makes no sense here.
"""

import re

from orchestrd.model.limits import DURATION_S_MAX
from orchestrd.model.setting_key import DURATION

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_SHORT = {"day": "d", "hour": "h", "hr": "h", "minute": "m", "min": "m", "second": "s", "sec": "s"}
_WORDS = {f"{word}{several}": unit for word, unit in _SHORT.items() for several in ("", "s")}
_PART = re.compile(r"([0-9]+)([dhms])")
_WHOLE = re.compile(DURATION)
_LOOSE = re.compile(r"([0-9]{1,9}(?:[.,][0-9]{1,9})?)\s*([a-z]+)(?:\s*(?:,|and\b))?\s*")  # as others write it
_NUMBER = re.compile(r"[0-9]+([.,][0-9]+)?")
_SHOWN_CHARS_MAX = 60
_HOW = 'write whole numbers with their units (d, h, m, s), the largest first, such as "90s", "10m" or "1h30m"'


def problem_with_duration(text: str, least_s: float = 0.0) -> str | None:
    """Say what is wrong with a text that should be a duration, and what may have been meant; null where nothing is."""
    if not _WHOLE.fullmatch(text):
        guess = _meant(text)
        ending = f": did you mean '{guess}'?" if guess else ""
        return f"{text[:_SHOWN_CHARS_MAX]!r} is no duration{_why(text)}: {_HOW}{ending}"
    if seconds_of(text) > DURATION_S_MAX:
        return f"'{text}' is too long: at most {duration_of(DURATION_S_MAX)}"
    if seconds_of(text) < least_s:
        return f"'{text}' is too short: at least {duration_of(least_s)}"
    return None


def _why(text: str) -> str:
    if not text:
        return ", for it is empty"
    if text.startswith("-"):
        return ", for it is less than nothing"
    return ", for it has no unit" if _NUMBER.fullmatch(text) else ""


def _meant(text: str) -> str | None:
    """Read what is evident, whatever its spaces, fractions, order and names of units; null where nothing is."""
    lowered = text[: _SHOWN_CHARS_MAX + 1].lower().strip()
    if len(lowered) > _SHOWN_CHARS_MAX or _LOOSE.sub("", lowered):
        return None
    seconds = 0.0
    for number, word in _LOOSE.findall(lowered):
        unit = _UNITS.get(_WORDS.get(word, word))
        if unit is None:
            return None
        seconds += float(number.replace(",", ".")) * unit
    is_whole = seconds > 0 and abs(seconds - round(seconds)) < 1e-6
    return duration_of(seconds) if is_whole and seconds <= DURATION_S_MAX else None


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

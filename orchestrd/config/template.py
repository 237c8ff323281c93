"""The file a user begins with: every key in its section, with what it means, commented out at its default."""

from collections.abc import Iterator

from msgspec import inspect

from orchestrd.config.keys import KEYS, NAMED, SECTIONS, Key
from orchestrd.config.writing import written

_HEAD = """\
# Settings of orchestrd. A line without # in front of it is set; the others show what holds where nothing is set, or an
# example. `orch config show` lists what holds and why, `orch config check` says what is wrong.
"""
_WIDTH = 116
_EXAMPLES = {  # of what stands under names of a user's own: their keys would be too many to list
    "reactions": """\
[reactions.ci-failed]
attempts = 3

[reactions.dear]
when = { cost_usd = 20.0 }
act = "stop\"""",
    "channels": """\
[channels.phone]
kind = "ntfy"
topic = "my-agents-7d2f\"""",
}


def template() -> str:
    """Give the file, as TOML. Nothing is set in it."""
    return "\n".join([_HEAD.rstrip(), *(line for section in SECTIONS for line in _section(section))]) + "\n"


def _section(section: str) -> Iterator[str]:
    yield ""
    if section in NAMED:
        yield from _remarks(SECTIONS[section])
        yield from ("#", *(f"# {line}".rstrip() for line in _EXAMPLES[section].splitlines()))
        return
    yield f"[{section}]"
    yield from _remarks(SECTIONS[section])
    for key in (key for key in KEYS.values() if key.section == section):
        yield ""
        yield from _remarks(key.meaning)
        yield f"# {key.name} = {written(key.default if key.example is None else key.example)}{_aside(key)}"


def _aside(key: Key) -> str:
    """Say behind the value what it takes, as far as the value itself does not."""
    is_shown = key.is_list or key.is_table or isinstance(key.form, inspect.StrType)  # by the value itself
    takes = "" if is_shown else key.expected
    aside = "; ".join(filter(None, (key.unit, takes)))
    return f"  # {aside}" if aside else ""


def _remarks(text: str) -> Iterator[str]:
    line = "#"
    for word in text.split():
        if len(line) + len(word) >= _WIDTH:
            yield line
            line = "#"
        line += f" {word}"
    yield line

"""What a terminal's screen shows, by rules that are data: those of the package, `rules/<agent>.toml`, and a user's own.

Invariant: what an agent or a person has written into the conversation never passes for the program's own dialog. A
dialog is looked for where the conversation does not reach: in the live area, below the last line that the program has
drawn across the whole screen, or by patterns that no text of the conversation can have.

Reading rules never waits and reads the package alone; a user's rules are read at the edge and merged by `overridden`.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from importlib import resources

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from orchestrd.config.screen_rules import in_order, parse_rules
from orchestrd.core.conversation import one_line
from orchestrd.model.decision import Choice, Decision, Way
from orchestrd.model.limits import CHOICES_MAX
from orchestrd.model.observation import Testimony
from orchestrd.model.screen_rule import ScreenRule
from orchestrd.model.words import Activity

_RULE = re.compile(r"[─━]{10,}\s*")  # drawn from the first column on
_DRAWN = re.compile(r"[─━╌]{3,}|[│┃╭╮╰╯]")
_BLANK = re.compile(r"\n[ \t]*\n")
_ASKS = re.compile(r"\Aasks(?: for permission)?: ")  # what kind of thing is asked, the decision says by itself
_VERSION = re.compile(r"\d+(?:\.\d+)*")
_ID_CHARS = 16


def rules_of(agent: str) -> tuple[ScreenRule, ...]:
    """Read the rules that the package has for an agent, those that count most first."""
    return parse_rules((resources.files("orchestrd.agents") / "rules" / f"{agent}.toml").read_bytes())


def overridden(rules: Sequence[ScreenRule], by: Sequence[ScreenRule]) -> tuple[ScreenRule, ...]:
    """Give rules as a user wants them: of one name the user's counts, and one that is off counts not at all."""
    named = {rule.name: rule for rule in (*rules, *by)}
    return in_order([rule for rule in named.values() if not rule.is_off])


def read_screen(screen: str, rules: Sequence[ScreenRule], version: str | None = None) -> Testimony:
    """Say what the first rule that fits means; where none does, that the screen says nothing (any more)."""
    for rule in rules:
        if _is_for(rule, version) and (found := _found(rule, area := _area(screen, rule.region))):
            shown = one_line(_DRAWN.sub(" ", found[found.lastindex or 0]))
            text = rule.text.format(shown)
            return Testimony(
                observer="screen",
                allows=rule.allows,
                text=text,
                excerpt=f"{rule.name}: {shown}",
                decision=_decision(rule, area, text, found) if Activity.BLOCKED in rule.allows else None,
            )
    return Testimony(observer="screen", allows=())


def live_area(screen: str) -> str:
    """Give what stands below the last line across the screen; all of it where there is no such line."""
    lines = screen.split("\n")
    below = next((n for n in range(len(lines), 0, -1) if _RULE.fullmatch(lines[n - 1])), 0)
    return "\n".join(lines[below:])


def _area(screen: str, region: str) -> str:
    if region == "whole":
        return screen
    if region == "live":
        return live_area(screen)
    written = [line for line in screen.split("\n") if line.strip()]
    return "\n".join(written[-int(region.removeprefix("last:")) :])


def _found(rule: ScreenRule, area: str) -> re.Match[str] | None:
    """Give what the rule's first pattern has found, if all that it asks for holds."""
    found = [match for pattern in rule.must if (match := re.search(pattern, area, re.MULTILINE))]
    is_whole = len(found) == len(rule.must)
    is_excluded = any(re.search(pattern, area, re.MULTILINE) for pattern in rule.must_not)
    return found[0] if is_whole and not is_excluded else None


def _decision(rule: ScreenRule, area: str, text: str, found: re.Match[str]) -> Decision:
    """Name what is asked by all that is shown of it, uncut: where anything of it changes it is another decision."""
    groups = [group for group in found.groups() if group is not None] or [found[0]]
    choices = rule.choices or tuple(_choices_on(area, rule))
    choices = choices if len(choices) <= CHOICES_MAX and _are_of_one_dialog(choices) else ()
    words = " ".join(
        _DRAWN.sub(" ", " ".join(groups)).split()
    )  # a window that is resized changes nothing of what is asked
    shown = "\0".join((rule.name, words, *(f"{choice.key} {choice.label}" for choice in choices)))
    digest = hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()[:_ID_CHARS]
    told = "\n".join((_ASKS.sub("", text), *_paragraphs(groups[:-1])))
    return Decision(id=digest, kind=rule.kind, text=told, choices=choices, way=Way.KEYS)


def _paragraphs(groups: Sequence[str]) -> Iterator[str]:
    for group in groups:
        yield from filter(None, (one_line(_DRAWN.sub(" ", part)) for part in _BLANK.split(group)))


def _choices_on(area: str, rule: ScreenRule) -> Iterator[Choice]:
    if rule.choice is not None:
        for match in re.finditer(rule.choice, area, re.MULTILINE):
            yield Choice(key=match[1], label=one_line(match[2]), reply=rule.press.format(match[1]))


def _are_of_one_dialog(choices: Sequence[Choice]) -> bool:
    """Tell whether a key can mean one of them only: a program may draw two dialogs, and take keys for one of them."""
    keys = [choice.key for choice in choices]
    are_counted = all(key.isascii() and key.isdigit() for key in keys)
    return keys == [str(number) for number in range(1, len(keys) + 1)] if are_counted else len(set(keys)) == len(keys)


def _is_for(rule: ScreenRule, version: str | None) -> bool:
    known = _VERSION.search(version or "")
    return rule.versions is None or known is None or Version(known[0]) in SpecifierSet(rule.versions)

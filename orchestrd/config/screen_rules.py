"""The text of a file of rules about screens, ours or a user's: read whole, or refused with the rule that is wrong.

What such rules mean, and how they are gone by, stands in `orchestrd.agents.screen_rules`.
"""

import re
from collections.abc import Iterable

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion

from orchestrd.model.errors import UsageError
from orchestrd.model.screen_rule import ScreenRule, ScreenRules

_REGION = re.compile(r"whole|live|last:([1-9][0-9]?)")


def parse_rules(content: bytes) -> tuple[ScreenRule, ...]:
    """Read a file of rules. Raises UsageError (`bad_rule`) that says which rule is wrong, and what of it."""
    try:
        rules = msgspec.toml.decode(content, type=ScreenRules).rule
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _bad(str(error)) from None
    for rule in rules:
        if (problem := _problem_with(rule)) is not None:
            raise _bad(f"rule {rule.name!r}: {problem}")
    return in_order(rules)


def in_order(rules: Iterable[ScreenRule]) -> tuple[ScreenRule, ...]:
    """Put those first that count most."""
    return tuple(sorted(rules, key=lambda rule: -rule.priority))


def _problem_with(rule: ScreenRule) -> str | None:
    patterns = (*rule.must, *rule.must_not, *filter(None, (rule.choice,)))
    if not rule.must and not rule.is_off:
        return "it asks for nothing (must)"
    if not _REGION.fullmatch(rule.region):
        return f"there is no region {rule.region!r}: whole, live or last:N"
    try:
        compiled = [re.compile(pattern) for pattern in patterns]
        SpecifierSet(rule.versions or "")
        (rule.text + rule.press).format(*("", ""))
    except re.error as error:
        return f"{error.pattern!r} is no pattern: {error.msg}"
    except (InvalidSpecifier, InvalidVersion, ValueError, IndexError, KeyError) as error:
        return str(error)
    if rule.choice is not None and compiled[-1].groups < 2:
        return "the pattern of its choices needs two groups: the key, and the label"
    return None


def _bad(problem: str) -> UsageError:
    return UsageError(f"a screen rule is wrong: {problem}", code="bad_rule", hint="orch daemon reload")

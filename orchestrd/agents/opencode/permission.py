"""What a session may do without asking, in OpenCode's own words: `NAME` for a kind of tool, or `NAME(PATTERN)`.

    bash(git *)     a command that matches the pattern
    webfetch        any page

Whatever OpenCode is configured to ask about is asked under the policy `ask`. By `allow` it asks about all that reaches
beyond reading, but for what is listed; by `deny` all of that is refused. What the user has configured for one single
agent of OpenCode counts more than either.
"""

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from orchestrd.model.session import Spec
from orchestrd.model.words import Permission

_RULE: Final = re.compile(r"([a-z][\w-]*)(?:\((.+)\))?")
_WITH_PATTERNS = ("edit", "bash")
_WHOLE = ("webfetch", "websearch")  # no pattern narrows these down
_BEYOND = ("external_directory", "doom_loop")  # OpenCode asks about these by itself

Action = str | dict[str, str]


def problem_with_rules(rules: Iterable[str]) -> str | None:
    """Say which rule OpenCode would not understand, or null."""
    for rule in rules:
        match = _RULE.fullmatch(rule)
        if match is None:
            return f"{rule!r} is no permission of OpenCode: bash, or bash(git *), or edit(docs/*)"
        if match[2] is not None and match[1] in (*_WHOLE, "doom_loop"):
            return f"OpenCode allows {match[1]} as a whole or not at all: leave out ({match[2]})"
    return None


def permissions(spec: Spec) -> str | None:
    """Give the permissions of a session as OpenCode reads them from its environment; null: as it is configured."""
    if spec.permission is Permission.ASK:
        return None
    if spec.permission is Permission.DENY:
        return _json(dict.fromkeys((*_WITH_PATTERNS, *_WHOLE, *_BEYOND), "deny"))
    asked: dict[str, Action] = {name: {"*": "ask"} for name in _WITH_PATTERNS} | dict.fromkeys(_WHOLE, "ask")
    for match in filter(None, map(_RULE.fullmatch, spec.allow)):
        asked[match[1]] = _allowed(asked.get(match[1]), match[2])
    return _json(asked)


def _allowed(before: Action | None, pattern: str | None) -> Action:
    """The last pattern that matches is the one that counts."""
    if pattern is None:
        return "allow"
    if before == "allow":
        return before
    return {**(before if isinstance(before, dict) else {}), pattern: "allow"}


def _json(permissions: dict[str, Action] | dict[str, str]) -> str:
    return msgspec.json.encode(permissions).decode()

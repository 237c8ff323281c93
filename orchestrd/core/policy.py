"""The permission policy of a session, as far as it is the same for every agent: what may be asked for at all."""

from collections.abc import Sequence

from orchestrd.model.limits import ALLOW_RULE_CHARS_MAX, ALLOW_RULES_MAX
from orchestrd.model.words import Permission


def problem_with_policy(permission: Permission, allow: Sequence[str]) -> str | None:
    """Say what is wrong with a policy and its rules, or null. Whether its agent knows such rules is for that to say."""
    if permission is not Permission.ALLOW:
        return (
            f"rules to allow go with permission allow, not with {permission}: leave out one of them" if allow else None
        )
    if not allow:
        return "permission allow needs rules, and there are none: name what is allowed, --allow RULE"
    if len(allow) > ALLOW_RULES_MAX:
        return f"there are {len(allow)} rules to allow: give at most {ALLOW_RULES_MAX}"
    return next((said for rule in allow if (said := problem_with_rule(rule))), None)


def problem_with_rule(rule: str) -> str | None:
    """A rule is one short line."""
    if not rule.strip():
        return "a rule to allow is empty: name what is allowed"
    if len(rule) > ALLOW_RULE_CHARS_MAX:
        return f"a rule to allow has {len(rule)} characters: give at most {ALLOW_RULE_CHARS_MAX}"
    if not rule.isprintable():
        return f"the rule {rule!a} contains characters that cannot be seen: leave them out"
    return None

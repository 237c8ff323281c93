"""What a permission policy may ask for at all."""

import pytest

from orchestrd.core.policy import problem_with_policy, problem_with_rule
from orchestrd.core.validate import problem_with
from orchestrd.model.limits import ALLOW_RULE_CHARS_MAX, ALLOW_RULES_MAX
from orchestrd.model.words import Permission
from tests.documents import a_spec


@pytest.mark.parametrize(
    ("permission", "allow"),
    [(Permission.ASK, ()), (Permission.DENY, ()), (Permission.ALLOW, ("Edit", "Bash(npm test:*)"))],
)
def test_a_policy_that_makes_sense(permission: Permission, allow: tuple[str, ...]) -> None:
    assert problem_with_policy(permission, allow) is None
    assert problem_with(a_spec(permission=permission, allow=allow)) is None


@pytest.mark.parametrize(
    ("permission", "allow", "said"),
    [
        (Permission.ASK, ("Edit",), "rules to allow go with permission allow, not with ask"),
        (Permission.DENY, ("Edit",), "rules to allow go with permission allow, not with deny"),
        (Permission.ALLOW, (), "permission allow needs rules, and there are none: name what is allowed, --allow RULE"),
        (Permission.ALLOW, ("x",) * (ALLOW_RULES_MAX + 1), f"give at most {ALLOW_RULES_MAX}"),
        (Permission.ALLOW, ("Edit", " "), "a rule to allow is empty"),
    ],
)
def test_a_policy_that_does_not_says_why(permission: Permission, allow: tuple[str, ...], said: str) -> None:
    assert said in str(problem_with_policy(permission, allow))
    assert said in str(problem_with(a_spec(permission=permission, allow=allow)))


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("", "a rule to allow is empty"),
        ("x" * (ALLOW_RULE_CHARS_MAX + 1), f"give at most {ALLOW_RULE_CHARS_MAX}"),
        ("Bash\x1b[2J", "characters that cannot be seen"),
        ("Bash(a\nb)", "characters that cannot be seen"),
    ],
)
def test_a_rule_is_one_short_line(rule: str, said: str) -> None:
    assert said in str(problem_with_rule(rule))
    assert problem_with_rule("Bash(git commit -m 'é, b':*)") is None

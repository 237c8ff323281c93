"""What is asked of an agent's permissions, and what is configured, made into one policy."""

import pytest

from orchestrd.client.policies import PolicyWish
from orchestrd.model.settings import SpawnSettings
from orchestrd.model.words import Permission

ASK, ALLOW, DENY = Permission.ASK, Permission.ALLOW, Permission.DENY
UNSAID, RULES, CONFIGURED = PolicyWish(), ("Edit",), ("Read",)


@pytest.mark.parametrize(
    ("wish", "usual", "policy"),
    [
        (UNSAID, {}, (ASK, ())),
        (UNSAID, {"permission": DENY}, (DENY, ())),
        (UNSAID, {"permission": DENY, "allow": CONFIGURED}, (DENY, ())),
        (UNSAID, {"allow": CONFIGURED}, (ALLOW, CONFIGURED)),
        (UNSAID, {"permission": ALLOW}, (ALLOW, ())),  # refused then: there are no rules
        (PolicyWish(allow=RULES), {"permission": DENY, "allow": CONFIGURED}, (ALLOW, RULES)),
        (PolicyWish(permission=ALLOW), {"allow": CONFIGURED}, (ALLOW, CONFIGURED)),
        (PolicyWish(permission=ASK), {"permission": DENY, "allow": CONFIGURED}, (ASK, ())),
        (PolicyWish(permission=DENY), {"allow": CONFIGURED}, (DENY, ())),
        (PolicyWish(permission=DENY, allow=RULES), {}, (DENY, RULES)),  # refused then: they contradict each other
    ],
)
def test_what_is_said_counts_before_what_is_configured(
    wish: PolicyWish, usual: dict[str, object], policy: tuple[Permission, tuple[str, ...]]
) -> None:
    assert wish.settled("claude", SpawnSettings(**usual)) == policy  # type: ignore[arg-type] # of its own fields


def test_a_command_of_ones_own_is_asked_about_only_where_that_was_said() -> None:
    configured = SpawnSettings(permission=DENY)

    assert UNSAID.settled("shell", configured) == (ASK, ())
    assert PolicyWish(permission=DENY).settled("shell", configured) == (DENY, ())

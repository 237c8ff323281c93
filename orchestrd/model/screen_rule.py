"""A rule about what an agent's screen shows, as data: where to look, what must stand there, and what it means."""

from msgspec import Struct

from orchestrd.model.decision import Choice, DecisionKind
from orchestrd.model.words import Activity


class ScreenRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Patterns that must all be found in a region, each of which may span its lines, and what that means.

    `region`: `whole`, `live` (below the last line that is drawn across the screen), or `last:N`, its last N lines that
    are not empty. Of several rules that fit, the one with the highest priority counts, then the one that stands first.
    `versions` are those of the agent that it is for (`>=2.1,<3`); where the version is not known it is tried as well.

    What people are told is what the first pattern has found, or its last group that has found anything; what its other
    groups have found stands below that where it is asked.
    """

    name: str
    region: str = "live"
    must: tuple[str, ...]
    must_not: tuple[str, ...] = ()
    priority: int = 0
    versions: str | None = None
    allows: tuple[Activity, ...] = (Activity.BLOCKED,)
    text: str = "{}"  # for people; {} is what was found
    kind: DecisionKind = DecisionKind.DIALOG
    choice: str | None = None  # finds each choice on the screen: its first group is the key, its second the label
    press: str = "{}"  # the keys that take such a choice, each by its name in tmux; {} is the first group
    choices: tuple[Choice, ...] = ()  # where they do not stand on the screen; a reply is the keys to press
    is_off: bool = False  # of a user: the rule of this name does not count


class ScreenRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of rules, as it is written: `[[rule]]` for each."""

    rule: tuple[ScreenRule, ...]

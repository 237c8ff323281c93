"""Effects: stored intent, performed after the commit that decided on it; the result comes back as an input.

A *repeatable* effect is performed again when it is found in a record after a crash. A *once* effect is committed as
`attempted` before the act; found attempted after a crash it is verified or ends unknown, and is never performed again.
"""

from enum import StrEnum

from msgspec import Struct

from orchestrd.model.decision import GivenAnswer


class EffectKind(StrEnum):
    """What the actuator knows how to do."""

    LAUNCH = "launch"  # repeatable: the launcher claims its run with O_EXCL
    TERMINATE = "terminate"  # repeatable: ask the run to end
    KILL = "kill"  # repeatable: a sweep of everything that bears the run's mark
    DELIVER = "deliver"  # once: type one message into the agent
    ANSWER = "answer"  # once: answer the decision that the agent waits for


ONCE = frozenset({EffectKind.DELIVER, EffectKind.ANSWER})


class Effect(Struct, frozen=True, kw_only=True):
    """One effect in flight. `id` is unique within its session."""

    id: str
    kind: EffectKind
    generation: int
    attempted: bool = False
    message: str | None = None  # for DELIVER: the id of the message
    answer: GivenAnswer | None = None  # for ANSWER

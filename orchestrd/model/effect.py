"""Effects: stored intent, performed after the commit that decided on it; the result comes back as an input.

A *repeatable* effect is performed again when it is found in a record after a crash. A *once* effect is committed as
`attempted` before the act; found attempted after a crash it is verified or ends unknown, and is never performed again.
"""

from enum import StrEnum

from msgspec import Struct

from orchestrd.model.decision import GivenAnswer
from orchestrd.model.notice import Notice
from orchestrd.model.reaction import MergeOrder, SpawnOrder


class EffectKind(StrEnum):
    """What the actuator knows how to do."""

    LAUNCH = "launch"  # repeatable: the launcher claims its run with O_EXCL
    TERMINATE = "terminate"  # repeatable: ask the run to end
    KILL = "kill"  # repeatable: a sweep of everything that bears the run's mark
    DELIVER = "deliver"  # once: type one message into the agent
    ANSWER = "answer"  # once: answer the decision that the agent waits for
    NOTIFY = "notify"  # repeatable: the key of a notice goes along
    MERGE = "merge"  # repeatable: pinned to a commit
    SPAWN = "spawn"  # repeatable: the id of the other session is made of its own
    RUN = "run"  # once: run a command in the workspace
    VERIFY = "verify"  # repeatable: run the command that tells whether the work is done


ONCE = frozenset({EffectKind.DELIVER, EffectKind.ANSWER, EffectKind.RUN})
OF_THE_RUN = frozenset(  # in order, one after the other; the rest goes beside them, and may take long
    {EffectKind.LAUNCH, EffectKind.TERMINATE, EffectKind.KILL, EffectKind.DELIVER, EffectKind.ANSWER}
)
SIDE_BY_SIDE = frozenset({EffectKind.NOTIFY, EffectKind.MERGE, EffectKind.SPAWN, EffectKind.RUN})  # several at once
OUTLIVES_THE_RUN = frozenset(  # still intended when a generation is over
    {EffectKind.NOTIFY, EffectKind.SPAWN, EffectKind.MERGE}
)


class Effect(Struct, frozen=True, kw_only=True):
    """One effect in flight. `id` is unique within its session."""

    id: str
    kind: EffectKind
    generation: int
    attempted: bool = False
    message: str | None = None  # for DELIVER: the id of the message
    answer: GivenAnswer | None = None  # for ANSWER
    notice: Notice | None = None  # for NOTIFY ...
    reached: tuple[str, ...] = ()  # ... and the channels over which it was told already
    merge: MergeOrder | None = None  # for MERGE
    spawn: SpawnOrder | None = None  # for SPAWN
    command: str | None = None  # for RUN and VERIFY
    reaction: str | None = None  # what has decided on it, if a reaction has

"""What a user may set of a reaction, in the words of `config.toml`: `[reactions.NAME]`, with its condition in `when`.

Invariant: what a section does not set keeps its default, so that who changes one key of a reaction loses nothing else
of it. `orchestrd.config.reactions` makes reactions out of these.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from orchestrd.model.change import Checks, Mergeable, Pr, Review
from orchestrd.model.limits import ATTEMPTS_MAX, ROUNDS_MAX, TOKENS_MAX, WORDS_OF_A_CONDITION_MAX
from orchestrd.model.notice import Priority
from orchestrd.model.reaction import Act, MergeMethod
from orchestrd.model.setting_key import AGENTS, Duration, of_user
from orchestrd.model.words import Activity, Reason, State, Until

CostUsd = Annotated[float, Meta(ge=0, le=1_000_000)]
Tokens = Annotated[int, Meta(ge=1, le=TOKENS_MAX)]


def _words(meaning: str, **rules: Any) -> Meta:
    """Say all of a key that takes one word or several."""
    return of_user(
        f"{meaning}; of several words any one will do.", "", is_alone=True, max_length=WORDS_OF_A_CONDITION_MAX, **rules
    )


class ConditionSettings(Struct, frozen=True, kw_only=True):
    """What must be so, all of it. What is not known is neither so nor not so: then nothing is done, or ends."""

    state: Annotated[tuple[State, ...], _words("The state of the session")] = ()
    reason: Annotated[tuple[Reason, ...], _words("Why it is in that state")] = ()
    activity: Annotated[tuple[Activity, ...], _words("What its agent is doing")] = ()
    until: Annotated[tuple[Until, ...], _words("What ends it")] = ()
    agent: Annotated[tuple[str, ...], _words("Its agent", names=AGENTS)] = ()
    pr: Annotated[tuple[Pr, ...], _words("Its pull request")] = ()
    checks: Annotated[tuple[Checks, ...], _words("What the checks of the newest commit come to")] = ()
    review: Annotated[tuple[Review, ...], _words("What the reviewers have decided")] = ()
    mergeable: Annotated[tuple[Mergeable, ...], _words("Whether it could be merged")] = ()
    remarks: Annotated[bool | None, of_user("Whether reviewers said something that is not settled.", example=True)] = (
        None
    )
    stuck: Annotated[
        bool | None, of_user("Whether it works without any progress, see `stuck_after_s`.", example=True)
    ] = None
    verified: Annotated[
        bool | None, of_user("Whether its newest verification is green; false: it is red.", example=False)
    ] = None
    silent: Annotated[Duration | None, of_user("It has done nothing else for that long.", "duration", "15m")] = None
    unread: Annotated[
        Duration | None, of_user("A message to it has not been typed for that long.", "duration", "15m")
    ] = None
    age: Annotated[Duration | None, of_user("It was begun that long ago.", "duration", "8h")] = None
    cost_usd: Annotated[CostUsd | None, of_user("It has cost that much, at least.", "US dollars", 20.0)] = None
    tokens: Annotated[Tokens | None, of_user("It has used that many, of all kinds.", "tokens", 5_000_000)] = None
    all_ended: Annotated[bool | None, of_user("Whether every session has ended, this one last.", example=True)] = None


class ReactionSettings(Struct, frozen=True, kw_only=True):
    """A reaction: what is done to a session while its condition holds, how often, and what then.

    Those of orchestrd itself are changed key by key; any other name is a reaction of your own.
    """

    enabled: Annotated[bool, of_user("Whether it is on.")] = True
    when: ConditionSettings = ConditionSettings()
    act: Annotated[
        Act,
        of_user(
            "What is done: `send` something to the agent, `notify` a person, `merge` the pull request, `stop` or"
            " `revive` the session, `spawn` another one, or `run` a command in its workspace."
        ),
    ] = Act.NOTIFY
    text: Annotated[
        str,
        of_user(
            "What is sent, told or asked of another session; it may hold what is known, such as `{checks}`. Empty: one"
            " is made of the condition.",
            "",
            "The checks of {head} fail:\n\n{checks}",
        ),
    ] = ""
    command: Annotated[
        str | None, of_user("Command of sh to `run`, in the workspace of the session.", "command", "make fix")
    ] = None
    agent: Annotated[str | None, of_user("Agent that is to `spawn`; unset: the same.", "", "claude", names=AGENTS)] = (
        None
    )
    method: Annotated[MergeMethod, of_user("How a pull request is merged.")] = MergeMethod.SQUASH
    priority: Annotated[Priority, of_user("Of what a person is told.")] = Priority.INFO
    after: Annotated[Duration, of_user("So long the condition must hold first.", "duration")] = "0s"
    attempts: Annotated[
        int,
        of_user(
            "How often it is done for one commit (or, where the condition speaks of none, for one run).",
            "attempts",
            ge=1,
            le=ATTEMPTS_MAX,
        ),
    ] = 1
    every: Annotated[Duration, of_user("From one attempt to the next, at first, 30 s at least ...", "duration")] = "10m"
    backoff: Annotated[float, of_user("... and each time so many times longer.", "times", ge=1, le=100)] = 2.0
    rounds: Annotated[
        int,
        of_user("For how many commits (or runs) without the condition being clear.", "rounds", ge=1, le=ROUNDS_MAX),
    ] = 10
    escalation: Annotated[
        Literal["none", "info", "warning", "action", "urgent"] | None,
        of_user(
            "Priority with which a person is told, once, when all of that did not help; `none`: nobody is. Unset:"
            " `urgent`, and `none` where it only tells a person anyway.",
            "",
            "urgent",
        ),
    ] = None
    escalate_after: Annotated[
        Duration | None,
        of_user("Or when the condition has held for so long, whatever is left of the budget.", "duration", "2h"),
    ] = None

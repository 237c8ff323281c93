"""The state machine of a session, as data.

Theory. A session has several axes; this file is about one of them, `state`, and knows nothing of the others. Everything
that may change a state is a row of `TABLE`: origin, trigger, target, reason. Three rules hold it together:

1.  *The table is the law.* `next_state` looks a pair up and does nothing else. A pair without a row changes nothing:
    the machine is total by silence, not by exception. Who fires a trigger, and on what evidence, is decided in `step`.
2.  *Terminal means over.* `completed`, `failed` and `cancelled` are entered on proof only: no process of that run
    lives, or none was ever launched. The only way out is the user's `revive`, into a new generation. So each generation
    has exactly one terminal event, and the first one committed wins.
3.  *No step is skipped.* `pending` (accepted: on disk), `scheduled` (waits in its lane), `starting`, `running`: each is
    committed and time-stamped, even where an exit record implies the start.

A run that ends by itself with 0 has met the goal it was given, or has not: `goal_unmet` is a failure, because what was
asked for is not there, whatever its program thought of that. Where the facts that decide it are still on their way the
end is held back in `step`, and no trigger is fired yet.

Triggers come in three kinds. Commands: spawn, stop, kill, revive. Facts of the engine: placed, admitted, goal met, a
kill given up. Facts of the world: started, launch failed, contact lost, alive again, and the ends. An end is one of two
families. In `running` and `lost (contact_lost)` the run ended by itself, and its exit decides (`exited_*`). Where the
daemon was ending it, what it was being ended *for* decides (`ended_*`, `start_timed_out`), whatever code it left; that
purpose is the session's `ending`, kept beside the state so that it outlives a restart.

`lost` has two reasons that behave differently, which is why an origin may name a reason: `contact_lost` is a blind
daemon, still probing, and one sighting undoes it; `kill_failed` is a daemon that knows it has failed, retries every
minute, and is only undone by the proof it was waiting for, or by a new order of the user.

A stop that grows into a kill, and a user's stop while a met goal is being ended, stay in `stopping` but say so with a
new reason: the escalation is a fact worth an event.
"""

from enum import StrEnum

from msgspec import Struct

from orchestrd.model.words import Reason, State


class Trigger(StrEnum):
    """What can move a session."""

    SPAWNED = "spawned"
    PLACED = "placed"
    ADMITTED = "admitted"
    STARTED = "started"
    LAUNCH_FAILED = "launch_failed"
    START_TIMED_OUT = "start_timed_out"
    STOP = "stop"
    KILL = "kill"
    GOAL_MET = "goal_met"
    EXITED_ZERO = "exited_zero"
    EXITED_UNMET = "exited_unmet"
    EXITED_NONZERO = "exited_nonzero"
    EXITED_BY_SIGNAL = "exited_by_signal"
    EXITED_UNKNOWN = "exited_unknown"
    SETUP_FAILED = "setup_failed"
    TERMINAL_LOST = "terminal_lost"
    ENDED_STOPPED = "ended_stopped"
    ENDED_KILLED = "ended_killed"
    ENDED_TURN_DONE = "ended_turn_done"
    ENDED_PR_OPENED = "ended_pr_opened"
    ENDED_PR_MERGED = "ended_pr_merged"
    ENDED_VERIFIED = "ended_verified"
    KILL_GIVEN_UP = "kill_given_up"
    CONTACT_LOST = "contact_lost"
    ALIVE = "alive"
    REVIVE = "revive"


class Origin(Struct, frozen=True):
    """Where a row applies: a state, and where it matters which, its reason."""

    state: State
    reason: Reason | None = None


class Target(Struct, frozen=True):
    """Where a row leads: no state is entered without a reason."""

    state: State
    reason: Reason


class Edge(Struct, frozen=True):
    """One row of the table."""

    origin: Origin | None  # null: the session does not exist yet
    trigger: Trigger
    target: Target


PENDING = Origin(State.PENDING)
SCHEDULED = Origin(State.SCHEDULED)
STARTING = Origin(State.STARTING)
RUNNING = Origin(State.RUNNING)
STOPPING = Origin(State.STOPPING)
STOP_ASKED = Origin(State.STOPPING, Reason.STOP_REQUESTED)
GOAL_ENDING = Origin(State.STOPPING, Reason.GOAL_MET)
LOST = Origin(State.LOST)
BLIND = Origin(State.LOST, Reason.CONTACT_LOST)
UNKILLED = Origin(State.LOST, Reason.KILL_FAILED)
COMPLETED = Origin(State.COMPLETED)
FAILED = Origin(State.FAILED)
CANCELLED = Origin(State.CANCELLED)

_GOALS = {
    Trigger.ENDED_PR_OPENED: Target(State.COMPLETED, Reason.PR_OPENED),
    Trigger.ENDED_PR_MERGED: Target(State.COMPLETED, Reason.PR_MERGED),
    Trigger.ENDED_VERIFIED: Target(State.COMPLETED, Reason.VERIFIED),
}
_EXITS = {
    Trigger.EXITED_ZERO: Target(State.COMPLETED, Reason.EXITED),
    Trigger.EXITED_UNMET: Target(State.FAILED, Reason.GOAL_UNMET),
    Trigger.EXITED_NONZERO: Target(State.FAILED, Reason.EXIT_CODE),
    Trigger.EXITED_BY_SIGNAL: Target(State.FAILED, Reason.SIGNAL),
    Trigger.EXITED_UNKNOWN: Target(State.FAILED, Reason.EXIT_UNKNOWN),
    Trigger.SETUP_FAILED: Target(State.FAILED, Reason.SETUP_FAILED),
    Trigger.TERMINAL_LOST: Target(State.FAILED, Reason.TERMINAL_LOST),
}
_ORDERED_ENDS = {
    Trigger.ENDED_STOPPED: Target(State.CANCELLED, Reason.STOPPED),
    Trigger.ENDED_KILLED: Target(State.CANCELLED, Reason.KILLED),
    Trigger.ENDED_TURN_DONE: Target(State.COMPLETED, Reason.TURN_DONE),
}
_BAD_STARTS = {
    Trigger.LAUNCH_FAILED: Target(State.FAILED, Reason.LAUNCH_FAILED),
    Trigger.START_TIMED_OUT: Target(State.FAILED, Reason.START_TIMEOUT),
}


def _rows(origins: tuple[Origin, ...], targets: dict[Trigger, Target]) -> tuple[Edge, ...]:
    return tuple(Edge(origin, trigger, target) for origin in origins for trigger, target in targets.items())


TABLE: tuple[Edge, ...] = (
    Edge(None, Trigger.SPAWNED, Target(State.PENDING, Reason.ACCEPTED)),
    Edge(PENDING, Trigger.PLACED, Target(State.SCHEDULED, Reason.QUEUED)),
    Edge(SCHEDULED, Trigger.ADMITTED, Target(State.STARTING, Reason.ADMITTED)),
    *_rows(
        (PENDING, SCHEDULED),
        {
            Trigger.STOP: Target(State.CANCELLED, Reason.BY_USER),
            Trigger.KILL: Target(State.CANCELLED, Reason.BY_USER),
        },
    ),
    Edge(STARTING, Trigger.STARTED, Target(State.RUNNING, Reason.STARTED)),
    *_rows((STARTING, UNKILLED), _BAD_STARTS),
    *_rows(
        (STARTING, RUNNING, LOST),
        {
            Trigger.STOP: Target(State.STOPPING, Reason.STOP_REQUESTED),
            Trigger.KILL: Target(State.STOPPING, Reason.KILL_REQUESTED),
        },
    ),
    *_rows((STOP_ASKED, GOAL_ENDING), {Trigger.KILL: Target(State.STOPPING, Reason.KILL_REQUESTED)}),
    Edge(GOAL_ENDING, Trigger.STOP, Target(State.STOPPING, Reason.STOP_REQUESTED)),
    Edge(RUNNING, Trigger.GOAL_MET, Target(State.STOPPING, Reason.GOAL_MET)),
    *_rows((RUNNING, BLIND, UNKILLED), _EXITS),
    *_rows((STOPPING, UNKILLED), _ORDERED_ENDS),
    *_rows((RUNNING, BLIND, STOPPING, UNKILLED), _GOALS),
    *_rows((STARTING, RUNNING, STOPPING, BLIND), {Trigger.KILL_GIVEN_UP: Target(State.LOST, Reason.KILL_FAILED)}),
    Edge(RUNNING, Trigger.CONTACT_LOST, Target(State.LOST, Reason.CONTACT_LOST)),
    Edge(BLIND, Trigger.ALIVE, Target(State.RUNNING, Reason.RECOVERED)),
    *_rows((COMPLETED, FAILED, CANCELLED), {Trigger.REVIVE: Target(State.PENDING, Reason.REVIVED)}),
)

_TARGETS = {(edge.origin, edge.trigger): edge.target for edge in TABLE}
assert len(_TARGETS) == len(TABLE), "two rows of the table share origin and trigger"


def next_state(state: State | None, reason: Reason | None, trigger: Trigger) -> Target | None:
    """Tell where this trigger leads from here, or null where it changes nothing. Total over all arguments."""
    if state is None:
        return _TARGETS.get((None, trigger))
    return _TARGETS.get((Origin(state, reason), trigger)) or _TARGETS.get((Origin(state), trigger))

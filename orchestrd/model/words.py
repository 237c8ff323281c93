"""The closed vocabularies: every word that a record, an event or a document may use for a state of things.

A record that uses a word not listed here was written by a newer orchestrd: it is shown and never touched.
"""

from enum import StrEnum


class Desired(StrEnum):
    """What the user wants; changed by commands only."""

    RUNNING = "running"
    STOPPED = "stopped"


class State(StrEnum):
    """Place in the machine; changed by `step` only. The theory stands in `orchestrd.core.machine`."""

    PENDING = "pending"
    SCHEDULED = "scheduled"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    LOST = "lost"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


TERMINAL = frozenset({State.COMPLETED, State.FAILED, State.CANCELLED})
WAITING_FOR_A_RUN = frozenset({State.PENDING, State.SCHEDULED})  # nothing was ever launched for this generation
OCCUPYING = frozenset({State.STARTING, State.RUNNING, State.STOPPING, State.LOST})  # holds a place in its lane


class Reason(StrEnum):
    """Why a session is in its state."""

    ACCEPTED = "accepted"
    REVIVED = "revived"
    QUEUED = "queued"
    ADMITTED = "admitted"
    STARTED = "started"
    RECOVERED = "recovered"
    STOP_REQUESTED = "stop_requested"
    KILL_REQUESTED = "kill_requested"
    GOAL_MET = "goal_met"
    CONTACT_LOST = "contact_lost"
    KILL_FAILED = "kill_failed"
    EXITED = "exited"
    TURN_DONE = "turn_done"
    PR_OPENED = "pr_opened"
    PR_MERGED = "pr_merged"
    VERIFIED = "verified"
    LAUNCH_FAILED = "launch_failed"
    START_TIMEOUT = "start_timeout"
    EXIT_CODE = "exit_code"
    GOAL_UNMET = "goal_unmet"
    SIGNAL = "signal"
    EXIT_UNKNOWN = "exit_unknown"
    SETUP_FAILED = "setup_failed"
    TERMINAL_LOST = "terminal_lost"
    BY_USER = "by_user"
    STOPPED = "stopped"
    KILLED = "killed"


class Liveness(StrEnum):
    """Whether the processes of the run live, as far as anyone knows."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"


class Activity(StrEnum):
    """What the agent is doing. Silence is never `waiting`; no fresh evidence is `unknown`."""

    WORKING = "working"
    WAITING = "waiting"  # its turn is over: it may be instructed
    BLOCKED = "blocked"  # it needs a decision: never type into it
    LIMITED = "limited"  # the provider's usage limit
    UNKNOWN = "unknown"


class Authority(StrEnum):
    """Who asked for a change: user > agent > daemon."""

    USER = "user"
    AGENT = "agent"
    DAEMON = "daemon"


class Receipt(StrEnum):
    """What became of a message: read by the program, written to it, held for its turn, not sent, or nobody knows."""

    SUBMITTED = "submitted"
    TYPED = "typed"
    QUEUED = "queued"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Until(StrEnum):
    """The goal that ends a session, completed."""

    EXIT = "exit"  # the agent's own exit
    TURN = "turn"  # the end of its turn
    PR_OPEN = "pr_open"  # its pull request is open, or merged already
    PR_MERGED = "pr_merged"  # its pull request is merged
    VERIFY = "verify"  # its verification is green


OF_PULL_REQUEST = frozenset({Until.PR_OPEN, Until.PR_MERGED})  # only a forge can tell whether these are met


class Permission(StrEnum):
    """What becomes of what an agent needs permission for."""

    ASK = "ask"  # a person is asked
    ALLOW = "allow"  # what the session's rules list is done; a person is asked for the rest
    DENY = "deny"  # it is refused without asking


class Ending(StrEnum):
    """What a session is being ended for; decides its terminal state once the proof is there."""

    STOPPED = "stopped"
    KILLED = "killed"
    TURN_DONE = "turn_done"
    PR_OPENED = "pr_opened"
    PR_MERGED = "pr_merged"
    VERIFIED = "verified"
    START_TIMEOUT = "start_timeout"
    GONE = "gone"  # its observers say dead without proof: the sweep that makes it sure


class Deed(StrEnum):
    """What a clean does with a worktree."""

    REMOVE = "remove"  # nothing in it is new
    PRESERVE = "preserve"  # and remove it then
    KEEP = "keep"  # it cannot be cleaned, or is not understood
    SPARE = "spare"  # it is in use
    ABSENT = "absent"  # there is none (any more)

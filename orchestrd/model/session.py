"""The session: the durable unit, one agent with one workspace and one goal, which outlives every process.

The record is what stands in `sessions/<id>.json`: state, axes, spec, handle, due times, events and effects in flight.
A person can read it. It is replaced whole by each commit and never edited in place.
"""

from datetime import datetime

from msgspec import Struct

from orchestrd.model.change import Change
from orchestrd.model.decision import Decision
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.event import Event
from orchestrd.model.ids import SessionId
from orchestrd.model.instant import Due, DueName
from orchestrd.model.limits import GRACE_S
from orchestrd.model.reaction import Episode
from orchestrd.model.spending import Spending
from orchestrd.model.verification import Verification
from orchestrd.model.words import (
    TERMINAL,
    Activity,
    Authority,
    Desired,
    Ending,
    Liveness,
    Permission,
    Reason,
    Receipt,
    State,
    Until,
)

SCHEMA = 1
_PROMPT, _RESUME, _REACTION = OWN_KEYS = ("prompt.", "resume.", "reaction.")  # so begin the keys that nobody has sent


class Workspace(Struct, frozen=True, kw_only=True):
    """The directory a run works in. `kind` is `none` (the project itself) or `worktree`."""

    kind: str
    path: str
    branch: str | None = None
    base: str | None = None
    copy: tuple[str, ...] = ()  # untracked files of the project that are copied into a new worktree
    link: tuple[str, ...] = ()  # the same, linked
    setup: str | None = None  # a shell command that the run performs once, before the agent
    subdirectory: str | None = None  # of the worktree, where the run begins: where in the project the caller stood

    @property
    def is_worktree(self) -> bool:
        """Whether it is a worktree, whose branch is its session's own."""
        return self.kind == "worktree"

    @property
    def directory(self) -> str:
        """Where the run begins."""
        return self.path if self.subdirectory is None else f"{self.path}/{self.subdirectory}"


class Spec(Struct, frozen=True, kw_only=True):
    """What was asked for; never changes after the spawn."""

    name: str
    project: str  # absolute path of the project directory
    agent: str
    runtime: str
    argv: tuple[str, ...]
    workspace: Workspace
    nonce: str  # minted by the client; part of the run's mark
    prompt: str | None = None  # its first PROMPT_HEAD_CHARS characters; the whole stands in prompts/<id>
    prompt_bytes: int = 0
    prompt_sha256: str | None = None
    env_names: tuple[str, ...] = ()  # names only; values stand in secrets/<id>.env
    grace_s: float = GRACE_S
    until: Until = Until.EXIT
    lane: str = "default"
    permission: Permission = Permission.ASK
    allow: tuple[str, ...] = ()  # what is done without asking, in the agent's own words
    verify: str | None = None  # a command of sh that tells, by its exit code, whether the work is done
    issue: str | None = None  # what it was given to work on, by the id of the issue
    begun_by: str | None = None  # the reaction to another session that has begun it


def prompt_message(generation: int) -> str:
    """Name the message that types the prompt of a generation; its text is the whole prompt, wherever that is kept."""
    return f"{_PROMPT}{generation}"


def resume_message(generation: int, limit_ended_s: int) -> str:
    """Name the message that tells an agent to go on behind a usage limit."""
    return f"{_RESUME}{generation}.{limit_ended_s}"


def attempt_key(reaction: str, episode: str, attempt: int | str) -> str:
    """Name an attempt of a reaction: the message, or the notice, that it is."""
    return f"{_REACTION}{reaction}.{episode}.{attempt}"


def reaction_behind(key: str) -> str | None:
    """Name the reaction whose attempt has this key; null where it is the key of something else."""
    return key.removeprefix(_REACTION).partition(".")[0] if key.startswith(_REACTION) else None


class Message(Struct, frozen=True, kw_only=True):
    """One accepted, unsettled `send`. `id` is its key; `awaits_turn`: held until the agent is waiting again."""

    id: str
    text: str
    authority: Authority
    awaits_turn: bool
    is_command: bool = False  # of the agent's own
    digest: str | None = None  # of the whole text
    is_large: bool = False  # the text stands in messages/, here only its beginning
    at: datetime | None = None  # when it was accepted; null: by an older orchestrd


def is_resume(message: Message) -> bool:
    """Tell whether it is one that only tells the agent to go on behind a usage limit."""
    return message.id.startswith(_RESUME) and message.authority is Authority.DAEMON


class Settled(Struct, frozen=True, kw_only=True):
    """What became of a message; the newest few are kept, so that a repeated send is answered and not typed again."""

    id: str
    receipt: Receipt
    error: str | None = None
    digest: str | None = None  # of what it said; null: by an older orchestrd, or of no message


class Session(Struct, frozen=True, kw_only=True):
    """One session, as committed."""

    schema: int
    id: SessionId
    revision: int
    epoch: int
    spec: Spec
    desired: Desired
    state: State
    reason: Reason
    state_since: datetime
    generation: int
    liveness: Liveness = Liveness.UNKNOWN
    activity: Activity = Activity.UNKNOWN
    activity_since: datetime | None = None
    activity_source: str | None = None
    activity_text: str | None = None
    created_at: datetime
    scheduled_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    exit_code: int | None = None
    exit_signal: str | None = None
    left_behind: int = 0  # processes that the agent left behind and its launcher ended
    error: str | None = None
    handle: str | None = None  # the runtime's own token: finds the run again after a restart
    attested: tuple[str, ...] = ()  # observers that have seen this generation alive
    hooks_offset: int = 0  # how far hooks.jsonl of this generation has been taken in
    transcript_offset: int = 0  # how far the agent's own transcript of the conversation has been taken in
    conversation: str | None = None  # the agent's own name of it: a revived session goes on with it
    has_worked: bool = False  # a turn has begun in this generation
    turn_over_at: datetime | None = None  # the newest turn was heard to be over, and none is known to have begun since
    decision: Decision | None = None  # what it is blocked on
    limited_until: datetime | None = None  # when the usage limit that it has met ends; null: none, or nobody knows
    resume_text: str | None = None  # what has its agent go on behind a usage limit; null: nothing has
    account: str | None = None  # whose usage limit it shares with others, by a digest
    held_until: datetime | None = None  # it starts no sooner: its account is limited
    stuck_since: datetime | None = None  # it works, and nothing has come of it since then
    agent_version: str | None = None  # of the agent, as it tells itself
    spending: Spending = Spending()
    change: Change | None = None  # null: nobody has asked a forge yet, or there is none for it
    verification: Verification | None = None  # the newest one of this generation
    episodes: tuple[Episode, ...] = ()  # the ledger of its reactions
    notice: str | None = None  # why the row is less sure than it could be: a witness that ought to speak is silent
    ending: Ending | None = None
    kills_failed: int = 0
    outlived: bool = False  # something of the run was alive after its exit was recorded: only a clean sweep ends it
    effects_made: int = 0  # numbers the effects
    dues: tuple[Due, ...] = ()
    messages: tuple[Message, ...] = ()
    settled: tuple[Settled, ...] = ()
    effects: tuple[Effect, ...] = ()
    events: tuple[Event, ...] = ()  # numbered, not yet known to be safe in the journal

    @property
    def is_terminal(self) -> bool:
        """Tell whether this generation is over: no process of it lives, or none was ever launched."""
        return self.state in TERMINAL

    @property
    def is_being_verified(self) -> bool:
        """Tell whether a verification of its work is under way, or about to be."""
        return any(effect.kind is EffectKind.VERIFY for effect in self.effects)

    @property
    def parked_until(self) -> datetime | None:
        """Say when a usage limit that it has met ends: as it was told, or as long as one is taken to last."""
        return next((due.at for due in self.dues if due.name is DueName.LIMIT), self.limited_until)


class Home(Struct, frozen=True, kw_only=True):
    """The record `home.json`: the epoch, and the events that belong to no session; committed like a session."""

    schema: int
    epoch: int
    revision: int
    events: tuple[Event, ...] = ()

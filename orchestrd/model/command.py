"""Inputs: everything that `step` takes. Commands come from outside; the rest is the engine's own."""

from datetime import datetime

from msgspec import Struct

from orchestrd.model.change import Change
from orchestrd.model.ids import SessionId
from orchestrd.model.instant import DueName
from orchestrd.model.observation import ChangeTold, ChangeUntold, Exited, Observation
from orchestrd.model.reaction import Reaction, Refusal, Seen
from orchestrd.model.session import Session, Spec
from orchestrd.model.words import Authority, Receipt


class Spawn(Struct, frozen=True, kw_only=True, tag="spawn"):
    """Begin a session. The client minted its id, which is also the key that makes a repeated spawn harmless."""

    session: SessionId
    spec: Spec
    authority: Authority = Authority.USER
    is_forced: bool = False  # begin it though another works on the same issue


class Stop(Struct, frozen=True, kw_only=True, tag="stop"):
    """Ask the session to end: TERM, then after its grace KILL."""

    session: SessionId
    authority: Authority = Authority.USER
    grace_s: float | None = None


class Kill(Struct, frozen=True, kw_only=True, tag="kill"):
    """Force the session to end."""

    session: SessionId
    authority: Authority = Authority.USER


class Send(Struct, frozen=True, kw_only=True, tag="send"):
    """Type a text into the agent, now or at its next turn."""

    session: SessionId
    message: str  # its key: minted by the client, or chosen by whoever may send it again
    text: str
    authority: Authority = Authority.USER
    awaits_turn: bool = False  # this agent is typed into only while it is known to wait
    is_command: bool = False  # one of the agent's own, such as `/compact`: typed key by key
    digest: str | None = None  # of the text, where that lies in messages/ and only its beginning stands here


class Answer(Struct, frozen=True, kw_only=True, tag="answer"):
    """Answer the decision that the agent waits for, if it is still this one."""

    session: SessionId
    decision: str  # its id, as it was shown to whoever answers
    choice: str  # the key of one of its choices, or its number, from 1 on
    text: str | None = None  # goes along with it
    authority: Authority = Authority.USER


class Revive(Struct, frozen=True, kw_only=True, tag="revive"):
    """Start a new run of an ended session."""

    session: SessionId
    authority: Authority = Authority.USER


Command = Spawn | Stop | Kill | Send | Answer | Revive


class Replaced(Struct, frozen=True, kw_only=True):
    """Another hand has put a valid record in place of ours: it is adopted."""

    record: Session


class Placed(Struct, frozen=True, kw_only=True):
    """The session stands in its lane. `account`: whose usage limit it will share; `resume_text`: behind that."""

    account: str | None = None
    resume_text: str | None = None


class HeldBack(Struct, frozen=True, kw_only=True):
    """There might be a place for it, but its account is limited until then."""

    until: datetime


class Admitted(Struct, frozen=True, kw_only=True):
    """The lane has a place for the session."""


class Launched(Struct, frozen=True, kw_only=True):
    """The launch effect was performed; the run can be found by `handle`."""

    effect: str
    generation: int
    handle: str
    types_prompt: bool = False  # the prompt did not go along: it is to be typed once the agent waits


class LaunchFailed(Struct, frozen=True, kw_only=True):
    """The launch effect could not be performed, and no process of it lives."""

    effect: str
    generation: int
    error: str
    screen: str | None = None


class Terminated(Struct, frozen=True, kw_only=True):
    """The run was asked to end. `nothing_runs`: its claim was free and is now taken, so it never ran and never will."""

    effect: str
    generation: int
    nothing_runs: bool = False


class Swept(Struct, frozen=True, kw_only=True):
    """The kill effect is over. `survivors` empty is a proof; `exit` is the launcher's record, if there is one."""

    effect: str
    generation: int
    survivors: tuple[int, ...] = ()
    exit: Exited | None = None
    error: str | None = None
    screen: str | None = None  # the end of the output of a run that never started


class Attempted(Struct, frozen=True, kw_only=True):
    """A once effect is about to be performed."""

    effect: str


class Delivered(Struct, frozen=True, kw_only=True):
    """The deliver effect is over, with what is known of its outcome."""

    effect: str
    generation: int
    receipt: Receipt
    error: str | None = None


class Answered(Struct, frozen=True, kw_only=True):
    """The answer effect is over, with what is known of its outcome."""

    effect: str
    generation: int
    receipt: Receipt
    error: str | None = None


class DuePassed(Struct, frozen=True, kw_only=True):
    """A deadline of the session has passed; `step` looks again whether it really has."""

    name: DueName


class Restarted(Struct, frozen=True, kw_only=True):
    """A new daemon has found the session on disk; the first input it gives it."""


class React(Struct, frozen=True, kw_only=True):
    """Look at one reaction of the session, and do what it asks for now, if anything."""

    reaction: Reaction
    seen: Seen


class Notified(Struct, frozen=True, kw_only=True):
    """A notice was told over these channels; `is_over`: over all that it is routed to, or nobody tries any more."""

    effect: str
    reached: tuple[str, ...] = ()
    is_over: bool = True
    error: str | None = None  # of the channels over which it was not told


class Merged(Struct, frozen=True, kw_only=True):
    """The merge effect is over. `is_merged` null: nobody knows, and the next look at the change tells."""

    effect: str
    is_merged: bool | None
    change: Change | None = None  # as it was seen then
    error: str | None = None
    refusal: Refusal | None = None  # null: it was not refused, or nobody says for what
    words: str | None = None  # of who has refused it


class SpawnedAnother(Struct, frozen=True, kw_only=True):
    """The spawn effect is over: the id of the other session, or why there is none."""

    effect: str
    spawned: SessionId | None = None
    error: str | None = None


class CommandRun(Struct, frozen=True, kw_only=True):
    """The run effect is over. No exit code: it could not be run, or did not end in time."""

    effect: str
    exit_code: int | None = None
    output: str = ""  # the end of it
    error: str | None = None
    is_unknown: bool = False  # nobody knows whether it ran, or how it ended: it is not run again for that


class Verified(Struct, frozen=True, kw_only=True):
    """The verify effect is over."""

    effect: str
    generation: int
    exit_code: int | None = None
    is_clean: bool | None = None
    head: str | None = None
    beginning: str | None = None
    output: str = ""  # the end of it
    error: str | None = None


ReactionResult = Notified | Merged | SpawnedAnother | CommandRun  # of an effect that a reaction has intended
Result = Launched | LaunchFailed | Terminated | Swept | Attempted | Delivered | Answered | Verified | ReactionResult
Input = (
    Command
    | Replaced
    | Observation
    | ChangeTold
    | ChangeUntold
    | Placed
    | HeldBack
    | Admitted
    | Result
    | DuePassed
    | Restarted
    | React
)

"""The machine contract: what `--json` prints and the API answers. Fields are only added; readers ignore unknown ones.

The JSON Schemas in the package are generated from these structs.
"""

from datetime import datetime
from typing import Literal

from msgspec import Struct, field

from orchestrd.model.agent import Capabilities
from orchestrd.model.allowance import Allowance
from orchestrd.model.change import Change
from orchestrd.model.decision import Decision
from orchestrd.model.ids import SessionId
from orchestrd.model.session import Spec, Workspace
from orchestrd.model.spending import Tokens
from orchestrd.model.verification import Verification
from orchestrd.model.words import Authority, Permission, Receipt, Until
from orchestrd.model.worktree import Ignored


class Document(Struct, frozen=True, kw_only=True):
    """One session as it is told to the world. `state` is a word of the machine, or `accepted` while it is spooled."""

    id: SessionId
    name: str
    project: str
    agent: str
    runtime: str
    argv: tuple[str, ...]
    prompt: str | None
    permission: str = Permission.ASK  # what becomes of what its agent needs permission for ...
    allow: tuple[str, ...] = ()  # ... and what is done without asking, in the agent's own words
    desired: str
    state: str
    reason: str
    state_since: datetime
    liveness: str
    activity: str
    activity_since: datetime | None
    activity_source: str | None
    activity_text: str | None
    stuck_since: datetime | None = None  # it works, and nothing has come of it since then
    limited_until: datetime | None = None  # it is parked until then, by a usage limit; null: by none
    held_until: datetime | None = None  # it starts no sooner: the usage limit of its account ends then
    decision: Decision | None = None  # what it waits for: `answer` takes its id, and the key or number of a choice
    agent_version: str | None = None
    tokens: Tokens | None = None  # all that its conversation has cost so far; null: nobody tells
    cost_usd: float | None = None
    generation: int
    revision: int
    exit_code: int | None
    exit_signal: str | None
    error: str | None
    notice: str | None = None  # why its activity is less sure than it could be
    conversation: str | None = None  # the agent's own name of it, once its disk holds it
    left_behind: int = 0  # processes that the agent left behind when it ended; its launcher has ended them
    created_at: datetime
    scheduled_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    workspace: Workspace
    until: str = Until.EXIT  # what ends it, completed
    issue: str | None = None  # what it was given to work on
    change: Change | None = None  # its branch and pull request, as its forge tells; null: nobody has told yet
    verify: str | None = None  # the command that tells whether its work is done ...
    verification: Verification | None = None  # ... and what that came to last
    verifying_since: datetime | None = None  # it is run now, for the turn that was over then; null: it is not
    attach: tuple[str, ...] | None
    log: str


class DaemonFacts(Struct, frozen=True, kw_only=True):
    """The daemon that answers. `rejected` counts the files that lie in its quarantine.

    `trouble` says what failed when it was last tried (a full disk: nothing can be written); null when all works. All
    there is stands in `troubles`, the newest first.
    `config` is the file its settings are read from, `fixed` names those that a flag has said instead; `reloads` counts
    how often it was read again, and `refused` says why the newest of these changed nothing; null when it was taken.
    """

    pid: int
    version: str
    epoch: int
    started_at: datetime
    home: str
    interval_s: float
    max_running: int
    sequence: int  # number of the newest event: the cursor that belongs to this snapshot
    rejected: int
    trouble: str | None = None
    troubles: tuple[str, ...] = ()
    config: str | None = None
    fixed: tuple[str, ...] = ()
    reloads: int = 0
    refused: str | None = None
    allowances: tuple[Allowance, ...] = ()  # of the forges that were asked since it started


class Usage(Struct, frozen=True, kw_only=True):
    """What the processes of a session's run take of the machine.

    `memory_bytes` is PSS: a page that several processes share counts in each by its part; null where there was no time
    to look at all of them. `cpu_percent` is of one core, over the last second or so.
    """

    processes: int
    memory_bytes: int | None
    cpu_percent: float


class Status(Struct, frozen=True, kw_only=True):
    """`status --json`. Without a daemon `daemon` is null and `newest_record_at` says how old the newest record is.

    `usage` is by session, of those that run, and null unless it was asked for (`--wide`). `asked_about` names the
    sessions whose forge is asked about them: while the `change` of one of these is null, it has not answered.
    """

    daemon: DaemonFacts | None
    sessions: tuple[Document, ...]
    hidden: int
    newest_record_at: datetime | None = None
    usage: dict[str, Usage] | None = None
    asked_about: tuple[SessionId, ...] = ()


class Gap(Struct, frozen=True, kw_only=True):
    """A line of the event stream that tells of numbers that are no longer kept, both ends included."""

    type: Literal["gap"] = "gap"
    from_: int = field(name="from")
    to: int


class Version(Struct, frozen=True, kw_only=True):
    """What `GET /v1/version` answers; `api` rises only when a reader of the old one would be wrong."""

    version: str
    api: int = 1


class KnownAgent(Struct, frozen=True, kw_only=True):
    """An agent that the daemon can drive. `witnesses` tell what it is doing, the most believed first.

    `program` is where it is on the PATH of whoever asks, and `version` what it says of itself: null from the daemon,
    which does not look, and where there is none.
    """

    name: str
    needs_terminal: bool
    capabilities: Capabilities
    witnesses: tuple[str, ...]
    program: str | None = None
    version: str | None = None


class KnownAgents(Struct, frozen=True, kw_only=True):
    """What `GET /v1/agents` and `agents --json` answer."""

    agents: tuple[KnownAgent, ...]


class Health(Struct, frozen=True, kw_only=True):
    """What `GET /v1/health` answers: the daemon's loop turns, and this is where its journal stands."""

    status: Literal["ok"] = "ok"
    pid: int
    epoch: int
    sequence: int


class WitnessDocument(Struct, frozen=True, kw_only=True):
    """What one observer last said of one axis, and how long ago."""

    axis: str
    observer: str
    verdict: str
    at: datetime
    age_s: float
    excerpt: str
    rank: int | None = None  # in the order of its agent, of a witness of the activity: 1 is believed most


class Explanation(Struct, frozen=True, kw_only=True):
    """Why a session's row says what it says: the rule that won on each axis, then every witness."""

    session: Document
    state_rule: str
    liveness_rule: str
    activity_rule: str
    change_rule: str = ""  # who told of its change and when, or why nobody has; empty: there is nothing to tell
    witnesses: tuple[WitnessDocument, ...]
    pending: tuple[str, ...]  # deadlines, effects and messages in flight, each as a sentence
    trouble: str | None = None  # of the daemon: while it lasts, what is said here may be old


class SpawnRequest(Struct, frozen=True, kw_only=True):
    """Body of a spawn. The id stands in the Idempotency-Key header as well, and must be the same."""

    id: SessionId
    spec: Spec
    environment: dict[str, str]
    prompt: str | None = None  # the whole of it
    authority: Authority = Authority.USER
    is_forced: bool = False  # begin it though another works on the same issue


class SendRequest(Struct, frozen=True, kw_only=True):
    """Body of a send; `message` is its key, so a repeated send is the same send."""

    message: str
    text: str
    authority: Authority = Authority.USER
    is_command: bool = False  # of the agent's own, such as `/compact`


class AnswerRequest(Struct, frozen=True, kw_only=True):
    """Body of an answer: to the decision of this id and no other, by the key or the number of one of its choices.

    The same answer once more is the same answer. `text` goes along where the choice takes one.
    """

    decision: str
    choice: str
    text: str | None = None
    authority: Authority = Authority.USER


class StopRequest(Struct, frozen=True, kw_only=True):
    """Body of stop, kill and revive; may be left out."""

    authority: Authority = Authority.USER
    grace_s: float | None = None


class SendReply(Struct, frozen=True, kw_only=True):
    """`send --json`. Refused at once, and not for a decision that it waits for, it has a `hint`: the next command."""

    session: SessionId
    receipt: Receipt
    error: str | None = None
    hint: str = ""


class AnswerReply(Struct, frozen=True, kw_only=True):
    """`answer --json` with a choice. Where it was refused `error` says why, and `hint` is the next command.

    What was answered with what: `asked` is the text of the decision, `number` and `label` are those of the choice; null
    where it was not asked then any more.
    """

    session: SessionId
    decision: str
    choice: str
    number: int | None = None
    label: str | None = None
    asked: str | None = None
    receipt: Receipt
    error: str | None = None
    hint: str = ""


class Screen(Struct, frozen=True, kw_only=True):
    """`screen --json`: what the session's terminal shows now, or showed at its end; plain text, a line each row."""

    session: SessionId
    screen: str


class CleanRequest(Struct, frozen=True, kw_only=True):
    """Body of a clean: which sessions' worktrees, by id, name or prefix; all of them where none is named."""

    dry_run: bool = False
    sessions: tuple[str, ...] = ()


class CleanedWorktree(Struct, frozen=True, kw_only=True):
    """What a clean did with one worktree, or would do: `deed` is a word of its vocabulary.

    `hint` is the next command where it stays, and the way back where it was removed. `ref` holds what was preserved.
    """

    session: str  # as its directory is called
    path: str
    deed: str
    why: str
    hint: str = ""
    project: str | None = None
    branch: str | None = None
    ref: str | None = None
    bytes: int = 0
    ignored: tuple[Ignored, ...] = ()  # the largest of what git ignores there: it is not preserved
    ignored_files: int = 0
    ignored_bytes: int = 0


class CleanReport(Struct, frozen=True, kw_only=True):
    """`clean --json`. `troubles` are removals begun earlier that could not be finished, each as a sentence."""

    dry_run: bool
    worktrees: tuple[CleanedWorktree, ...]
    freed_bytes: int  # in a dry run: that would be freed
    troubles: tuple[str, ...] = ()


class Archived(Struct, frozen=True, kw_only=True):
    """`rm --json`: the directory in which all of an archived session lies, and the worktree that it leaves, if any."""

    session: SessionId
    path: str
    worktree: str | None = None


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error as RFC 9457 writes it, with a stable code and the next command to try."""

    title: str
    status: int
    code: str
    detail: str = ""
    hint: str = ""
    type: str = "about:blank"
    candidates: tuple[str, ...] = ()

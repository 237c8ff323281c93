"""What a caller knows, made into a request: who asks, where, with which environment, under which new id.

The values of the environment are the caller's own, and only those that are named: the ones of `core.passing`, what is
configured and what was asked for. Nothing else of the caller, and nothing of the daemon, reaches the agent. What a
caller leaves open (`auto`) is decided here, where it can be seen: the request says what it is.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from orchestrd.client.goals import GoalWish
from orchestrd.client.issues import IssueWish
from orchestrd.client.policies import PolicyWish
from orchestrd.core.home import layout_from
from orchestrd.core.passing import environment_of
from orchestrd.core.prompt import head_of
from orchestrd.core.terminal import needs_terminal
from orchestrd.core.validate import problem_with_request
from orchestrd.model.document import SpawnRequest
from orchestrd.model.errors import RefusedError, UsageError
from orchestrd.model.ids import ID_ALPHABET, ID_CHARS, SessionId
from orchestrd.model.limits import SOCKET_PATH_BYTES_MAX
from orchestrd.model.session import Spec, Workspace
from orchestrd.model.settings import Configuration, EnvironmentSettings, SpawnSettings
from orchestrd.model.words import Authority

AUTO = "auto"  # of a runtime or a workspace: whatever fits where the caller stands
_BITS = 5  # of one character of an id


class WorkspaceWish(Struct, frozen=True, kw_only=True):
    """What is asked of the place to work in; see `Workspace` for what each of these comes to.

    `kind` is `worktree`, `none`, or `auto`: a worktree for an agent in a git repository and for whoever asks for what
    only a worktree has, else none; null: as configured. The base is the branch one stands on, or the commit, unless it
    is said or configured.
    """

    kind: str | None = None
    base: str | None = None
    copy: tuple[str, ...] = ()
    link: tuple[str, ...] = ()
    setup: str | None = None

    @property
    def has_details(self) -> bool:
        """Tell whether something is asked for that only a worktree has."""
        return bool(self.base or self.copy or self.link or self.setup)

    def is_none_for(self, agent: str) -> bool:
        """Tell whether it is clear without a look at the directory that there is no worktree to be made."""
        return not self.has_details and (self.kind == "none" or (self.kind == AUTO and agent == "shell"))

    def settled(self, usual: SpawnSettings, *, is_needed: bool = False) -> "WorkspaceWish":
        """Take the configured kind where none is asked for; who asks for what only a worktree has means no `none`.

        `is_needed`: there has to be a worktree, unless none is asked for.
        """
        kind = AUTO if usual.workspace == "none" and self.has_details else usual.workspace
        kind = "worktree" if is_needed else kind
        return self if self.kind is not None else replace(self, kind=kind)


def spawn_request(
    *,
    argv: Sequence[str] = (),
    prompt: str | None = None,
    agent: str | None = None,
    runtime: str | None = None,
    workspace: WorkspaceWish = WorkspaceWish(),  # noqa: B008 - it is frozen
    directory: str = ".",
    name: str | None = None,
    env_names: Iterable[str] = (),
    grace_s: float | None = None,
    goal: GoalWish = GoalWish(),  # noqa: B008 - it is frozen
    issue: IssueWish = IssueWish(),  # noqa: B008 - as above
    policy: PolicyWish = PolicyWish(),  # noqa: B008 - as above
    usual: Configuration = Configuration(),  # noqa: B008 - as above
    environ: Mapping[str, str] = os.environ,
    notice: Callable[[str], None] = lambda _: None,
) -> SpawnRequest:
    """Ask for a session that runs `argv`, or `agent` with `prompt`, in `directory`; without a name it bears its id.

    What is not said is taken from `usual`, what is configured. `notice` is told what a person should know of what was
    chosen for them. Raises UsageError when it cannot be asked for: a directory that is not there, a variable that is
    not set, whatever breaks a rule; and RefusedError where a worktree, or the tmux that the agent needs, cannot be had.
    """
    session, agent = mint_id(), agent or usual.spawn.agent
    place = existing_directory(directory, hint="orch spawn --dir DIRECTORY -- COMMAND")
    prompt, called = issue.settled(prompt, notice)
    ends = goal.settled(usual.spawn)
    wish, about = workspace.settled(usual.spawn, is_needed=ends.needs_branch), name or called or prompt or ""
    project, where = _workspace(session, wish, agent, usual.spawn, place, about=about, environ=environ, notice=notice)
    environment = _environment(agent, env_names, environ, usual.environment)
    permission, allow = policy.settled(agent, usual.spawn)
    spec = Spec(
        name=(called or session) if name is None else name,
        project=project,
        agent=agent,
        runtime=chosen_runtime(runtime or usual.spawn.runtime, agent, environ=environ, notice=notice),
        argv=tuple(argv),
        workspace=where,
        nonce=os.urandom(8).hex(),
        **asdict(head_of(prompt)),
        env_names=tuple(environment),
        grace_s=usual.spawn.grace_s if grace_s is None else grace_s,
        **asdict(ends),
        issue=issue.id,
        permission=permission,
        allow=allow,
    )
    request = SpawnRequest(id=session, spec=spec, environment=environment, prompt=prompt, is_forced=issue.is_forced)
    return _valid(replace(request, authority=caller_authority(environ)))


def _workspace(
    session: SessionId, wish: WorkspaceWish, agent: str, usual: SpawnSettings, place: str, **told: Any
) -> tuple[str, Workspace]:
    """Give the project and where it is worked in: the place itself, or a worktree (see `worktree_for`)."""
    if wish.is_none_for(agent):
        return place, Workspace(kind="none", path=place)
    from orchestrd.client.worktrees import worktree_for

    return worktree_for(session, wish, usual, place, **told)


def chosen_runtime(
    wanted: str, agent: str, *, environ: Mapping[str, str], notice: Callable[[str], None] = lambda _: None
) -> str:
    """Decide on `auto`: tmux, so that one can attach to it, where the caller can have it; else a plain process.

    Raises RefusedError (`no_terminal`) where an agent cannot do without.
    """
    if wanted != AUTO:
        return wanted
    from shutil import which

    socket = layout_from(environ).tmux_socket
    if not which("tmux", path=environ.get("PATH", "")):
        lack, hint = "there is none on your PATH", "apt install tmux"
    elif len(os.fsencode(socket)) > SOCKET_PATH_BYTES_MAX:
        lack, hint = f"{socket} is too long for the address of a tmux server", "export ORCH_HOME=SHORTER_DIRECTORY"
        if not needs_terminal(agent):
            notice(f"orch: {lack}: the session runs as a plain process, as with --runtime process")
    else:
        return "tmux"
    if needs_terminal(agent):
        raise RefusedError(f"agent {agent} needs tmux, and {lack}", code="no_terminal", hint=hint)
    return "process"


def caller_authority(environ: Mapping[str, str] = os.environ) -> Authority:
    """Tell on whose authority the caller acts: inside a run it is an agent."""
    return Authority.AGENT if environ.get("ORCH_SESSION") else Authority.USER


def mint_id() -> SessionId:
    """Make a new session id out of 40 random bits."""
    bits = int.from_bytes(os.urandom(ID_CHARS * _BITS // 8), "big")
    return SessionId("".join(ID_ALPHABET[bits >> shift & 31] for shift in range(0, ID_CHARS * _BITS, _BITS)))


def mint_message_id() -> str:
    """Make a new id for one message, by which a repeated send is known."""
    return os.urandom(8).hex()


def _valid(request: SpawnRequest) -> SpawnRequest:
    if problem := problem_with_request(request):
        raise UsageError(problem, code="invalid", hint="orch spawn --help")
    return request


def existing_directory(directory: str, *, hint: str) -> str:
    """Give the whole path of a directory. Raises UsageError (`no_directory`) with this hint."""
    path = os.path.abspath(directory)  # noqa: PTH100 - resolving links would name a directory the user does not know
    if os.path.isdir(path):  # noqa: PTH112 - as above
        return path
    raise UsageError(f"there is no directory {path!r}", code="no_directory", hint=hint)


def _environment(
    agent: str, names: Iterable[str], environ: Mapping[str, str], settings: EnvironmentSettings
) -> dict[str, str]:
    asked = tuple(names)
    for name, equals, _ in (name.partition("=") for name in asked):
        if equals:  # the value may be a secret: it is not repeated
            raise UsageError(
                f"--env passes on a variable that is set here, and takes no value: give the name only: --env {name}",
                code="invalid",
                hint="orch spawn --help",
            )
    missing = [name for name in asked if name not in environ]
    if missing:
        raise UsageError(
            f"the environment variable {missing[0]!r} is not set here: export it, or leave --env {missing[0]} out",
            code="not_set",
            hint="orch spawn --help",
        )
    return environment_of(agent, environ, asked, settings)

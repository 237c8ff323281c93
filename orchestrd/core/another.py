"""The request for another session, which a reaction to one begins: the same project, the same kind of workspace.

Invariant: the same effect of the same session makes the same request, id included, so that performing it once more
begins nothing.
"""

import hashlib
from collections.abc import Mapping

from msgspec.structs import asdict, replace

from orchestrd.core.prompt import head_of
from orchestrd.core.worktree import branch_for, worktree_path
from orchestrd.model.document import SpawnRequest
from orchestrd.model.effect import Effect
from orchestrd.model.ids import ID_ALPHABET, ID_CHARS, SessionId
from orchestrd.model.limits import NAME_CHARS_MAX
from orchestrd.model.reaction import SpawnOrder
from orchestrd.model.session import Session, Spec, Workspace
from orchestrd.model.words import Authority, Permission, Until

NONCE_CHARS = 16


def another(
    session: Session, effect: Effect, order: SpawnOrder, environment: Mapping[str, str], worktrees: str
) -> SpawnRequest:
    """Make the request. `environment`: that of the session; `worktrees`: where those of ours lie.

    Another agent is given no arguments and no rules of this one's. It works until it exits, as whatever is begun.
    """
    digest = hashlib.sha256(f"{session.id} {session.spec.nonce} {effect.id}".encode()).digest()
    name = SessionId("".join(ID_ALPHABET[byte & 31] for byte in digest[:ID_CHARS]))
    is_same = order.agent in ("", session.spec.agent)
    spec = replace(
        session.spec,
        name=_name(session.spec.name, effect.reaction or name),
        workspace=_workspace(session.spec, name, order.prompt, worktrees),
        nonce=digest.hex()[-NONCE_CHARS:],
        until=Until.EXIT,
        verify=None,
        issue=None,
        begun_by=effect.reaction,
        **asdict(head_of(order.prompt or None)),
    )
    if not is_same:
        asks = Permission.ASK if spec.permission is Permission.ALLOW else spec.permission  # its rules were the other's
        spec = replace(spec, agent=order.agent, argv=(), permission=asks, allow=())
    return SpawnRequest(
        id=name,
        spec=spec,
        environment=dict(environment),
        prompt=order.prompt or None,
        authority=Authority.USER,
    )


def _name(name: str, addition: str) -> str:
    """Call it after the session and what has begun it."""
    end = f"-{addition}"[:NAME_CHARS_MAX]
    return f"{name[: NAME_CHARS_MAX - len(end)].rstrip()}{end}"


def _workspace(spec: Spec, session: SessionId, about: str, worktrees: str) -> Workspace:
    """Give it a worktree of its own, begun where that of the session was; or the same directory."""
    if not spec.workspace.is_worktree:
        return spec.workspace
    return replace(
        spec.workspace, path=worktree_path(worktrees, spec.project, session), branch=branch_for(session, about)
    )

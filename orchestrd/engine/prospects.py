"""The prospects of a goal: whether a forge could ever tell of its pull request, before a session is begun for it.

Only what is certain is said against it: what cannot be looked at, or does not answer, may be so later.
"""

from collections.abc import Callable
from shlex import quote

from orchestrd.core.remotes import remote_at
from orchestrd.engine.forges import WHY_NONE, Forges
from orchestrd.model.errors import RefusedError
from orchestrd.model.ids import SessionId
from orchestrd.model.session import Spec
from orchestrd.model.words import OF_PULL_REQUEST, Until
from orchestrd.ports import Checkouts, Forge, WantedCheckout

_NOBODY = SessionId("")
_OTHER_GOAL = f"orch spawn --until {Until.TURN}"


class Prospects:
    """Looks at the project of a session. `remote` names the remote that leads to its forge."""

    def __init__(self, forges: Forges, checkouts: Checkouts, remote: Callable[[], str]) -> None:
        self._forges = forges
        self._checkouts = checkouts
        self._remote = remote

    async def problem_with(self, spec: Spec) -> RefusedError | None:
        """Say why a goal can never be met, or null."""
        if spec.until not in OF_PULL_REQUEST:
            return None
        if not self._forges.current:
            return _unreachable(spec, f"no forge is asked, for {WHY_NONE}", "orch doctor")
        name = self._remote()
        (found,) = await self._checkouts.look([WantedCheckout(session=_NOBODY, path=spec.project)], name)
        if found.lacks_remote:
            hint = f"git -C {quote(spec.project)} remote add {quote(name)} URL"
            return _unreachable(spec, f"{spec.project} has no remote {name!r} that it could be pushed to", hint)
        if found.remote is None:  # it may be no repository, or git does not tell now
            return None
        if any(_may_know(forge, found.remote) for forge in self._forges.current.values()):
            return None
        return _unreachable(spec, f"{_place(found.remote)} is known to no forge that is asked", _OTHER_GOAL)


def _may_know(forge: Forge, remote: str) -> bool:
    try:
        return forge.repository_of(remote) is not None
    except Exception:  # noqa: BLE001 - the border of a forge: one that is broken is told of by the forge watch
        return True


def _unreachable(spec: Spec, why: str, hint: str) -> RefusedError:
    said = f"nobody could ever tell whether the goal {spec.until} is met: {why}"
    return RefusedError(said, code="no_forge", hint=hint)


def _place(remote: str) -> str:
    """Name where a remote leads to, of which more may be a secret."""
    found = remote_at(remote)
    return f"{found.host}/{found.path}" if found else "its remote"

"""Issues: read at the forge that they are at, for whoever begins a session with one."""

from collections.abc import Callable

from orchestrd.core.issue import IssueAt, issue_at
from orchestrd.core.remotes import remote_at
from orchestrd.engine.forges import WHY_NONE, Forges
from orchestrd.model.errors import RefusedError, UsageError
from orchestrd.model.ids import SessionId
from orchestrd.model.issue import Issue
from orchestrd.ports import Checkouts, WantedCheckout

FROM_FILE = "orch spawn --issue issue.md"
_NOBODY = SessionId("")


class Issues:
    """Reads them. `remote` names the remote of a project's repository that leads to its forge."""

    def __init__(self, forges: Forges, checkouts: Checkouts, remote: Callable[[], str]) -> None:
        self._forges = forges
        self._checkouts = checkouts
        self._remote = remote

    async def read(self, directory: str, text: str) -> Issue:
        """Read the issue that a number, for a project, or a URL means.

        Raises UsageError where it means none, RefusedError (`no_remote`, `no_forge`) where nobody could be asked, and
        what `Forge.issue` does.
        """
        at = issue_at(text)
        if at is None:
            raise UsageError(
                f"{text[:200]!r} is no issue: give its number, its URL or a file", code="no_issue", hint=FROM_FILE
            )
        remote = at.remote or await self._remote_of(directory)
        for forge in self._forges.current.values():
            if (repository := forge.repository_of(remote)) is not None:
                with self._forges.lent(forge):
                    return await forge.issue(repository, at.number)
        raise self._no_forge(remote, at)

    async def _remote_of(self, directory: str) -> str:
        name = self._remote()
        found = await self._checkouts.look([WantedCheckout(session=_NOBODY, path=directory)], name)
        if found[0].remote is None:
            raise RefusedError(
                f"{directory} is in no repository with a remote {name!r}, so nobody knows whose issue it is",
                code="no_remote",
                hint="orch spawn --issue https://github.com/OWNER/REPOSITORY/issues/12",
            )
        return found[0].remote

    def _no_forge(self, remote: str, at: IssueAt) -> RefusedError:
        """Say that nobody could be asked; of a remote only what is no secret."""
        found = remote_at(remote)
        place = f"{found.host}/{found.path}" if found else "a repository on this machine"
        names = ", ".join(self._forges.current)
        known = f"there is: {names}" if names else f"there is none: {WHY_NONE}"
        return RefusedError(f"no forge knows of issue {at.number} of {place}; {known}", code="no_forge", hint=FROM_FILE)

"""Workspace `none`: the run works in the project directory itself. Nothing is made, so nothing can be destroyed."""

import asyncio
import os
import stat
from shlex import quote

from orchestrd.model.errors import NotFoundError, OrchestrdError, RefusedError, TransientError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import WORKSPACE_LOOK_S
from orchestrd.model.session import Spec
from orchestrd.workspaces.context import WorkspaceContext


def keeper(_: WorkspaceContext) -> "DirectoryKeeper":
    """Make the keeper of directories."""
    return DirectoryKeeper()


class DirectoryKeeper:
    """Makes sure that the directory is there and can be entered."""

    kind = "none"

    async def prepare(self, session: SessionId, spec: Spec) -> None:
        path = spec.workspace.path
        try:
            async with asyncio.timeout(WORKSPACE_LOOK_S):
                problem = await asyncio.to_thread(_problem_with, path)
        except TimeoutError:
            raise TransientError(
                f"the directory {path} of {spec.name} does not answer", code="workspace_late", hint=f"ls {quote(path)}"
            ) from None
        if problem is not None:
            raise problem


def _problem_with(path: str) -> OrchestrdError | None:
    elsewhere = "orch spawn --dir DIRECTORY"
    try:
        found = os.stat(path)  # noqa: PTH116 - Path.stat is the same with more steps
    except FileNotFoundError:
        return NotFoundError(
            f"the directory {path} does not exist", code="no_directory", hint=f"mkdir -p {quote(path)}"
        )
    except OSError as error:
        return RefusedError(
            f"the directory {path} cannot be reached: {error.strerror}", code="no_directory", hint=elsewhere
        )
    if not stat.S_ISDIR(found.st_mode):
        return RefusedError(f"{path} is not a directory", code="no_directory", hint=elsewhere)
    if not os.access(path, os.X_OK):
        return RefusedError(
            f"the directory {path} may not be entered", code="no_directory", hint=f"chmod u+x {quote(path)}"
        )
    return None

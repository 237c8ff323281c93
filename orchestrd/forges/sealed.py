"""Git in a repository that anybody may have set up: it starts none of the programs that one names.

Git runs what a repository's own settings name to merge files and, where an object is missing, to fetch it. So nothing
is fetched here at all, and a merge sees the objects of the repository, but neither its settings nor its attributes.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from orchestrd.model.limits import GIT_S
from orchestrd.ports.git import Git, GitAnswer

NO_PROTOCOL = {"GIT_ALLOW_PROTOCOL": "none"}  # the only one that may be fetched by, and there is none of that name


class SealedGit:
    """The git that it is given, without a way out. Implements `ports.git.Git`."""

    def __init__(self, git: Git) -> None:
        self._git = git

    def alone(self, repository: str) -> asyncio.Lock:
        """See the port."""
        return self._git.alone(repository)

    async def ask(
        self,
        directory: str,
        *arguments: str,
        limit_s: float = GIT_S,
        given: bytes = b"",
        environment: Mapping[str, str] | None = None,
    ) -> GitAnswer:
        """See the port."""
        sealed = {**(environment or {}), **NO_PROTOCOL}
        return await self._git.ask(directory, *arguments, limit_s=limit_s, given=given, environment=sealed)

    async def must(
        self,
        directory: str,
        *arguments: str,
        limit_s: float = GIT_S,
        given: bytes = b"",
        environment: Mapping[str, str] | None = None,
    ) -> GitAnswer:
        """See the port."""
        sealed = {**(environment or {}), **NO_PROTOCOL}
        return await self._git.must(directory, *arguments, limit_s=limit_s, given=given, environment=sealed)


@asynccontextmanager
async def apart(git: Git, repository: str, *, is_kept: bool) -> AsyncIterator[Mapping[str, str]]:
    """Give an environment in which git has the objects of a repository and nothing else of it.

    What it makes goes to them where it is to be kept, and else is gone at the end.
    """
    asked = ("rev-parse", "--show-object-format", "--path-format=absolute", "--git-path", "objects")
    form, objects = (await git.must(repository, *asked)).text.split("\n", 1)
    scratch = await asyncio.to_thread(TemporaryDirectory, prefix="orch-merge-")
    try:
        await asyncio.to_thread(_make, Path(scratch.name), form)
        yield {
            "GIT_DIR": scratch.name,
            "GIT_OBJECT_DIRECTORY": objects if is_kept else f"{scratch.name}/objects",
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": objects,
        }
    finally:
        await asyncio.to_thread(scratch.cleanup)


def _make(place: Path, form: str) -> None:
    """Make a bare repository without anything, as git knows one."""
    for folder in ("objects", "refs"):
        (place / folder).mkdir()
    (place / "HEAD").write_text("ref: refs/heads/none\n")
    settings = "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n"
    (place / "config").write_text(f"{settings}\tobjectFormat = {form}\n")

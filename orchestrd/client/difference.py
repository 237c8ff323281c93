"""What a session's work differs by from what it began at: which git to run for it, and over what.

Everything counts: what was committed since, what was not, and files that git does not track yet. Invariant: nothing is
changed for a look. The index is copied, and it is the copy that is told of new files.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct

from orchestrd.client.repository import Said, ask
from orchestrd.core.cleaning import preserve_ref
from orchestrd.core.repository import LOCAL_NAMES, git_argv, git_environment
from orchestrd.model.document import Document
from orchestrd.model.errors import OrchestrdError, RefusedError
from orchestrd.model.limits import DIFF_S

NO_WORKTREE = "none"
# Neither is written for a look: a shared index beside the real one, and a hint about repositories inside.
QUIETLY = ("-c", "core.splitIndex=false", "-c", "core.untrackedCache=false", "-c", "advice.addEmbeddedRepo=false")


class Difference(Struct, frozen=True, kw_only=True):
    """A command line to run, its environment, and what a person should know about it."""

    argv: list[str]
    environment: dict[str, str]
    said: str = ""


@contextmanager
def difference(told: Document, *options: str, environ: Mapping[str, str]) -> Iterator[Difference]:
    """Give the git that shows it, good inside the `with` block.

    Raises RefusedError (`no_repository`, `nothing_left`), OrchestrdError as git fails.
    """
    with tempfile.TemporaryDirectory(prefix="orch-diff-") as scratch:
        look = _Look(told, environ)
        if look.is_there():
            yield look.at_what_is_there(f"{scratch}/index", options)
        else:
            yield look.at_what_is_left(options)


class _Look:
    """One look at one session."""

    def __init__(self, told: Document, environ: Mapping[str, str]) -> None:
        self._told = told
        self._environ = environ
        self._has_worktree = told.workspace.kind != NO_WORKTREE

    def is_there(self) -> bool:
        """Tell whether the directory it works in is there. Raises RefusedError where that is in no repository."""
        path = self._told.workspace.path
        if Path(path).is_dir() and self._ask(path, "rev-parse", "--is-inside-work-tree").out == "true":
            return True
        if Path(path).is_dir() or not self._has_worktree:
            raise RefusedError(
                f"session {self._told.id} works in {path}, which is no working tree of git",
                code="no_repository",
                hint=f"orch logs {self._told.id}",
            )
        return False

    def at_what_is_there(self, index: str, options: tuple[str, ...]) -> Difference:
        """Compare the working tree."""
        path = self._told.workspace.path
        real = self._must(path, "rev-parse", "--path-format=absolute", "--git-path", "index")
        if Path(real).exists():
            shutil.copyfile(real, index)
        self._tell_of_new_files(self._must(path, "rev-parse", "--show-toplevel"), index)
        said, ref = "", preserve_ref(self._told.id)
        if not self._has_worktree:
            said = f"session {self._told.id} works in the project itself: this is all that differs from its last commit"
        elif self._commit(path, ref):
            said = f"what an earlier clean has preserved of session {self._told.id} is in {ref}"
        base = self._base(path, "HEAD") if self._has_worktree else self._commit(path, "HEAD")
        return self._diff(path, (base or self._nothing(path),), options, said, index)

    def at_what_is_left(self, options: tuple[str, ...]) -> Difference:
        """Compare what a clean has preserved, or else the branch."""
        project, branch = self._told.project, self._told.workspace.branch
        preserved = preserve_ref(self._told.id)
        for ref in (preserved, *([f"refs/heads/{branch}"] if branch else [])):
            if Path(project).is_dir() and self._commit(project, ref):
                fate = "has been cleaned" if ref == preserved else "is not there"
                said = f"the worktree of session {self._told.id} {fate}: this is from {ref}"
                base = self._base(project, ref) or self._nothing(project)
                return self._diff(project, (base, ref), options, said)
        raise RefusedError(
            f"nothing is left of the work of session {self._told.id} in {project}: neither worktree nor branch",
            code="nothing_left",
            hint=f"orch show {self._told.id}",
        )

    def _base(self, directory: str, tip: str) -> str | None:
        """Give the commit where the work left its base; or else the tip, so that what is not committed is left."""
        base = self._told.workspace.base or self._commit(self._told.project, "HEAD")
        found = self._ask(directory, "merge-base", base, tip) if base else None
        return found.out if found is not None and found.code == 0 else self._commit(directory, tip)

    def _commit(self, directory: str, name: str) -> str | None:
        found = self._ask(directory, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        return found.out if found.code == 0 else None

    def _nothing(self, directory: str) -> str:
        return self._must(directory, "hash-object", "-t", "tree", os.devnull)

    def _tell_of_new_files(self, top: str, index: str) -> None:
        """Have the copied index know of every file that is not ignored; what cannot be read is left out."""
        argv = git_argv(top, *QUIETLY, "add", "--intent-to-add", "--ignore-errors", "--", ".")
        objects = self._must(top, "rev-parse", "--path-format=absolute", "--git-path", "objects")
        thrown_away = Path(f"{index}.objects")  # git makes an object for what is not there yet
        thrown_away.mkdir()
        environment = git_environment(self._environ) | {
            "GIT_INDEX_FILE": index,
            "GIT_OBJECT_DIRECTORY": str(thrown_away),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": objects,
        }
        with suppress(subprocess.TimeoutExpired):  # then those not reached yet are missing
            subprocess.run(
                argv, stdin=subprocess.DEVNULL, capture_output=True, env=environment, timeout=DIFF_S, check=False
            )

    def _diff(
        self, directory: str, sides: tuple[str, ...], options: tuple[str, ...], said: str, index: str | None = None
    ) -> Difference:
        """Leave colours and the pager to git, as its user has set them."""
        argv = [word for word in git_argv(directory, *QUIETLY, "diff", *options, *sides, "--") if word != "--no-pager"]
        environment = {name: value for name, value in self._environ.items() if name not in LOCAL_NAMES}
        environment |= {"GIT_OPTIONAL_LOCKS": "0"} | ({"GIT_INDEX_FILE": index} if index else {})
        return Difference(argv=argv, environment=environment, said=said)

    def _ask(self, directory: str, *words: str) -> Said:
        return ask(directory, *words, environ=self._environ)

    def _must(self, directory: str, *words: str) -> str:
        said = self._ask(directory, *words)
        if said.code != 0:
            raise OrchestrdError(f"git {words[0]} failed in {directory}: {said.err.strip()}", code="git_failed")
        return said.out

"""What a session's worktree is called: its path, its branch, and what people read in them.

Invariant: the id alone makes both unique. Names that a person or an agent has chosen (of a project, a session, a
prompt) only decorate them, and cannot lead a path out of the managed root or make a branch that git refuses.
"""

import re
import unicodedata

from orchestrd.model.ids import ID_ALPHABET, ID_CHARS, SessionId
from orchestrd.model.limits import PROJECT_NAME_CHARS_MAX, SLUG_CHARS_MAX

PREFIX = "orch/"  # of the branches that are ours
MAKING = ".making"  # below the root: worktrees that are not finished yet; no project is called so
READY_MARK = "orchestrd-ready"  # in the git directory of a worktree that is
INCLUDE_FILE = ".worktreeinclude"  # patterns, as in a .gitignore, of ignored files that each worktree gets a copy of

_BRANCH = re.compile(rf"{PREFIX}([{ID_ALPHABET}]{{{ID_CHARS}}})(?:-[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)?")


def slug_of(text: str) -> str:
    """Make the first words of a text into a part of a branch: `fix-the-login`; empty where none can be written so."""
    plain = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", plain)
    slug = ""
    for word in words:
        longer = f"{slug}-{word}" if slug else word[:SLUG_CHARS_MAX]
        if len(longer) > SLUG_CHARS_MAX:
            break
        slug = longer
    return slug


def branch_for(session: SessionId, text: str) -> str:
    """Name the branch of a session after what it is about."""
    slug = slug_of(text)
    return f"{PREFIX}{session}-{slug}" if slug else f"{PREFIX}{session}"


def owner_of(branch: str) -> SessionId | None:
    """Tell which session a branch was named for; null where it is none of ours."""
    named = _BRANCH.fullmatch(branch)
    return SessionId(named[1]) if named and len(branch) <= len(PREFIX) + ID_CHARS + 1 + SLUG_CHARS_MAX else None


def project_name(project: str) -> str:
    """Name a project's folder of worktrees after its own: one path component, visible and no option."""
    own = project.rstrip("/").rpartition("/")[2].removesuffix(".git")
    name = "".join(char if char.isalnum() or char in "._-" else "-" for char in own).lstrip(".-")
    return name[:PROJECT_NAME_CHARS_MAX] or "project"


def worktree_path(root: str, project: str, session: SessionId) -> str:
    """Give where the worktree of a session lies: `<root>/<project>/<id>`."""
    return f"{root}/{project_name(project)}/{session}"


def making_path(root: str, session: SessionId) -> str:
    """Give where it is made; it takes its place whole. As deep as that place, so that relative links hold."""
    return f"{root}/{MAKING}/{session}"

"""A place of our own for what git needs while a worktree is looked at and preserved.

It holds a bare repository with an index and no objects of its own: what is stored goes into the objects of the real
one. So no hook, no filter, no line ending, no identity and no setting of the real one has a say in it, and the bytes on
disk become blobs as they are. A scratch that a crash has left is emptied by the next one for the same worktree.
"""

import os
import shutil

HIDDEN = ".scratch"  # below the root, beside the projects
IDENTITY = {
    f"GIT_{who}_{what}": word
    for who in ("AUTHOR", "COMMITTER")
    for what, word in (("NAME", "orchestrd"), ("EMAIL", "orchestrd@localhost"))
}
# Names that other systems would take for .git are files like any other here.
_CONFIG = """\
[core]
\trepositoryformatversion = {version}
\tbare = false
\tfileMode = true
\tsymlinks = true
\tignoreCase = false
\tautocrlf = false
\tprotectNTFS = false
\tprotectHFS = false
\tfsync = all
[extensions]
\tobjectFormat = {algorithm}
"""
_CONFIG_OF_OLD = _CONFIG.partition("[extensions]")[0]  # git before 2.29 knows no other format than this
_ATTRIBUTES = "* !text !eol !crlf !ident !filter !working-tree-encoding\n"


class Scratch:
    """One scratch directory."""

    def __init__(self, path: str) -> None:
        self.path = path

    def fill(self, algorithm: str) -> None:
        """Make the repository."""
        for directory in ("git/objects", "git/refs", "git/info"):
            os.makedirs(f"{self.path}/{directory}", exist_ok=True)
        settings = (
            _CONFIG_OF_OLD.format(version=0) if algorithm == "sha1" else _CONFIG.format(version=1, algorithm=algorithm)
        )
        for name, text in (("HEAD", "ref: refs/heads/none\n"), ("config", settings), ("info/attributes", _ATTRIBUTES)):
            with open(f"{self.path}/git/{name}", "w", encoding="utf-8") as file:
                file.write(text)

    def environment(self, index: str, work_tree: str, objects: str) -> dict[str, str]:
        """Give what makes git take this repository, one index of it, that directory, and the real one's objects."""
        return {
            "GIT_DIR": f"{self.path}/git",
            "GIT_INDEX_FILE": f"{self.path}/{index}",
            "GIT_WORK_TREE": work_tree,
            "GIT_OBJECT_DIRECTORY": objects,
            "GIT_CONFIG_COUNT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            **IDENTITY,
        }


def empty_scratch(path: str) -> Scratch:
    """Make a scratch directory, in the place of what a crash may have left. Blocking: it is small."""
    discard_scratch(path)
    os.makedirs(path, mode=0o700)
    return Scratch(path)


def discard_scratch(path: str) -> None:
    """Leave nothing of a scratch directory. Blocking."""
    shutil.rmtree(path, ignore_errors=True)

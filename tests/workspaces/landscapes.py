"""Worktrees in whatever state an agent may leave them, by a seed; and every byte of them, counted.

The bytes of a file are safe if they are where they were, or come back: by checking out what was preserved, or as the
very blob of it where line endings or filters are applied to a checkout. So it is for what was staged, and for commits.
"""

import os
import random
import stat
import subprocess
import tempfile
from pathlib import Path

from msgspec import Struct

from orchestrd.core.cleaning import preserve_ref

NAME = "k3v5aaaa"
BRANCH = f"orch/{NAME}-fix"
IGNORED = b"*.ignored\n/out/\n"
ATTRIBUTES = b"*.up filter=upper\n*.dos text eol=crlf\n*.id ident\n*.mixed text=auto\n"
HOOKS = ("pre-commit", "post-commit", "post-checkout", "reference-transaction", "post-index-change", "pre-auto-gc")
NAMES = (
    *(b"plain", b"with space", b"new\nline", b"tab\there", "ümläut ☃".encode(), b"\xff\xfe no text", b"-rf", b"--all"),
    *(b"a/b/c/d/e/f/deep", b'"quoted"', b"back\\slash", b"git~1", b"HEAD", b"index", b"*", b"[x]", b":(top)x", b"~"),
    *(b"trailing.", b"x" * 200, b"a.up", b"b.up", b"a.dos", b"b.dos", b"a.id", b"a.mixed", b".hidden", b"$HOME"),
)
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_LITERAL_PATHSPECS": "1",
}
ADA = (
    "-c",
    "user.name=Ada",
    "-c",
    "user.email=ada@example.org",
    "-c",
    "commit.gpgSign=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.protectNTFS=false",
)

Picture = dict[bytes, tuple[str, bytes]]  # path -> kind and content


def git(place: Path, *words: str | bytes, given: bytes = b"", code: int | None = 0) -> bytes:
    """Run git as its user does, who has a name; gives what it prints."""
    done = subprocess.run(
        ["git", *ADA, *words], cwd=place, env=ENVIRONMENT, input=given, capture_output=True, check=False, timeout=60
    )
    assert code is None or done.returncode == code, (words, done.stderr)
    return done.stdout.removesuffix(b"\n")


class Landscape:
    """A repository with one linked worktree below a managed root, in a state by chance."""

    def __init__(self, place: Path, seed: int = 0) -> None:
        self.project = place / "shop"
        self.root = place / "home" / "worktrees"
        self.worktree = self.root / "shop" / NAME
        self.hooked = place / "a hook has run"
        self.chance = random.Random(seed)
        self._begin()

    # ---- making it ---------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self.project.mkdir(parents=True)
        git(self.project, "init", "-q", "-b", "main")
        (self.project / ".gitignore").write_bytes(IGNORED)
        git(self.project, "add", "-A")
        git(self.project, "commit", "-q", "-m", "first")
        self.worktree.parent.mkdir(parents=True)
        git(self.project, "worktree", "add", "-q", "-b", BRANCH, str(self.worktree), "main")

    def hostile(self) -> "Landscape":
        """Set the repository up so that git does more than it is asked for, wherever it is let."""
        hooks = self.project / ".git" / "hooks"
        for name in (*HOOKS, "monitor"):
            (hooks / name).write_text(f"#!/bin/sh\n: > '{self.hooked}'\nexit 1\n")
            (hooks / name).chmod(0o755)
        for setting, value in (
            ("core.fsmonitor", str(hooks / "monitor")),
            ("commit.gpgSign", "true"),
            ("gpg.program", "false"),
            ("user.useConfigOnly", "true"),
            ("log.showSignature", "true"),
            ("core.safecrlf", "true"),
        ):
            git(self.project, "config", setting, value)
        return self

    def any_state(self) -> "Landscape":
        """Make commits, stage, change, delete, hide and leave lying around, all by chance."""
        chance = self.chance
        if chance.random() < 0.7:
            self._filters(chance.choice(("true", "input", "false")))
        names = chance.sample(NAMES, chance.randint(6, 16))
        tracked, new = names[: len(names) * 2 // 3], names[len(names) * 2 // 3 :]
        for name in tracked:
            self.write(name)
        self.add(*tracked)
        git(self.worktree, "commit", "-q", "--allow-empty", "-m", "second")
        if chance.random() < 0.3:
            git(self.project, "update-ref", "refs/remotes/origin/fix", BRANCH)
        for name in tracked:
            chance.choice(
                (
                    *(self._modify, self._stage, self._stage_twice, self._delete, self._untrack, self._move),
                    *(self._executable, self._link, self._hide, self._skip, self._folder, self._nothing),
                )
            )(name)
        for name in new:
            chance.choice((self.write, self.write, self._intend, self._stage, self._new_link))(name)
        self.write(b"big.ignored")
        self.write(b"out/built")
        return self

    def _filters(self, autocrlf: str) -> None:
        git(self.worktree, "config", "core.autocrlf", autocrlf)
        git(self.worktree, "config", "filter.upper.clean", "tr a-z A-Z")
        git(self.worktree, "config", "filter.upper.smudge", "cat")
        (self.worktree / ".gitattributes").write_bytes(ATTRIBUTES)

    def write(self, name: bytes) -> None:
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            path.unlink()
        path.write_bytes(self._content())

    def add(self, *names: bytes) -> None:
        git(self.worktree, "-c", "core.safecrlf=false", "add", "-f", "--", *names)

    def _content(self) -> bytes:
        chance = self.chance
        return chance.choice(
            (
                bytes,
                lambda: chance.randbytes(chance.randint(1, 2_000)),
                lambda: b"line\r\n" * chance.randint(1, 9),
                lambda: b"line\n" * chance.randint(1, 9),
                lambda: b"dos\r\nunix\nold\rnone",
                lambda: b"Words $Id$ and $Id: old $\n",
                lambda: chance.randbytes(200_000),
                f"number {chance.random()}\n".encode,
            )
        )()

    def _path(self, name: bytes) -> Path:
        return Path(os.fsdecode(os.fsencode(self.worktree) + b"/" + name))

    def _modify(self, name: bytes) -> None:
        self.write(name)

    def _stage(self, name: bytes) -> None:
        self.write(name)
        self.add(name)

    def _stage_twice(self, name: bytes) -> None:
        self._stage(name)
        self.write(name)

    def _delete(self, name: bytes) -> None:
        self._path(name).unlink()

    def _untrack(self, name: bytes) -> None:
        git(self.worktree, "rm", "-q", "--cached", "--", name)

    def _move(self, name: bytes) -> None:
        git(self.worktree, "mv", "--", name, name + b" moved")

    def _executable(self, name: bytes) -> None:
        self._path(name).chmod(0o755)

    def _link(self, name: bytes) -> None:
        self._path(name).unlink()
        self._new_link(name)

    def _new_link(self, name: bytes) -> None:
        self._path(name).parent.mkdir(parents=True, exist_ok=True)
        self._path(name).symlink_to(os.fsdecode(self.chance.choice((b"/etc/passwd", b"../..", b"nowhere\xff"))))

    def _hide(self, name: bytes) -> None:
        """Tell git not to look, and change it."""
        git(self.worktree, "update-index", "--assume-unchanged", "--", name)
        self.write(name)

    def _skip(self, name: bytes) -> None:
        git(self.worktree, "update-index", "--skip-worktree", "--", name)
        if self.chance.random() < 0.5:
            self.write(name)
        else:
            self._path(name).unlink()

    def _folder(self, name: bytes) -> None:
        self._path(name).unlink()
        self.write(name + b"/inside")

    def _intend(self, name: bytes) -> None:
        self.write(name)
        git(self.worktree, "-c", "core.safecrlf=false", "add", "-f", "-N", "--", name)

    def _nothing(self, name: bytes) -> None:
        pass

    # ---- counting it -------------------------------------------------------------------------------------------------

    def picture(self) -> "Work":
        """Count what is there: every byte of every file, what is staged, and every commit."""
        staged = git(self.worktree, "ls-files", "--stage", "-z").split(b"\0")[:-1]
        commits = git(self.worktree, "rev-list", "--reflog", "--all").split()
        return Work(
            files={path: told for path, told in files_of(self.worktree).items() if not _is_ignored(path)},
            blobs=frozenset(line.split(b" ")[1] for line in staged if not line.startswith(b"160000")),
            commits=frozenset(commits),
        )

    def lost(self, work: "Work") -> list[bytes]:
        """Name what is neither where it was, or lies aside, nor comes back."""
        found = [files_of(place) for place in self._places() if place.is_dir()]
        found += [picture for ref in self.refs() for picture in self._restored(ref)]
        return [path for path, told in work.files.items() if all(picture.get(path) != told for picture in found)]

    def lost_objects(self, work: "Work") -> set[bytes]:
        """Name what was staged or committed and is not reachable any more, now that git may forget what is not."""
        listed = git(self.project, "rev-list", "--objects", "--all", "--indexed-objects").splitlines()
        kept = {line.split(b" ")[0] for line in listed}
        return set(work.blobs | work.commits) - kept - {b"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"}

    def refs(self) -> list[str]:
        """Name what the work can be taken from, once its worktree has gone."""
        told = git(self.project, "for-each-ref", "--format=%(refname)", preserve_ref(NAME), f"refs/heads/{BRANCH}")
        return told.decode().splitlines()

    def _places(self) -> list[Path]:
        return [self.worktree, *(self.worktree.with_name(f".{NAME}{ending}") for ending in (".leaving", ".gone"))]

    def _restored(self, ref: str) -> list[Picture]:
        """Take the work back in both ways: by a checkout, and as it is stored."""
        with tempfile.TemporaryDirectory(prefix="restored-") as place:
            checkout = Path(place) / "checkout"
            git(self.project, "-c", "core.safecrlf=false", "worktree", "add", "-q", "--detach", str(checkout), ref)
            pictures = [files_of(checkout), self._stored(ref)]
            git(self.project, "worktree", "remove", "--force", str(checkout))
        return pictures

    def _stored(self, ref: str) -> Picture:
        kinds = {b"100644": "file", b"100755": "executable", b"120000": "link"}
        stored: Picture = {}
        for line in git(self.project, "ls-tree", "-r", "-z", "--full-tree", ref).split(b"\0")[:-1]:
            told, _, path = line.partition(b"\t")
            mode, kind, name = told.split(b" ")
            if kind == b"blob":
                stored[path] = (kinds[mode], _blob(self.project, name))
        return stored


class Work(Struct, frozen=True):
    """What somebody would miss."""

    files: Picture
    blobs: frozenset[bytes]
    commits: frozenset[bytes]


def files_of(place: Path) -> Picture:
    """Read every file below a directory, but for its link to a repository."""
    found: Picture = {}
    for directory, folders, files in os.walk(place):
        for path in (Path(directory, name) for name in (*files, *folders)):
            if path.is_symlink() or not path.is_dir():
                found[os.fsencode(path.relative_to(place))] = _read(path)
    found.pop(b".git", None)
    return found


def _read(path: Path) -> tuple[str, bytes]:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return "link", os.fsencode(path.readlink())
    return "executable" if mode & stat.S_IXUSR else "file", path.read_bytes()


def _blob(project: Path, name: bytes) -> bytes:
    return subprocess.run(
        ["git", "cat-file", "blob", name], cwd=project, env=ENVIRONMENT, capture_output=True, check=True
    ).stdout


def _is_ignored(path: bytes) -> bool:
    return path.endswith(b".ignored") or path.startswith(b"out/")

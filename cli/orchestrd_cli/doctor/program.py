"""Asking a program something: bounded in time, with nobody to ask back."""

import subprocess
from collections.abc import Mapping, Sequence

from msgspec import Struct

from orchestrd.model.limits import PROGRAM_ANSWER_S


class Said(Struct, frozen=True, kw_only=True):
    """What a program said. `code` is null where it had not ended in time, or could not be started."""

    code: int | None
    out: str = ""
    err: str = ""
    is_missing: bool = False  # there is no such program
    is_late: bool = False  # it may answer yet: a machine at work is slow

    @property
    def first_line(self) -> str:
        """What it said first, on whichever stream."""
        return (self.out.strip() or self.err.strip()).partition("\n")[0]


def ask(argv: Sequence[str], environ: Mapping[str, str], within_s: float = PROGRAM_ANSWER_S) -> Said:
    """Run a program that only looks, and give what it said."""
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=within_s, env=environ, check=False, cwd="/"
        )
    except subprocess.TimeoutExpired:
        return Said(code=None, err=f"it gave no answer within {within_s:g} s", is_late=True)
    except OSError as error:
        is_missing = isinstance(error, FileNotFoundError)
        return Said(code=None, err=f"it cannot be started: {error.strerror}", is_missing=is_missing)
    return Said(
        code=done.returncode,
        out=done.stdout.decode("utf-8", "replace"),
        err=done.stderr.decode("utf-8", "replace"),
    )

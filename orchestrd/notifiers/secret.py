"""Secrets of channels: read from the environment or a file when they are needed, and kept out of all that is said.

One that has several lines is none: as a header it would be refused by words that repeat it.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from orchestrd.model.errors import TransientError
from orchestrd.model.limits import SECRET_BYTES_MAX


class Secret(Struct, frozen=True, kw_only=True):
    """Where a secret is: the name of a variable, or of a file. Neither: there is none."""

    of: str  # what it is, in a message
    channel: str
    variable: str | None = None
    file: str | None = None

    @property
    def is_set(self) -> bool:
        """Tell whether there is to be one."""
        return self.variable is not None or self.file is not None

    def read(self, environ: Mapping[str, str]) -> str | None:
        """Read it, blocking; null where none is set. Raises TransientError (`no_secret`) where one is, and is missing.

        A file wins over a variable: it may be changed while the daemon runs.
        """
        if self.file is not None:
            return self._read_file(Path(self.file.replace("~", environ.get("HOME", "~"), 1)))
        if self.variable is None:
            return None
        if value := environ.get(self.variable, "").strip():
            return self._one_line(value, self.variable, f"export {self.variable}=... (then: orch daemon restart)")
        raise self._missing(
            f"the variable {self.variable} is not set for the daemon",
            f"export {self.variable}=... (then: orch daemon restart)",
        )

    def _read_file(self, path: Path) -> str:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe is not waited for
            try:
                value = os.read(descriptor, SECRET_BYTES_MAX).decode().strip()
            finally:
                os.close(descriptor)
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise self._missing(f"{self.file} cannot be read: {why}", f"ls -l {path}") from None
        if not value:
            raise self._missing(f"{self.file} is empty", f"ls -l {path}")
        return self._one_line(value, str(self.file), f"ls -l {path}")

    def _one_line(self, value: str, place: str, hint: str) -> str:
        if value.isprintable():
            return value
        raise self._missing(f"{place} should hold it in one line, and nothing else", hint)

    def _missing(self, why: str, hint: str) -> TransientError:
        return TransientError(f"the channel {self.channel} has no {self.of}: {why}", code="no_secret", hint=hint)


def without(text: str, secrets: Iterable[str | None]) -> str:
    """Leave these out of what is said."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[secret]")
    return text

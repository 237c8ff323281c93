"""Secrets that the configuration names: whether they are there, for nobody else to read. What they are is not read.

Variables are looked for where the caller stands; the daemon has those that it was started with.
"""

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from shlex import quote

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def missing_secrets(
    variables: tuple[str | None, ...], files: tuple[str | None, ...], environ: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Say what is wrong with each of them, with the next command; null names none."""
    for variable in filter(None, variables):
        if not environ.get(variable):
            yield f"{variable} is not set here", f"export {variable}=..."
    for file in filter(None, files):
        yield from _wrong_with(file, environ)


def _wrong_with(file: str, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Say what keeps a secret from being one."""
    path = Path(file.replace("~", environ.get("HOME", "~"), 1))
    try:
        found = path.stat()
    except OSError as error:
        yield f"{file}: {error.strerror}", f"ls -l {quote(str(path))}"
        return
    if found.st_size == 0:
        yield f"{file} is empty", f"ls -l {quote(str(path))}"
    elif found.st_mode & _OTHERS:
        yield f"{file} can be read by others", f"chmod 600 {quote(str(path))}"

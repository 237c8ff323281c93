"""A text that a verb takes from a file or from stdin: read whole or refused in one sentence."""

import shlex

from orchestrd.model.errors import UsageError

STDIN = "-"
IN_A_FILE = "put it in a file and name the file"


def read_text(what: str, file: str, bytes_max: int, *, hint: str, cure: str = IN_A_FILE) -> str:
    """Read all of it; `-` is stdin. `cure`: what to do where it is too long. Raises UsageError."""
    try:
        data = _read(file, bytes_max + 1)
        if len(data) > bytes_max:
            raise UsageError(f"{what} has more than {bytes_max:,} bytes: {cure}", hint=hint)
        return data.decode()
    except OSError as error:
        raise UsageError(f"{what} cannot be read: {error.strerror}", hint=hint) from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{what} is no UTF-8 text (byte {error.start}): convert it first", hint=_conversion(file)
        ) from error


def _read(file: str, limit: int) -> bytes:
    is_stdin = file == STDIN  # which may be closed: then python has no `sys.stdin`
    with open(0 if is_stdin else file, "rb", closefd=not is_stdin) as source:
        return source.read(limit)


def _conversion(file: str) -> str:
    """Give the line that shows it as UTF-8; what came over stdin goes through the same on its way."""
    return "iconv -f latin1 -t utf-8" + ("" if file == STDIN else f" -- {shlex.quote(file)}")

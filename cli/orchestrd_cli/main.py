"""Entry point of `orch`. Verbs that people, prompts and hooks run all day take a path that imports next to nothing.

Invariant: until the fast path has declined a command line, nothing beyond `orchestrd_cli.fast` and what the
interpreter holds anyway is imported; a test looks at `sys.modules`. Nothing else in the package knows of the fast path.
"""

import sys

from orchestrd_cli import exits, terminal

STDOUT = 1


def main() -> int:
    """Run the command line of this process; the exit code is one of `orchestrd_cli.exits`."""
    terminal.stand_in_for_closed_streams()
    try:
        code = _run(sys.argv[1:])
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except BrokenPipeError:
        terminal.let_go_of(STDOUT)
        return exits.PIPE_CLOSED
    except (OSError, terminal.Unwritable) as error:  # a full disk behind stdout, a file that may not be read
        terminal.let_go_of(STDOUT)
        terminal.note(f"orch: {_told(error)}")
        return exits.FAILED
    return code


def _told(error: Exception) -> str:
    """Name the file that is at fault, where one is, and who looks into such things."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.strerror}: {error.filename!r}\n  try: orch doctor"
    return str(error)


def _run(arguments: list[str]) -> int:
    from orchestrd_cli import fast
    from orchestrd_cli.wire import Silent

    is_silent = False
    try:
        code = fast.run(arguments)
    except Silent:
        code, is_silent = None, True
    if code is not None:
        return code
    from orchestrd_cli import app

    return app.run(arguments, is_daemon_silent=is_silent)

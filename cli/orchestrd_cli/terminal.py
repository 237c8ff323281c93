"""The streams: stdout is for the next program, stderr for the person. Imports nothing that costs.

Invariant: nothing that is opened ever stands in the place of a stream the caller has closed.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

STREAMS = ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDONLY))  # what stands in for a closed one works as little


# Removes what stands in the last line of the terminal only for a while, before anything else is written.
take_away_line: "Callable[[], None] | None" = None


class Unwritable(Exception):
    """Stdout does not take what it is given, for another reason than a reader who went away."""


def stand_in_for_closed_streams() -> None:
    """Keep the numbers of closed streams from the next file or socket, which would be written to as if it were one."""
    for descriptor, mode in STREAMS:
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, mode)  # takes the lowest number that is free: this one


def let_go_of(descriptor: int) -> None:
    """Give what is still buffered for a stream somewhere to go, or the interpreter fails with it at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def is_terminal(descriptor: int = 1) -> bool:
    """Tell whether a person looks at this descriptor."""
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def wants_colour() -> bool:
    """Tell whether stdout may be coloured: a terminal that is not dumb, and no NO_COLOR (https://no-color.org)."""
    return is_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def size() -> tuple[int, int]:
    """Columns and lines to fill; zeros, meaning "do not cut", where stdout is no terminal."""
    try:
        return tuple(os.get_terminal_size(1))  # type: ignore[return-value]  # typeshed: a structseq of two
    except OSError:
        return (0, 0)


def note(text: str) -> None:
    """Say something to the person, if they can be reached."""
    if take_away_line is not None:
        take_away_line()
    if sys.stderr is not None:
        try:
            print(text, file=sys.stderr, flush=True)
        except OSError:
            let_go_of(sys.stderr.fileno())


def write(data: bytes) -> None:
    """Write all of it to stdout, now. Raises Unwritable, or BrokenPipeError when the reader went away."""
    if take_away_line is not None:
        take_away_line()
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(1, view) :]
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Unwritable(f"stdout cannot be written: {error.strerror}") from error

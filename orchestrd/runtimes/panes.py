"""Panes as a tmux server lists them: one line each, told apart by the pid of the process that each was made for.

Nothing in a line can be taken for something else: the title stands last, and holds no control characters.
"""

from collections.abc import Iterable

from msgspec import Struct

FORMAT = "#{pane_pid} #{pane_id} #{window_id} #{pane_dead} #{pane_title}"
LIST = ("list-panes", "-a", "-F", FORMAT)
QUESTION = f"list-panes -a -F '{FORMAT}'"  # the same, as a control client asks it
CAPTURE = ("capture-pane", "-p")
CAPTURE_STYLED = (*CAPTURE, "-e")


class Pane(Struct, frozen=True, kw_only=True):
    """One pane. `is_dead`: its process is over, and only its picture stays."""

    id: str
    window: str
    is_dead: bool
    title: str


def panes_of(lines: Iterable[str]) -> dict[int, Pane]:
    """Read what LIST gives; panes without a process are left out."""
    panes = {}
    for line in lines:
        pid, *rest = line.split(" ", 4)
        if pid.isdigit() and pid != "0" and len(rest) == 4:
            panes[int(pid)] = Pane(id=rest[0], window=rest[1], is_dead=rest[2] == "1", title=rest[3])
    return panes


def screen_of(lines: Iterable[str]) -> str:
    """Read what capture-pane gives: what a pane shows, without the blanks that only fill it."""
    return "\n".join(line.rstrip() for line in lines).rstrip()

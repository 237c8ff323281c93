"""Lines that a terminal would cut off: refused before anything is typed, for nothing tells of it afterwards.

While a program leaves its terminal to put lines together (canonical mode), the kernel keeps so much of a line that is
not ended yet, and drops the rest. A program that reads each key itself has no such bound. What cannot be found out
refuses nothing.
"""

import os
import re
import termios

from orchestrd.core.launch import ProcessIdentity
from orchestrd.model.limits import TERMINAL_LINE_BYTES_MAX
from orchestrd.runtimes.launcher import read_stat

TTY, STARTED = 4, 19  # among the fields that read_stat gives
LOCAL_MODES = 3  # among what tcgetattr gives


def longest_line(text: str) -> int:
    """Count the bytes of the longest line of a text; a terminal is given both its ends of a line as the same key."""
    return max(map(len, re.split(rb"[\r\n]", text.encode("utf-8", "replace"))))


def why_cut_off(text: str, agent: ProcessIdentity) -> str | None:
    """Say why the terminal of an agent would not take this text whole; null where it would. Blocking."""
    length = longest_line(text)
    if length <= TERMINAL_LINE_BYTES_MAX or not _reads_by_lines(agent):
        return None
    return (
        f"a line of {length} bytes would be cut off, for its program reads by lines, of which a terminal takes "
        f"{TERMINAL_LINE_BYTES_MAX} bytes: send shorter lines, or put it into a file and send its name; "
        "without a terminal (orch spawn --runtime process) a program takes longer ones"
    )


def _reads_by_lines(agent: ProcessIdentity) -> bool:
    """Ask the terminal of the agent, which nobody learns of."""
    try:
        stat = read_stat(agent.pid)
        if stat is None or int(stat[STARTED]) != agent.started_ticks:
            return False
        device = int(stat[TTY])
        terminal = os.open(f"/dev/pts/{os.minor(device)}", os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        is_its = os.fstat(terminal).st_rdev == device
        return is_its and bool(termios.tcgetattr(terminal)[LOCAL_MODES] & termios.ICANON)
    except (OSError, termios.error):
        return False
    finally:
        os.close(terminal)

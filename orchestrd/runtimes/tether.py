"""Become another program that dies with whoever started it: `python -IS tether.py PARENT PROGRAM ARGUMENT...`.

A control client of tmux whose daemon was killed may stay attached for ever, and keep its server from ending. On Linux
the kernel kills a process when its parent is gone, if it asked for that itself, before it became the other program.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: str, *argv: str) -> None:
    """Tie this process to its parent, unless that is gone already, and become the program."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() == int(parent):
        os.execvp(argv[0], argv)  # noqa: S606 - becoming it is the point


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The keeper: the small process around one command of the daemon, which sees to it that nothing of it is left behind.

It is started as `python -IS keeper.py PARENT COMMAND`, in a session of its own and in the directory and environment of
the command, the mark of its run among it. The command gets a session of its own again, /dev/null as its stdin, and for
its output what this process was given.

Invariants:
- Who abandons its children hands them to this process; it ends only when all of them have, or cannot be ended.
- It ends as the command did: by the same code, or by the same signal.
- On TERM it ends the command, first by TERM, a second later by KILL. The kernel sends that when the daemon is gone.

It runs alone and imports the standard library only, as launcher.py does, which lends it how orphans are swept.
"""

import _signal as signal  # type: ignore[import-not-found] # as launcher.py does
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING or __name__ != "__main__":
    from orchestrd.runtimes import launcher
else:  # alone, without the package: as terminal.py does
    sys.path.append(os.path.dirname(sys._getframe().f_code.co_filename))  # noqa: SLF001 - __file__ may be the cache
    import launcher

PR_SET_PDEATHSIG = 1
NICENESS = 10  # who waits for an agent comes before who checks its work
OOM_SCORE = b"500"  # where memory is short, this goes before the daemon, whose cgroup it shares
STOPS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


def main(parent: int, command: str) -> None:
    """Run a command of sh to its end, and end as it did."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS | {signal.SIGCHLD})
    _tie_to_parent()
    if os.getppid() != parent:
        return
    launcher.adopt_orphans()
    os.nice(NICENESS)
    launcher.try_to(_go_first)
    shell = os.posix_spawn(
        "/bin/sh", ["sh", "-c", command], os.environb, setsid=True, setsigmask=(), setsigdef=launcher.RESET
    )
    status = _wait(shell)
    launcher.sweep(os.environb.get(b"ORCH_RUN", b""), set())
    _end_as(status)


def _tie_to_parent() -> None:
    """Have the kernel tell when the daemon, or the thread of it that waits for this, is gone (Linux)."""
    import ctypes

    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)


def _go_first() -> None:
    with open("/proc/self/oom_score_adj", "wb", buffering=0) as file:
        file.write(OOM_SCORE)


def _wait(shell: int) -> int:
    """Wait for the end of the shell, or for the order to end it; give its wait status, or one that says TERM."""
    while True:
        number = signal.sigwait(STOPS | {signal.SIGCHLD})
        if number in STOPS:
            launcher.try_to(os.killpg, shell, signal.SIGTERM)
            return int(signal.SIGTERM)
        if (status := launcher.reap(shell)) is not None:
            return status


def _end_as(status: int) -> None:
    """End by the code, or by the signal, that is in a wait status; without a core of our own."""
    if os.WIFSIGNALED(status):
        import resource

        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])

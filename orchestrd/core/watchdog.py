"""Whether the daemon may tell whoever supervises it that it is well; that it does not is answered with a kill.

Theory. From inside, three things can be seen. That the loop turns: otherwise nobody asks here, and nothing is told.
Whether the ticks still give their signs in time. And, where one is overdue, whether the file system answers a look of
its own: a tick that waits for a disk is nobody's fault, and the next daemon would wait for the same disk, be killed,
and start again without end. So only a tick that is overdue beside a file system that answers is a daemon to be killed.

Invariant: while in doubt, the daemon is well.
"""

from enum import StrEnum

from msgspec import Struct

from orchestrd.model.limits import DISK_ANSWER_S, TICK_SIGN_S


class Verdict(StrEnum):
    """How the daemon is. All but `wedged` are told to the supervisor as well."""

    WELL = "well"
    DOUBTFUL = "doubtful"  # a sign is overdue, and the file system is to be asked anew
    DISK_SILENT = "disk_silent"  # a sign is overdue, and the file system does not answer either
    WEDGED = "wedged"  # a sign is overdue, and it is not the file system


class Pulse(Struct, frozen=True, kw_only=True):
    """What is known, in seconds of one clock: the next sign of a tick, and the last look at the file system."""

    now_s: float
    sign_due_s: float
    asked_s: float | None = None  # null: never
    answered_s: float | None = None  # null: not yet


def judge(pulse: Pulse) -> Verdict:
    """Tell how the daemon is. A sign given late makes it well again at once."""
    now_s, asked_s, answered_s = pulse.now_s, pulse.asked_s, pulse.answered_s
    if now_s <= pulse.sign_due_s:
        return Verdict.WELL
    if asked_s is not None and answered_s is None:
        return Verdict.DISK_SILENT if now_s - asked_s > DISK_ANSWER_S else Verdict.WELL
    if asked_s is None or answered_s is None or asked_s <= pulse.sign_due_s:
        return Verdict.DOUBTFUL
    if answered_s - asked_s <= DISK_ANSWER_S:
        return Verdict.WEDGED
    # It was silent and is back: what waited for it is given as long as any tick, then it is asked again.
    return Verdict.WELL if now_s - answered_s <= TICK_SIGN_S else Verdict.DOUBTFUL

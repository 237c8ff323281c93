"""What of the settings a decision about a session depends on; given to `step` beside the time."""

from msgspec import Struct

from orchestrd.model.limits import STUCK_AFTER_S


class Thresholds(Struct, frozen=True, kw_only=True):
    """From when on something counts as something else."""

    stuck_after_s: float = STUCK_AFTER_S  # at work without progress; 0: never

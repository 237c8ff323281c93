"""What an agent says of itself, as `orch report` would have it said."""

from datetime import datetime

from orchestrd.model.observation import Reported, Testimony
from orchestrd.model.words import Activity


def a_report(
    activity: Activity, *, at: datetime, offset: int, text: str | None = None, generation: int = 1
) -> Reported:
    """One line of hooks.jsonl that ends at `offset`."""
    said = Testimony(
        observer="report",
        allows=(activity,),
        at=at,
        text=text,
        excerpt=text or "",
        is_turn_over=activity is Activity.WAITING,
        offset=offset,
    )
    return Reported(generation=generation, testimonies=(said,), hooks_offset=offset)

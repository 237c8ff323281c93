"""What the title of Claude Code's terminal says (of version 2.1.197)."""

import re
from collections.abc import Iterator

from orchestrd.core.conversation import one_line
from orchestrd.model.observation import Testimony
from orchestrd.model.run import Glimpse
from orchestrd.model.words import Activity

_SPINNER = re.compile("[\u2800-\u28ff]")
_AT_REST = "✳"  # at a dialog as well as between turns


def read_title(glimpse: Glimpse) -> Iterator[Testimony]:
    """A spinner that has turned since the last look is at work now; else a title says what it said when first seen.

    A spinner is a rest of before where the process has taken its state file away: it does so when it ends, and its
    terminal may be behind.
    """
    title = glimpse.title
    if title is None:
        return
    allows: tuple[Activity, ...] = ()
    is_ending = glimpse.had_state and glimpse.state is None
    if (is_spinner := _SPINNER.match(title)) and not is_ending:
        allows = (Activity.WORKING, Activity.LIMITED)
    elif title.startswith(_AT_REST):
        allows = (Activity.WAITING, Activity.BLOCKED, Activity.LIMITED)
    at = glimpse.now if is_spinner and title != glimpse.last_title else None
    has_left = not title and _is_its(glimpse.last_title)  # it empties its title when it ends
    yield Testimony(observer="title", allows=allows, at=at, excerpt=one_line(title), is_farewell=has_left)


def _is_its(title: str | None) -> bool:
    return title is not None and (title.startswith(_AT_REST) or _SPINNER.match(title) is not None)

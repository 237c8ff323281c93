"""What Codex tells its terminal, beside what it draws: words for whoever hosts it (OSC 7501), and a title.

state=blocked:app=codex:kind=permission        a line of hooks.jsonl, appended by the process of the terminal
⠹ Working | A thread | shop                    the title, whose first words we ask for at the launch
"""

import re
from collections.abc import Iterator
from datetime import datetime

from orchestrd.core.conversation import Fields, one_line, text_of
from orchestrd.model.observation import Testimony
from orchestrd.model.run import Glimpse
from orchestrd.model.words import Activity

WORKING, WAITING, BLOCKED, LIMITED = Activity.WORKING, Activity.WAITING, Activity.BLOCKED, Activity.LIMITED

WORD = 7501
TITLE_ITEMS = '["activity","run-state","thread-name","project-name"]'

_AT_REST = (WAITING, BLOCKED, LIMITED)  # no turn goes on; but a dialog of the program itself may be open
_STATES: dict[str, tuple[Activity, ...]] = {
    "idle": _AT_REST,
    "working": (WORKING,),
    "blocked": (BLOCKED,),
    "done": _AT_REST,
    "error": _AT_REST,
    "clear": (),  # it has ended
}
_ASKED = {"permission": "asks for permission", "question": "asks a question"}
_TITLE = re.compile(r"(?:([\u2800-\u28ff]) )?(Ready|Working|Thinking)\b|(\[ [!.] \] Action Required)\b")


def terminal_word(at: datetime | None, payload: Fields) -> Testimony | None:
    """Say what a word to the terminal says; null where it is not one of Codex."""
    text = text_of(payload, "text")
    said = dict(part.split("=", 1) for part in text.split(":") if "=" in part)
    state = said.get("state", "")
    if payload.get("osc") != WORD or state not in _STATES or said.get("app", "codex") != "codex":
        return None
    return Testimony(
        observer="osc",
        allows=_STATES[state],
        at=at,
        text=_ASKED.get(said.get("kind", "")) if state == "blocked" else None,
        excerpt=one_line(text),
        is_turn_over=state == "done",
        is_farewell=state == "clear",
    )


def read_title(glimpse: Glimpse) -> Iterator[Testimony]:
    """A spinner that has turned since the last look is at work now; else a title says what it said when first seen."""
    title = glimpse.title
    if title is None:
        return
    allows: tuple[Activity, ...] = ()
    at = None
    if found := _TITLE.match(title):
        spinner, state, _ = found.groups()
        allows = (BLOCKED,) if state is None else _AT_REST if state == "Ready" else (WORKING,)
        at = glimpse.now if spinner and title != glimpse.last_title else None
    yield Testimony(observer="title", allows=allows, at=at, excerpt=one_line(title))

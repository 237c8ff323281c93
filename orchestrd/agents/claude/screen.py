"""What Claude Code shows: the title of its terminal, and its screen, by signs that are data (of version 2.1.197)."""

import re
from collections.abc import Iterator

from orchestrd.agents.screens import Region, ScreenSign
from orchestrd.core.conversation import one_line
from orchestrd.model.observation import Testimony
from orchestrd.model.run import Glimpse
from orchestrd.model.words import Activity

_SPINNER = re.compile("[\u2800-\u28ff]")
_AT_REST = "✳"  # at a dialog as well as between turns

_ABOVE_CHOICES = r"\A(?s:.+?)(?=^\s*(?:❯\s*)?\d+\. )"
_CHOSEN = r"^\s*❯\s*\d+\. "
_LINE_ACROSS = r"^─{10}"  # there is none before the conversation
_KEYS = r"^\s*(?:Enter|Esc) to (?:cancel|confirm|exit|go back|reject|select)\b"

SCREEN_SIGNS = (  # the first that fits
    ScreenSign(
        name="theme",
        region=Region.WHOLE,
        must=(r"^ ?Choose the text style that looks best with your terminal", _CHOSEN),
        must_not=(_LINE_ACROSS,),
        text="asks for a text style, as at its first start in a home",
    ),
    ScreenSign(
        name="login",
        region=Region.WHOLE,
        must=(r"^ ?Select login method", _CHOSEN),
        must_not=(_LINE_ACROSS,),
        text="asks how to log in",
    ),
    ScreenSign(
        name="api key",
        region=Region.LIVE,
        must=(r"^\s*Do you want to use this API key\?", _CHOSEN),
        text="asks whether to use the API key of its environment",
    ),
    ScreenSign(
        name="trust",
        region=Region.LIVE,
        must=(r"Yes, I trust this folder|Do you trust the files in this folder\?", _CHOSEN),
        text="asks whether the directory it works in is trusted",
    ),
    ScreenSign(
        name="bypass",
        region=Region.LIVE,
        must=(r"Bypass Permissions mode", r"Yes, I accept", _CHOSEN),
        text="warns of Bypass Permissions mode, and asks whether to accept it",
    ),
    ScreenSign(
        name="question",
        region=Region.LIVE,
        must=(r"^Enter to select · .* to navigate · Esc to cancel",),
        text="asks a question",
    ),
    ScreenSign(name="dialog", region=Region.LIVE, must=(_ABOVE_CHOICES, _KEYS)),
    ScreenSign(name="panel", region=Region.LIVE, must=(_KEYS,), text="has a dialog open"),
    ScreenSign(
        name="retry",
        region=Region.WHOLE,
        # Text of the conversation is indented, or follows a bullet. The seconds that are left are no news each.
        must=(r"^[*·✢✳✶✻✽] API error · Retrying in .* · (attempt \d+/\d+)",),
        allows=(Activity.WORKING, Activity.LIMITED),
        text="an error of the API, and it tries again: {}",
    ),
)


def read_title(glimpse: Glimpse) -> Iterator[Testimony]:
    """A spinner that has turned since the last look is at work now; else a title says what it said when first seen."""
    title = glimpse.title
    if title is None:
        return
    allows: tuple[Activity, ...] = ()
    if is_spinner := _SPINNER.match(title):
        allows = (Activity.WORKING, Activity.LIMITED)
    elif title.startswith(_AT_REST):
        allows = (Activity.WAITING, Activity.BLOCKED, Activity.LIMITED)
    at = glimpse.now if is_spinner and title != glimpse.last_title else None
    yield Testimony(observer="title", allows=allows, at=at, excerpt=one_line(title))

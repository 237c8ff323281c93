"""Text for people: the status table, event lines, pages and errors, made in one place for the API and the command line.

Everything here is a pure function from values to text. No text from outside reaches a terminal as it came: characters
that would move the cursor, hide or reorder what stands there are shown as escapes.
"""

from orchestrd.render.checkup import checkup_page
from orchestrd.render.cleaning import clean_page
from orchestrd.render.decisions import answering_of, decision_page
from orchestrd.render.lines import event_line
from orchestrd.render.offering import candidates
from orchestrd.render.pages import error_text, explanation_page, session_page
from orchestrd.render.table import needs_me, status_table
from orchestrd.render.text import age, ago, clip, counted, short, size, visible, why

__all__ = [
    "age",
    "ago",
    "answering_of",
    "candidates",
    "checkup_page",
    "clean_page",
    "clip",
    "counted",
    "decision_page",
    "error_text",
    "event_line",
    "explanation_page",
    "needs_me",
    "session_page",
    "short",
    "size",
    "status_table",
    "visible",
    "why",
]

"""What a shell offers where a session or a project is to be typed: a word and what it means, a line each.

Invariant: every word that is offered means what it is offered for. A name that means another session, or several, or
would not survive a command line, is left out; its session goes by its id.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from orchestrd.core.document import known
from orchestrd.core.resolve import resolve
from orchestrd.model.document import Document
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.limits import COMPLETIONS_MAX
from orchestrd.model.words import TERMINAL, Activity, State
from orchestrd.render.table import about_cell, activity_cell, in_order, project_cell, state_cell
from orchestrd.render.text import NONE, UNKNOWN, age, clip, counted, visible

ALL, RUNNING, BLOCKED, ENDED, PROJECTS, CHOICES = "all", "running", "blocked", "ended", "projects", "choices"
ABOUT_CHARS = 40


def candidates(
    sessions: Iterable[Document], now: datetime, *, of: str = ALL, begins: str = "", session: str = ""
) -> str:
    """List the words that begin so, in the order of the status table; of all sessions, of some, or their projects.

    Or list what can be answered to one session, which is given as a person has typed it.
    """
    every = tuple(sessions)
    lines: Iterable[str] = _projects(every) if of == PROJECTS else _choices(every, session)
    if of not in (PROJECTS, CHOICES):
        lines = _sessions(every, now, of, begins)
    chosen = [line for line in lines if line.startswith(begins)]
    return "".join(f"{line}\n" for line in chosen[:COMPLETIONS_MAX])


def _sessions(every: tuple[Document, ...], now: datetime, of: str, begins: str) -> Iterator[str]:
    named = Counter(told.name for told in every)
    going_on = Counter(told.name for told in every if told.state not in TERMINAL)
    for told in in_order((told for told in every if _is_of(told, of)), now):
        means_it = going_on[told.name] == 1 if told.state not in TERMINAL else named[told.name] == 1
        name = told.name if means_it and _can_be_typed(told.name) else told.id
        word = name if name.startswith(begins) else told.id
        about = clip(about_cell(told), ABOUT_CHARS)
        yield f"{word}\t{_standing(told, now)}, {project_cell(told)}: {about}"


def _projects(every: tuple[Document, ...]) -> list[str]:
    counts = Counter(project_cell(told) for told in every)
    return sorted(f"{name}\t{counted(number, 'session')}" for name, number in counts.items())


def _choices(every: tuple[Document, ...], session: str) -> Iterator[str]:
    try:
        asked = resolve(session, map(known, every))
    except OrchestrdError:
        return
    decision = next(told.decision for told in every if told.id == asked)
    for choice in decision.choices if decision else ():
        if _can_be_typed(choice.key):
            yield f"{choice.key}\t{clip(visible(choice.label), ABOUT_CHARS)}"


def _standing(told: Document, now: datetime) -> str:
    activity = activity_cell(told, now)
    if told.state == State.RUNNING and activity not in (NONE, UNKNOWN):
        return activity
    return f"{state_cell(told)} {age(told.state_since, now)}"


def _is_of(told: Document, of: str) -> bool:
    if of == BLOCKED:
        return told.state == State.RUNNING and told.activity == Activity.BLOCKED
    return of == ALL or (told.state in TERMINAL) == (of == ENDED)


def _can_be_typed(name: str) -> bool:
    """Tell whether a shell can quote it; one that begins with a dash would be taken for an option."""
    return name.isprintable() and not name.startswith("-")

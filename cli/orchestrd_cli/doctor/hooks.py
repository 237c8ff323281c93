"""Hooks that never fired: agents that are believed to tell what they do, and have not said a word."""

import os
from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from orchestrd.client.inspection import records_of
from orchestrd.core.launch import HOOKS
from orchestrd.model.finding import Finding
from orchestrd.model.limits import HOOKS_HEARD_S
from orchestrd.model.words import State
from orchestrd.render import age, counted
from orchestrd_cli.doctor.subject import Subject, Surroundings, ok, warn

WITH_HOOKS = frozenset({"claude", "gemini"})  # agents that are given hooks at launch


class Agent(Struct, frozen=True, kw_only=True):
    """One running agent with hooks, since when, and how much they have written."""

    session: str
    agent: str
    started_at: datetime
    heard_bytes: int


class Facts(Struct, frozen=True, kw_only=True):
    """All of them."""

    agents: tuple[Agent, ...]
    now: datetime


def look(surroundings: Surroundings) -> Facts:
    """Look how much each has said."""
    layout = surroundings.layout
    agents = (
        Agent(
            session=session.id,
            agent=session.spec.agent,
            started_at=session.started_at,
            heard_bytes=_size(f"{layout.run_directory(session.id, session.generation)}/{HOOKS}"),
        )
        for session in records_of(layout).sessions.values()
        if session.state is State.RUNNING and session.spec.agent in WITH_HOOKS and session.started_at is not None
    )
    return Facts(agents=tuple(agents), now=surroundings.now)


def judge(facts: Facts) -> Iterator[Finding]:
    """Name the silent ones."""
    silent = [
        one
        for one in facts.agents
        if not one.heard_bytes and (facts.now - one.started_at).total_seconds() > HOOKS_HEARD_S
    ]
    for one in silent:
        told = f"no hook of session {one.session} ({one.agent}) has fired in {age(one.started_at, facts.now)}"
        cause = "its settings forbid hooks, or a dialog of its start waits for you; what it does is told less surely"
        yield warn("hooks", told, cause, f"orch attach {one.session}")
    if not silent:
        agents = counted(len(facts.agents), "running agent")
        yield ok("hooks", f"{agents} with hooks, and none is silent" if facts.agents else "no agent with hooks runs")


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - a string, as all of the layout
    except OSError:
        return 0


SUBJECT = Subject(name="hooks", look=look, judge=judge)

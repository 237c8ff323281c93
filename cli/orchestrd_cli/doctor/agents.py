"""The agents that orchestrd comes with: which are installed where the caller stands, and in which version."""

import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from msgspec import Struct

from orchestrd.client.programs import HOW_TO_INSTALL
from orchestrd.model.finding import Finding
from orchestrd.model.limits import PROGRAM_ANSWER_S
from orchestrd_cli.doctor.program import Said, ask
from orchestrd_cli.doctor.subject import Subject, Surroundings, ok, warn

_VERSION = re.compile(r"\d+\.[\w.+-]*")


class Agent(Struct, frozen=True, kw_only=True):
    """One agent: where it is, null where it is nowhere, and what it says of itself."""

    name: str
    path: str | None
    said: Said


def look(surroundings: Surroundings) -> tuple[Agent, ...]:
    """Find each as the caller's shell would, and ask all at once for their versions: some take a second to say it."""
    with ThreadPoolExecutor(len(HOW_TO_INSTALL)) as threads:
        return tuple(threads.map(partial(_look, surroundings), sorted(HOW_TO_INSTALL)))


def judge(agents: tuple[Agent, ...]) -> Iterator[Finding]:
    """Name those that are there; nobody needs them all, so only one that does not work is something to be looked at."""
    found = [agent for agent in agents if agent.path is not None]
    working = [f"{agent.name} {_version(agent)}" for agent in found if agent.said.code == 0 or agent.said.is_late]
    absent = [agent.name for agent in agents if agent.path is None]
    for agent in found:
        if agent.said.code != 0 and not agent.said.is_late:
            told, cause = f"{agent.path} does not work: {agent.said.first_line}", f"no session can drive {agent.name}"
            yield warn("agents", told, cause, f"{agent.name} --version")
    if working:
        yield ok("agents", ", ".join(working) + (f"; not installed: {', '.join(absent)}" if absent else ""))
    if not found:
        yield warn(
            "agents", "none is on the PATH", "only commands run: orch spawn -- COMMAND", HOW_TO_INSTALL["claude"]
        )


def _look(surroundings: Surroundings, name: str) -> Agent:
    path = shutil.which(name, path=surroundings.environ.get("PATH", ""))
    said = ask([path, "--version"], surroundings.environ) if path else Said(code=None)
    return Agent(name=name, path=path, said=said)


def _version(agent: Agent) -> str:
    if agent.said.is_late:
        return f"(said no version within {PROGRAM_ANSWER_S:g} s)"
    version = _VERSION.search(agent.said.first_line)
    return version[0] if version else agent.said.first_line


SUBJECT = Subject(name="agents", look=look, judge=judge)

"""Which agents can be driven, for a person: a row each, with the program that was found, and what it is held to."""

from collections.abc import Iterator

from orchestrd.model.agent import Capabilities
from orchestrd.model.document import KnownAgent, KnownAgents
from orchestrd.render.text import visible

HEAD = ("AGENT", "VERSION", "TESTED", "CAN", "PERMISSION", "PROGRAM")
ABSENT, ANY = "not found", "-"


def agents_table(known: KnownAgents) -> str:
    """Show the agents, each column as wide as it needs to be."""
    rows = [HEAD, *map(_row, known.agents)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(HEAD))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _row(agent: KnownAgent) -> tuple[str, ...]:
    can = agent.capabilities
    absent = ANY if can.tested is None else ABSENT
    version = visible(agent.version or "?") if agent.program else absent
    words = ", ".join(_can(can)) or ANY
    return agent.name, version, can.tested or ANY, words, ", ".join(can.policies), visible(agent.program or ANY)


def _can(can: Capabilities) -> Iterator[str]:
    words = {"hooks": can.hooks, "resume": can.resume, "cost": can.cost, "answers": can.answers}
    yield from (word for word, is_so in words.items() if is_so)
    yield from ("hosted",) if can.structured else ()

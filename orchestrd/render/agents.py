"""Which agents can be driven, for a person: a row each, with the program that was found, and what it is held to."""

from collections.abc import Iterator

from orchestrd.model.document import KnownAgent, KnownAgents
from orchestrd.render.text import visible

HEAD = ("AGENT", "VERSION", "TESTED", "CAN", "PROGRAM")
ABSENT, ANY = "not found", "-"


def agents_table(known: KnownAgents) -> str:
    """Show the agents, each column as wide as it needs to be."""
    rows = [HEAD, *map(_row, known.agents)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(HEAD))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _row(agent: KnownAgent) -> tuple[str, ...]:
    tested = agent.capabilities.tested
    if tested is None and agent.program is None:
        return agent.name, ANY, ANY, ", ".join(_can(agent)) or ANY, ANY
    version = visible(agent.version or "?") if agent.program else ABSENT
    return agent.name, version, tested or ANY, ", ".join(_can(agent)) or ANY, visible(agent.program or ANY)


def _can(agent: KnownAgent) -> Iterator[str]:
    can = agent.capabilities
    words = {"hooks": can.hooks, "resume": can.resume, "cost": can.cost, "answers": can.answers}
    yield from (word for word, is_so in words.items() if is_so)
    yield from ("no terminal",) if can.structured else ()

"""The verb that lists the agents: what the daemon can drive, and what of it is installed where the caller stands."""

import os
import re
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from msgspec.structs import replace

from orchestrd.model.document import KnownAgent, KnownAgents
from orchestrd.model.limits import PLUGINS_MAX, VERSION_ANSWER_S
from orchestrd.render.agents import agents_table
from orchestrd_cli import exits, reach
from orchestrd_cli.doctor.program import ask
from orchestrd_cli.grammar import Json, verb
from orchestrd_cli.progress import waiting_for

_VERSION = re.compile(r"\d+\.[\w.+-]*")


@verb("[OPTIONS]")
def agents(*, json: Json = False) -> int:
    """List the agents that can be driven, and which of them are installed.

    Each is looked for on your PATH and asked for its version; ? stands where
    it named none within 10 seconds. TESTED is the version that its adapter is
    held to; others mostly work as well. PERMISSION is what --permission of a
    spawn may be. What it CAN, beside being launched, sent to and seen:

    hooks, it tells by itself what it does; resume, a revived session goes on
    with its conversation; cost, it says what it has spent; answers, orch answer
    needs no key; hosted, it also runs without a terminal, by its own protocol,
    where no answer needs a key either.

    Packages can add agents: see the documentation, Writing an adapter.

    orch agents
    orch agents --json | jq -r '.agents[] | select(.program).name'
    """
    known = reach.client().agents()
    with waiting_for("the agents to say their versions"), ThreadPoolExecutor(PLUGINS_MAX) as threads:
        found = KnownAgents(agents=tuple(threads.map(lambda agent: _found(agent, os.environ), known.agents)))
    if json:
        reach.write_json(found)
    else:
        reach.write_text(agents_table(found))
    return exits.OK


def _found(agent: KnownAgent, environ: Mapping[str, str]) -> KnownAgent:
    """Look for its program, which has its name; what runs any command has none."""
    path = shutil.which(agent.name, path=environ.get("PATH", "")) if agent.capabilities.tested else None
    if path is None:
        return agent
    said = ask([path, "--version"], environ, VERSION_ANSWER_S)
    version = _VERSION.search(said.first_line) if said.code == 0 else None
    return replace(agent, program=path, version=version[0] if version else None)

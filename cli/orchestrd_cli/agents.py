"""The verb that lists the agents: what the daemon can drive, and what of it is installed where the caller stands."""

import os
import re
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from msgspec.structs import replace

from orchestrd.model.document import KnownAgent, KnownAgents
from orchestrd.render.agents import agents_table
from orchestrd_cli import exits, reach
from orchestrd_cli.doctor.program import ask
from orchestrd_cli.grammar import Json, verb
from orchestrd_cli.progress import waiting_for

AT_ONCE_MAX = 4
_VERSION = re.compile(r"\d+\.[\w.+-]*")


@verb("[OPTIONS]")
def agents(*, json: Json = False) -> int:
    """List the agents that can be driven, and which of them are installed.

    Each is looked for on your PATH and asked for its version. TESTED is the
    version that its adapter is held to; others mostly work as well. Packages
    can add agents: see the documentation, Writing an adapter.

    orch agents
    orch agents --json | jq -r '.agents[] | select(.program).name'
    """
    known = reach.client().agents()
    with waiting_for("the agents to say their versions"), ThreadPoolExecutor(AT_ONCE_MAX) as threads:
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
    version = _VERSION.search(ask([path, "--version"], environ).first_line)
    return replace(agent, program=path, version=version[0] if version else None)

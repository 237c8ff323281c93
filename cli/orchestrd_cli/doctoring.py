"""The verb that looks at everything orchestrd stands on, and says of each thing how it is and what to do."""

import os
from typing import Annotated

import typer

from orchestrd.core.home import layout_from
from orchestrd_cli import exits, reach, terminal
from orchestrd_cli.grammar import Json, verb
from orchestrd_cli.progress import waiting_for


@verb("[OPTIONS]")
def doctor(
    *,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can lose nothing, then look again.")] = False,
    json: Json = False,
) -> int:
    """Look at everything orchestrd stands on, and name what is wrong.

    Programs, home, disks, memory, config, channels, service, daemon, forge,
    records, terminals, and whatever was left behind. Each line is ok, warn or
    fail, with the cause and the next command. Changes nothing, with a daemon or
    without one.

    --fix sets modes right and removes stale files, a dead socket and control
    clients of the past. It never ends an agent and never deletes work: for
    those it names the command. Exits 1 where something fails.

    orch doctor
    orch doctor --fix
    orch doctor --json | jq -r '.findings[] | select(.level=="fail").told'
    """
    from orchestrd.render import checkup_page
    from orchestrd_cli.doctor.examining import checkup
    from orchestrd_cli.doctor.subject import Surroundings

    surroundings = Surroundings(
        layout=layout_from(os.environ),
        environ=os.environ,
        now=reach.now(),
        uid=os.geteuid(),
    )
    with waiting_for("everything to be looked at"):
        found = checkup(surroundings, fix=fix)
    if json:
        reach.write_json(found)
    else:
        reach.write_text(checkup_page(found, colour=terminal.wants_colour()))
    return exits.OK if found.is_healthy else exits.FAILED

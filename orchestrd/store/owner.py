"""Whose a home is: nobody but its owner works in it.

A daemon runs what lies in the home with its own rights. In a home of another user it would run that user's commands,
and leave files there that the owner can neither read nor remove.
"""

import os

from orchestrd.model.errors import RefusedError


def refuse_foreign(home: str) -> None:
    """Raise RefusedError (`foreign_home`) where the home is there and belongs to another user."""
    try:
        owner = os.stat(home).st_uid
    except OSError:  # not there yet, or out of reach: whoever uses it says so
        return
    if owner != os.geteuid():
        raise RefusedError(
            f"the home {home} belongs to uid {owner}, and you are uid {os.geteuid()}",
            code="foreign_home",
            hint="export ORCH_HOME=DIRECTORY (or be that user)",
        )

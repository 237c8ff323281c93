"""`orch trust`: let a repository's own file set what runs commands or reaches into the environment."""

import os
from typing import Annotated

import typer

from orchestrd.client import configuring
from orchestrd.core.home import layout_from
from orchestrd.model.errors import NotFoundError
from orchestrd.render import visible
from orchestrd_cli import exits, reach
from orchestrd_cli.grammar import verb
from orchestrd_cli.terminal import note

Where = Annotated[str, typer.Argument(hidden=True)]
Revoke = Annotated[bool, typer.Option("--revoke", help="Trust it no longer.")]


@verb("[OPTIONS] [DIR]")
def trust(directory: Where = ".", *, revoke: Revoke = False) -> int:
    """Trust a repository's .orchestrd.toml as it is now.

    Only then may it name a command that sets a worktree up, and what goes
    into the environment of sessions. Shows what it asks for. Once the file
    changes it is no longer trusted.

    orch trust
    orch trust --revoke ~/src/webshop
    """
    path = configuring.repository_file(directory)
    if path is None:
        place = os.path.abspath(directory)  # noqa: PTH100 - "." says nothing to who reads it later
        raise NotFoundError(
            f"{place} is in no git repository: what is trusted is the .orchestrd.toml of one", hint="orch trust DIR"
        )
    return _revoke(path) if revoke else _trust(path)


def _trust(path: str) -> int:
    from orchestrd.client.trust import trust as remember
    from orchestrd.render.settings import asked_page

    layer, asked = configuring.asked_by(path)
    remember(layout_from(os.environ), path, layer.content, os.environ)
    told = f" as it is now:\n{asked_page(asked)}" if asked else ": it sets nothing\n"
    reach.write_text(f"{visible(path)} is trusted{told}")
    return exits.OK


def _revoke(path: str) -> int:
    from orchestrd.client.trust import revoke as forget

    was_trusted = forget(layout_from(os.environ), path)
    if not was_trusted:
        note(f"orch: {visible(path)} was not trusted")
    else:
        reach.write_text(f"{visible(path)} is no longer trusted\n")
    return exits.OK

"""`orch notify`: trying the channels over which people are told."""

import secrets
from typing import Annotated

import typer

from orchestrd.model.errors import UsageError
from orchestrd.model.limits import NOTICE_TEXT_CHARS_MAX
from orchestrd.model.notice import Priority
from orchestrd_cli import exits, reach
from orchestrd_cli.grammar import Json, verb


@verb("[OPTIONS] TEXT...")
def notify(
    words: Annotated[list[str], typer.Argument(hidden=True, metavar="TEXT")],
    *,
    channel: Annotated[
        list[str] | None, typer.Option("--channel", "-c", metavar="NAME", help="Over this channel; repeatable.")
    ] = None,
    priority: Annotated[
        Priority | None,
        typer.Option("--priority", "-p", help="With this priority, over the channels it is routed to."),
    ] = None,
    json: Json = False,
) -> int:
    """Tell a person something now, and say what each channel answered.

    A way to try what is set up: without an option over every channel that is
    on. Quiet hours and the digest do not hold for it. Exits 1 where a channel
    was not told.

    orch notify hello
    orch notify --channel phone hello
    orch notify --priority urgent 'does this ring?'
    """
    from orchestrd.model.notice_document import NoticeRequest
    from orchestrd.render.notices import reply_lines

    text = " ".join(words)
    if not text.strip() or len(text) > NOTICE_TEXT_CHARS_MAX:
        raise UsageError(f"give a text of 1 to {NOTICE_TEXT_CHARS_MAX} characters", hint="orch notify hello")
    key = f"notify.{secrets.token_hex(8)}"
    reply = reach.client().notify(NoticeRequest(key=key, text=text, channels=tuple(channel or ()), priority=priority))
    with reach.telling_that(f"{sum(one.is_told for one in reply.channels)} channels were told"):
        if json:
            reach.write_json(reply)
        else:
            reach.write_text(reply_lines(reply))
    return exits.OK if all(one.is_told for one in reply.channels) else exits.FAILED

"""Trying the channels: a person has a notice told now, and is shown what each channel answers.

It goes past quiet hours, the digest and the pause of a channel that failed; nothing of it is kept.
"""

import asyncio
from collections.abc import Sequence

from orchestrd.engine.channels import Channels
from orchestrd.model.errors import OrchestrdError, RefusedError
from orchestrd.model.notice import Notice, Priority
from orchestrd.model.notice_document import ChannelReply, NoticeReply, NoticeRequest
from orchestrd.ports import Clock

ABOUT = "Sent by hand, with orch notify."


async def try_channels(channels: Channels, request: NoticeRequest, clock: Clock) -> NoticeReply:
    """Tell all of them at once. Raises RefusedError (`no_channels`), and NotFoundError for a channel that is none."""
    names = _asked_for(channels, request)
    line, _, rest = request.text.strip().partition("\n")
    notice = Notice(
        key=request.key,
        priority=request.priority or Priority.INFO,
        title=line,
        text=rest.strip() or ABOUT,
        at=clock.now().at,
    )
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_reply(channels, name, notice), name=f"try {name}") for name in names]
    return NoticeReply(channels=tuple(task.result() for task in tasks))


def _asked_for(channels: Channels, request: NoticeRequest) -> Sequence[str]:
    if request.channels:
        for name in request.channels:
            channels.kind_of(name)
        return tuple(dict.fromkeys(request.channels))
    if not channels.names:
        raise RefusedError("no channel is set up, or none is on", code="no_channels", hint="orch config edit")
    if request.priority is None:
        return channels.names
    routed = channels.routing.routes[request.priority]
    if not routed:
        told = f"no channel is told what has the priority {request.priority}"
        raise RefusedError(told, code="no_channels", hint="orch config edit")
    return routed


async def _reply(channels: Channels, name: str, notice: Notice) -> ChannelReply:
    kind = channels.kind_of(name)
    try:
        await channels.tell(name, [notice])
    except OrchestrdError as error:
        return ChannelReply(channel=name, kind=kind, is_told=False, error=error.message, hint=error.hint)
    return ChannelReply(channel=name, kind=kind, is_told=True)

"""Merging: a look at that one pull request, the judgement whether it is ready, and the merge of exactly that commit.

Invariant: nothing is merged that was not seen to be ready by the look right before; and the commit is named to GitHub,
which merges it or nothing. What nobody knows is said to be unknown: the next look tells.
"""

import asyncio

from orchestrd.core.fencing import quoted
from orchestrd.core.merging import unready
from orchestrd.forges.github.client import GitHubClient
from orchestrd.forges.github.faults import HostRefusedError, Reply, UnansweredError
from orchestrd.forges.github.hosts import split
from orchestrd.forges.github.looking import Looks
from orchestrd.forges.github.refusals import refusal_in
from orchestrd.model.change import Change, Mergeable, Pr
from orchestrd.model.errors import NotFoundError, OrchestrdError
from orchestrd.model.limits import MERGE_LOOK_PAUSE_S, MERGE_LOOKS_MAX
from orchestrd.model.reaction import MergeOrder, Refusal
from orchestrd.ports.forge import Merging, WantedChange


async def merged(client: GitHubClient, looks: Looks, order: MergeOrder, wanted: WantedChange) -> Merging:
    """Obey an order, if it is obeyed already or can be."""
    try:
        change = await _seen(looks, wanted)
    except OrchestrdError as error:
        return Merging(is_merged=False, error=error.message)
    if change.pr is Pr.MERGED and order.number in (None, change.number):
        if change.head == order.head:
            return Merging(is_merged=True, change=change)
        told = f"it was merged already, with its commit {change.head}"
        return Merging(is_merged=False, change=change, error=told, refusal=Refusal.MOVED)
    why = unready(order, change)
    if why is not None:
        return Merging(is_merged=False, change=change, error=_whole(why, change), refusal=Refusal.NOT_READY)
    return await _ordered(client, order, change)


async def _seen(looks: Looks, wanted: WantedChange) -> Change:
    """Look at it; GitHub works out whether it could be merged once somebody asks, and tells a moment later."""
    change = await looks.look_closely(wanted)
    for _ in range(MERGE_LOOKS_MAX - 1):
        if change.pr is not Pr.OPEN or change.mergeable is not Mergeable.UNKNOWN:
            break
        await asyncio.sleep(MERGE_LOOK_PAUSE_S)
        change = await looks.look_closely(wanted)
    return change


async def _ordered(client: GitHubClient, order: MergeOrder, change: Change) -> Merging:
    _, owner, name = split(order.repository)
    path = f"/repos/{owner}/{name}/pulls/{change.number}/merge"
    try:
        reply = await client.put(path, {"sha": order.head, "merge_method": order.method.value}, "to merge")
    except UnansweredError as error:
        return Merging(is_merged=None, change=change, error=error.message)
    except HostRefusedError as error:
        return _refused(f"#{change.number} is not merged: {error.message}", 403, error.said, change)
    except NotFoundError as error:
        return _refused(f"#{change.number} is not merged: {error.message}", 404, "", change)
    except OrchestrdError as error:
        return Merging(is_merged=False, change=change, error=f"#{change.number} is not merged: {error.message}")
    if reply.status == 200:
        return Merging(is_merged=True, change=change)
    return _refused(_sentence(reply, order, change), reply.status, reply.said, change)


def _refused(error: str, status: int, said: str, change: Change) -> Merging:
    refusal = refusal_in(status, said)
    return Merging(is_merged=False, change=change, error=error, refusal=refusal, words=said or None)


def _sentence(reply: Reply, order: MergeOrder, change: Change) -> str:
    told = f": {quoted(reply.message)}" if reply.message else ""
    match reply.status:
        case 405:
            return f"GitHub does not merge #{change.number} by {order.method.value}, or not yet{told}"
        case 409:
            return f"the newest commit of #{change.number} is no longer {order.head[:10]}{told}"
        case 422:
            return f"GitHub does not take the order to merge #{change.number}{told}"
        case other:
            return f"GitHub answered the order to merge #{change.number} with {other}{told}"


def _whole(why: str, change: Change) -> str:
    unknown = f" ({change.error})" if change.error else ""
    return f"{why}{unknown}"

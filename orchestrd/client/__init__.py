"""The typed Python client: what `orch` uses, and whoever wants to drive sessions from Python.

`Client` blocks; `orchestrd.client.asynchronous.AsyncClient` is the same for an event loop, and stands apart so that a
short command does not pay for asyncio. Both are shells around one sans-I/O core (`wire`, `calls`). Reading works
without a daemon, from the disk; what changes something starts one, and where that fails spawn, stop and kill are
spooled durably.
"""

from orchestrd.client.blocking import Client, Taken
from orchestrd.client.requests import WorkspaceWish, caller_authority, mint_id, mint_message_id, spawn_request
from orchestrd.client.waiting import Waited
from orchestrd.core.passing import STANDARD_NAMES

__all__ = [
    "STANDARD_NAMES",
    "Client",
    "Taken",
    "Waited",
    "WorkspaceWish",
    "caller_authority",
    "mint_id",
    "mint_message_id",
    "spawn_request",
]

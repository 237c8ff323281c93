"""GitHub as a forge: for each host a client, for each repository what is known of it from look to look."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from orchestrd.core import allowance
from orchestrd.forges.context import ForgeContext
from orchestrd.forges.github.client import GitHubClient, Memory
from orchestrd.forges.github.hosts import Host, hosts_of, repository_at, split
from orchestrd.forges.github.issues import read_issue
from orchestrd.forges.github.looking import Looks
from orchestrd.forges.github.merging import merged
from orchestrd.forges.github.reading import NAME
from orchestrd.forges.github.tokens import secret_in, token_of
from orchestrd.forges.github.webhooks import Deliveries
from orchestrd.forges.github.wire import GRAPHQL, Connect
from orchestrd.model.allowance import Allowance
from orchestrd.model.errors import NotFoundError, RefusedError
from orchestrd.model.forge_settings import ForgeSettings
from orchestrd.model.issue import Issue
from orchestrd.model.limits import CHANGES_LOOK_S, FORGE_ANSWER_S, FORGE_REPOSITORIES_MAX
from orchestrd.model.reaction import MergeOrder
from orchestrd.ports.forge import ChangeLook, Merging, WantedChange

if TYPE_CHECKING:
    import httpx


def connect() -> "httpx.AsyncClient":
    """Make what speaks HTTP: it keeps its connections, and follows nobody elsewhere by itself."""
    import httpx  # noqa: PLC0415 - 12 MB, for those who ask a forge

    return httpx.AsyncClient(timeout=FORGE_ANSWER_S, follow_redirects=False)


def forge(context: ForgeContext) -> "GitHubForge":
    """Make the forge `github`."""
    return GitHubForge(context, connect)


class GitHubForge:
    """The forge `github`. It imports and connects nothing before it is asked something.

    One that is made in the place of another shares what that knows of each host that is asked with the same token, and
    so its budget: both charge what they ask while the other one has something under way.
    """

    name = NAME

    def __init__(self, context: ForgeContext, connect: Connect) -> None:
        known = context.before.get(NAME)
        before = known if isinstance(known, GitHubForge) else None
        self._context = replace(context, before={})  # or each would keep all that were before it
        self._hosts = hosts_of(context.settings)
        self._clients = {host.name: self._client(host, connect, before) for host in self._hosts.values()}
        self._looks: OrderedDict[str, Looks] = OrderedDict()
        self._looks_before: Mapping[str, Looks] = before.looks if before else {}
        self._deliveries = Deliveries(self.repository_of, before.taken if before else OrderedDict())
        self._nudge: Callable[[str], None] = lambda _: None

    @property
    def looks(self) -> Mapping[str, Looks]:
        """What it knows of each repository."""
        return self._looks

    @property
    def taken(self) -> "OrderedDict[str, None]":
        """The deliveries that it has taken, by their signatures."""
        return self._deliveries.known

    def memory_of(self, host: Host, settings: ForgeSettings) -> Memory | None:
        """Give what it knows of a host, if that is the one it asks, and with the same token."""
        known, ours = self._clients.get(host.name), self._context.settings
        is_same_token = not host.is_set or _token_in(ours) == _token_in(settings)
        return known.memory if known is not None and known.host == host and is_same_token else None

    def repository_of(self, remote: str) -> str | None:
        return repository_at(remote, self._hosts)

    async def look(self, repository: str, wanted: Sequence[WantedChange]) -> Sequence[ChangeLook]:
        return await self._looks_at(repository).look(wanted)

    async def merge(self, order: MergeOrder, wanted: WantedChange) -> Merging:
        return await merged(self._client_of(order.repository), self._looks_at(order.repository), order, wanted)

    async def issue(self, repository: str, number: int) -> Issue:
        return await read_issue(self._client_of(repository), repository, number)

    def allowances(self) -> Sequence[Allowance]:
        return tuple(self._told())

    def pause_s(self, repository: str, usual_s: float) -> float:
        host, _, _ = split(repository)
        return self._clients[host].pause_s(usual_s, self._cost_of_round(host))

    def on_change(self, nudge: Callable[[str], None]) -> None:
        self._nudge = nudge

    async def take_delivery(self, headers: Mapping[str, str], body: bytes) -> None:
        repository = self._deliveries.repository_in(headers, body, await self._webhook_secret())
        if repository is not None:
            self._nudge(repository)

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()

    async def _webhook_secret(self) -> str:
        """Raises RefusedError, which whoever sent the delivery reads: where the secret should be, it does not say."""
        settings, environ = self._context.settings, self._context.environ
        named = (settings.webhook_secret_env, settings.webhook_secret_file)
        try:
            secret = await asyncio.to_thread(secret_in, "secret", *named, environ)
        except RefusedError:
            raise RefusedError("the secret of webhooks is not there", code="no_secret", hint="orch doctor") from None
        if secret is None:
            why = "webhooks are not taken without a secret: set forge.webhook_secret_env or forge.webhook_secret_file"
            raise RefusedError(why, code="no_secret", hint="orch config edit")
        return secret

    def _client(self, host: Host, connect: Connect, before: "GitHubForge | None") -> GitHubClient:
        find_token = partial(asyncio.to_thread, token_of, host, self._context.settings, self._context.environ)
        memory = before.memory_of(host, self._context.settings) if before else None
        share = self._context.settings.share
        return GitHubClient(host, find_token, self._context.clock, share, connect, memory=memory or Memory())

    def _client_of(self, repository: str) -> GitHubClient:
        host, _, _ = split(repository)
        if host not in self._clients:
            raise NotFoundError(f"{host} is no GitHub that is set", code="no_forge", hint="orch config edit")
        return self._clients[host]

    def _looks_at(self, repository: str) -> Looks:
        looks = self._looks.get(repository) or self._first_looks_at(repository)
        self._looks[repository] = looks
        self._looks.move_to_end(repository)
        while len(self._looks) > FORGE_REPOSITORIES_MAX:
            self._looks.popitem(last=False)
        return looks

    def _first_looks_at(self, repository: str) -> Looks:
        client = self._client_of(repository)
        before = self._looks_before.get(repository)
        return Looks(client, repository) if before is None else before.by(client)

    def _cost_of_round(self, host: str) -> int:
        """Say what it costs to look once at each repository of a host: they share what it allows."""
        return max(1, sum(looks.cost for repository, looks in self._looks.items() if split(repository)[0] == host))

    def _told(self) -> Iterator[Allowance]:
        """Tell of the hosts that were asked; of one that has failed then, and may answer by now, nothing."""
        now = asyncio.get_running_loop().time()
        for name, client in self._clients.items():
            meter, share = client.meters[GRAPHQL], self._context.settings.share
            wait_s = allowance.wait_s(meter, share, 1, now)
            error = None if client.is_error_old else client.error
            is_known = meter.limit is not None and (client.error is None or wait_s > 0)
            if error is None and not is_known:
                continue
            yield Allowance(
                host=name,
                limit=meter.limit,
                remaining=max(0, meter.remaining) if meter.limit is not None else None,
                resets_in_s=max(0.0, meter.resets_at - now) if meter.limit is not None else None,
                retry_in_s=wait_s or None,
                interval_s=client.pause_s(CHANGES_LOOK_S, self._cost_of_round(name)),
                error=error,
            )


def _token_in(settings: ForgeSettings) -> tuple[str | None, str | None]:
    return settings.token_env, settings.token_file

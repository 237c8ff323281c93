"""The forges of a daemon, and where it hears from them: made at its start, and others when `[forge]` is set otherwise.

Whatever may go wrong with other ones goes wrong before anything is given up: they are made, and the place to listen at
is taken hold of, while those before go on; a reload that fails changes nothing.
"""

import os
import socket
from collections.abc import Mapping, Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from orchestrd.api.webhooks import WebhookServer
from orchestrd.core.layout import Layout
from orchestrd.engine.assembly import Engine
from orchestrd.forges.context import ForgeContext
from orchestrd.logs import log_error
from orchestrd.model.forge_settings import ForgeSettings
from orchestrd.plugins import Plugins, Trouble
from orchestrd.ports import Clock, Forge
from orchestrd.ports.forge import WebhookForge
from orchestrd.ports.git import Git


class Made(Struct, frozen=True, kw_only=True):
    """Forges as they are set, where they are heard, and which of them are left out."""

    settings: ForgeSettings
    forges: Mapping[str, Forge]
    troubles: Sequence[Trouble]
    address: str | None
    listening: socket.socket | None = None  # there, already taken hold of


class Forging:
    """Makes them. Raises OrchestrdError as `Plugins.forges` does."""

    def __init__(self, settings: ForgeSettings, plugins: Plugins, layout: Layout, clock: Clock, git: Git) -> None:
        self._plugins = plugins
        self._context = partial(
            ForgeContext, layout=layout, clock=clock, environ=os.environ, git=git, on_error=log_error
        )
        self._now = self._made(settings, {})

    @property
    def forges(self) -> Mapping[str, Forge]:
        """Give those that are in use."""
        return self._now.forges

    @property
    def troubles(self) -> Sequence[Trouble]:
        """Give those that are left out."""
        return self._now.troubles

    def server(self, engine: Engine) -> WebhookServer:
        """Make what hears from them."""
        return WebhookServer(self._now.address, lambda: _told(self._now.forges), engine.report)

    def remade(self, settings: ForgeSettings, server: WebhookServer) -> Made | None:
        """Make them as they are set now; null where that is how they are. Blocking.

        Raises OrchestrdError where one that was in use, or is asked for by its name, could not be used then, or
        nothing could be heard where it is to be.
        """
        made = self._now
        if replace(settings, remote=made.settings.remote) != made.settings:
            made = self._made(settings, made.forges)
            for trouble in made.troubles:
                if trouble.name in (*self._now.forges, settings.kind):
                    raise trouble.error
        listening = server.bound(made.address)
        return None if made is self._now and listening is None else replace(made, listening=listening)

    async def take(self, made: Made, engine: Engine, server: WebhookServer) -> None:
        """Go on with them: what is under way is finished by those before.

        Who asks them takes its settings right after, with nothing in between: what those before were not asked by then
        they are asked no more.
        """
        before, self._now = self._now, replace(made, listening=None)
        await server.move(made.address, made.listening)
        for trouble in before.troubles:
            engine.report(trouble.part, None)
        for trouble in made.troubles:
            engine.report(trouble.part, trouble.error)
        engine.ask(made.forges)

    def _made(self, settings: ForgeSettings, before: Mapping[str, Forge]) -> Made:
        known = len(self._plugins.troubles)
        forges = self._plugins.forges(self._context(settings=settings, before=before))
        troubles = self._plugins.troubles[known:]
        del self._plugins.troubles[known:]
        return Made(
            settings=settings,
            forges=forges,
            troubles=troubles,
            address=settings.webhook_listen if _told(forges) else None,
        )


def _told(forges: Mapping[str, Forge]) -> Mapping[str, WebhookForge]:
    """Give those that tell by themselves where something has changed."""
    return {name: forge for name, forge in forges.items() if isinstance(forge, WebhookForge)}

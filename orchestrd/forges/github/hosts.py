"""Which hosts are GitHub, where their interfaces are, and what their repositories are called.

Invariant: a name of a repository (`host/owner/name`) comes from a remote on a known host, and leads back to that host
and to no other: the token of one is never sent to another.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from msgspec import Struct

from orchestrd.core.remotes import remote_at
from orchestrd.model.forge_settings import ForgeSettings

GITHUB = "github.com"
_API = "https://api.github.com"
_FULL_NAME = re.compile(r"[a-z0-9_-]+/(?!\.{1,2}$)[a-z0-9_.-]+")  # in small letters; none that leads out of a path


class Host(Struct, frozen=True, kw_only=True):
    """One GitHub: where REST and GraphQL are. `is_set`: the settings name it, and so its token is theirs."""

    name: str
    rest: str
    graphql: str
    is_set: bool


def hosts_of(settings: ForgeSettings) -> Mapping[str, Host]:
    """Name every host that is a GitHub: github.com, and the Enterprise server that is set."""
    name = urlsplit(settings.github_url).hostname if settings.github_url else GITHUB
    chosen = _host(name or GITHUB, settings.github_url or "", settings.github_api, is_set=True)
    return {GITHUB: _host(GITHUB, "", None, is_set=False), chosen.name: chosen}


def repository_at(remote: str, hosts: Mapping[str, Host]) -> str | None:
    """Name the repository behind a remote, as `host/owner/name` in small letters; null where it is on no such host."""
    found = remote_at(remote)
    if found is None or found.host not in hosts or not _FULL_NAME.fullmatch(found.path):
        return None
    return f"{found.host}/{found.path}"


def split(repository: str) -> tuple[str, str, str]:
    """Give host, owner and name."""
    host, owner, name = repository.split("/")
    return host, owner, name


def _host(name: str, url: str, api: str | None, *, is_set: bool) -> Host:
    rest = (api or _usual_api(name, url)).rstrip("/")
    below = rest.removesuffix("/v3") if rest.endswith("/api/v3") else rest  # on an Enterprise server: beside each other
    return Host(name=name, rest=rest, graphql=f"{below}/graphql", is_set=is_set)


def _usual_api(name: str, url: str) -> str:
    if name == GITHUB:
        return _API
    if name.endswith(".ghe.com"):
        return f"https://api.{name}"
    return f"{url.rstrip('/')}/api/v3"

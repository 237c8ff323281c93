"""The URL of a git remote, taken apart: on which host a repository is, and what it is called there.

However one repository is written (https, ssh, with a port, with a user, in capitals, with `.git`), it comes to one
name: two sessions with the same name work on the same repository. What is on this machine has no host.
"""

import re
from urllib.parse import urlsplit

from msgspec import Struct

_SCHEMES = frozenset({"https", "http", "ssh", "git", "git+ssh", "ssh+git", "git+https", "git+http"})
_SCP_LIKE = re.compile(r"(?:[^@/\s]+@)?(?P<host>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?):(?!//)/*(?P<path>\S+)")
_SAME_HOSTS = {"ssh.github.com": "github.com", "www.github.com": "github.com"}  # ssh over the port of https; a habit


class Remote(Struct, frozen=True, kw_only=True):
    """Where a remote leads: a host without its port, and the path of the repository there, both in small letters."""

    host: str
    path: str


def remote_at(url: str) -> Remote | None:
    """Take a URL apart; null where it names no other host, or is no URL of git."""
    found = _split(url.strip())
    if found is None:
        return None
    host, path = found
    path = path.strip("/").removesuffix(".git").strip("/").lower()
    host = host.lower().rstrip(".")
    return Remote(host=_SAME_HOSTS.get(host, host), path=path) if host and path else None


def _split(url: str) -> tuple[str, str] | None:
    if "://" not in url:
        scp_like = _SCP_LIKE.fullmatch(url)
        return (scp_like["host"], scp_like["path"]) if scp_like else None
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets without an end
        return None
    if parts.scheme.lower() not in _SCHEMES or parts.hostname is None:
        return None
    return parts.hostname, parts.path

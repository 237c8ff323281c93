"""Which files of repositories a user trusts: by the path and the hash of the content, so that any change ends it.

Each is remembered in a file of its own in the home, which only the user can read or write.
"""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from orchestrd.core.layout import Layout
from orchestrd.model.errors import RefusedError
from orchestrd.model.limits import RUN_RECORD_BYTES_MAX
from orchestrd.store.disk import LOCAL, place, unwritable


class Trusted(Struct, frozen=True, kw_only=True):
    """One file that is trusted, as long as it is this one."""

    path: str
    sha256: str


def is_trusted(layout: Layout, path: str, content: bytes) -> bool:
    """Tell whether this very content of this file is trusted."""
    try:
        held = msgspec.json.decode(LOCAL.read(_record(layout, path), RUN_RECORD_BYTES_MAX), type=Trusted)
    except (OSError, msgspec.DecodeError):
        return False
    return held == Trusted(path=path, sha256=_hash(content))


def trust(layout: Layout, path: str, content: bytes, environ: Mapping[str, str]) -> None:
    """Trust this content of this file from now on, durably.

    Raises RefusedError (`agent_may_not`) inside a session, and what the store raises where the home cannot be written.
    """
    if environ.get("ORCH_SESSION"):
        raise RefusedError(
            f"whether {path} is trusted is for a person to say, and this is inside a session",
            code="agent_may_not",
            hint="orch trust (in a terminal of your own)",
        )
    record = _record(layout, path)
    try:
        LOCAL.make_directory(layout.trusted)
        place(LOCAL, record, msgspec.json.encode(Trusted(path=path, sha256=_hash(content))))
    except OSError as error:
        raise unwritable(record, error) from error


def revoke(layout: Layout, path: str) -> bool:
    """Trust this file no longer, whatever stands in it; false where it was not trusted anyway."""
    record = Path(_record(layout, path))
    was_trusted = record.exists()
    with suppress(FileNotFoundError):
        record.unlink()
    return was_trusted


def _record(layout: Layout, path: str) -> str:
    return f"{layout.trusted}/{_hash(path.encode('utf-8', 'surrogateescape'))}.json"


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

"""The handle of a process run: a small JSON text in the session's record by which the run is found after a restart.

It names the launcher that was started last. Which launcher owns the run is for the claim in the run directory to say:
a handle from a repeated launch, whose launcher found the claim taken, leads nowhere wrong.
"""

import msgspec
from msgspec import Struct

from orchestrd.core.launch import ProcessIdentity, decode_record


class Handle(Struct, frozen=True, kw_only=True):
    """The launcher started last, and the boot it was started in."""

    boot: str
    launcher: ProcessIdentity


def encode_handle(handle: Handle) -> str:
    """Write a handle as it stands in the record."""
    return msgspec.json.encode(handle).decode()


def decode_handle(text: str | None) -> Handle | None:
    """Read a handle; null for none, and for one that is not ours: the run directory knows more anyway."""
    return None if text is None else decode_record(text.encode(), Handle)

"""The port of a forge: where changes are proposed, checked, reviewed and merged."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from orchestrd.model.allowance import Allowance
from orchestrd.model.change import Change
from orchestrd.model.ids import SessionId
from orchestrd.model.issue import Issue
from orchestrd.model.reaction import MergeOrder, Refusal


class WantedChange(Struct, frozen=True, kw_only=True):
    """One branch to look at. `known` is what was told of it before; only logs that it lacks are fetched."""

    session: SessionId
    branch: str
    directory: str  # of its repository on this machine
    known: Change | None = None


class ChangeLook(Struct, frozen=True, kw_only=True):
    """What the forge told of one branch. `change` is null where it told nothing, and then `error` says why."""

    session: SessionId
    change: Change | None = None
    error: str | None = None


class Merging(Struct, frozen=True, kw_only=True):
    """What became of an order to merge. `is_merged` null: nobody knows, and the next look tells.

    `change` is what was seen right before, or after it. Of one that was refused, `refusal` says for what, where that is
    known, and so whether it is worth another attempt; `words` are those of the forge itself, as it has said them.
    """

    is_merged: bool | None
    change: Change | None = None
    error: str | None = None
    refusal: Refusal | None = None
    words: str | None = None


class Forge(Protocol):
    """One kind of forge. All calls are bounded in time and in what they ask; they raise OrchestrdError."""

    name: str

    def repository_of(self, remote: str) -> str | None:
        """Name the repository behind the URL of a git remote; null where it is none of this forge."""
        ...

    async def look(self, repository: str, wanted: Sequence[WantedChange]) -> Sequence[ChangeLook]:
        """Look at all these branches of one repository at once, one answer each in the same order.

        Raises TransientError where nothing is told of any of them: no evidence about any.
        """
        ...

    async def merge(self, order: MergeOrder, wanted: WantedChange) -> Merging:
        """Look again, and merge exactly this commit if it is still ready; an order that was obeyed is obeyed."""
        ...

    async def issue(self, repository: str, number: int) -> Issue:
        """Read an issue. Raises NotFoundError, RefusedError (no token, no right), TransientError."""
        ...

    def allowances(self) -> Sequence[Allowance]:
        """Say how much may still be asked, of each host that was asked."""
        ...

    def pause_s(self, repository: str, usual_s: float) -> float:
        """Say how long to wait before the next look: `usual_s`, or longer where there is not much left to ask."""
        ...

    def on_change(self, nudge: Callable[[str], None]) -> None:
        """Name whom to call, on the loop, with a repository that is worth a look right now."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...


@runtime_checkable
class WebhookForge(Protocol):
    """A forge that tells by itself where something has changed, in requests that it signs."""

    name: str

    async def take_delivery(self, headers: Mapping[str, str], body: bytes) -> None:
        """Take one of its requests: it makes the next look come at once, and nothing in it is believed.

        The names of headers are in small letters. Raises RefusedError where it is not signed as it should be, or there
        is no secret to tell by (`no_secret`), UsageError where it is none of this forge.
        """
        ...

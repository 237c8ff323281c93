"""One repository that a forge is asked about: who stands on its branches, when it is looked at next, and the look.

Invariant: what a look tells is of the moment it began. Whoever is told of is named, in the order in which the forge was
asked; a session that the forge did not tell of is named by nobody, with the reason.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from orchestrd.core.branches import Claim, known_of, no_pull_request, without_pull_request
from orchestrd.model.errors import OrchestrdError, TransientError
from orchestrd.model.ids import SessionId
from orchestrd.model.limits import (
    CHANGES_AT_ONCE_MAX,
    CHANGES_LOOK_S,
    CHANGES_LOOK_S_MAX,
    CHANGES_NUDGED_S,
    FORGE_LOOK_S,
)
from orchestrd.ports import ChangeLook, Forge, WantedChange


class Member(Struct, frozen=True, kw_only=True):
    """A session on a branch of this repository, with what its worktree tells."""

    claim: Claim
    directory: str
    head: str | None  # the newest commit of its branch, here ...
    pushed: str | None  # ... and as it was pushed

    @property
    def is_live(self) -> bool:
        """Tell whether its session goes on."""
        return not self.claim.session.is_terminal


class WatchedRepository:
    """One repository at one forge."""

    def __init__(self, forge: Forge, name: str) -> None:
        self.forge = forge
        self.name = name
        self.is_looking = False
        self.is_given_up = False  # no forge knows it any more: what a look still tells is told to nobody
        self.silent_since: datetime | None = None  # the first look that told nothing, of those since the last that did
        self._members: dict[SessionId, Member] = {}
        self._looked_at: dict[SessionId, Member] = {}  # as they were when the newest look began
        self._began_s: float | None = None  # the newest look, on the loop's clock
        self._is_nudged = False

    def take(self, members: Sequence[Member], ended_turns: Collection[SessionId]) -> None:
        """Learn who stands on its branches now; what is new there, or was pushed, is worth a look."""
        self._members = {member.claim.session.id: member for member in members}
        self._looked_at = {session: seen for session, seen in self._looked_at.items() if session in self._members}
        for session, member in self._members.items():
            if _is_news(self._looked_at.get(session), member, is_turn_over=session in ended_turns):
                self.nudge()

    def ask(self, forge: Forge) -> None:
        """Ask another forge of this name from the next look on, which is due at once."""
        self.forge = forge
        self.nudge()

    def nudge(self) -> None:
        """Look as soon as the forge bears it."""
        self._is_nudged = True

    def due_s(self) -> float:
        """Say when the next look is due, on the loop's clock: at once where there was none."""
        if self._began_s is None:
            return 0.0
        usual_s = CHANGES_LOOK_S if any(member.is_live for member in self._members.values()) else CHANGES_LOOK_S_MAX
        return self._began_s + self._pause_s(CHANGES_NUDGED_S if self._is_nudged else usual_s)

    async def look(self, take: Callable[[ChangeLook], Awaitable[None]]) -> None:
        """Look once at all branches, and have each answer taken. Raises TransientError where the forge gives none."""
        self._began_s = asyncio.get_running_loop().time()
        self._is_nudged = False
        self._looked_at = members = dict(self._members)
        forge = self.forge
        without = without_pull_request([member.claim for member in members.values()])
        asked = [self._wanted(member) for session, member in members.items() if session not in without]
        for part in range(0, len(asked), CHANGES_AT_ONCE_MAX):
            for look in await self._asked(forge, asked[part : part + CHANGES_AT_ONCE_MAX]):
                await take(look)
        for session, why in without.items():
            branch = members[session].claim.branch
            await take(ChangeLook(session=session, change=no_pull_request(self.forge.name, self.name, branch, why)))

    def _pause_s(self, usual_s: float) -> float:
        try:
            return max(usual_s, self.forge.pause_s(self.name, usual_s))
        except Exception:  # noqa: BLE001 - the border of a forge: one that is broken is asked as seldom as can be
            return CHANGES_LOOK_S_MAX

    def _wanted(self, member: Member) -> WantedChange:
        session, branch = member.claim.session, member.claim.branch
        known = known_of(session, self.forge.name, self.name, branch)
        return WantedChange(session=session.id, branch=branch, directory=member.directory, known=known)

    async def _asked(self, forge: Forge, wanted: Sequence[WantedChange]) -> list[ChangeLook]:
        try:
            async with asyncio.timeout(FORGE_LOOK_S):
                looks = await forge.look(self.name, wanted)
        except TimeoutError:
            raise TransientError(f"it has not answered within {FORGE_LOOK_S:g} s", code="forge_late") from None
        except OrchestrdError:
            raise
        except Exception as error:
            raise TransientError(f"its adapter has failed: {error!r}", code="forge_failed") from error
        return [_of_this_branch(look, wish) for look, wish in zip(looks, wanted, strict=True)]


def _of_this_branch(look: ChangeLook, wish: WantedChange) -> ChangeLook:
    """A pull request is a session's own only where it is of its branch."""
    if look.change is None or look.change.branch == wish.branch:
        return replace(look, session=wish.session)
    return ChangeLook(session=wish.session, error=f"the forge told of the branch {look.change.branch} instead")


def _is_news(seen: Member | None, member: Member, *, is_turn_over: bool) -> bool:
    if seen is None or (seen.claim.branch, seen.pushed) != (member.claim.branch, member.pushed):
        return True
    return is_turn_over and seen.head != member.head

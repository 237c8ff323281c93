"""The merger: has a forge merge what a session's reaction has ordered, and brings back what became of it.

Invariant: an order is pinned to a commit, and the forge looks again right before; so to obey it once more, after a
crash, is to find it obeyed. Where nobody knows what became of it, that is what is told: the next look tells, and it is
asked for at once.
"""

import asyncio
from collections.abc import Callable

from orchestrd.engine.forges import Forges
from orchestrd.engine.mailbox import Mailboxes
from orchestrd.engine.performing import Performer
from orchestrd.engine.roster import Roster
from orchestrd.engine.tasks import OnError
from orchestrd.model.command import Merged
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.errors import OrchestrdError, RefusedError
from orchestrd.model.limits import MERGE_S
from orchestrd.model.reaction import MergeOrder
from orchestrd.model.session import Session
from orchestrd.ports import Forge, Merging, WantedChange


class Merger(Performer):
    """Performs merges, those of different sessions side by side. `look_now` is called with the repository of each."""

    name = "merger"
    kinds = frozenset({EffectKind.MERGE})
    is_interruptible = True

    def __init__(
        self,
        *,
        forges: Forges,
        look_now: Callable[[str], None],
        roster: Roster,
        mailboxes: Mailboxes,
        on_error: OnError,
    ) -> None:
        super().__init__(roster, mailboxes, on_error)
        self._forges = forges
        self._look_now = look_now

    async def perform(self, session: Session, effect: Effect) -> None:
        """Merge, and have it looked at."""
        order = effect.merge
        assert order is not None, "a merge has its order"
        merging = await self._merging(session, order)
        result = Merged(
            effect=effect.id,
            is_merged=merging.is_merged,
            change=merging.change,
            error=merging.error,
            refusal=merging.refusal,
            words=merging.words,
        )
        await self.report(session.id, result)
        self._look_now(order.repository)

    async def _merging(self, session: Session, order: MergeOrder) -> Merging:
        try:
            forge = self._forge_of(session, order)
            wanted = WantedChange(
                session=session.id, branch=order.branch, directory=session.spec.workspace.path, known=session.change
            )
            with self._forges.lent(forge):
                async with asyncio.timeout(MERGE_S):
                    return await forge.merge(order, wanted)
        except RefusedError as error:
            return Merging(is_merged=False, error=error.message)
        except TimeoutError:
            return Merging(is_merged=None, error=f"the forge has not answered within {MERGE_S:g} s")
        except OrchestrdError as error:
            return Merging(is_merged=None, error=error.message)
        except Exception as error:  # noqa: BLE001 - the border of a forge: what it has done is not known
            self._on_error(f"the merge of {order.branch} in {order.repository} is in doubt", error)
            return Merging(is_merged=None, error=f"{type(error).__name__}: {error}")

    def _forge_of(self, session: Session, order: MergeOrder) -> Forge:
        """Raises RefusedError where its change is no longer that of the order, or nobody is there to ask."""
        change = session.change
        if change is None or (change.repository, change.branch) != (order.repository, order.branch):
            raise RefusedError("the session works on another branch by now", code="moved")
        if change.forge not in self._forges.current:
            raise RefusedError(f"no forge {change.forge} is configured any more", code="no_forge")
        return self._forges.current[change.forge]

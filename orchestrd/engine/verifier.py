"""The verifier: finds out whether the work of a session is done, by the command that its user has given for that.

What is compared with the commit is looked at first: so a green command was run on what is committed, whatever it leaves
in the workspace itself. A verification that is intended no more (the agent works again, the session ends) is called
off, and one that the daemon's end has cut short is begun again by the next.
"""

from orchestrd.engine.mailbox import Mailboxes
from orchestrd.engine.performing import Performer
from orchestrd.engine.roster import Roster
from orchestrd.engine.tasks import OnError
from orchestrd.model.command import Verified
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.session import Session
from orchestrd.ports import CommandRunner, Trees


class Verifier(Performer):
    """Verifies, the sessions side by side."""

    name = "verifier"
    kinds = frozenset({EffectKind.VERIFY})
    is_interruptible = True

    def __init__(
        self, roster: Roster, mailboxes: Mailboxes, runner: CommandRunner, trees: Trees, on_error: OnError
    ) -> None:
        super().__init__(roster, mailboxes, on_error)
        self._runner = runner
        self._trees = trees

    async def perform(self, session: Session, effect: Effect) -> None:
        """Verify the newest turn of one session."""
        tree = await self._trees.tree(session.spec.workspace)
        command = session.spec.verify or "false"  # none: a record that another hand has edited proves nothing
        end = await self._runner.run(session, command)
        await self.report(
            session.id,
            Verified(
                effect=effect.id,
                generation=effect.generation,
                exit_code=end.exit_code,
                is_clean=tree.is_clean,
                head=tree.head,
                beginning=tree.beginning,
                output=end.output,
                error=end.error or tree.error,
            ),
        )

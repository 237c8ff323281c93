"""Errands: runs the commands of reactions in the workspaces of their sessions, once each.

A command is committed as attempted before it begins. It ends with its session, or with the daemon; then the next
daemon finds it attempted, tells that nobody knows how it ended, and does not begin it again.
"""

from orchestrd.engine.mailbox import Mailboxes
from orchestrd.engine.performing import Performer
from orchestrd.engine.roster import Roster
from orchestrd.engine.tasks import OnError
from orchestrd.model.command import CommandRun
from orchestrd.model.effect import Effect, EffectKind
from orchestrd.model.session import Session
from orchestrd.ports import CommandRunner


class Errands(Performer):
    """Runs commands, those of one session one after the other."""

    name = "errands"
    kinds = frozenset({EffectKind.RUN})
    is_interruptible = True

    def __init__(self, roster: Roster, mailboxes: Mailboxes, runner: CommandRunner, on_error: OnError) -> None:
        super().__init__(roster, mailboxes, on_error)
        self._runner = runner

    async def perform(self, session: Session, effect: Effect) -> None:
        """Run the command of one effect."""
        if effect.command is None:
            await self.report(session.id, CommandRun(effect=effect.id, error="it has no command"))
        elif await self.attempt(session.id, effect):
            end = await self._runner.run(session, effect.command)
            await self.report(
                session.id,
                CommandRun(effect=effect.id, exit_code=end.exit_code, output=end.output, error=end.error),
            )

"""What lies beyond runs, as one daemon of the simulation sees it: nothing, where there is no forge and no channel."""

from collections.abc import Mapping

from orchestrd.engine.channels import MakeNotifier
from orchestrd.ports import Checkouts, CommandRunner, Forge
from orchestrd.testing.forge import ScriptedCheckouts
from orchestrd.testing.outside import ScriptedChannels, ScriptedRunner, ScriptedTrees


class Outside:
    """One daemon's view; its end cuts it off."""

    def __init__(self) -> None:
        self.checkouts: Checkouts = ScriptedCheckouts()
        self.trees = ScriptedTrees()
        self.forges: Mapping[str, Forge] = {}
        self.make_notifier: MakeNotifier = ScriptedChannels().make
        self.runner: CommandRunner = ScriptedRunner()

    def calm(self) -> None:
        """Spare it all trouble from now on."""

    def cut_off(self) -> None:
        """Let nothing of it reach the world any more."""

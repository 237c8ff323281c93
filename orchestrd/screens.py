"""A user's own rules about the screens of agents, in `screens/<agent>.toml` beside the configuration.

An agent's next version may draw otherwise on a Saturday: who sees that can say so in a file, and have the daemon read
it again. A file that is wrong is said, and costs its own rules only: those of the package go on to count.
"""

from collections.abc import Callable, Mapping

from orchestrd.agents.screen_rules import overridden
from orchestrd.config.screen_rules import parse_rules
from orchestrd.configuring import read_layer, screens_beside
from orchestrd.model.errors import OrchestrdError, UsageError
from orchestrd.model.origin import Kind, Mistake
from orchestrd.model.screen_rule import ScreenRule
from orchestrd.ports import Agent

Report = Callable[[str, BaseException | None], None]
Found = Mapping[str, tuple[ScreenRule, ...] | OrchestrdError]


class Screens:
    """Reads them, and has the agents take them."""

    def __init__(self, agents: Mapping[str, Agent], environ: Mapping[str, str]) -> None:
        self._agents = agents
        self._place = screens_beside(environ)
        self._package = {name: agent.screen_rules for name, agent in agents.items()}

    def read(self) -> Found:
        """Read what there is for each agent; blocks."""
        return {name: self._read(f"{self._place}/{name}.toml") for name in self._agents}

    def take(self, found: Found, report: Report) -> None:
        """Go on with these. `report` is told what is wrong with a part, and null where nothing is (any more)."""
        for name, theirs in found.items():
            error = theirs if isinstance(theirs, OrchestrdError) else None
            mine = () if isinstance(theirs, OrchestrdError) else theirs
            self._agents[name].screen_rules = overridden(self._package[name], mine)
            report(f"the screen rules of {name}", error)

    def _read(self, path: str) -> tuple[ScreenRule, ...] | OrchestrdError:
        match read_layer(Kind.USER, path):
            case None:
                return ()
            case Mistake() as mistake:
                return UsageError(f"{path}: {mistake.cause}", code="bad_rule", hint=mistake.hint)
            case layer:
                try:
                    return parse_rules(layer.content)
                except UsageError as error:
                    return UsageError(f"{path}: {error.message}", code="bad_rule", hint="orch daemon reload")

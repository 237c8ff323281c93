"""The port of an agent: what the engine asks of the knowledge about one agent CLI."""

from collections.abc import Mapping
from typing import Protocol

from orchestrd.model.agent import Capabilities, Trust
from orchestrd.model.run import AgentFiles, AgentLaunch, Glimpse, LaunchContext, Reading, Run
from orchestrd.model.screen_rule import ScreenRule
from orchestrd.model.session import Spec
from orchestrd.model.words import Activity


class Agent(Protocol):
    """The program driven: pure knowledge of one agent CLI, no I/O."""

    name: str
    capabilities: Capabilities
    witnesses: tuple[Trust, ...]  # of its activity, most believed first; argued in the adapter
    screen_rules: tuple[ScreenRule, ...]  # those of the package; where a user has others, these are put in their place
    needs_terminal: bool  # it cannot run on a runtime without one
    awaits_turn: bool  # it is typed into only while it is known to wait
    confirms: bool  # one of its witnesses tells of each prompt it takes
    resume_text: str | None  # what is typed to have it go on behind a usage limit; null: nothing is

    def problem_with(self, spec: Spec) -> str | None:
        """Say why this spec cannot be launched with this agent, or null."""
        ...

    def account(self, spec: Spec, environment: Mapping[str, str]) -> str | None:
        """Name whose usage limit such a session shares with others, by a digest; null where there is none.

        The name tells nobody the secret itself: `orchestrd.agents.accounts` makes such names.
        """
        ...

    def problem_with_message(self, text: str) -> str | None:
        """Say why this text would not arrive as the message it is meant to be, or null."""
        ...

    def launch(self, spec: Spec, context: LaunchContext) -> AgentLaunch:
        """Give the command line and all that goes with it."""
        ...

    def files(self, spec: Spec, environment: Mapping[str, str], run: Run, agent_pid: int | None) -> AgentFiles | None:
        """Name the files in which the agent itself writes down what it does; null where it has none."""
        ...

    def wants_screen(self, activity: Activity, source: str | None) -> bool:
        """Tell whether the screen may say more than what is known of its activity, and from whom."""
        ...

    def read(self, glimpse: Glimpse) -> Reading:
        """Tell what the witnesses of its activity say."""
        ...

    def draft(self, screen: str) -> str | None:
        """Give what a person has typed but not sent, by a styled screen; null where none is seen for certain."""
        ...

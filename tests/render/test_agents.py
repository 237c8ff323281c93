"""The table of agents: which there are, which are installed, and what each can do."""

from orchestrd.model.agent import Capabilities
from orchestrd.model.document import KnownAgent, KnownAgents
from orchestrd.model.words import Permission
from orchestrd.render.agents import agents_table


def known(name: str, capabilities: Capabilities, program: str | None = None, version: str | None = None) -> KnownAgent:
    return KnownAgent(
        name=name,
        needs_terminal=True,
        capabilities=capabilities,
        witnesses=("report",),
        program=program,
        version=version,
    )


def test_each_agent_has_a_row_with_what_was_found_and_what_it_can_do() -> None:
    policies = (Permission.ASK, Permission.DENY)
    hooked = Capabilities(hooks=True, cost=True, answers=True, structured=True, policies=policies, tested="2.1")
    agents = (
        known("claude", hooked, "/usr/bin/claude", "2.2.0"),
        known("crumb", Capabilities(tested="1.0")),
        known("mute", Capabilities(tested="1.0"), "/opt/\x1bmute"),
        known("shell", Capabilities()),
    )

    assert agents_table(KnownAgents(agents=agents)).splitlines() == [
        "AGENT   VERSION    TESTED  CAN                           PERMISSION  PROGRAM",
        "claude  2.2.0      2.1     hooks, cost, answers, hosted  ask, deny   /usr/bin/claude",
        "crumb   not found  1.0     -                             ask         -",
        "mute    ?          1.0     -                             ask         /opt/\\x1bmute",
        "shell   -          -       -                             ask         -",
    ]

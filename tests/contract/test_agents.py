"""Every agent that there is keeps the contract of agents: each one's suite is made from its entry point."""

from benchmarks.agents.installed import PINNED
from orchestrd.plugins import Plugins
from orchestrd.testing.contracts.agent import AgentContract

NEEDED = {"shell": ("sh", "-c", "true")}  # what stands after --
RULES = {"gemini": "run_shell_command(git status)", "opencode": "bash(git *)"}

for name, made in Plugins().agents().items():
    needs = {"agent": made, "argv": NEEDED.get(name, ()), "rule": RULES.get(name, AgentContract.rule)}
    suite = type(f"Test{name.title()}Agent", (AgentContract,), needs)
    globals()[suite.__name__] = suite


def test_each_agent_is_held_to_the_version_that_the_tests_drive() -> None:
    tested = {name: made.capabilities.tested for name, made in Plugins().agents().items()}

    assert tested == {**PINNED, "shell": None}

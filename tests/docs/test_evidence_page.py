"""The page about evidence names every agent, and its witnesses in the order in which they are believed."""

import re

from orchestrd.plugins import Plugins
from tests.docs.pages import DOCS

PAGE = (DOCS / "evidence.md").read_text()


def test_every_agent_is_there_with_its_own_order() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| ([a-z_, ]+) \|$", PAGE, re.MULTILINE))

    orders = {
        name: ", ".join(trust.observer for trust in agent.witnesses) for name, agent in Plugins().agents().items()
    }

    assert told == orders


def test_every_witness_of_an_agent_is_told_of() -> None:
    used = {trust.observer for agent in Plugins().agents().values() for trust in agent.witnesses}

    assert used <= set(named())


def test_no_witness_is_told_of_twice() -> None:
    assert sorted(named()) == sorted(set(named()))


def named() -> list[str]:
    return re.findall(r"^\| `(\w+)` \| .* \| (?:looked at|heard|remembered) \|$", PAGE, re.MULTILINE)

"""One short day of each real agent, scored as the benchmark does it: every truth is claimed, and nothing false is.

How late a claim may be is the benchmark's (`make truth`): here each truth is held until it is claimed.
"""

import itertools
from collections.abc import Iterable
from pathlib import Path

import pytest

from benchmarks.truth.models import of_ours
from benchmarks.truth.playing import Player, play
from benchmarks.truth.scoring import STARTING, Edge
from benchmarks.truth.stage import set_up
from orchestrd.testing.model import read_scenario
from tests.standin.claude import needs

SCENARIOS = Path(__file__).with_name("scenarios")
DAYS = {
    "claude": "short_day",
    "claude-hosted": "short_day",
    "codex": "short_day",
    "codex-hosted": "short_day",
    "opencode": "short_day",
    "gemini": "short_day",
    "aider": "short_day_without_tools",
}
TICK_S = 0.5
PATIENCE = 2.0  # a machine that tests much at once is slow
BETWEEN = ("unknown", STARTING)  # what is said while a message is being typed


def in_order(edges: Iterable[Edge], begin: float) -> list[str]:
    """Name what was so from a moment on, one after the other; an agent may ask before it is seen at work."""
    ordered = sorted(edges, key=lambda edge: edge.at)
    standing = [edge for edge in ordered if edge.at <= begin][-1:]
    told = [edge.state for edge in (*standing, *(edge for edge in ordered if edge.at > begin))]
    states = [state for state, _ in itertools.groupby(state for state in told if state not in BETWEEN)]
    return states[1:] if states[:2] == ["working", "blocked"] else states


@pytest.mark.parametrize("name", [pytest.param(name, marks=needs(Player(name).agent)) for name in DAYS])
def test_all_that_is_true_of_an_agent_is_claimed_in_order_and_nothing_false(name: str) -> None:
    scenario = read_scenario(SCENARIOS / f"{DAYS[name]}.toml")

    with set_up(has_hooks=True, tick_s=TICK_S) as stage:
        played = play(stage, Player(name), scenario, of_ours, patience=PATIENCE)

    assert played.failure is None, played.told
    begin = next(edge.at for edge in played.truth if edge.state != STARTING)
    claimed = iter(in_order(played.claims, begin))
    assert all(state in claimed for state in in_order(played.truth, begin)), played.told  # each behind the one before
    assert [one.claimed for one in played.score.false_claims] == []
    assert [one.expected for one in played.sent] == ["refused", "submitted"]
    replies = [one.reply for one in played.sent]
    assert replies in (["refused", "submitted"], ["refused", "typed"])  # of a slow machine nobody sees it taken in time
    assert [(one.was_heard, one.was_typed_astray) for one in played.sent] == [(False, False), (True, False)]

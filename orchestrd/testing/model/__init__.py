"""A model on loopback that does what a scenario says, and knows the truth about the agent that asks it.

It speaks the four APIs that coding agents speak: Anthropic's Messages, OpenAI's Responses and Chat Completions, Gemini.
In process: `with StandIn(scenario) as model`; as a program: `python -m orchestrd.testing.model --help`.
"""

from orchestrd.testing.model.moves import (
    Answer,
    Ask,
    Cut,
    Delegate,
    Edit,
    Hang,
    Move,
    Read,
    Refusal,
    Run,
    Truth,
    Write,
)
from orchestrd.testing.model.scenario import Await, Person, Scenario, read_scenario, scenarios_in, shipped_scenarios
from orchestrd.testing.model.standin import StandIn
from orchestrd.testing.model.truth import Edge, TruthLog, read_truth

__all__ = [
    "Answer",
    "Ask",
    "Await",
    "Cut",
    "Delegate",
    "Edge",
    "Edit",
    "Hang",
    "Move",
    "Person",
    "Read",
    "Refusal",
    "Run",
    "Scenario",
    "StandIn",
    "Truth",
    "TruthLog",
    "Write",
    "read_scenario",
    "read_truth",
    "scenarios_in",
    "shipped_scenarios",
]

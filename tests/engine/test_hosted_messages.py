"""What is read as a message by an agent that is hosted by its protocol, and would not be by its terminal."""

import pytest
from msgspec.structs import replace

from orchestrd.core.layout import Layout
from orchestrd.engine.launching import Launching
from orchestrd.model.agent import Capabilities
from orchestrd.model.session import Spec, Workspace
from orchestrd.testing.clocks import FakeClock
from orchestrd.testing.runtime import ScriptedRuntime
from orchestrd.testing.world import World
from tests.engine.rig import BenchAttachments
from tests.engine.test_witnesses import TalkingAgent

SPEC = Spec(
    name="one",
    project="/repo",
    agent="hosted",
    runtime="process",
    argv=(),
    workspace=Workspace(kind="none", path="/repo"),
    nonce="n0nce",
)


class HostedAgent(TalkingAgent):
    """An agent with a terminal that takes nothing, and a protocol."""

    name = "hosted"
    needs_terminal = False
    capabilities = Capabilities(commands="/", hosted_commands=True, structured=True)

    def problem_with_message(self, text: str) -> str | None:
        return "its terminal takes nothing"


@pytest.fixture
def launching() -> Launching:
    world = World(FakeClock())
    runtimes = {name: ScriptedRuntime(world, name, has_terminal=name == "tmux") for name in ("process", "tmux")}
    return Launching(Layout("/home"), BenchAttachments(), runtimes, {"hosted": HostedAgent()}, {}, with_hooks=True)


@pytest.mark.parametrize("text", ["!ls", "exit", "a backslash at its end\\", "# heading", " /review"])
def test_what_a_terminal_would_not_take_as_a_message_a_protocol_does(launching: Launching, text: str) -> None:
    assert launching.problem_with_message(SPEC, text) is None
    assert launching.problem_with_message(replace(SPEC, runtime="tmux"), text) == "its terminal takes nothing"


@pytest.mark.parametrize(("text", "why"), [("/review", "put a space before it"), (" \n", "no empty message")])
def test_what_is_no_message_to_a_protocol_either_is_refused(launching: Launching, text: str, why: str) -> None:
    assert why in (launching.problem_with_message(SPEC, text) or "")


def test_a_protocol_that_knows_no_commands_takes_what_looks_like_one_for_a_text(
    launching: Launching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HostedAgent, "capabilities", Capabilities(commands="/", structured=True))

    assert launching.problem_with_message(SPEC, "/review") is None
    assert launching.commands(SPEC) == ""
    assert launching.commands(replace(SPEC, runtime="tmux")) == "/"


def test_nothing_is_said_of_what_nobody_knows(launching: Launching) -> None:
    assert launching.problem_with_message(replace(SPEC, agent="another"), "/x") is None

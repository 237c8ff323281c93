"""Claude Code without a terminal: by which words it speaks its structured protocol, and what a host makes of it."""

from orchestrd.hosting.claude import STATES
from orchestrd.hosting.command import hosted
from orchestrd.model.run import AgentLaunch, LaunchContext
from orchestrd.model.session import Spec

PROTOCOL = "claude"
STRUCTURED = (
    *("--print", "--verbose", "--input-format", "stream-json", "--output-format", "stream-json"),
    *("--permission-prompt-tool", "stdio"),
)
OURS = frozenset(word for word in STRUCTURED if word.startswith("--"))


def launch_hosted(spec: Spec, context: LaunchContext, program: tuple[str, ...], begun: tuple[str, ...]) -> AgentLaunch:
    """Give the launch of a host: `program` with its own arguments, and how it begins or goes on with a conversation."""
    is_new = context.conversation is None
    return AgentLaunch(
        argv=hosted(
            PROTOCOL,
            (*program, *STRUCTURED, *begun),
            prompt_path=context.prompt_path if is_new else None,
            permission=spec.permission,
        ),
        environment=((STATES, "1"),),
    )

"""What a message is known by: its key, which makes a repeated send the same send, and the digest of what it says."""

import hashlib

from orchestrd.model.command import Send
from orchestrd.model.limits import COMMAND_CHARS_MAX, MESSAGE_KEPT_BYTES_MAX

_DIGITS = 32


def digest_of(command: Send) -> str:
    """Tell texts apart: of a message that lies in a file as well."""
    if command.digest is not None:
        return command.digest
    kind = "command" if command.is_command else "text"
    return hashlib.sha256(f"{kind}\0{command.text}".encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def is_large(text: str) -> bool:
    """Tell whether a text is too large for a record, and stands in a file beside it."""
    return len(text.encode("utf-8", "surrogatepass")) > MESSAGE_KEPT_BYTES_MAX


def problem_with_hosted(prefix: str, text: str, agent: str) -> str | None:
    """Say why a text would not arrive as a message by this agent's protocol, whose commands begin with `prefix`."""
    if not text.strip():
        return f"agent {agent} takes no empty message"
    if prefix and text.startswith(prefix):
        return f"a text that begins with {prefix} may be taken for a command by {agent}: put a space before it"
    return None


def problem_with_own_command(prefix: str, text: str, agent: str) -> str | None:
    """Say why a text is no command of this agent, which all begin with `prefix`; empty: it has none."""
    if not prefix:
        return f"agent {agent} has no commands of its own: send it as a text"
    if not text.startswith(prefix) or len(text.strip()) == len(prefix):
        return f"a command of {agent} begins with {prefix}: orch send ID --command {prefix}NAME"
    if not text.isprintable():
        return "a command is one line of printable characters"
    if len(text) > COMMAND_CHARS_MAX:
        return f"a command has at most {COMMAND_CHARS_MAX} characters: send what is longer as a text"
    return None

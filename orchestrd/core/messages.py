"""What a message is known by: its key, which makes a repeated send the same send, and the digest of what it says."""

import hashlib
import shlex

from orchestrd.model.command import Send
from orchestrd.model.limits import COMMAND_CHARS_MAX, MESSAGE_KEPT_BYTES_MAX

BAD_MESSAGE = "bad_message"  # the code of a refusal: the text itself is why
BLOCKED = "blocked"  # or a decision that it waits for
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
        return f"agent {agent} takes no commands of its own here: send it as a text"
    if not text.startswith(prefix) or len(text.strip()) == len(prefix):
        return f"a command of {agent} begins with {prefix}"
    if not text.isprintable():
        return "a command is one line of printable characters"
    if len(text) > COMMAND_CHARS_MAX:
        return f"a command has at most {COMMAND_CHARS_MAX} characters: send what is longer as a text"
    return None


def command_line_of(command: Send, prefix: str) -> str:
    """Give the next command where a text and its being a command do not go together; the help where none is known."""
    text = command.text.strip()
    if not text.isprintable() or not 0 < len(text) < COMMAND_CHARS_MAX or text == prefix:
        return "orch send --help"
    if not prefix:
        return f"orch send {command.session} {shlex.quote(text)}"
    whole = text if text.startswith(prefix) else f"{prefix}{text}"
    return f"orch send {command.session} --command {shlex.quote(whole)}"

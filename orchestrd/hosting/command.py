"""The command line of a host: how an adapter has its agent run by one."""

import sys

PROGRAM = __file__.removesuffix("command.py") + "host.py"
PROMPT, CONVERSATION, PERMISSION = "--prompt", "--conversation", "--permission"  # each with a value behind it
END = "--"  # behind it stands the agent's own command line


def hosted(
    protocol: str,
    argv: tuple[str, ...],
    *,
    prompt_path: str | None = None,
    conversation: str | None = None,
    permission: str = "ask",
) -> tuple[str, ...]:
    """Give the command line that hosts an agent, which `argv` runs so that it speaks this protocol on its stdio.

    The prompt in the file `prompt_path` is its first message; `conversation` is the one to go on with, for protocols in
    which that is said and not given on the command line. With `permission` "deny" whatever is asked is refused at once.
    """
    options = {PROMPT: prompt_path, CONVERSATION: conversation, PERMISSION: permission}
    given = (word for name, value in options.items() if value is not None for word in (name, value))
    return (sys.executable, "-IS", PROGRAM, protocol, *given, END, *argv)

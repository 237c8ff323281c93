"""`orch completion`: the script by which a shell completes words, sessions among them."""

from typing import Annotated

import typer

from orchestrd.model.errors import UsageError
from orchestrd_cli import exits, terminal
from orchestrd_cli.completion import answering
from orchestrd_cli.grammar import verb


@verb("bash|zsh|fish")
def completion(shell: Annotated[str, typer.Argument(hidden=True, metavar="SHELL")]) -> int:
    """Print the script that completes verbs, options and sessions.

    Each Tab asks the daemon, so what it offers is what there is now. In
    ~/.bashrc, in ~/.zshrc behind compinit, and in a file of fish's own:

    orch completion bash    # source <(orch completion bash)
    orch completion zsh     # source <(orch completion zsh)
    orch completion fish    # > ~/.config/fish/completions/orch.fish
    """
    if shell not in answering.SHELLS:
        raise UsageError(f"no shell {shell!r} is known: {', '.join(answering.SHELLS)}", hint="orch completion --help")
    terminal.write(answering.script(shell))
    return exits.OK

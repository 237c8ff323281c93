"""Is the program there that a session is to run? Asked where the caller stands, who can do something about it at once.

It is looked for as the launcher will: on the PATH that the session is given. Where nobody can say yet it counts as
there: a setup may still bring it, and a path may lie in a worktree that is still to be made.
"""

import shlex
from pathlib import Path
from shutil import which

from orchestrd.core.passing import AGENTS
from orchestrd.model.document import SpawnRequest
from orchestrd.model.errors import NotFoundError

PATH_UNLESS_SET = "/usr/bin:/bin"  # as the launcher has it
HOW_TO_INSTALL = {
    "aider": "uv tool install aider-chat",
    "claude": "npm install -g @anthropic-ai/claude-code",
    "codex": "npm install -g @openai/codex",
    "gemini": "npm install -g @google/gemini-cli",
    "opencode": "npm install -g opencode-ai",
}


def missing_program(request: SpawnRequest) -> NotFoundError | None:
    """Say that a session could not run (`no_program`), for its program is not on its PATH; null where it could."""
    spec, path = request.spec, request.environment.get("PATH", PATH_UNLESS_SET)
    program = spec.agent if spec.agent in AGENTS else next(iter(spec.argv), "")
    is_known = spec.agent in AGENTS or spec.agent == "shell"
    is_certain = all(folder.startswith("/") for folder in path.split(":")) and not spec.workspace.setup
    if not (is_known and is_certain) or "/" in program or which(program, path=path):
        return None
    return NotFoundError(
        f"there is no program {program!r} in any directory of the session's PATH",
        code="no_program",
        hint=HOW_TO_INSTALL.get(program) or _as_was_meant(program, request),
    )


def _as_was_meant(program: str, request: SpawnRequest) -> str:
    """Guess at the command that was meant: a line for a shell, a file right here, or one that lies elsewhere."""
    arguments = shlex.join(request.spec.argv[1:])
    if " " in program and not arguments:
        return f"orch spawn -- sh -c {shlex.quote(program)}"
    if Path(request.spec.project, program).is_file():
        return f"orch spawn -- ./{shlex.join(request.spec.argv)}"
    return f"orch spawn -- /PATH/TO/{shlex.join(request.spec.argv)}"

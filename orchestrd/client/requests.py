"""What a caller knows, made into a request: who asks, in which directory, with which environment, under which new id.

The values of the environment are the caller's own, and only those that are named: the standard ones and what was asked
for. Nothing else of the caller, and nothing of the daemon, reaches the agent.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence

from orchestrd.core.validate import problem_with_request
from orchestrd.model.document import SpawnRequest
from orchestrd.model.errors import UsageError
from orchestrd.model.ids import ID_ALPHABET, ID_CHARS, SessionId
from orchestrd.model.limits import GRACE_S, PROMPT_HEAD_CHARS
from orchestrd.model.session import Spec, Workspace
from orchestrd.model.words import Authority, Until

STANDARD_NAMES = ("HOME", "USER", "SHELL", "PATH", "LANG", "TMPDIR", "SSH_AUTH_SOCK")
_BITS = 5  # of one character of an id


def spawn_request(
    *,
    argv: Sequence[str] = (),
    prompt: str | None = None,
    agent: str = "shell",
    runtime: str = "process",
    directory: str = ".",
    name: str | None = None,
    env_names: Iterable[str] = (),
    grace_s: float = GRACE_S,
    until: Until = Until.EXIT,
    environ: Mapping[str, str] = os.environ,
) -> SpawnRequest:
    """Ask for a session that runs `argv`, or `agent` with `prompt`, in `directory`; without a name it bears its id.

    Raises UsageError when it cannot be asked for: a directory that is not there, a variable that is not set, a name, a
    text or a size that breaks a rule.
    """
    session = mint_id()
    project = _directory(directory)
    environment = _environment(env_names, environ)
    spec = Spec(
        name=session if name is None else name,
        project=project,
        agent=agent,
        runtime=runtime,
        argv=tuple(argv),
        workspace=Workspace(kind="none", path=project),
        nonce=os.urandom(8).hex(),
        prompt=None if prompt is None else prompt[:PROMPT_HEAD_CHARS],
        prompt_bytes=0 if prompt is None else len(_bytes(prompt)),
        prompt_sha256=None if prompt is None else hashlib.sha256(_bytes(prompt)).hexdigest(),
        env_names=tuple(environment),
        grace_s=grace_s,
        until=until,
    )
    request = SpawnRequest(
        id=session, spec=spec, environment=environment, prompt=prompt, authority=caller_authority(environ)
    )
    if problem := problem_with_request(request):
        raise UsageError(problem, code="invalid", hint="orch spawn --help")
    return request


def caller_authority(environ: Mapping[str, str] = os.environ) -> Authority:
    """Tell on whose authority the caller acts: inside a run it is an agent."""
    return Authority.AGENT if environ.get("ORCH_SESSION") else Authority.USER


def mint_id() -> SessionId:
    """Make a new session id out of 40 random bits."""
    bits = int.from_bytes(os.urandom(ID_CHARS * _BITS // 8), "big")
    return SessionId("".join(ID_ALPHABET[bits >> shift & 31] for shift in range(0, ID_CHARS * _BITS, _BITS)))


def mint_message_id() -> str:
    """Make a new id for one message, by which a repeated send is known."""
    return os.urandom(8).hex()


def _directory(directory: str) -> str:
    path = os.path.abspath(directory)  # noqa: PTH100 - resolving links would name a directory the user does not know
    if os.path.isdir(path):  # noqa: PTH112 - as above
        return path
    raise UsageError(
        f"there is no directory {path!r}", code="no_directory", hint="orch spawn --dir DIRECTORY -- COMMAND"
    )


def _environment(names: Iterable[str], environ: Mapping[str, str]) -> dict[str, str]:
    asked = tuple(names)
    for name, equals, _ in (name.partition("=") for name in asked):
        if equals:  # the value may be a secret: it is not repeated
            raise UsageError(
                f"--env passes on a variable that is set here, and takes no value: give the name only: --env {name}",
                code="invalid",
                hint="orch spawn --help",
            )
    missing = [name for name in asked if name not in environ]
    if missing:
        raise UsageError(
            f"the environment variable {missing[0]!r} is not set here: export it, or leave --env {missing[0]} out",
            code="not_set",
            hint="orch spawn --help",
        )
    return {name: environ[name] for name in dict.fromkeys((*STANDARD_NAMES, *asked)) if name in environ}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # what is no Unicode is refused by the rules, with a sentence

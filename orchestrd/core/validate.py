"""What may be asked for at all: the rules for names, command lines, environments, prompts and times.

Both ends apply them: the client before it sends or spools, the daemon before it accepts. So what stands in a record can
be stored, shown, put in a path and handed to the kernel. Each refusal is one sentence that names the thing, the cause
and the next step; null means: nothing is wrong.
"""

import unicodedata
from collections.abc import Callable, Mapping
from typing import assert_never

from orchestrd.core.policy import problem_with_policy
from orchestrd.core.worktree import owner_of
from orchestrd.model.command import Answer, Command, Kill, Revive, Send, Spawn, Stop
from orchestrd.model.document import SpawnRequest
from orchestrd.model.ids import ID_CHARS, is_session_id
from orchestrd.model.limits import (
    ANSWER_TEXT_BYTES_MAX,
    ARGV_BYTES_MAX,
    BASE_BYTES_MAX,
    ENVIRONMENT_BYTES_MAX,
    GRACE_S_MAX,
    KEY_CHARS_MAX,
    MESSAGE_BYTES_MAX,
    NAME_CHARS_MAX,
    NONCE_CHARS_MAX,
    PATH_BYTES_MAX,
    PROMPT_BYTES_MAX,
    PROMPT_HEAD_CHARS,
    WORKSPACE_PATHS_MAX,
)
from orchestrd.model.session import OWN_KEYS, Spec, Workspace
from orchestrd.model.words import OF_PULL_REQUEST, Until

RESERVED_PREFIX = "ORCH_"  # these names of the environment are ours to set
JOINER = "\u200d"  # holds an emoji of several characters together: the one invisible character that is welcome


def problem_with(spec: Spec) -> str | None:
    """Say what is wrong with a spec, or null. Whether its agent, runtime and directory exist is for others to say."""
    return _first(
        lambda: problem_with_name(spec.name),
        lambda: problem_with_directory("project", spec.project),
        lambda: _problem_with_workspace(spec),
        lambda: _problem_with_argv(spec.argv),
        lambda: next((said for name in spec.env_names if (said := problem_with_env_name(name))), None),
        lambda: problem_with_grace(spec.grace_s),
        lambda: _problem_with_nonce(spec.nonce),
        lambda: _problem_with_prompt_head(spec.prompt),
        lambda: problem_with_policy(spec.permission, spec.allow),
        lambda: _problem_with_goal(spec),
        lambda: None if spec.issue is None else problem_with_text("the id of the issue", spec.issue, PATH_BYTES_MAX),
    )


def problem_with_request(request: SpawnRequest) -> str | None:
    """Say what is wrong with the whole of a spawn: its id, its spec, its environment and its prompt."""
    return _first(
        lambda: problem_with_id(request.id),
        lambda: problem_with(request.spec),
        lambda: problem_with_owner(request.id, request.spec.workspace),
        lambda: _problem_with_environment(request.environment),
        lambda: problem_with_prompt(request.prompt),
    )


def problem_with_command(command: Command) -> str | None:
    """Say what is wrong with a command, whatever state its session is in."""
    match command:
        case Spawn():
            return _first(
                lambda: problem_with_id(command.session),
                lambda: problem_with(command.spec),
                lambda: problem_with_owner(command.session, command.spec.workspace),
            )
        case Stop(grace_s=grace_s):
            return None if grace_s is None else problem_with_grace(grace_s)
        case Send():
            return problem_with_key(command.message) or problem_with_message(command.text)
        case Answer(text=text):
            return None if text is None else problem_with_text("the text", text, ANSWER_TEXT_BYTES_MAX)
        case Kill() | Revive():
            return None
        case _ as never:
            assert_never(never)


def problem_with_id(text: str) -> str | None:
    """A session id is eight lower-case base32 characters, minted by the client."""
    if is_session_id(text):
        return None
    return f"{text[:40]!r} is not a session id: give {ID_CHARS} characters of a-z and 2-7"


def problem_with_name(name: str) -> str | None:
    """A name is one short line that can neither be taken for an option nor for a path."""
    if not name:
        return "the name is empty: give at least one character, or leave it out"
    if len(name) > NAME_CHARS_MAX:
        return f"the name has {len(name)} characters: give at most {NAME_CHARS_MAX}"
    if name[0] in "-.":
        return f"the name {name!r} begins with {name[0]!r}: begin it with a letter or a digit"
    if "/" in name:
        return f"the name {name!r} contains '/': it is no path, use '-' in its place"
    if name != name.strip():
        return f"the name {name!r} begins or ends with a space: leave it out"
    if any(_is_unprintable(char) for char in name):
        return f"the name {name!a} contains characters that cannot be seen: leave them out"
    return None


def problem_with_directory(what: str, path: str) -> str | None:
    """A directory is named from the root, so that it means the same to everyone."""
    if not path.startswith("/"):
        return f"the {what} {path[:200]!r} is not an absolute path: give it from the root"
    return problem_with_text(f"the path of the {what}", path, PATH_BYTES_MAX)


def problem_with_env_name(name: str) -> str | None:
    """An environment name is what a shell would accept, and not one of ours."""
    if not (name.isascii() and name.replace("_", "a").isalnum() and not name[0].isdigit()):
        return f"{name[:200]!r} is no name of an environment variable: use letters, digits and '_'"
    if name.startswith(RESERVED_PREFIX):
        return f"the environment variable {name} is set by orchestrd itself: choose a name without {RESERVED_PREFIX}"
    return None


def problem_with_grace(grace_s: float) -> str | None:
    """The time between TERM and KILL is bounded, or a stop would never come to an end."""
    if 0 <= grace_s <= GRACE_S_MAX:
        return None
    return f"a grace of {grace_s:g} s cannot be given: choose 0 to {GRACE_S_MAX:g} seconds"


def problem_with_prompt(prompt: str | None) -> str | None:
    """A prompt is text, of a size that can still be read."""
    return None if prompt is None else problem_with_text("the prompt", prompt, PROMPT_BYTES_MAX)


def problem_with_key(key: str) -> str | None:
    """The key of a message is a word that people can see; those of our own messages are taken."""
    if not key or len(key) > KEY_CHARS_MAX or not key.isprintable() or " " in key:
        return f"the key of a message is 1 to {KEY_CHARS_MAX} visible characters without a space"
    if key.startswith(OWN_KEYS):
        return f"keys that begin with {' or '.join(OWN_KEYS)} are those of orchestrd itself: choose another"
    return None


def problem_with_message(text: str) -> str | None:
    """A message is text, and some: newlines at the end are not typed in every terminal, and alone say nothing."""
    if not text.strip("\n"):
        return "the message is empty: give a text, or attach to press a key"
    return problem_with_text("the message", text, MESSAGE_BYTES_MAX)


def problem_with_text(what: str, text: str, bytes_max: int) -> str | None:
    """Any text must be storable as UTF-8, free of NUL, and bounded."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return f"{what} is not valid UTF-8: convert it first"
    if "\0" in text:
        return f"{what} contains a NUL character: leave it out"
    if size > bytes_max:
        return f"{what} has {size} bytes: give at most {bytes_max}, or put it in a file and name the file"
    return None


def _problem_with_argv(argv: tuple[str, ...]) -> str | None:
    if argv and not argv[0]:
        return "the command is empty: give a program to run"
    problem = next((said for arg in argv if (said := problem_with_text("an argument", arg, ARGV_BYTES_MAX))), None)
    if problem is None and sum(len(arg.encode()) + 1 for arg in argv) > ARGV_BYTES_MAX:
        return f"the command line is longer than {ARGV_BYTES_MAX} bytes: put it in a script and run that"
    return problem


def _problem_with_environment(environment: Mapping[str, str]) -> str | None:
    size = 0
    for name, value in environment.items():
        problem = problem_with_env_name(name) or problem_with_text(f"the value of {name}", value, ARGV_BYTES_MAX)
        if problem:
            return problem
        size += len(name) + len(value.encode()) + 2
    if size > ENVIRONMENT_BYTES_MAX:
        return f"the environment has {size} bytes: pass fewer variables, at most {ENVIRONMENT_BYTES_MAX} bytes"
    return None


def _problem_with_workspace(spec: Spec) -> str | None:
    if spec.lane != "default":
        return f"there is no lane {spec.lane[:40]!r}: the only one is 'default'"
    return problem_with_directory("workspace", spec.workspace.path) or problem_with_workspace(spec.workspace)


def problem_with_workspace(workspace: Workspace) -> str | None:
    """What is said of a worktree must make sense there, and nothing of it fits a session that has none."""
    if workspace.kind == "none":
        wishes = (workspace.branch, workspace.base, workspace.copy, workspace.link, workspace.setup)
        said = "a base, files to copy or link and a setup command need a worktree: ask for one, or leave them out"
        return said if any(wishes) or workspace.subdirectory is not None else None
    if not workspace.is_worktree:
        return f"the workspace kind {workspace.kind[:40]!r} is not known: choose 'worktree' or 'none'"
    return _first(
        lambda: problem_with_base(workspace.base),
        lambda: next((said for path in workspace.copy if (said := problem_with_path("copy", path))), None),
        lambda: next((said for path in workspace.link if (said := problem_with_path("link", path))), None),
        lambda: _problem_with_number_of("copy", workspace.copy) or _problem_with_number_of("link", workspace.link),
        lambda: problem_with_text("the setup command", workspace.setup or "", ARGV_BYTES_MAX),
        lambda: problem_with_path("work in", workspace.subdirectory or "here"),
    )


def problem_with_verify(command: str) -> str | None:
    """What verifies is a command: an empty one would always succeed."""
    if not command.strip():
        return "the verification is empty: give a command of sh, or leave it out"
    return problem_with_text("the verification", command, ARGV_BYTES_MAX)


def _problem_with_goal(spec: Spec) -> str | None:
    """A goal is one that can be met."""
    if spec.until in OF_PULL_REQUEST and not spec.workspace.is_worktree:
        return f"the goal {spec.until} needs a branch of its own, and this session has none: ask for a worktree"
    if spec.verify is not None:
        return problem_with_verify(spec.verify)
    if spec.until is Until.VERIFY:
        return "the goal verify needs a command that tells whether the work is done: give one"
    return None


def problem_with_owner(session: str, workspace: Workspace) -> str | None:
    """A worktree and its branch bear the id of their session, so that no two sessions ever meet in one."""
    if not workspace.is_worktree:
        return None
    if owner_of(workspace.branch or "") != session:
        named = f"orch/{session}"
        return f"the branch {str(workspace.branch)[:100]!r} is not one of {session}: call it {named} or {named}-WORDS"
    if not workspace.path.endswith(f"/{session}"):
        return f"the worktree {workspace.path[:200]!r} does not end in the id of its session, {session}"
    return None


def problem_with_base(base: str | None) -> str | None:
    """A base is a name that git can look up, and no option of git."""
    if base is None:
        return None
    if not base or base.startswith("-") or not base.isprintable() or " " in base:
        return f"the base {base[:100]!a} cannot be a commit: give a branch, a tag or a hash"
    return problem_with_text("the base", base, BASE_BYTES_MAX)


def problem_with_path(what: str, path: str) -> str | None:
    """A path to bring along is named from the root of the project, and stays within it and out of git's own."""
    parts = path.split("/")
    if path.startswith("/") or ".." in parts:
        return f"the path to {what} {path[:200]!r} leads out of the project: name it from the project's root"
    if "" in parts or "." in parts:
        return f"the path to {what} {path[:200]!r} is not plain: write it like src/data, from the project's root"
    if ".git" in parts:
        return f"the path to {what} {path[:200]!r} belongs to git: leave it out"
    return problem_with_text(f"the path to {what}", path, PATH_BYTES_MAX)


def _problem_with_number_of(what: str, paths: tuple[str, ...]) -> str | None:
    if len(paths) <= WORKSPACE_PATHS_MAX:
        return None
    return f"there are {len(paths)} paths to {what}: give at most {WORKSPACE_PATHS_MAX}, or a folder that holds them"


def _problem_with_nonce(nonce: str) -> str | None:
    if nonce.isascii() and nonce.isalnum() and len(nonce) <= NONCE_CHARS_MAX:
        return None
    return f"the nonce must be 1 to {NONCE_CHARS_MAX} letters and digits: mint a new one"


def _problem_with_prompt_head(head: str | None) -> str | None:
    if head is not None and len(head) > PROMPT_HEAD_CHARS:
        return f"the head of the prompt has {len(head)} characters: cut it after {PROMPT_HEAD_CHARS}"
    return problem_with_prompt(head)


def _is_unprintable(char: str) -> bool:
    return unicodedata.category(char)[0] in "CZ" and char not in (" ", JOINER)


def _first(*rules: Callable[[], str | None]) -> str | None:
    """Give the first refusal; a rule may rely on those before it."""
    return next((said for rule in rules if (said := rule())), None)

"""How git is called wherever orchestrd calls it, so that nobody is asked anything and no code of the repository runs.

Pure data, for the client and the daemon: the options that stand before each verb, and what the environment of a git
must and must not hold. A repository's hooks and its file system monitor are programs: they are not ours to start. Its
filters are the exception: without them nobody could check a file out, or say whether it was changed.
"""

from collections.abc import Mapping

# What git calls its local variables: they name another repository than the directory does. A client that is called
# from a hook has them in its environment.
LOCAL_NAMES = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_CONFIG_PARAMETERS",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_NAMESPACE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)
OURS = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",  # no window asks for a password either
    "SSH_ASKPASS_REQUIRE": "never",
    "GIT_OPTIONAL_LOCKS": "0",  # looking takes no lock that the user's own git would meet
    "LC_ALL": "C",  # some answers are told apart by their words
    "LANGUAGE": "",
}
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "log.showSignature=false",  # it is asked of a program
    "submodule.recurse=false",
    "gc.auto=0",  # what tidies up in the background would outlive the call
    "maintenance.auto=false",
    "commit.gpgSign=false",
    "tag.gpgSign=false",
)


def git_argv(directory: str, *arguments: str) -> list[str]:
    """Give the command line that runs git in a directory."""
    settings = (word for setting in _SETTINGS for word in ("-c", setting))
    return ["git", "-C", directory, "--no-pager", *settings, *arguments]


def git_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the environment git runs in, made out of the caller's."""
    return {name: value for name, value in environ.items() if name not in LOCAL_NAMES} | OURS

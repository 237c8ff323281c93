"""What is wrong with a text of the configuration that may be a secret, or hold one: said without repeating any of it.

Null means that nothing is wrong, or nothing of which more is known than the form that its key asks for.
"""

import re

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_LOOPBACK = re.compile(r"(127\.0\.0\.1|\[::1\]|localhost)(:[0-9]{1,5})?")
_TOKEN = re.compile(r"gh[oprsu]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|tk_[a-z0-9]{29}")  # of GitHub, and of ntfy
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PORT_MAX = 65_535
_NEVER_HERE = "no secret stands in a configuration"


def problem_with_url(text: str, secret_keys: str = "", *, is_sealed: bool = False) -> str | None:
    """A URL of the web, without a user. `secret_keys` name where else it may stand; `is_sealed`: a token goes there."""
    found = _SCHEME.fullmatch(text)
    begins = "https://" if is_sealed else "https:// or http://"
    if found is None or found[1].lower() not in ("http", "https"):
        aside = (
            f"; an address of Apprise is a secret: name by {secret_keys} where it is" if found and secret_keys else ""
        )
        return f"it has to begin with {begins}{aside}"
    host = re.split(r"[/?#]", found[2])[0]
    if any(char.isspace() for char in text):
        return "it holds a space: leave it out, or write it as %20"
    if "@" in host:
        where = f": name by {secret_keys} where all of it is" if secret_keys else ": leave them out"
        return f"it holds a user or a password, and {_NEVER_HERE}{where}"
    if not host:
        return f"it names no server behind {found[1]}://"
    if is_sealed and found[1].lower() == "http" and not _LOOPBACK.fullmatch(host):
        return "whoever is on the way there could read the token: begin it with https://"
    if not found[2][len(host) :].startswith("/") and found[2] != host:
        return "write a / behind its server"
    return None


def problem_with_variable(text: str, file_key: str) -> str | None:
    """The name of a variable of the environment, and no value of one."""
    if _TOKEN.fullmatch(text):
        return f"that is a token, and {_NEVER_HERE}: write it into a file, and name that by '{file_key}'"
    if _VARIABLE.fullmatch(text):
        return None
    if _VARIABLE.fullmatch(text.removeprefix("$").removeprefix("{").removesuffix("}")):
        return "give the name of the variable alone, without '$'"
    return f"that is no name of a variable, and {_NEVER_HERE}: give a name such as MY_TOKEN, or a file by '{file_key}'"


def problem_with_secret_file(text: str) -> str | None:
    """The path of a file, from the root or from the home directory."""
    if text.startswith(("/", "~/")) and text not in ("/", "~/"):
        return None
    return f"that is no path from / or ~/, and {_NEVER_HERE}: write it into a file, and give the path of that"


def problem_with_remote(text: str) -> str | None:
    """The name of a remote, and no URL of one."""
    if text and not text.startswith("-") and not any(char.isspace() or char in ":@~^?*[\\" for char in text):
        return None
    return 'that is no name of a remote: give one that `git remote` lists, such as "origin"'


def problem_with_listening(text: str) -> str | None:
    """An address of this machine that others do not reach, and a port."""
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and 0 < int(port[:9]) <= _PORT_MAX):
        return f'it has to end with a port from 1 to {_PORT_MAX}, such as "127.0.0.1:7810"'
    if not _LOOPBACK.fullmatch(host):
        return 'it has to be an address of this machine that no other reaches, such as "127.0.0.1:7810"'
    return None

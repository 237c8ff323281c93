"""The token of a host: what is set, else what the environment has, else what `gh` has stored. Blocking, on a thread.

Invariant: a token is a return value and nothing else: no error, log or repr of ours has one. So what no header can bear
is none: whoever refuses to send it would repeat it. `gh` is never needed, and what it says of one host is never used
for another.
"""

import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from msgspec import Struct

from orchestrd.forges.github.hosts import GITHUB, Host
from orchestrd.model.errors import RefusedError
from orchestrd.model.forge_settings import ForgeSettings
from orchestrd.model.limits import GH_ANSWER_S, TOKEN_BYTES_MAX

_VARIABLES = ("GITHUB_TOKEN", "GH_TOKEN")
_VARIABLES_OF_OTHERS = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")  # as `gh` has them for other hosts
_GH = "what gh has stored"


class Token(Struct, frozen=True):
    """A token, and in words where it was found."""

    text: str
    source: str

    def __repr__(self) -> str:
        return f"Token({self.source})"


FindToken = Callable[[], Awaitable[Token | None]]


def variables_of(host: Host) -> Sequence[str]:
    """Name the variables of the environment that may have the token of a host."""
    return _VARIABLES if host.name == GITHUB else _VARIABLES_OF_OTHERS


def token_of(host: Host, settings: ForgeSettings, environ: Mapping[str, str]) -> Token | None:
    """Find the token of a host; null where there is none. Raises RefusedError where what is set leads to none."""
    token = (_chosen(settings, environ) if host.is_set else None) or next(_usual(host, environ), None)
    if token is not None and not (token.text.isascii() and token.text.isprintable()):
        return _refused("token", f"what stands in its place is more than one word of plain characters ({token.source})")
    return token


def secret_in(what: str, variable: str | None, file: str | None, environ: Mapping[str, str]) -> str | None:
    """Read a secret that the settings name; null where they name none. Raises RefusedError where it is not there."""
    if variable is not None:
        return environ.get(variable, "").strip() or _refused(what, f"the environment of the daemon has no {variable}")
    return _written(what, file, environ) if file is not None else None


def _chosen(settings: ForgeSettings, environ: Mapping[str, str]) -> Token | None:
    text = secret_in("token", settings.token_env, settings.token_file, environ)
    source = f"the variable {settings.token_env}" if settings.token_env else f"the file {settings.token_file}"
    return Token(text, source) if text is not None else None


def _usual(host: Host, environ: Mapping[str, str]) -> Iterator[Token]:
    for variable in variables_of(host):
        if told := environ.get(variable, "").strip():
            yield Token(told, f"the variable {variable}")
    if kept := _kept_by_gh(host.name, environ):
        yield Token(kept, _GH)
    if asked := _told_by_gh(host.name, environ):
        yield Token(asked, _GH)


def _written(what: str, named: str, environ: Mapping[str, str]) -> str:
    path = _home(environ) / named[2:] if named.startswith("~/") else Path(named)
    try:
        with path.open("rb") as file:
            written = file.read(TOKEN_BYTES_MAX)
    except OSError as error:
        return _refused(what, f"cannot read {path}: {error.strerror}")
    lines = written.decode(errors="replace").split()
    return lines[0] if len(lines) == 1 else _refused(what, f"{path} should hold it, and nothing else")


def _refused(what: str, why: str) -> NoReturn:
    raise RefusedError(f"the {what} for GitHub cannot be had: {why}", code=f"no_{what}", hint="orch config edit")


def _kept_by_gh(host: str, environ: Mapping[str, str]) -> str | None:
    """Read the file of `gh`, of which this much is known: hosts at the margin, and below each its token, if any.

    Newer ones keep the token in the keyring of the system, and the file is without it.
    """
    named, general = environ.get("GH_CONFIG_DIR"), environ.get("XDG_CONFIG_HOME")
    place = Path(named) if named else (Path(general) if general else _home(environ) / ".config") / "gh"
    try:
        with (place / "hosts.yml").open(encoding="utf-8", errors="replace") as file:
            lines = file.read(TOKEN_BYTES_MAX).splitlines()
    except OSError:
        return None
    is_of_host = False
    for line in lines:
        if line and not line[0].isspace():
            is_of_host = line.strip().rstrip(":").strip("\"'") == host
        key, _, value = line.strip().partition(":")
        if is_of_host and key == "oauth_token" and value.strip():
            return value.strip().strip("\"'")
    return None


def _told_by_gh(host: str, environ: Mapping[str, str]) -> str | None:
    program = shutil.which("gh", path=environ.get("PATH", ""))
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, "auth", "token", "--hostname", host],
            env={**environ, "GH_PROMPT_DISABLED": "1", "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=GH_ANSWER_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    told = done.stdout[:TOKEN_BYTES_MAX].decode(errors="replace").strip()
    return told if done.returncode == 0 and told and not any(map(str.isspace, told)) else None


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME") or Path.home())

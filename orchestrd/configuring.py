"""Reading what is configured, for client and daemon alike: a file counts only if nobody else can have written it.

It has to be this user's own or root's, no one else's to write, a regular file of a bounded size. One that is not is a
mistake with a reason, as is one that cannot be read; one that is not there says nothing.
"""

import contextlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from shlex import quote

from msgspec.structs import replace

from orchestrd.config import Effective, Layer, effective, packaged
from orchestrd.config.checking import meant
from orchestrd.config.reading import did_you_mean
from orchestrd.core.layout import config_file_from
from orchestrd.model.errors import UsageError
from orchestrd.model.limits import CONFIG_BYTES_MAX, PLUGINS_MAX
from orchestrd.model.origin import Kind, Mistake, Origin
from orchestrd.model.setting_key import AGENTS

_ROOT = 0


def configured(
    environ: Mapping[str, str],
    repository_file: str | None = None,
    is_trusted: Callable[[str, bytes], bool] = lambda _path, _content: False,
) -> Effective:
    """Read the user's file, and a repository's if one is named, and fold them and the environment over our own."""
    found = [read_layer(Kind.USER, config_file_from(environ))]
    if repository_file is not None:
        layer = read_layer(Kind.REPOSITORY, repository_file)
        trusting = isinstance(layer, Layer) and is_trusted(repository_file, layer.content)
        found.append(replace(layer, is_trusted=trusting) if isinstance(layer, Layer) else layer)
    told = effective([packaged(), *(layer for layer in found if isinstance(layer, Layer))], environ, installed)
    return replace(told, mistakes=(*(said for said in found if isinstance(said, Mistake)), *told.mistakes))


def screens_beside(environ: Mapping[str, str]) -> str:
    """Give the directory of a user's own rules about screens, `<agent>.toml` each."""
    return f"{config_file_from(environ).rpartition('/')[0]}/screens"


def screen_mistakes(environ: Mapping[str, str]) -> Iterator[Mistake]:
    """Say what is wrong with a user's rules about screens: each costs its own file only, so a daemon starts with it."""
    place, agents = screens_beside(environ), sorted({*AGENTS.ours, *installed(AGENTS.group)})
    with contextlib.suppress(OSError):
        for name in sorted(os.listdir(place))[:PLUGINS_MAX]:  # noqa: PTH208 - names are all that is needed
            yield from _about_screens(f"{place}/{name}", name.removesuffix(".toml"), agents)


def _about_screens(path: str, agent: str, agents: Sequence[str]) -> Iterator[Mistake]:
    if not path.endswith(".toml"):
        return
    if agent not in agents:
        guess = did_you_mean(meant(agent, agents)) or f": there are {', '.join(agents)}"
        yield _mistake(Kind.USER, path, f"there is no agent '{agent}'{guess}", "orch agents")
        return
    from orchestrd.config.screen_rules import parse_rules  # noqa: PLC0415 - late: a spawn has no use for it

    layer = read_layer(Kind.USER, path)
    if isinstance(layer, Mistake):
        yield layer
    elif layer is not None:
        try:
            parse_rules(layer.content)
        except UsageError as error:
            yield _mistake(Kind.USER, path, error.message, "orch config check")


def installed(group: str) -> frozenset[str]:
    """Name the adapters that are installed, ours and those of others, in a group of entry points."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - late: it costs more than all of a configuration

    return frozenset(entry_points(group=group).names)


def read_layer(kind: Kind, path: str) -> Layer | Mistake | None:
    """Read one file, if it is there and counts."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return _mistake(kind, path, f"it cannot be read: {error.strerror}", f"ls -l {quote(path)}")
    try:
        for cause, hint in _objections(path, os.fstat(descriptor)):
            return _mistake(kind, path, cause, hint)
        with os.fdopen(descriptor, "rb", closefd=False) as file:  # it takes no directory, so only now
            return Layer(kind=kind, file=path, content=file.read(CONFIG_BYTES_MAX))
    finally:
        os.close(descriptor)


def _objections(path: str, found: os.stat_result) -> Iterator[tuple[str, str]]:
    """Say what speaks against a file, each with the next command."""
    look = f"ls -l {quote(path)}"
    if not stat.S_ISREG(found.st_mode):
        yield "it is no regular file", look
    if found.st_uid not in (os.geteuid(), _ROOT):
        yield f"it belongs to another user (uid {found.st_uid}), who could have written anything into it", look
    if found.st_mode & stat.S_IWOTH:
        yield "everyone may write to it, and so could have written anything into it", f"chmod o-w {quote(path)}"
    if found.st_size > CONFIG_BYTES_MAX:
        yield f"it has {found.st_size} bytes, and at most {CONFIG_BYTES_MAX} are read", look


def _mistake(kind: Kind, path: str, cause: str, hint: str) -> Mistake:
    return Mistake(origin=Origin(kind=kind, file=path), cause=cause, hint=hint)

"""What is configured for who stands in a directory: the user's file, the repository's if it is trusted, variables.

Where nothing is configured at all, nothing is loaded to find that out.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from shlex import quote
from typing import TYPE_CHECKING

from orchestrd.core.home import layout_from
from orchestrd.core.layout import REPOSITORY_FILE, config_file_from
from orchestrd.model.errors import NotFoundError, UsageError
from orchestrd.model.origin import Kind, Setting
from orchestrd.model.settings import Configuration

if TYPE_CHECKING:
    from orchestrd.config import Effective, Layer
    from orchestrd.model.origin import Mistake

_NO_SETTINGS = frozenset({"ORCH_HOME", "ORCH_SESSION", "ORCH_RUN", "ORCH_RUN_DIR", "ORCH_PROMPT_FILE"})


def configuration_in(
    directory: str, environ: Mapping[str, str] = os.environ, notice: Callable[[str], None] = lambda _: None
) -> Configuration:
    """Give what holds in a directory; `notice` is told what a repository asks for and does not get.

    Raises UsageError (`config`) where something is wrong.
    """
    if _is_unset(directory, environ):
        return Configuration()
    told = effective_in(directory, environ)
    told.refuse_mistakes()
    if told.withheld:
        notice(withheld_notice(told.withheld, directory))
    return told.configuration


def effective_in(directory: str, environ: Mapping[str, str] = os.environ) -> "Effective":
    """Give what holds in a directory, with where each of it comes from and what is wrong."""
    from orchestrd.client.trust import is_trusted
    from orchestrd.configuring import configured

    layout = layout_from(environ)
    return configured(environ, repository_file(directory), lambda path, content: is_trusted(layout, path, content))


def installed(group: str) -> frozenset[str]:
    """Name the adapters that are installed, in a group of entry points."""
    from orchestrd import configuring

    return configuring.installed(group)


def screen_mistakes(environ: Mapping[str, str] = os.environ) -> "tuple[Mistake, ...]":
    """Say what is wrong with the user's rules about screens; a daemon starts with it, and a spawn is taken."""
    from orchestrd import configuring

    return tuple(configuring.screen_mistakes(environ))


def refuse_own_mistakes(environ: Mapping[str, str] = os.environ) -> None:
    """Raise UsageError (`config`) where a daemon would not start with what is set. Repositories have no say in that."""
    from orchestrd.configuring import configured

    configured(environ).refuse_mistakes()


def withheld_notice(withheld: Sequence[Setting], directory: str) -> str:
    """Say what is not applied because the repository is not trusted, and the next command."""
    from orchestrd.render import visible

    said = f"{withheld[0].origin.file} is not trusted: not applied is {', '.join(setting.key for setting in withheld)}"
    return f"orch: {visible(said)}\n  try: {visible(trusting(directory))}"


def trusting(directory: str) -> str:
    """Give the command that trusts the repository of a directory."""
    is_here = os.path.realpath(directory) == os.path.realpath(".")
    return "orch trust" if is_here else f"orch trust {quote(directory)}"


def asked_by(path: str) -> "tuple[Layer, tuple[Setting, ...]]":
    """Give what a repository's file asks for, as if it were trusted, and the very content that does so.

    Raises NotFoundError where there is none, UsageError (`config`) where something is wrong with it.
    """
    from orchestrd.config import Layer, effective
    from orchestrd.configuring import read_layer

    layer = read_layer(Kind.REPOSITORY, path)
    if layer is None:
        raise NotFoundError(f"there is no {path}: nothing asks to be trusted", hint="orch config show")
    if not isinstance(layer, Layer):
        raise UsageError(str(layer), code="config", hint=layer.hint)
    told = effective([layer], {}, installed)
    told.refuse_mistakes()
    return layer, tuple(setting for setting in told.settings if setting.origin.kind == Kind.REPOSITORY)


def repository_file(directory: str) -> str | None:
    """Find where the settings of a repository lie, whether there are any or not; null outside of a working tree."""
    place = os.path.realpath(directory)
    while not os.path.lexists(f"{place}/.git"):
        above = os.path.dirname(place)  # noqa: PTH120 - a string, as all of the layout
        if above == place:
            return None
        place = above
    return f"{place.rstrip('/')}/{REPOSITORY_FILE}"


def _is_unset(directory: str, environ: Mapping[str, str]) -> bool:
    """Tell whether nothing is configured, cheaply; a link to nowhere is something."""
    if any(name.startswith("ORCH_") and name not in _NO_SETTINGS for name in environ):
        return False
    files = (config_file_from(environ), repository_file(directory))
    return not any(path and os.path.lexists(path) for path in files)

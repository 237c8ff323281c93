"""Which home is meant: one place, whoever asks and wherever they stand."""

import posixpath
from collections.abc import Mapping
from shlex import quote

from orchestrd.core.layout import Layout, home_from
from orchestrd.model.errors import UsageError


def layout_from(environ: Mapping[str, str]) -> Layout:
    """Give the home that an environment names. Raises UsageError where $ORCH_HOME is no absolute path."""
    home = home_from(environ)
    if not home.startswith("/"):
        raise UsageError(
            f"ORCH_HOME={home!r} is no absolute path, and would be another home in every directory",
            hint=f'export ORCH_HOME="$PWD"/{quote(home)}',
        )
    return Layout(posixpath.normpath(home))

"""Where the files lie."""

from collections.abc import Mapping

REPOSITORY_FILE = ".orchestrd.toml"  # at the top of a working tree


def user_file(environ: Mapping[str, str]) -> str:
    """Find the user's own file: below $XDG_CONFIG_HOME, else below ~/.config; a relative one counts as not set."""
    place = environ.get("XDG_CONFIG_HOME", "")
    if not place.startswith("/"):
        place = environ.get("HOME", "").rstrip("/") + "/.config"
    return f"{place.rstrip('/')}/orchestrd/config.toml"

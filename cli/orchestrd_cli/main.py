"""Entry point of `orch`."""

from orchestrd import __version__


def main() -> None:
    """Run the command line."""
    print(f"orchestrd {__version__}")

"""`python -m orchestrd run`: the daemon in the foreground. People say `orch daemon run`."""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator

from orchestrd.core.home import layout_from
from orchestrd.model.limits import MAX_RUNNING_MAX, TICK_S_MAX, TICK_S_MIN

EXIT_OF = {"already_running": 4, "foreign_home": 4, "usage": 2, "config": 2}


def main(arguments: list[str]) -> int:
    """Run the daemon until it is told to stop; the exit code says how that went."""
    options = _parser().parse_args(arguments)
    with _absent("rich"):  # structlog draws with it where it is: 40 ms and 5 MB of a daemon that only writes lines
        from orchestrd import daemon, logs, reloading  # after the arguments: a mistyped one costs no import
    from orchestrd.model.errors import OrchestrdError

    logs.configure()
    try:
        return daemon.run(
            layout_from(os.environ), reloading.Flags(interval_s=options.interval, max_running=options.max_running)
        )
    except OrchestrdError as error:
        hint = f"\ntry: {error.hint}" if error.hint else ""
        sys.stderr.write(f"orchestrd: {error.message}{hint}\n")
        return EXIT_OF.get(error.code, 1)


@contextlib.contextmanager
def _absent(name: str) -> Iterator[None]:
    """Let a module that is not loaded yet look as if it were not installed."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment] # how the import system is told so
    try:
        yield
    finally:
        del sys.modules[name]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="orchestrd", description="The daemon that keeps sessions running.")
    verbs = parser.add_subparsers(required=True, metavar="run")
    run = verbs.add_parser("run", help="run the daemon in the foreground")
    run.add_argument("--interval", type=_interval, metavar="SECONDS", help="from one tick to the next")
    run.add_argument("--max-running", type=_count, metavar="N", help="sessions at a time")
    return parser


def _interval(text: str) -> float:
    seconds = float(text)
    if not TICK_S_MIN <= seconds <= TICK_S_MAX:
        raise argparse.ArgumentTypeError(f"{text} is not between {TICK_S_MIN:g} and {TICK_S_MAX:g} seconds")
    return seconds


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= MAX_RUNNING_MAX:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and {MAX_RUNNING_MAX}")
    return count


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

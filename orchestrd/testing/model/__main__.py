"""The stand-in model as a program of its own: `python -m orchestrd.testing.model --scenario FILE --truth LOG`.

It prints its URL as its first line, serves one agent until it is ended by SIGTERM or SIGINT, and exits with 0.
"""

import argparse
import signal
from pathlib import Path

from orchestrd.model.errors import OrchestrdError
from orchestrd.testing.model.scenario import read_scenario
from orchestrd.testing.model.standin import StandIn

HELP = """\
A model on loopback for one coding agent, which does what a scenario says. It
speaks Anthropic's Messages and Gemini's API (at the URL that it prints), and
OpenAI's Responses and Chat Completions (at that URL with /v1 added).

POST /truth {"truth": "working", "why": "..."} tells it what no model can know;
GET /truth asks what is so now; POST /release lets go of what it holds."""


def main() -> None:
    """Serve until a signal says that it is enough."""
    parser = argparse.ArgumentParser(
        prog="python -m orchestrd.testing.model", description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--scenario", type=Path, metavar="FILE", help="what it does; without, it says Done. to everything"
    )
    parser.add_argument("--truth", type=Path, metavar="LOG", help="where it writes what is so, as JSON lines")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0, as by default, is any that is free")
    given = parser.parse_args()
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # before any thread is there that could take one
    try:
        scenario = read_scenario(given.scenario) if given.scenario else None
        with StandIn(scenario, log=given.truth, port=given.port) as model:
            print(model.url, flush=True)  # noqa: T201 - a program
            signal.sigwait(ends)
    except (OrchestrdError, OSError) as error:
        parser.exit(1, f"{error}\n{getattr(error, 'hint', '')}\n")


if __name__ == "__main__":
    main()

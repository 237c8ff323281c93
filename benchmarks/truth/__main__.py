"""`python -m benchmarks.truth`: play, score, and say what holds and what does not.

The exit code is 1 when a play failed, or a figure is missed that holds in the documented run: a new version of an
agent has drifted away from what we know of it, or we from the truth. It is 0 where all is as documented.
"""

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.agents.installed import PINNED, why_missing
from benchmarks.machine import this_machine
from benchmarks.reporting import put_between_marks
from benchmarks.truth.figures import Result
from benchmarks.truth.models import from_outside, of_ours
from benchmarks.truth.playing import HOSTED, Player
from benchmarks.truth.reporting import documented, encoded, markdown, merged, read_documented, text, worse_than
from benchmarks.truth.running import Manner, play_all, play_in_a_crowd
from orchestrd.testing.model import scenarios_in, shipped_scenarios

HERE = Path(__file__).parent
DOCUMENT = HERE.parent.parent / "docs" / "accuracy.md"
DOCUMENTED = HERE / "documented.json"
HOSTABLE = ("claude", "codex")
PLAYERS = (*PINNED, *(f"{name}{HOSTED}" for name in HOSTABLE))
TICK_S = 1.0
CROWD = 20


def main(arguments: Sequence[str]) -> int:
    """Play what is asked for, print it, write what is to be written, and tell whether it is as documented."""
    parser = _parser()
    options = parser.parse_args(arguments)
    is_ours = not (options.only or options.scenarios or options.model_url or options.version)
    if options.write_docs and not is_ours:
        parser.error("--write-docs takes all of a pinned agent: leave --only, --scenarios, --version, --model-url out")
    if options.crowd is None:
        options.crowd = CROWD if is_ours and not options.agent else 0
    if bool(options.model_url) != bool(options.truth):
        parser.error("a model from outside is named by --model-url and --truth together")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # an exception: what was started is ended
    machine, begun = this_machine(), time.monotonic()
    print(machine.text(), flush=True)
    results, crowds = _played(options)
    new = [*documented(results, machine), *documented(crowds, machine, is_crowd=True)]
    known = read_documented(DOCUMENTED)
    worse = worse_than(known, new, [*results, *crowds])
    print("\n".join([f"took {(time.monotonic() - begun) / 60:.0f} minutes", *worse]), flush=True)
    if options.json:
        options.json.write_bytes(encoded(new))
    if options.write_docs:
        newest = merged(known, new, PLAYERS)
        put_between_marks(DOCUMENT, markdown(newest))
        DOCUMENTED.write_bytes(encoded(newest))
        return 0
    return 1 if worse else 0


def _played(options: argparse.Namespace) -> tuple[list[Result], list[Result]]:
    scenarios = [
        one for one in scenarios_in(options.scenarios or shipped_scenarios()) if options.only in (None, one.name)
    ]
    manner = Manner(tick_s=options.tick, at_once=options.at_once, say=lambda line: print(f"  {line}", flush=True))
    models = from_outside(options.model_url, options.truth) if options.model_url else of_ours
    players = _players(options)
    results = [
        _told(options, play_all(scenarios, player, models, manner, has_hooks=has_hooks))
        for player in players
        for has_hooks in _hooks(options.hooks, player)
    ]
    in_terminals = [player for player in players if not player.is_hosted]
    crowds = (
        [_told(options, play_in_a_crowd(scenarios, in_terminals, options.crowd, models, manner))]
        if options.crowd and in_terminals
        else []
    )
    return results, crowds


def _players(options: argparse.Namespace) -> list[Player]:
    """Choose the agents; one that is not installed is named, and that is all that can be done."""
    chosen = [Player(name, options.version) for name in options.agent or PLAYERS]
    for player in chosen:
        if lack := why_missing(player.agent, player.version):
            print(f"{player.name}: {lack}", flush=True)
    return [player for player in chosen if player.program.exists()]


def _hooks(wanted: str, player: Player) -> list[bool]:
    """Whoever is hosted by its protocol has no hooks to do without."""
    return [True] if player.is_hosted else {"on": [True], "off": [False], "both": [True, False]}[wanted]


def _told(options: argparse.Namespace, result: Result) -> Result:
    print(f"\n{text(result)}", flush=True)
    if options.show:
        for one in result.plays:
            print("\n".join([one.scenario, *(f"  {edge.at:.3f} is {edge.state}" for edge in one.truth), *one.told]))
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.truth", description=sys.modules["benchmarks.truth"].__doc__
    )
    parser.add_argument("--agent", action="append", choices=PLAYERS, help="only this one; may be repeated")
    parser.add_argument("--version", help="in this version, as `make agents AGENT=NAME VERSION=` has installed it")
    parser.add_argument("--hooks", choices=("on", "off", "both"), default="both", help="ours, in the agent (both)")
    parser.add_argument("--only", metavar="NAME", help="play this scenario only")
    parser.add_argument("--scenarios", type=Path, metavar="DIR", help="play those in there, in place of ours")
    parser.add_argument("--model-url", metavar="URL", help="of another model; {scenario} in it stands for its name")
    parser.add_argument("--truth", type=Path, metavar="LOG", help="which keeps its truth there, as JSON lines")
    parser.add_argument("--tick", type=float, default=TICK_S, metavar="SECONDS", help=f"of the daemon ({TICK_S:g})")
    parser.add_argument("--at-once", type=int, default=3, metavar="N", help="plays, each with a daemon (3)")
    parser.add_argument("--crowd", type=int, metavar="N", help=f"and so many sessions of one daemon: {CROWD}")
    parser.add_argument("--show", action="store_true", help="print truth and claims of each play, edge by edge")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what is missed there")
    parser.add_argument("--write-docs", action="store_true", help=f"put it into docs/{DOCUMENT.name}")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

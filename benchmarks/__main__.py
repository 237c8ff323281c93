"""`python -m benchmarks`: measure, and say what is met and what is missed.

The exit code is 0 whatever the verdicts are, for a figure depends on the machine; it is 1 when a family of rows could
not be measured at all, though all that it needs is here. Whatever was started is ended again, also where this is
interrupted.
"""

import argparse
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from benchmarks.families import FAMILIES
from benchmarks.machine import this_machine
from benchmarks.measuring import Effort
from benchmarks.reporting import as_json, markdown, put_between_marks, table
from benchmarks.rows import NotHereError, Row

DOCUMENT = Path(__file__).parent.parent / "docs" / "performance.md"


def main(arguments: Sequence[str]) -> int:
    """Measure what is asked for, print it, and write what is to be written."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.write_docs and (options.quick or options.only):
        parser.error("--write-docs takes the whole measurement: leave --quick and --only out")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # an exception: what was started is ended
    machine, begun = this_machine(), time.monotonic()
    print(machine.text(), flush=True)
    rows, absent, failed = _measured(options.only or list(FAMILIES), Effort(is_quick=options.quick))
    took_s = time.monotonic() - begun
    missed = [row for row in rows if row.verdict == "MISSED"]
    print(f"{len(missed)} of {sum(map(bool, (row.verdict for row in rows)))} targets missed; took {took_s:.0f} s")
    if options.json:
        options.json.write_bytes(as_json(rows, absent, machine, took_s))
    if options.write_docs and not failed:
        put_between_marks(DOCUMENT, markdown(rows, absent, machine, took_s))
    return 1 if failed else 0


def _measured(names: Sequence[str], effort: Effort) -> tuple[list[Row], list[str], list[str]]:
    """Measure one family after the other, and print each when it is done; one that fails does not spare the others.

    Gives the rows, what could not be measured for want of something, and the families that failed.
    """
    rows: list[Row] = []
    absent: list[str] = []
    failed: list[str] = []
    for name in names:
        try:
            taken = list(FAMILIES[name](effort))
        except NotHereError as lack:
            absent.append(f"{name}: {lack}")
            print(f"\n{absent[-1]}", flush=True)
            continue
        except Exception:  # noqa: BLE001 - said in full, and by the exit code
            failed.append(name)
            print(f"\n{name}: could not be measured\n{traceback.format_exc()}", flush=True)
            continue
        print(f"\n{name}\n{table(taken)}", flush=True)
        rows += taken
    return rows, absent, failed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=sys.modules["benchmarks"].__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and sessions, about a minute and a half")
    parser.add_argument("--only", action="append", choices=tuple(FAMILIES), help="measure this family; may be repeated")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there as well")
    parser.add_argument("--write-docs", action="store_true", help=f"put the table into docs/{DOCUMENT.name}")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

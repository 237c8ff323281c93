"""The story of `orch demo`, told with the commands a person would type.

Three programs: one ends well, one fails with code 7, one shows a dialog, and asks a question once that is answered.
While two of them live the daemon is killed, the failing one fails unwatched, a new daemon takes over and the question
is answered. With git each works in a worktree of its own, and these are cleaned. Then every claim is checked against
the machine contract, and the last line of stdout says what was proved, or what was not.
"""

import json
import os
import re
import select
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from threading import Thread

from orchestrd_cli import exits
from orchestrd_cli.demo import checks
from orchestrd_cli.demo.checks import Check, Json
from orchestrd_cli.demo.stage import DemoFailed, Stage, lives, set_up, wait_until

_DATE = re.compile(r"\d{4}-\d\d-\d\d ")  # of an event: on this stage it is always today

INTERVAL_S = "0.2"  # the daemon's tick: a demo is short
EXPECTED = {"ends-well": ("completed", 0), "fails": ("failed", 7), "asks": ("completed", 0)}

_BORN = 'stage=${ORCH_HOME%/home}; echo started >> "$stage/$1.starts"; echo $$ > "$stage/$1.pid"\n'
SCRIPTS = {
    "ends-well": _BORN + "echo compiling; sleep 1; echo all good\n",
    "fails": _BORN
    + 'until [ -e "$stage/go-on" ]; do [ -d "$ORCH_HOME" ] || exit 1; sleep 0.1; done\necho no way; exit 7\n',
    "asks": _BORN
    + 'echo "Paint the shed?"; echo "  1. Yes"; echo "  2. No"\n'
    + 'orch report blocked "paint the shed?"\n'
    + 'read -r answer; echo "$answer" >> "$stage/asks.read"\n'
    + 'orch report waiting "which colour?"\n'
    + 'read -r colour; echo "$colour" >> "$stage/asks.read"\n'
    + 'orch report working "painting it $colour"\n'
    + 'echo "painted it $colour" | tee painting; [ "$colour" = blue ]\n',
}
ANSWER, COLOUR, PAINTING = "1", "blue", "painted it blue\n"


def run() -> int:
    """Play the whole story; 0 when everything that is claimed was proved."""
    began = time.monotonic()  # noqa: TID251 - tells the person how long it took
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        with set_up() as stage:
            found = _play(stage)
    except DemoFailed as failure:
        print(f"\nNot proved: {failure}.")
        return exits.FAILED
    return closing_line(found, time.monotonic() - began)  # noqa: TID251 - as above


def _play(stage: Stage) -> list[Check]:
    for name, text in SCRIPTS.items():
        stage.script(name, text)
    stage.commit()
    _say("\n".join(("One daemon, in a home that is thrown away afterwards.", *stage.form.lacking)))
    stage.type("daemon", "start", "--interval", INTERVAL_S)
    with ExitStack() as streams:
        _show_events(stage, streams)
        followed = _collect_sequences(stage, streams)
        _three_sessions(stage)
        pids = {name: stage.number_in(f"{name}.pid") for name in ("fails", "asks")}
        said = _document(stage, "asks")
        alive = _kill_the_daemon(stage, pids)
        found = [checks.untouched(pids, alive), *_second_daemon(stage, said)]
        found += _clean(stage)
        events = [json.loads(line) for line in stage.ask("events", "--json").splitlines()]
        last = events[-1]["sequence"] if events else 0
        wait_until(lambda: bool(followed) and followed[-1] >= last, "the subscriber has caught up")
        _say("What it left behind, seen by `orch status --json` and `orch events --json`:")
        found = [*_verify(stage, stage.status()["sessions"], events), *found]
        return [*found, checks.nothing_missed(followed[: len(events)], events)]


def _three_sessions(stage: Stage) -> None:
    _say("Three sessions: one will end well, one will fail, one will ask.")
    where = ("--runtime", stage.form.runtime, "--workspace", stage.form.workspace)
    for name in SCRIPTS:
        stage.type("spawn", *where, "--name", name, "--", f"./{name}", name)
    stage.type("wait", "asks", "--for", "blocked")
    stage.type("status")
    if stage.form.has_terminal:
        stage.type("screen", "asks")
    _say("It shows a dialog: what is sent now would be taken for the answer, and is refused.")
    stage.type("send", "asks", COLOUR, expected=exits.REFUSED)
    _say(f"A person answers it, at its terminal: {ANSWER}, Enter.")
    stage.press(_document(stage, "asks")["id"], ANSWER)
    stage.type("wait", "asks", "--for", "waiting")
    stage.type("wait", "ends-well")


def _kill_the_daemon(stage: Stage, before: dict[str, int]) -> dict[str, bool]:
    daemon = stage.status()["daemon"]["pid"]
    _say(f"kill -9 {daemon}: the daemon dies in the middle of it.")
    _kill(daemon)
    after = {name: lives(pid) for name, pid in before.items()}
    for name, pid in before.items():
        print(f"  {name}: pid {pid} {'works on, untouched' if after[name] else 'IS GONE'}")
    _say("Nobody watches now, and one of them fails.")
    (stage.directory / "go-on").touch()
    wait_until(lambda: not lives(before["fails"]), "the failing program has ended")
    print(f"  fails: pid {before['fails']} has ended")
    stage.type("status")
    return after


def _second_daemon(stage: Stage, said: Json) -> list[Check]:
    _say("A new daemon finds everything as it is.")
    stage.type("daemon", "start", "--interval", INTERVAL_S)
    stage.type("wait", "fails", expected=exits.FAILED)
    stage.type("status", "--all")
    verdict = checks.same_verdict(said, _document(stage, "asks"))
    stage.type("send", "asks", COLOUR)
    stage.type("wait", "asks")
    stage.type("logs", "asks")
    stage.type("status", "--all")
    return [verdict, checks.typed_once(stage.lines_in("asks.read"), (ANSWER, COLOUR))]


def _clean(stage: Stage) -> list[Check]:
    """Take the worktrees away, and find what was in one of them."""
    if not stage.form.has_worktree:
        return []
    _say("The worktrees go; the painting was never committed.")
    stage.type("clean")
    ref = f"refs/orch/preserve/{_document(stage, 'asks')['id']}"
    print(f"\n$ git show {ref}:painting", flush=True)
    painting = stage.git("show", f"{ref}:painting")
    print(painting, end="")
    return [checks.preserved(painting, PAINTING, ref)]


def _document(stage: Stage, name: str) -> Json:
    return next(document for document in stage.status()["sessions"] if document["name"] == name)


def _verify(stage: Stage, documents: list[Json], events: list[Json]) -> list[Check]:
    return [
        checks.true_ends(documents, EXPECTED),
        checks.one_end_each(events, documents),
        checks.numbered_without_a_gap(events),
        checks.started_once({name: len(stage.lines_in(f"{name}.starts")) for name in SCRIPTS}),
    ]


def closing_line(found: list[Check], seconds: float) -> int:
    """Say what was proved, as stdout's last line; gives the exit code."""
    for check in found:
        print(f"  {'proved    ' if check.holds else 'NOT PROVED'}  {check.claim}\n{' ' * 14}{check.seen}")
    failed = ", ".join(check.claim for check in found if not check.holds)
    if failed:
        print(f"\nNot proved: {failed}.")
        return exits.FAILED
    print(f"\nProved in {seconds:.0f} s, through a kill -9: {', '.join(check.claim for check in found)}.")
    return exits.OK


def _kill(pid: int) -> None:
    """Kill the daemon that has just answered, and wait until it is gone."""
    descriptor = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        select.select([descriptor], [], [])
    finally:
        os.close(descriptor)


def _show_events(stage: Stage, streams: ExitStack) -> None:
    """Print the event stream as it comes, set off from the rest."""
    _follow(stage, streams, _print_lines, "events", "-f", "--since", "0")


def _collect_sequences(stage: Stage, streams: ExitStack) -> list[int]:
    """Follow the stream as a program would; the list grows as the numbers come."""
    followed: list[int] = []

    def collect(lines: Iterable[str]) -> None:
        followed.extend(json.loads(line).get("sequence", -1) for line in lines)

    _follow(stage, streams, collect, "events", "-f", "--since", "0", "--json")
    return followed


def _follow(stage: Stage, streams: ExitStack, read: Callable[[Iterable[str]], None], *words: str) -> None:
    """Read what a command prints, on a thread, until `streams` ends: then the command is ended and the rest is read."""
    stream = stage.follow(*words)
    reader = Thread(target=read, args=(stream.stdout,), name=" ".join(words))
    reader.start()
    streams.callback(reader.join)
    streams.callback(stream.wait)
    streams.callback(stream.kill)


def _print_lines(lines: Iterable[str]) -> None:
    with suppress(BrokenPipeError):  # who reads no more is told of by the main thread
        for line in lines:
            print(f"| {_DATE.sub('', line[3:], count=1)}", end="", flush=True)


def _say(text: str) -> None:
    print(f"\n{text}", flush=True)

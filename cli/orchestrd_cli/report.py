r"""`orch report working|waiting|blocked [TEXT]`: how a command says from inside its run what it is doing.

It appends one line to the run's hooks.jsonl, hints to the daemon that there is something to see, and returns. The fact
is the line: it is there whether a daemon lives, hangs or is dead. The hint is a line in the nudge FIFO, written without
blocking, and may be lost. Whatever happens the exit code is 0: a report must never break what it reports on.

It runs many times in a turn, so it imports nothing that the interpreter has not loaded anyway. Where even an
interpreter is too much, plain sh does the same in under 3 ms:

    printf '{"report":"%s"}\n' waiting >>"$ORCH_RUN_DIR/hooks.jsonl"; echo "$ORCH_SESSION" | \
      dd of="$ORCH_HOME/run/nudge" oflag=nonblock conv=notrunc,nocreat status=none 2>/dev/null || :
"""

import os
import stat
import sys
import time

WORDS = ("working", "waiting", "blocked")
TEXT_CHARS_MAX = 10_000  # escaped at its worst, a line of it is still one that the daemon reads
USAGE = "usage: orch report working|waiting|blocked [TEXT]"


def main(argv: list[str]) -> int:
    """Report what the words after `orch report` say; always 0."""
    problem = _report(argv, os.environ.get("ORCH_RUN_DIR"))
    if problem is not None:
        sys.stderr.write(f"orch report: {problem}\n")
    return 0


def _report(argv: list[str], run_directory: str | None) -> str | None:
    """Write the line and nudge; say what kept it from being written."""
    if not argv or argv[0] not in WORDS:
        return f"nothing reported: {argv[0]!r} is no activity; {USAGE}" if argv else USAGE
    if run_directory is None:
        return "nothing reported: ORCH_RUN_DIR is not set, so this is no run of orchestrd; see orch spawn --help"
    words = argv[2:] if argv[1:2] == ["--"] else argv[1:]
    line = line_of(argv[0], " ".join(words), time.time())  # noqa: TID251 - a process of its own, no daemon, no Clock
    try:
        _append(run_directory + "/hooks.jsonl", line)
    except OSError as error:
        return f"nothing reported: {run_directory}/hooks.jsonl: {error.strerror}"
    _nudge(os.environ.get("ORCH_HOME"), os.environ.get("ORCH_SESSION"))
    return None


def line_of(activity: str, text: str, at_s: float) -> bytes:
    """Write one line of hooks.jsonl; `at_s` is seconds since the epoch."""
    said = f'"{_escaped(text[:TEXT_CHARS_MAX])}"' if text else "null"
    return f'{{"report":"{activity}","text":{said},"at":{at_s:.3f}}}\n'.encode("utf-8", "replace")


def _escaped(text: str) -> str:
    return "".join(f"\\u{ord(char):04x}" if char < " " or char in '"\\' else char for char in text)


def _append(path: str, line: bytes) -> None:
    """Append in one write, so that lines of many reporters stay whole."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o600)
    try:
        os.write(file, line)
    finally:
        os.close(file)


def _nudge(home: str | None, session: str | None) -> None:
    """Hint to whoever listens; nobody there, nobody reading, or no FIFO at all is all the same."""
    if not home or not session:
        return
    try:
        fifo = os.open(home + "/run/nudge", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            if stat.S_ISFIFO(os.fstat(fifo).st_mode):
                os.write(fifo, session.encode() + b"\n")
        finally:
            os.close(fifo)
    except OSError:
        return

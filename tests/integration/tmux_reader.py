"""A program for tests that reads its terminal raw, as agents do: each paste and each key goes to a file, as JSON lines.

Run as `python tmux_reader.py FILE`; it prints `ready` once it reads.
"""

import json
import os
import sys
import tty

BEGIN, END = b"\x1b[200~", b"\x1b[201~"


def main(path: str) -> None:
    """Read until the terminal is gone."""
    tty.setraw(0)
    os.write(1, b"\x1b[?2004hready\r\n")
    pending = bytearray()
    with open(path, "a", buffering=1) as out:  # noqa: PTH123
        while data := os.read(0, 65536):
            pending += data
            while (found := take(pending)) is not None:
                kind, content = found
                out.write(json.dumps([kind, content.decode()]) + "\n")


def take(pending: bytearray) -> tuple[str, bytes] | None:
    """Take one whole paste, or the keys before one, out of what was read."""
    if pending.startswith(BEGIN):
        end = pending.find(END)
        if end < 0:
            return None
        found = bytes(pending[len(BEGIN) : end])
        del pending[: end + len(END)]
        return "paste", found
    if not pending or BEGIN.startswith(bytes(pending)):
        return None
    begin = pending.find(BEGIN)
    keys = bytes(pending if begin < 0 else pending[:begin])
    del pending[: len(keys)]
    return "keys", keys


if __name__ == "__main__":
    main(sys.argv[1])

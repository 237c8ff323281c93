"""Threads of channels at the end of a process: real ones, for only there it shows who waits for them."""

import subprocess
import sys

import pytest

LONG_S = 30.0
ENDS_WITH_A_THREAD = """
import asyncio, threading, time
from orchestrd.notifiers.threads import on_own_thread

async def main():
    begun = threading.Event()
    telling = on_own_thread(lambda: (begun.set(), {act}, print("done")), ends={ends})
    await asyncio.to_thread(begun.wait)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("act", "ends", "said"),
    [("threading.Event().wait()", False, ""), ("time.sleep(0.2)", True, "done\n")],
    ids=["one that hangs", "one that ends soon"],
)
def test_a_process_waits_for_a_channel_only_where_that_ends_by_itself(act: str, *, ends: bool, said: str) -> None:
    script = ENDS_WITH_A_THREAD.format(act=act, ends=ends)
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=LONG_S, check=True)

    assert (ended.stdout, ended.stderr) == (said, "")

"""Reading a directory of records with aiofiles, one thread hop a call: in an interpreter of its own, which times it."""

import subprocess

from benchmarks.measuring import Figures, figures
from benchmarks.peers.places import program

NAME = "aiofiles, one after the other, and json"
ANSWER_S = 120.0
SCRIPT = """
import asyncio, json, os, sys, time
import aiofiles

async def read(directory):
    for name in os.listdir(directory):
        async with aiofiles.open(os.path.join(directory, name), "rb") as file:
            json.loads(await file.read())

async def main(directory, rounds):
    for _ in range(rounds + 1):
        begun = time.perf_counter()
        await read(directory)
        print((time.perf_counter() - begun) * 1e3)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def by_aiofiles(directory: str, rounds: int) -> Figures | None:
    """Read all files of a directory; milliseconds for each round behind a first one. Null where it is not there."""
    python = program("supervisors", "python")
    if python is None:
        return None
    argv = [str(python), "-I", "-c", SCRIPT, directory, str(rounds)]
    told = subprocess.run(argv, capture_output=True, check=True, timeout=ANSWER_S, text=True).stdout
    return figures(map(float, told.split()[1:]))

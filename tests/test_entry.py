"""The entry of the daemon: what it loads, and what it leaves alone."""

import os
import subprocess
import sys

PROGRAM = """
import sys
from orchestrd.__main__ import main

code = main(["run"])
import rich
print(code, "rich.traceback" in sys.modules, rich.__name__)
"""


def test_the_daemon_does_not_load_what_only_draws_and_hides_it_from_nobody_else() -> None:
    environ = {**os.environ, "ORCH_HOME": "/dev/null/home"}  # nobody can use that: it says so and ends

    ended = subprocess.run([sys.executable, "-c", PROGRAM], env=environ, capture_output=True, text=True, check=True)

    assert ended.stdout.split() == ["1", "False", "rich"]
    assert "/dev/null/home" in ended.stderr

"""Many threads of one fresh interpreter that use the same thing for the first time, at the same moment."""

import subprocess
import sys

import pytest

TOGETHER = """
import os, sys, threading
threading.excepthook = lambda _: os._exit(1)
sys.setswitchinterval(1e-6)
{imports}
begin = threading.Barrier(8)
def act():
    begin.wait()
    {act}
threads = [threading.Thread(target=act) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


@pytest.mark.parametrize(
    ("imports", "act"),
    [
        ("from orchestrd.config import layers", "layers.effective([], {})"),
        ("from orchestrd.core import launch", "launch.decode_record(b'{}', launch.ExitRecord)"),
        (
            "from orchestrd.client import calls",
            'calls.status(with_ended=True, project=None).read(200, b\'{"daemon":null,"sessions":[],"hidden":0}\')',
        ),
    ],
)
def test_what_several_threads_read_at_once_costs_none_of_them_anything(imports: str, act: str) -> None:
    program = TOGETHER.format(imports=imports, act=act)

    codes = [subprocess.run([sys.executable, "-c", program], check=False).returncode for _ in range(3)]

    assert codes == [0, 0, 0]

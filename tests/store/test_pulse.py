"""The pulse of a file system: asked on a thread, and an error is an answer."""

import threading
from pathlib import Path

import pytest

from orchestrd.store.pulse import feel_pulse


@pytest.mark.parametrize("name", ["pulse", "no/such/directory/pulse"])
def test_a_file_system_that_answers_is_heard_and_left_as_it_was(tmp_path: Path, name: str) -> None:
    answered = threading.Event()

    feel_pulse(str(tmp_path / name), answered.set)

    assert answered.wait(10)
    assert list(tmp_path.iterdir()) == []


def test_what_another_has_put_in_its_place_is_no_trap(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("precious")
    (tmp_path / "pulse").symlink_to(outside)
    answered = threading.Event()

    feel_pulse(str(tmp_path / "pulse"), answered.set)

    assert answered.wait(10)
    assert outside.read_text() == "precious"

"""A home of another user: nobody, root least of all, runs its commands or leaves files in it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrd import daemon
from orchestrd.client import Client, spawn_request
from orchestrd.core.layout import Layout
from orchestrd.model.errors import RefusedError
from orchestrd.reloading import Flags

ANOTHER = 4321


def _run(home: Path) -> None:
    daemon.run(Layout(str(home)), Flags())


def _start(home: Path) -> None:
    Client(str(home)).ensure_daemon()


def _spawn(home: Path) -> None:
    Client(str(home)).spawn(spawn_request(argv=["true"], runtime="process", directory="/"))


def _spool(home: Path) -> None:
    Client(str(home), use_daemon=False).spawn(spawn_request(argv=["true"], runtime="process", directory="/"))


@pytest.mark.parametrize("act", [_run, _start, _spawn, _spool])
def test_in_the_home_of_another_user_nothing_is_begun_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: Callable[[Path], None]
) -> None:
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: ANOTHER)

    with pytest.raises(RefusedError, match=f"belongs to uid {owner}, and you are uid {ANOTHER}") as refusal:
        act(tmp_path)

    assert refusal.value.code == "foreign_home"
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_waits_in_the_home_of_another_user_is_not_added_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(str(tmp_path), use_daemon=False)
    taken = client.spawn(spawn_request(argv=["true"], runtime="process", directory="/"))
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setattr(os, "geteuid", lambda: ANOTHER)

    with pytest.raises(RefusedError, match="belongs to uid"):
        client.stop(taken.document.id)

    assert sorted(tmp_path.rglob("*")) == before

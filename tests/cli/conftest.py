"""A home, a daemon that says what it is told to say, and `orch` as a call."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrd_cli.main import main
from tests.cli.fake_daemon import FakeDaemon, Result


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ORCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def daemon(home: Path) -> Iterator[FakeDaemon]:
    fake = FakeDaemon(home)
    fake.start()
    yield fake
    fake.stop()


@pytest.fixture
def orch(home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Call `orch` in this process."""

    def call(*words: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["orch", *words])
        code = main()
        captured = capfd.readouterr()
        return Result(code, captured.out, captured.err)

    return call

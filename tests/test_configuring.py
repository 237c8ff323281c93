"""Which files count: those that nobody else can have written."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrd.configuring import configured
from orchestrd.model.limits import CONFIG_BYTES_MAX
from orchestrd.model.origin import Kind

INTERVAL = "[daemon]\ninterval_s = 2\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / ".config" / "orchestrd"
    place.mkdir(parents=True)
    return place / "config.toml"


def _wrong(file: Path) -> tuple[str, str]:
    (mistake,) = configured({"HOME": str(file.parents[2])}).mistakes
    return str(mistake), mistake.hint


def test_a_file_that_is_not_there_says_nothing(file: Path) -> None:
    told = configured({"HOME": str(file.parents[2])}, str(file / "no directory"))

    assert (told.mistakes, {setting.origin.kind for setting in told.settings}) == ((), {Kind.DEFAULT})


def test_the_files_are_folded_the_nearest_last(file: Path, tmp_path: Path) -> None:
    file.write_text('[spawn]\nagent = "claude"\nuntil = "turn"\n')
    near = tmp_path / ".orchestrd.toml"
    near.write_text('[spawn]\nagent = "shell"\nsetup = "make"\n')

    told = configured({"HOME": str(tmp_path)}, str(near))
    trusted = configured({"HOME": str(tmp_path)}, str(near), lambda path, content: content == near.read_bytes())

    assert (told.configuration.spawn.agent, told.configuration.spawn.until) == ("shell", "turn")
    assert ([setting.key for setting in told.withheld], told.configuration.spawn.setup) == (["spawn.setup"], None)
    assert (trusted.withheld, trusted.configuration.spawn.setup) == ((), "make")


def test_a_link_to_a_file_of_ones_own_is_followed(file: Path, tmp_path: Path) -> None:
    (tmp_path / "dotfiles").write_text(INTERVAL)
    file.symlink_to(tmp_path / "dotfiles")

    assert configured({"HOME": str(tmp_path)}).configuration.daemon.interval_s == 2


def test_a_file_that_everyone_may_write_is_refused(file: Path) -> None:
    file.write_text(INTERVAL)
    file.chmod(0o646)

    assert _wrong(file) == (
        f"{file}: everyone may write to it, and so could have written anything into it",
        f"chmod o-w {file}",
    )


def test_a_file_of_another_user_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(INTERVAL)
    owner = file.stat().st_uid
    monkeypatch.setattr("orchestrd.configuring._ROOT", -1)
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)

    said, hint = _wrong(file)

    assert said == f"{file}: it belongs to another user (uid {owner}), who could have written anything into it"
    assert hint == f"ls -l {file}"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_file_that_is_none_is_refused_and_nobody_waits_for_it(file: Path, make: Callable[[Path], None]) -> None:
    make(file)

    assert _wrong(file)[0] == f"{file}: it is no regular file"


def test_a_file_that_cannot_be_read_is_said(file: Path) -> None:
    file.symlink_to(file)

    assert _wrong(file)[0] == f"{file}: it cannot be read: Too many levels of symbolic links"


def test_a_file_without_an_end_is_not_read(file: Path) -> None:
    file.write_bytes(b"#" * (CONFIG_BYTES_MAX + 1))

    assert _wrong(file)[0] == f"{file}: it has {CONFIG_BYTES_MAX + 1} bytes, and at most {CONFIG_BYTES_MAX} are read"

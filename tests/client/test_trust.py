"""What is trusted is one content of one file, for as long as it is that."""

import stat
from pathlib import Path

import pytest

from orchestrd.client.trust import is_trusted, revoke, trust
from orchestrd.core.layout import Layout
from orchestrd.model.errors import RefusedError, TransientError

FILE = "/src/web/.orchestrd.toml"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(str(tmp_path / "home"))


def test_nothing_is_trusted_until_it_is_said(layout: Layout) -> None:
    before = is_trusted(layout, FILE, b"x")

    trust(layout, FILE, b"x", {})

    assert (before, is_trusted(layout, FILE, b"x")) == (False, True)


def test_another_content_or_another_file_is_not_trusted(layout: Layout) -> None:
    trust(layout, FILE, b"x", {})

    assert not is_trusted(layout, FILE, b"y")
    assert not is_trusted(layout, "/src/other/.orchestrd.toml", b"x")
    assert is_trusted(layout, FILE, b"x")


def test_trust_can_be_taken_back(layout: Layout) -> None:
    trust(layout, FILE, b"x", {})

    told = [revoke(layout, FILE), is_trusted(layout, FILE, b"x"), revoke(layout, FILE)]

    assert told == [True, False, False]


def test_only_its_user_can_read_what_is_trusted(layout: Layout) -> None:
    trust(layout, FILE, b"x", {})

    (record,) = Path(layout.trusted).iterdir()

    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(layout.trusted).stat().st_mode) == 0o700
    assert FILE in record.read_text()


def test_a_record_that_is_spoiled_trusts_nothing(layout: Layout) -> None:
    trust(layout, FILE, b"x", {})
    (record,) = Path(layout.trusted).iterdir()

    record.write_bytes(b"{")

    assert not is_trusted(layout, FILE, b"x")


def test_an_agent_trusts_nothing(layout: Layout) -> None:
    with pytest.raises(RefusedError, match="is for a person to say") as refused:
        trust(layout, FILE, b"x", {"ORCH_SESSION": "abcdefgh"})

    assert (refused.value.code, is_trusted(layout, FILE, b"x")) == ("agent_may_not", False)


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(TransientError, match="file"):
        trust(Layout(str(tmp_path / "file")), FILE, b"x", {})

"""Drafts where nothing can be written: none is left that somebody might go on with."""

import resource
from pathlib import Path

import pytest

from orchestrd.model.errors import OrchestrdError
from orchestrd_cli.draft import begun


def test_a_draft_that_could_not_be_written_whole_is_none(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, hard))
    try:
        with pytest.raises(OrchestrdError, match="cannot be written"), begun(tmp_path / "config.toml", b"[daemon]\n"):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert list(tmp_path.iterdir()) == []

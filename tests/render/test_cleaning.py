"""What a person reads of a clean."""

from typing import Any

import pytest
from msgspec.structs import replace

from orchestrd.model.document import CleanedWorktree, CleanReport
from orchestrd.model.worktree import Ignored
from orchestrd.render import clean_page, size

ROW = CleanedWorktree(
    session="k3v5aaaa",
    path="/orch/worktrees/shop/k3v5aaaa",
    deed="preserve",
    why="2 files modified",
    hint="git -C /shop worktree add --detach /w refs/orch/preserve/k3v5aaaa",
    project="/shop",
    branch="orch/k3v5aaaa-fix",
    ref="refs/orch/preserve/k3v5aaaa",
    bytes=3 << 20,
)


def page(*rows: CleanedWorktree, dry_run: bool = False, troubles: tuple[str, ...] = ()) -> str:
    freed = sum(row.bytes for row in rows if row.deed in ("remove", "preserve"))
    return clean_page(CleanReport(dry_run=dry_run, worktrees=rows, freed_bytes=freed, troubles=troubles))


def test_what_was_preserved_is_told_with_where_and_the_way_back() -> None:
    assert page(ROW) == (
        "k3v5aaaa  preserved and removed, 3 MiB: 2 files modified\n"
        "          /orch/worktrees/shop/k3v5aaaa\n"
        "          preserved in refs/orch/preserve/k3v5aaaa, branch orch/k3v5aaaa-fix\n"
        "          back: git -C /shop worktree add --detach /w refs/orch/preserve/k3v5aaaa\n"
        "1 worktree removed, 3 MiB freed; 1 preserved\n"
    )


def test_a_dry_run_says_would() -> None:
    told = page(ROW, dry_run=True)

    assert told.startswith("k3v5aaaa  would be preserved and removed, 3 MiB: 2 files modified\n")
    assert "would be preserved in refs/orch/preserve/k3v5aaaa" in told
    assert "back:" not in told
    assert told.endswith("1 worktree would be removed, 3 MiB would be freed; 1 would be preserved\n")


def test_what_git_ignores_is_named_the_largest_first_and_the_rest_counted() -> None:
    ignored = (Ignored(path="node_modules/", files=900, bytes=5 << 30), Ignored(path=".env", files=1, bytes=12))
    row = replace(ROW, ignored=ignored, ignored_files=904, ignored_bytes=(5 << 30) + 100)

    told = "with it: 904 ignored files, 5 GiB, not preserved: node_modules/ (5 GiB), .env (12 bytes), and 3 more"
    assert f"          {told}\n" in page(row)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"deed": "keep", "why": "it is locked", "hint": "unlock", "ref": None}, "kept, 3 MiB: it is locked"),
        ({"deed": "spare", "why": "its session is running", "bytes": 0}, "in use: its session is running"),
        ({"deed": "absent", "why": "it has no worktree", "bytes": 0}, "nothing to clean: it has no worktree"),
        ({"deed": "remove", "ref": None}, "removed, 3 MiB: 2 files modified"),
        ({"deed": "polished"}, "polished, 3 MiB: 2 files modified"),
    ],
)
def test_every_deed_has_its_words(changes: dict[str, Any], line: str) -> None:
    assert page(replace(ROW, **changes)).splitlines()[0] == f"k3v5aaaa  {line}"


def test_what_stays_is_counted_with_what_to_try() -> None:
    kept = replace(ROW, deed="keep", ref=None, hint="git -C /w status", ignored_files=1, ignored_bytes=1)
    spared = replace(ROW, deed="spare", ref=None)

    told = page(kept, spared, troubles=("something is left over",))

    assert "          try: git -C /w status\n" in told
    assert "          in it: 1 ignored file, 1 byte, not preserved: and 1 more\n" in told
    assert told.endswith("trouble   something is left over\n0 worktrees removed, 0 bytes freed; 1 kept; 1 in use\n")


def test_no_name_commands_the_terminal() -> None:
    assert "\x1b" not in page(
        replace(ROW, why="\x1b[2J", ignored=(Ignored(path="\x1b", files=1, bytes=1),), ignored_files=1)
    )


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1536, "1.5 KiB"),
        (1023 << 20, "1023 MiB"),
        (5 << 40, "5 TiB"),
    ],
)
def test_a_size_is_written_with_few_figures(number: int, written: str) -> None:
    assert size(number) == written

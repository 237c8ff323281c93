"""The page of the stand-in model names every move, every deed and every truth, and its scenario can be played."""

import re
from pathlib import Path
from typing import get_args

import pytest

from orchestrd.testing.model import Move, Truth, read_scenario
from orchestrd.testing.model.scenario import Act

PAGE = (Path(__file__).parents[2] / "docs" / "model.md").read_text()
MOVES = [kind.__struct_config__.tag for kind in get_args(Move)]


@pytest.mark.parametrize("word", sorted({*MOVES, *get_args(Act), *get_args(Truth)}))
def test_every_word_of_a_scenario_is_in_a_table_of_the_page(word: str) -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]

    assert any(f"`{word}`" in row for row in rows)


def test_the_scenario_of_the_page_can_be_played(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "shown.toml").write_text(shown)

    assert len(read_scenario(tmp_path / "shown.toml").moves) == 2

"""Stories of sessions as text: commands at the margin (see `story`), what comes of each indented below it.

`pytest tests/scenarios --rewrite` writes the indented lines anew. Commit only a difference that you can explain.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.scenarios.reacting import ReactingStory
from tests.scenarios.story import Story, told_again

HERE = Path(__file__).parent
STORIES = sorted(HERE.glob("*.txt"))
OF_REACTIONS = sorted((HERE / "reactions").glob("*.txt"))


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_story_goes_as_it_is_told(path: Path, golden: Callable[[Path, str], None]) -> None:
    golden(path, told_again(path.read_text(encoding="utf-8"), Story()))


@pytest.mark.parametrize("path", OF_REACTIONS, ids=lambda path: path.stem)
def test_the_story_of_reactions_goes_as_it_is_told(path: Path, golden: Callable[[Path, str], None]) -> None:
    golden(path, told_again(path.read_text(encoding="utf-8"), ReactingStory()))

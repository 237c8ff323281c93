"""The page about pull requests names the words, hooks and figures of the program."""

import re
from itertools import product

from orchestrd.forges.local_merging import merged_ref
from orchestrd.model import limits
from orchestrd.model.change import Change, Checks, Mergeable, Pr, Review
from orchestrd.render.changes import change_cell
from tests.docs.pages import DOCS
from tests.documents import a_document

PAGE = " ".join((DOCS / "pull-requests.md").read_text().split())


def test_every_value_of_every_axis_is_named() -> None:
    rows = dict(re.findall(r"\| (pull request|checks[^|]*|review|merge) \| ([^|]+) \|", PAGE))
    axes = zip(rows.values(), (Pr, Checks, Review, Mergeable), strict=True)

    assert [{word for word in axis if word.replace("_", " ") not in told} for told, axis in axes] == [set()] * 4


def test_every_word_of_the_column_is_explained() -> None:
    every = product(Pr, Checks, Review, Mergeable)
    cells = {
        change_cell(
            a_document(
                change=Change(
                    forge="x", repository="x", branch="x", pr=pr, checks=checks, review=review, mergeable=mergeable
                )
            )
        ).split()[-1]
        for pr, checks, review, mergeable in every
    }

    assert {cell for cell in cells - {"-"} if f"`{cell}`" not in PAGE} == set()


def test_its_figures_are_those_that_hold() -> None:
    assert f"every {limits.CHANGES_LOOK_S:g} s" in PAGE
    assert f"at most every {limits.CHANGES_NUDGED_S:g} s" in PAGE
    assert f"`{merged_ref('<commit>')}`" in PAGE

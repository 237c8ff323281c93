"""The page about reactions lists those that come along, and shows only what may be set as it stands."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrd.config import Layer, effective, packaged, reactions_of
from orchestrd.core.duration import duration_of
from orchestrd.core.judging import known_reaction
from orchestrd.core.template import PLACEHOLDERS
from orchestrd.model.change import Checks
from orchestrd.model.origin import Kind
from orchestrd.model.reaction import Act, Reaction
from tests.docs.pages import DOCS, with_generated

PAGE = DOCS / "reactions.md"
SHOWN = re.findall(r"^```toml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def tables() -> str:
    """Write the reactions that come along, and what may stand in their texts."""
    reactions = reactions_of(effective([packaged()], {}).configuration)
    return "\n".join(
        [
            "| reaction | when | does | then |",
            "|---|---|---|---|",
            *map(_row, reactions),
            "",
            "What may stand in a `text`:",
            "",
            "| | |",
            "|---|---|",
            *(f"| `{{{name}}}` | {meaning} |" for name, meaning in PLACEHOLDERS.items()),
        ]
    )


def _row(reaction: Reaction) -> str:
    told = known_reaction(reaction)
    return f"| `{reaction.name}` | {told.asked} | {told.done} | {', '.join(_then(reaction)) or '-'} |"


def _then(reaction: Reaction) -> Iterator[str]:
    if reaction.act is Act.NOTIFY:
        return
    if reaction.attempts > 1:
        yield f"again after {duration_of(reaction.every_s)}"
    yield f"for {reaction.rounds} commits or verifications"
    if reaction.escalation:
        late = f", or after {duration_of(reaction.escalate_after_s)}" if reaction.escalate_after_s else ""
        yield f"then a person is told ({reaction.escalation}){late}"


def test_the_table_is_what_comes_along(golden: Callable[[Path, str], None]) -> None:
    golden(PAGE, with_generated(PAGE, tables()))


@pytest.mark.parametrize("text", SHOWN)
def test_what_is_shown_may_be_set_as_it_stands(text: str) -> None:
    told = effective([packaged(), Layer(kind=Kind.USER, file="/f.toml", content=text.encode())], {})

    assert told.mistakes == ()
    assert any(setting.origin.kind is Kind.USER for setting in told.settings)


def test_a_merge_that_waits_for_a_green_verification_is_shown() -> None:
    (text,) = (text for text in SHOWN if "verified" in text)

    told = effective([packaged(), Layer(kind=Kind.USER, file="/f.toml", content=text.encode())], {})

    (merge,) = (one for one in reactions_of(told.configuration) if one.act is Act.MERGE)
    assert (merge.when.verified, merge.when.checks) == (True, (Checks.PASSING,))


def test_something_is_shown() -> None:
    assert len(SHOWN) >= 3

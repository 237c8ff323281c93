"""The state diagram of the documentation is drawn from the machine's table, so that neither can lie about the other."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from orchestrd.core.machine import TABLE, Edge, Origin, Target
from orchestrd.model.words import TERMINAL, Reason, State

DOCUMENT = Path(__file__).parents[2] / "docs" / "architecture.md"
BLOCK = re.compile(r"(?<=```mermaid\n)stateDiagram-v2\n.*?(?=```)", re.DOTALL)
LOST = (Reason.CONTACT_LOST, Reason.KILL_FAILED)  # one state that behaves in two ways, hence two boxes


def mermaid(table: Iterable[Edge]) -> str:
    """Draw the table: an arrow for each pair of places, labelled with the reasons that lead along it."""
    arrows: dict[tuple[str, str], list[Reason]] = defaultdict(list)
    for edge in table:
        for origin in _boxes(edge.origin):
            reasons = arrows[origin, _box(edge.target)]
            reasons += [edge.target.reason] if edge.target.reason not in reasons else []
    lines = ["stateDiagram-v2", *(f'    state "lost ({reason})" as {reason}' for reason in LOST)]
    lines += [f"    {origin} --> {target}: {', '.join(reasons)}" for (origin, target), reasons in arrows.items()]
    return "\n".join(lines) + "\n"


def _boxes(origin: Origin | None) -> Iterator[str]:
    if origin is None:
        yield "[*]"
    elif origin.state is not State.LOST:
        yield origin.state
    else:
        yield from (reason for reason in LOST if origin.reason in (None, reason))


def _box(target: Target) -> str:
    return target.reason if target.state is State.LOST else target.state


def test_the_documented_diagram_is_the_table(golden: Callable[[Path, str], None]) -> None:
    document = DOCUMENT.read_text(encoding="utf-8")

    assert BLOCK.search(document), "docs/architecture.md has no block of Mermaid with a stateDiagram-v2"
    golden(DOCUMENT, BLOCK.sub(lambda _: mermaid(TABLE), document))


def test_a_diagram_shows_every_state_once_and_two_boxes_for_lost() -> None:
    drawn = set(re.findall(r"--> (\w+)", mermaid(TABLE)))

    assert drawn == {state.value for state in State if state is not State.LOST} | {reason.value for reason in LOST}


def test_arrows_with_the_same_ends_are_one_with_all_its_reasons() -> None:
    lines = mermaid(TABLE).splitlines()

    assert "    running --> failed: goal_unmet, exit_code, signal, exit_unknown, setup_failed, terminal_lost" in lines
    assert all(f"    {state} --> pending: revived" in lines for state in TERMINAL)

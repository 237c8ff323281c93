"""Every stand x every input, as a table for a person to read, `table.txt`. A change of it is a change of behaviour."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

from orchestrd.core.machine import TABLE
from orchestrd.core.step import step
from orchestrd.model.command import Input, Result, Spawn
from orchestrd.model.observation import Evidence, Observation
from orchestrd.model.session import Session
from tests.core.interpreter import SESSION, Interpreter, Taken, spec
from tests.core.stands import ENDS, INPUTS, WAYS, stands
from tests.core.strategies import completed
from tests.scenarios.telling import told_effect, told_event, told_reply

GOLDEN = Path(__file__).parent / "table.txt"
HEAD = """\
# From: inputs -> to | + effects given out | - effects done or taken back | events other than the move | = reply
# `...`: put off, to be offered again after the commit. Inputs of one line do the same. Written by pytest --rewrite.

"""


def lines() -> Iterator[str]:
    yield f"nothing: spawn -> {told(_given(Interpreter(), Spawn(session=SESSION, spec=spec())))}"
    for stand, life in stands():
        yield ""
        outcomes: dict[str, list[str]] = defaultdict(list)
        for name, input_ in inputs_for(life.record):
            outcomes[told(_given(life, input_)) or "nothing changes"].append(name)
        yield from (f"{stand}: {'; '.join(names)} -> {outcome}" for outcome, names in outcomes.items())


def inputs_for(session: Session) -> Iterator[tuple[str, Input]]:
    for name, input_ in INPUTS.items():
        yield name, completed(input_(session) if callable(input_) else input_, session)


def _given(life: Interpreter, input_: Input) -> Taken:
    outcome = step(life.session, life.evidence, input_, life.now)
    return Taken(before=life.session, evidence=life.evidence, input=input_, now=life.now, outcome=outcome)


def told(taken: Taken) -> str:
    return " | ".join(_parts(taken))


def _parts(taken: Taken) -> Iterator[str]:
    after = taken.after
    yield from (f"{after.state} ({after.reason})" for _ in taken.moves)
    if not taken.outcome.consumed:
        yield "..."
    yield from (f"+ {told_effect(effect)}" for effect in taken.outcome.effects)
    before = taken.before.effects if taken.before else ()
    left = {effect.id for effect in after.effects}
    yield from (f"- {told_effect(effect)}" for effect in before if effect.id not in left)
    yield from (told_event(event) for event in taken.outcome.events if event not in taken.moves)
    yield from _quiet_changes(taken.before, after)
    yield from (f"= {reply}" for reply in [told_reply(taken.outcome)] if reply)


def _quiet_changes(before: Session | None, after: Session) -> Iterator[str]:
    """What changes in the record without an event of its own."""
    if before is None:
        return
    if before.ending is not after.ending:
        yield f"ending {after.ending or 'none'}"
    if before.dues != after.dues:
        yield f"due {' '.join(due.name for due in after.dues) or 'none'}"
    if before.outlived != after.outlived:
        yield f"outlived {str(after.outlived).lower()}"
    if before.handle != after.handle:
        yield f"handle {after.handle or 'none'}"
    if {effect.id for effect in after.effects if effect.attempted} - {e.id for e in before.effects if e.attempted}:
        yield "attempted"


def test_every_input_at_every_stand_does_what_the_table_says(golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN, HEAD + "\n".join(lines()) + "\n")


def test_the_table_names_every_place_that_the_machine_knows() -> None:
    targets = {f"{edge.target.state} ({edge.target.reason})" for edge in TABLE}

    assert {way.partition(")")[0] + ")" for way in WAYS} == targets


def test_the_table_meets_every_kind_of_input() -> None:
    session = next(stands())[1].record
    met = {type(input_) for _, input_ in inputs_for(session)}

    assert met == set(get_args(Input))


def test_an_ended_session_changes_for_nothing_but_revive_and_an_outside_edit() -> None:
    ended = [line for line in lines() if any(line.startswith(f"{end}: ") for end in ENDS)]

    changed = [line for line in ended if "-> nothing changes" not in line and "= refused" not in line]
    assert len(changed) == 2 * len(ENDS)
    assert all("revive by user -> pending (revived)" in line or "record_replaced" in line for line in changed)


def test_facts_and_results_say_nothing_where_nothing_was_launched() -> None:
    for stand, life in stands():
        if life.record.state in ("pending", "scheduled"):
            for _, input_ in inputs_for(life.record):
                if isinstance(input_, Observation | Result):
                    outcome = step(life.record, Evidence(), input_, life.now)
                    assert outcome.session == life.record, stand

"""From what a runtime's probe returned to what sessions are told; the breaker over a whole pass."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from orchestrd.core.evidence import REPORT, TITLE, ranked
from orchestrd.core.liveness import breaker_trips
from orchestrd.model.agent import Trust
from orchestrd.model.command import Input
from orchestrd.model.ids import SessionId
from orchestrd.model.observation import Evidence, Reported, Sighted, Testimony
from orchestrd.model.run import Look, Reading, Run
from orchestrd.model.words import Liveness


class Sifted(Struct, frozen=True):
    """The inputs of each session, and whether the pass was set aside."""

    inputs: Mapping[SessionId, tuple[Input, ...]]
    is_set_aside: bool


def sift(looks: Sequence[Look], was_dead: Callable[[SessionId], bool]) -> Sifted:
    """Turn one pass over a runtime into inputs. `was_dead` tells whose last sample was dead already."""
    samples = {
        look.run.session: fact.verdict for look in looks for fact in look.observations if isinstance(fact, Sighted)
    }
    known_dead = sum(verdict is Liveness.DEAD and was_dead(session) for session, verdict in samples.items())
    is_set_aside = breaker_trips(tuple(samples.values()), known_dead)
    inputs = {look.run.session: _facts(look, is_set_aside=is_set_aside) for look in looks}
    return Sifted(inputs, is_set_aside)


def blind(runs: Sequence[Run], observer: str, why: str) -> dict[SessionId, tuple[Input, ...]]:
    """Say that a look at all these runs failed: no evidence about any of them."""
    return {
        run.session: (Sighted(generation=run.generation, observer=observer, verdict=Liveness.UNKNOWN, excerpt=why),)
        for run in runs
    }


def hook_lines(look: Look) -> tuple[tuple[bytes, int], ...]:
    """Give each new line of hooks.jsonl with where it ends; the last one where the look ended."""
    offset, lines = look.run.hooks_offset, []
    for line in look.hook_lines:
        offset += len(line) + 1
        lines.append((line, offset))
    if lines:
        lines[-1] = (lines[-1][0], look.hooks_offset)
    return tuple(lines)


def report(
    look: Look, reading: Reading, transcript_offset: int, known: Evidence, witnesses: Sequence[Trust]
) -> Reported | None:
    """Make one input of what an agent's witnesses say, in its order of them; null where nothing of it is new."""
    said = tuple(ranked(word, witnesses) for word in _news(reading.testimonies, known.testimonies))
    has_read = look.hooks_offset > look.run.hooks_offset or transcript_offset > look.run.transcript_offset
    if not said and not has_read:
        return None
    return Reported(
        generation=look.run.generation,
        testimonies=said,
        hooks_offset=look.hooks_offset,
        transcript_offset=transcript_offset,
        malformed=reading.malformed,
    )


def settles_late(said: Reported) -> bool:
    """Tell whether witnesses of the same edge may still be about to speak.

    Not where the agent has but one, which is what it reports itself, and not for a spinner that goes on turning.
    """
    return any(testimony.observer not in (REPORT, TITLE) for testimony in said.testimonies)


def _news(said: Iterable[Testimony], known: Sequence[Testimony]) -> Iterable[Testimony]:
    """Leave out what a witness says again; its word stands since it was said first."""
    words = {testimony.observer: testimony for testimony in known}
    for testimony in said:
        if testimony.offset is not None or not _is_said_again(testimony, words.get(testimony.observer)):
            yield testimony


def _is_said_again(testimony: Testimony, before: Testimony | None) -> bool:
    if before is None:
        return not testimony.allows and testimony.text is None
    same_word = _word(testimony) == _word(before)
    return same_word and testimony.at in (None, before.at) and testimony.prompt is None


def _word(testimony: Testimony) -> tuple[object, ...]:
    return testimony.allows, testimony.text, testimony.decision.id if testimony.decision else None


def _facts(look: Look, *, is_set_aside: bool) -> tuple[Input, ...]:
    if not is_set_aside:
        return look.observations
    return tuple(_weakened(fact) if isinstance(fact, Sighted) else fact for fact in look.observations)


def _weakened(sample: Sighted) -> Sighted:
    if sample.verdict is not Liveness.DEAD:
        return sample
    return replace(sample, verdict=Liveness.UNKNOWN, excerpt="set aside: most of its runtime looked dead at once")

"""From what a runtime's probe returned to what sessions are told; the breaker over a whole pass."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from orchestrd.core.evidence import breaker_trips
from orchestrd.core.launch import utc
from orchestrd.model.command import Input
from orchestrd.model.ids import SessionId
from orchestrd.model.instant import Instant
from orchestrd.model.observation import ActivityReport, Reported, Sighted
from orchestrd.model.run import Look, Run
from orchestrd.model.words import Liveness

REPORT_OBSERVER = "report"


ReadHook = Callable[[bytes], ActivityReport | None]


class Sifted(Struct, frozen=True):
    """The inputs of each session, and whether the pass was set aside."""

    inputs: Mapping[SessionId, tuple[Input, ...]]
    is_set_aside: bool


def sift(
    looks: Sequence[Look], readers: Mapping[SessionId, ReadHook], dead_before: frozenset[SessionId], now: Instant
) -> Sifted:
    """Turn one pass over a runtime into inputs. `dead_before`: whose last sample was dead already."""
    samples = {
        look.run.session: fact.verdict for look in looks for fact in look.observations if isinstance(fact, Sighted)
    }
    known_dead = sum(verdict is Liveness.DEAD and session in dead_before for session, verdict in samples.items())
    is_set_aside = breaker_trips(tuple(samples.values()), known_dead)
    inputs = {
        look.run.session: (*_facts(look, is_set_aside=is_set_aside), *reports(look, readers[look.run.session], now))
        for look in looks
    }
    return Sifted(inputs, is_set_aside)


def blind(runs: Sequence[Run], observer: str, why: str) -> dict[SessionId, tuple[Input, ...]]:
    """Say that a look at all these runs failed: no evidence about any of them."""
    return {
        run.session: (Sighted(generation=run.generation, observer=observer, verdict=Liveness.UNKNOWN, excerpt=why),)
        for run in runs
    }


def reports(look: Look, read_hook: ReadHook, now: Instant) -> tuple[Reported, ...]:
    """Turn new lines of hooks.jsonl into reports; each bears where it ends, the last one where the look ended."""
    found: list[Reported] = []
    offset = look.run.hooks_offset
    for line in look.hook_lines:
        offset += len(line) + 1
        said = read_hook(line)
        if said is not None:
            found.append(
                Reported(
                    generation=look.run.generation,
                    observer=REPORT_OBSERVER,
                    activity=said.activity,
                    text=said.text,
                    at=now.at if said.at_s is None else utc(said.at_s),
                    offset=offset,
                )
            )
    if found:
        found[-1] = replace(found[-1], offset=look.hooks_offset)
    return tuple(found)


def _facts(look: Look, *, is_set_aside: bool) -> tuple[Input, ...]:
    return tuple(_weakened(fact) if is_set_aside and isinstance(fact, Sighted) else fact for fact in look.observations)


def _weakened(sample: Sighted) -> Sighted:
    if sample.verdict is not Liveness.DEAD:
        return sample
    return replace(sample, verdict=Liveness.UNKNOWN, excerpt="set aside: most of its runtime looked dead at once")

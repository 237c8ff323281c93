"""Which scenarios are played with whom, and how many at once: one stage for each play, or one for a crowd.

A stage of its own lets a scenario lose hooks and kill daemons; in a crowd everybody shares one daemon, and only
scenarios that leave it alone are played.
"""

import itertools
import os
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec import Struct

from benchmarks.agents.installed import version_of
from benchmarks.truth.figures import Condition, Result
from benchmarks.truth.models import Models
from benchmarks.truth.playing import Played, Player, play
from benchmarks.truth.stage import Stage, set_up
from orchestrd.testing.model import Person, Scenario

OF_THE_STAGE = ("lose_hook", "find_hook", "restart_daemon")  # what all who share a stage would suffer from
AT_A_TERMINAL = ("type", "paste", "keys", "clear", "interrupt", "leave", "resize", "scroll", "unscroll")
NO_HOOK = "there is no hook to be lost"
NO_TERMINAL = "it has no terminal in which this could happen"
LINES_MAX = 30  # of what went wrong on a stage
PATIENCE = 2.0  # two plays at once ...
CROWD_PATIENCE = 6.0  # ... and a crowd come up slowly: each truth is waited for so many times as long

Say = Callable[[str], None]


class Manner(Struct, frozen=True, kw_only=True):
    """How is played: the tick of the daemons, how many plays at once, and who is told of each when it is over."""

    tick_s: float
    at_once: int
    say: Say


def left_out(scenarios: Iterable[Scenario], player: Player, *, has_hooks: bool) -> Mapping[str, str]:
    """Name the scenarios that are not played with an agent, and why."""
    told = {
        one.name: one.not_for.get(player.name) or one.not_for.get(player.agent) or f"it is for {', '.join(one.agents)}"
        for one in scenarios
        if not (one.is_for(player.agent) and player.name not in one.not_for)
    }
    if player.is_hosted:
        told |= {one.name: NO_TERMINAL for one in scenarios if _needs_terminal(one) and one.name not in told}
    if not has_hooks:
        told |= {one.name: NO_HOOK for one in scenarios if _does(one, ("lose_hook",)) and one.name not in told}
    return told


def play_all(
    scenarios: Sequence[Scenario], player: Player, models: Models, manner: Manner, *, has_hooks: bool
) -> Result:
    """Play all that is for an agent, so many at once, each on a stage of its own."""
    without = left_out(scenarios, player, has_hooks=has_hooks)
    played_for = [one for one in scenarios if one.name not in without]

    def alone(scenario: Scenario) -> Played:
        try:
            with set_up(has_hooks=has_hooks, tick_s=manner.tick_s) as stage:
                return _played(stage, player, scenario, models, manner.say)
        except Exception as error:  # noqa: BLE001 - of the stage itself; it does not spare the others either
            manner.say(f"{player.name} {scenario.name}: {error}")
            return Played(scenario=scenario.name, failure=f"{type(error).__name__}: {error}".strip().splitlines()[-1])

    with ThreadPoolExecutor(manner.at_once, thread_name_prefix="play") as pool:
        plays = list(pool.map(alone, played_for))
    condition = Condition(
        player=player.name, version=version_of(player.program), has_hooks=has_hooks, tick_s=manner.tick_s
    )
    return _result(condition, plays, without, manner.at_once)


def play_in_a_crowd(
    scenarios: Sequence[Scenario], players: Sequence[Player], number: int, models: Models, manner: Manner
) -> Result:
    """Play as many sessions at once on one stage: the agents in turns, and each its scenarios in turns."""
    parts = list(itertools.islice(_parts(scenarios, players), number))
    with set_up(has_hooks=True, tick_s=manner.tick_s) as stage:

        def together(part: tuple[Player, Scenario]) -> Played:
            return _played(stage, *part, models, manner.say, patience=CROWD_PATIENCE)

        with ThreadPoolExecutor(number, thread_name_prefix="play") as pool:
            plays = list(pool.map(together, parts))
    names = ", ".join(dict.fromkeys(player.name for player, _ in parts))
    condition = Condition(player=f"{number} sessions", version=f"of {names}", has_hooks=True, tick_s=manner.tick_s)
    return _result(condition, plays, {}, number)


def _parts(scenarios: Sequence[Scenario], players: Sequence[Player]) -> Iterable[tuple[Player, Scenario]]:
    theirs = {player: itertools.cycle(_shared(scenarios, player)) for player in players}
    return ((player, next(theirs[player])) for player in itertools.cycle(players))


def _shared(scenarios: Sequence[Scenario], player: Player) -> list[Scenario]:
    without = left_out(scenarios, player, has_hooks=True)
    return [one for one in scenarios if one.name not in without and not _does(one, OF_THE_STAGE)]


def _needs_terminal(scenario: Scenario) -> bool:
    return _does(scenario, AT_A_TERMINAL) or "status_line" in scenario.settings or _dismisses(scenario)


def _dismisses(scenario: Scenario) -> bool:
    return any(isinstance(step, Person) and step.choice == "dismiss" for step in scenario.steps)


def _does(scenario: Scenario, deeds: Sequence[str]) -> bool:
    return any(isinstance(step, Person) and step.person in deeds for step in scenario.steps)


def _played(
    stage: Stage, player: Player, scenario: Scenario, models: Models, say: Say, *, patience: float = PATIENCE
) -> Played:
    """Play one; whatever goes wrong on the stage is said of this play, and does not spare the others."""
    try:
        played = play(stage, player, scenario, models, patience=patience)
    except Exception:  # noqa: BLE001 - said in full, in its place
        last = traceback.format_exc().strip().splitlines()
        logged = Path(stage.layout.daemon_log).read_text(errors="replace").splitlines()
        say("\n".join((f"{player.name} {scenario.name}:", *last[-LINES_MAX:], *logged[-LINES_MAX:])))
        return Played(scenario=scenario.name, failure=last[-1], load=os.getloadavg()[0])
    say(_line(player, played))
    return played


def _line(player: Player, played: Played) -> str:
    if played.failure is not None:
        return f"{player.name} {played.scenario}: could not be played: {played.failure}"
    score = played.score
    late = max((seen.latency_s or 0.0 for seen in score.seen), default=0.0)
    return (
        f"{player.name} {played.scenario}: {score.accuracy or 0:.1%}, slowest edge {late:.2f} s, "
        f"missed {score.missed}, longest wrong {score.longest_wrong.seconds:.2f} s, "
        f"false claims {len(score.false_claims)}"
    )


def _result(condition: Condition, plays: Sequence[Played], without: Mapping[str, str], at_once: int) -> Result:
    return Result(
        condition=condition,
        plays=tuple(plays),
        left_out=without,
        agents_at_once=at_once,
        load=max((one.load for one in plays), default=0.0),
    )

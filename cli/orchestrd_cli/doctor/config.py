"""What is configured where the caller stands: everything that is wrong with it, and what a repository does not get."""

from collections.abc import Iterator

from msgspec import Struct

from orchestrd.client.configuring import effective_in, screen_mistakes, trusting
from orchestrd.model.finding import Finding
from orchestrd.model.limits import NAMED_MAX
from orchestrd.model.origin import Mistake, Setting
from orchestrd.render import counted
from orchestrd_cli.doctor.subject import Subject, Surroundings, fail, named, ok, warn


class Facts(Struct, frozen=True, kw_only=True):
    """What the files and the environment say; `trust` is the command that trusts the repository one stands in."""

    settings: tuple[Setting, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    withheld: tuple[Setting, ...] = ()
    trust: str = ""


def look(surroundings: Surroundings) -> Facts:
    """Read all layers, as a spawn would."""
    told = effective_in(surroundings.directory, surroundings.environ)
    return Facts(
        settings=told.settings,
        mistakes=(*told.mistakes, *screen_mistakes(surroundings.environ)),
        withheld=told.withheld,
        trust=trusting(surroundings.directory) if told.withheld else "",
    )


def judge(facts: Facts) -> Iterator[Finding]:
    """Name each mistake with its place; a daemon does not start, and a spawn is refused, until it is mended."""
    for mistake in facts.mistakes[:NAMED_MAX]:
        yield fail("config", f"{mistake.origin} is wrong", mistake.cause, mistake.hint)
    if more := facts.mistakes[NAMED_MAX:]:
        yield fail("config", f"and {counted(len(more), 'more mistake')}", next_="orch config check")
    if facts.withheld:
        keys = named([setting.key for setting in facts.withheld])
        file = facts.withheld[0].origin.file
        yield warn("config", f"{file} is not trusted", f"it asks for {keys}, and does not get it", facts.trust)
    if not facts.mistakes and not facts.withheld:
        places = dict.fromkeys(str(one.origin.file or one.origin.variable or "") for one in facts.settings)
        said = [place for place in places if place]
        yield ok("config", f"nothing is wrong in {named(said)}" if said else "nothing is set: the defaults hold")


SUBJECT = Subject(name="config", look=look, judge=judge)

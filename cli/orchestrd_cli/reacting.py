"""`orch reactions`: which there are, what they would do to a session and why, and what they have done about it."""

from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from orchestrd.model.errors import NotFoundError
from orchestrd.model.event import EventType
from orchestrd.model.session import reaction_behind
from orchestrd_cli import exits, reach
from orchestrd_cli.grammar import SETTINGS, Json, Ref, verb
from orchestrd_cli.terminal import note

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrd.client import Client
    from orchestrd.model.reaction import Reaction
    from orchestrd.model.reaction_document import JudgedSession

app = typer.Typer(
    help="See what is done about sessions by itself, and why.\n\n\b\norch reactions list",
    no_args_is_help=True,
    context_settings=SETTINGS,
)

Name = Annotated[str | None, typer.Argument(hidden=True, metavar="NAME")]

EVENTS_SHOWN = 10  # the newest


class _Told(Struct):
    source: str | None = None
    message: str | None = None

    @property
    def reaction(self) -> str | None:
        """The reaction that has done it, or whose message or notice it is about."""
        return reaction_behind(self.message or "") or self.source


TYPES = (
    EventType.REACTION_FIRED,
    EventType.REACTION_FAILED,
    EventType.REACTION_ESCALATED,
    EventType.REACTION_CLEARED,
    EventType.MESSAGE_SETTLED,
    EventType.NOTICE_TOLD,
    EventType.NOTICE_FAILED,
    EventType.MERGE_SETTLED,
    EventType.COMMAND_RUN,
    EventType.SPAWNED_ANOTHER,
)


@verb("[OPTIONS]", of=app)
def list_(*, json: Json = False) -> int:
    """List the reactions, as they are configured.

    THEN is how a person is told when all tries did not help. FROM is where
    something of it was set; default: it is as it comes. Exits 2 where
    something is wrong with the configuration; that is not applied.

    orch reactions list
    orch reactions list --json | jq '.reactions[] | select(.origins != [])'
    """
    from orchestrd.client.judging import configured_reactions
    from orchestrd.render.reactions import reactions_table
    from orchestrd.render.settings import mistake_lines

    known, told = configured_reactions()
    if json:
        reach.write_json(known)
    else:
        reach.write_text(reactions_table(known))
        _note_difference(reach.client(), [one.reaction for one in known.reactions])
        for mistake in told.mistakes:
            note(mistake_lines(mistake))
    return exits.USAGE if told.mistakes else exits.OK


@verb("[OPTIONS] ID|FILE [NAME]", of=app)
def test(ref: Ref, name: Name = None, *, json: Json = False) -> int:  # noqa: PT028 - a verb, and no test
    """Say what each reaction would do to a session now, and why.

    Nothing is done. Without a daemon the record on disk counts, as if all that
    it says had just been seen; that of an archived session, or in a FILE, as
    if it were still the time at which it was written. With NAME of that
    reaction only.

    orch reactions test fix
    orch reactions test fix ci-failed
    orch reactions test ./k3v5a2bc.json
    """
    from orchestrd.render.reactions import judged_page

    told = _chosen(_judged(ref), name)
    if json:
        reach.write_json(told)
    else:
        reach.write_text(judged_page(told))
    return exits.OK


@verb("[OPTIONS] ID [NAME]", of=app)
def why(ref: Ref, name: Name = None, *, json: Json = False) -> int:
    """Say what reactions did about a session, and what is next.

    What its ledger holds: since when the condition of each has held, what it is
    about, how often it was tried, and what became of that; then the newest
    events. With NAME of that reaction only.

    orch reactions why fix
    orch reactions why fix ci-failed
    """
    from orchestrd.render.reactions import ledger_page

    told = _chosen(_judged(ref), name)
    if json:
        reach.write_json(told)
    else:
        reach.write_text(ledger_page(told, _events(reach.client(), told, name), reach.now()))
    return exits.OK


def _judged(ref: str) -> "JudgedSession":
    """A file is named by a path: no session is."""
    if "/" in ref or ref.endswith(".json"):
        from orchestrd.client.judging import judged_file

        return judged_file(ref)
    home = reach.client()
    told = home.judge(ref)
    if told.is_recorded:
        reach.note_age_of_disk(home)
    return told


def _chosen(told: "JudgedSession", name: str | None) -> "JudgedSession":
    """Leave only one reaction, if one is named. Raises NotFoundError."""
    from msgspec.structs import replace

    if name is None:
        return told
    chosen = tuple(one for one in told.judged if one.reaction.name == name)
    if not chosen:
        from difflib import get_close_matches

        guess = get_close_matches(name, [one.reaction.name for one in told.judged], n=1)
        meant = f": did you mean '{guess[0]}'?" if guess else ""
        raise NotFoundError(f"there is no reaction '{name}'{meant}", hint="orch reactions list")
    return replace(told, judged=chosen)


def _events(home: "Client", told: "JudgedSession", name: str | None) -> "Iterable[str]":
    """Give the newest of what reactions have done about it."""
    from collections import deque

    import msgspec

    from orchestrd.render import event_line

    lines: deque[str] = deque(maxlen=EVENTS_SHOWN)
    for line in home.events(sessions=[told.session], types=TYPES):
        reaction = msgspec.json.decode(line, type=_Told).reaction
        if reaction is not None and name in (None, reaction):
            lines.append(event_line(line))
    return lines


def _note_difference(home: "Client", configured: "list[Reaction]") -> None:
    """Say so where the daemon goes by others, for it has not read the file since; when it began to is no difference."""
    from msgspec.structs import replace

    if home.answers() and [replace(one.reaction, taken_at=None) for one in home.reactions().reactions] != configured:
        note("orch: the daemon goes by what it has read before\n  try: orch daemon reload")

"""One play: a scenario with one real agent in one session, told as truth, claims and receipts on the same clock."""

import contextlib
import os
import shlex
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from benchmarks.agents.installed import program
from benchmarks.truth.listening import claims_of, receipts_of
from benchmarks.truth.models import Models
from benchmarks.truth.people import presses_of
from benchmarks.truth.person import Delivery, Person, UnplayableError, first_prompt
from benchmarks.truth.receipts import Sent
from benchmarks.truth.scoring import Edge, Score, score
from benchmarks.truth.stage import Stage
from benchmarks.truth.users import Settled, User, settle
from orchestrd.client.requests import WorkspaceWish, spawn_request
from orchestrd.model.errors import RefusedError
from orchestrd.model.ids import SessionId
from orchestrd.testing.model import Scenario

HOSTED = "-hosted"  # behind the name of an agent: without a terminal, by its structured protocol
GIT_S = 15.0
NOBODY = ("-c", "user.name=Nobody", "-c", "user.email=nobody@localhost", "-c", "commit.gpgsign=false")


class Player(Struct, frozen=True):
    """One agent in one version, in a terminal or hosted. `version` is null for the pinned one."""

    name: str
    version: str | None = None

    @property
    def agent(self) -> str:
        """The name of the agent itself."""
        return self.name.removesuffix(HOSTED)

    @property
    def is_hosted(self) -> bool:
        """Tell whether it runs without a terminal."""
        return self.name.endswith(HOSTED)

    @property
    def program(self) -> Path:
        """Where it is installed."""
        return program(self.agent, self.version)


class Played(Struct, frozen=True, kw_only=True):
    """What one play came to. `failure` says why it could not be played to its end; then it is not scored."""

    scenario: str
    truth: tuple[Edge, ...] = ()
    claims: tuple[Edge, ...] = ()
    until: float = 0.0
    sent: tuple[Sent, ...] = ()
    told: tuple[str, ...] = ()  # what was heard of it, line by line, for whoever looks into a wrong claim
    load: float = 0.0
    failure: str | None = None

    @property
    def score(self) -> Score:
        """Lay the claims over the truth."""
        return score(self.truth, self.claims, self.until)


def play(stage: Stage, player: Player, scenario: Scenario, models: Models, *, patience: float = 1.0) -> Played:
    """Play a scenario on a stage, and end the session. `patience`: how many times as long a truth is waited for."""
    with models(scenario) as model:
        place = stage.place_for_user()
        user = User(home=place, repository=place / "shop", url=model.url, wishes=scenario.settings)
        settled = settle(player.agent, user)
        _make_repository(user.repository)
        with _session(stage, player, scenario, user, settled) as session:
            person = Person(stage, session, model, scenario, presses_of(player.name), patience=patience)
            return _performed(stage, person, scenario)


def _performed(stage: Stage, person: Person, scenario: Scenario) -> Played:
    failure = None
    try:
        person.perform()
    except UnplayableError as error:
        failure = str(error)
    until = time.time()
    heard = stage.listener.of(person.session)
    return Played(
        scenario=scenario.name,
        truth=tuple(person.truth()),
        claims=tuple(claims_of(heard)),
        until=until,
        sent=tuple(_settled(person.deliveries, receipts_of(heard), person.heard)),
        told=tuple(one.line() for one in heard),
        load=os.getloadavg()[0],
        failure=failure,
    )


def _settled(deliveries: Sequence[Delivery], settled: dict[str, str], heard: Sequence[str]) -> Iterator[Sent]:
    """Take the last word on each message, and what the model heard of it."""
    for one in deliveries:
        yield Sent(
            text=one.text,
            receipt=settled.get(one.message, one.receipt),
            reply=one.receipt,
            expected=one.expected,
            heard=tuple(heard),
            was_typed_astray=one.was_typed_astray,
        )


@contextlib.contextmanager
def _session(stage: Stage, player: Player, scenario: Scenario, user: User, settled: Settled) -> Iterator[SessionId]:
    """Begin a session with the first thing that the person says, and end it with all it has started."""
    environ = {**settled.environment, "ORCH_HOME": stage.layout.home, "PATH": _path(player, user, scenario)}
    request = spawn_request(
        agent=player.agent,
        prompt=first_prompt(scenario),
        argv=settled.arguments,
        runtime="process" if player.is_hosted else "tmux",
        workspace=WorkspaceWish(kind="none"),
        directory=str(user.repository),
        env_names=[name for name in settled.environment if name != "PATH"],
        environ=environ,
    )
    session = stage.daemon.client.spawn(request).document.id
    try:
        yield session
    finally:
        with contextlib.suppress(RefusedError):  # it has ended already
            stage.daemon.client.kill(session)


def _path(player: Player, user: User, scenario: Scenario) -> str:
    """Put the agent first; where it leaves a shell behind, by way of a script that does."""
    places = [str(player.program.parent), os.environ["PATH"]]
    if scenario.settings.get("shell"):
        script = user.home / "bin" / player.agent
        script.parent.mkdir()
        script.write_text(f'#!/bin/sh\n{shlex.quote(str(player.program))} "$@"\nexec sh -i\n')
        script.chmod(0o755)
        places.insert(0, str(script.parent))
    return ":".join(places)


def _make_repository(place: Path) -> None:
    """Make a repository with one commit, that knows nobody's configuration."""
    place.mkdir(parents=True)
    (place / "README.md").write_text("# The shop\n")
    plain = {"PATH": os.environ["PATH"], "HOME": str(place.parent), "GIT_CONFIG_NOSYSTEM": "1"}
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), (*NOBODY, "commit", "-q", "-m", "Open the shop")):
        subprocess.run(["git", *words], cwd=place, env=plain, check=True, timeout=GIT_S)

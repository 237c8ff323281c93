"""The person of a play: does what the scenario says at the terminal and with `orch`, and tells what that makes true.

A person looks at nothing that the daemon says, so that no wrong claim is waited away; what they wait for is the truth.
But for `agree`: it is for a test that asks whether all is claimed, and not how late.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from benchmarks.truth.listening import claims_of
from benchmarks.truth.models import Model
from benchmarks.truth.people import Press, Presses
from benchmarks.truth.receipts import one_spaced
from benchmarks.truth.scoring import LEAVING, STARTING, Edge
from benchmarks.truth.stage import Stage
from orchestrd.client.requests import mint_message_id
from orchestrd.core.launch import HOOKS
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.ids import SessionId
from orchestrd.testing.model import Await, Scenario
from orchestrd.testing.model import Person as Deed

LOOK_S = 0.01
ECHO_S = 0.3  # what was typed astray is to be seen by then
GLANCE_S, STILL_S = 0.3, 3.0  # between two looks at a dialog, and how long a person waits for it to stand still
KEY_PAUSE_S = 0.3  # between two keys of one press: whoever presses twice is no machine
AGREED_S = 30.0  # a claim that is waited for comes within this time
LEFT_S = 15.0  # an agent that is left has ended by then
AT_REST = ("waiting", "working", "limited")  # in all others what is typed goes astray
GONE = (LEAVING, "ended", "unknown")  # the agent, to which nobody comes back
AWAY = ".away"


class UnplayableError(Exception):
    """The play did not come to where the scenario wants it; the sentence says why."""


class Delivery(Struct, frozen=True, kw_only=True):
    """One message as it was sent, and what was said of it at once."""

    message: str
    text: str
    receipt: str
    expected: str
    was_typed_astray: bool


class Person:
    """Performs one scenario in one session."""

    def __init__(
        self,
        stage: Stage,
        session: SessionId,
        model: Model,
        scenario: Scenario,
        presses: Presses,
        *,
        patience: float,
    ) -> None:
        self.session = session
        self.deliveries: list[Delivery] = []
        self._heard: dict[str, None] = {}
        self._stage = stage
        self._model = model
        self._scenario = scenario
        self._presses = presses
        self._patience = patience
        self._told = [Edge(time.time(), STARTING)]
        self._deeds: Mapping[str, Callable[[Deed], object]] = {
            "send": self._send,
            "type": lambda deed: self._keys("-l", deed.text),
            "paste": self._paste,
            "keys": lambda deed: self._keys(*deed.keys),
            "answer": self._choose,
            "decide": self._decide,
            "interrupt": lambda _: self._press("interrupt"),
            "clear": lambda _: self._press("clear"),
            "resize": lambda deed: self._ask("resize-window", "-x", str(deed.columns), "-y", str(deed.rows)),
            "scroll": lambda _: self._ask("copy-mode", "-u"),
            "unscroll": lambda _: self._ask("send-keys", "-X", "cancel"),
            "wait": lambda deed: time.sleep(deed.seconds),
            "agree": lambda _: self._agree(),
            "release": lambda _: self._model.release(),
            "kill": self._kill,
            "leave": self._leave,
            "lose_hook": lambda _: self._move_hooks("", AWAY),
            "find_hook": lambda _: self._move_hooks(AWAY, ""),
            "restart_daemon": lambda _: self._restart_daemon(),
        }

    @property
    def heard(self) -> list[str]:
        """Everything that the model has heard from the user, in order."""
        self._listen()
        return list(self._heard)

    def perform(self) -> None:
        """Do everything in order. Raises UnplayableError."""
        first = 1 if first_prompt(self._scenario) is not None else 0  # the session has begun with it
        for index, step in enumerate(self._scenario.steps[first:], first):
            if isinstance(step, Await):
                self._await(step, self._scenario.moves_before(index))
            elif isinstance(step, Deed):
                self._do(step)

    def truth(self) -> list[Edge]:
        """Give what was true since when.

        What the model says means nothing before it was first asked, and once its agent is gone.
        """
        of_model = self._model.edges()
        first = next((n for n, edge in enumerate(of_model) if edge.state == "working"), len(of_model))
        gone_at = next((edge.at for edge in self._told if edge.state in GONE), float("inf"))
        return sorted(
            [*self._told, *(edge for edge in of_model[first:] if edge.at < gone_at)], key=lambda edge: edge.at
        )

    # ---- waiting -----------------------------------------------------------------------------------------------------

    def _await(self, step: Await, requests: int) -> None:
        deadline = time.monotonic() + step.within_s * self._patience
        while not (self._is_now() == step.truth and self._model.asked_times() >= requests):
            self._listen()
            if time.monotonic() > deadline:
                asked = f"{self._model.asked_times()} of {requests} requests"
                raise UnplayableError(f"not {step.truth} in {step.within_s:g} s, but {self._is_now()} after {asked}")
            time.sleep(LOOK_S)
        self._listen()

    def _listen(self) -> None:
        """Keep what the user was heard to say: an agent may forget a turn that was interrupted."""
        self._heard |= dict.fromkeys(self._model.heard())

    def _agree(self) -> None:
        deadline = time.monotonic() + AGREED_S * self._patience
        while not (claims := claims_of(self._stage.listener.of(self.session))) or claims[-1].state != self._is_now():
            if time.monotonic() > deadline:
                raise UnplayableError(f"it is {self._is_now()}, and {AGREED_S:g} s later {claims[-1].state} is claimed")
            time.sleep(LOOK_S)

    def _is_now(self) -> str:
        return self.truth()[-1].state

    def _tell(self, truth: str) -> None:
        self._told.append(Edge(time.time(), truth))
        self._model.decided(truth)

    # ---- deeds -------------------------------------------------------------------------------------------------------

    def _do(self, deed: Deed) -> None:
        if deed.person not in self._deeds:
            raise UnplayableError(f"nobody here knows how to {deed.person}")
        if deed.makes is not None:
            self._tell(deed.makes)
        self._deeds[deed.person](deed)

    def _send(self, deed: Deed) -> None:
        before, requests = self._is_now(), self._model.asked_times()
        message = mint_message_id()
        try:
            receipt = str(self._stage.daemon.client.send(self.session, deed.text, message=message).receipt)
        except OrchestrdError:
            receipt = "refused"
        is_astray = before not in AT_REST and self._is_typed(deed.text, requests)
        self.deliveries.append(
            Delivery(
                message=message,
                text=deed.text,
                receipt=receipt,
                expected=deed.receipt,
                was_typed_astray=is_astray,
            )
        )

    def _is_typed(self, text: str, requests: int) -> bool:
        """Tell whether a text stands on the screen, or has made the agent do something."""
        time.sleep(ECHO_S)
        return self._model.asked_times() > requests or one_spaced(text) in one_spaced(self._ask("capture-pane", "-p"))

    def _choose(self, deed: Deed) -> None:
        """Answer a dialog, once it stands there: what is drawn has not changed from one look to the next."""
        deadline, shown = time.monotonic() + STILL_S, ""
        while (now := self._ask("capture-pane", "-p")) != shown and time.monotonic() < deadline:
            shown = now
            time.sleep(GLANCE_S)
        self._press(deed.choice)

    def _press(self, name: str) -> None:
        press: Press | None = self._presses.get(name)
        if press is None:
            raise UnplayableError(f"people.toml does not say how to {name} here")
        if press.choice is not None:
            self._answer(press.choice, press.then)
        elif press.then is not None:
            self._tell(press.then)
        for number, key in enumerate(press.keys):
            time.sleep(KEY_PAUSE_S if number else 0)
            self._keys(key)

    def _decide(self, deed: Deed) -> None:
        """Answer from afar; the first choice is the one that allows, the last the one that denies."""
        self._answer({"allow": 0, "deny": -1}[deed.choice], "working" if deed.makes is None else None)

    def _answer(self, number: int, then: str | None) -> None:
        decision = self._stage.daemon.client.show(self.session).decision
        if decision is None or not decision.choices:
            raise UnplayableError("there is no decision that could be answered from afar")
        if then is not None:
            self._tell(then)
        self._stage.daemon.client.answer(self.session, decision.id, decision.choices[number].key)

    def _paste(self, deed: Deed) -> None:
        self._stage.tmux.ask("load-buffer", "-b", "pasted", "-", stdin=deed.text.encode())
        self._ask("paste-buffer", "-p", "-d", "-b", "pasted")

    def _keys(self, *keys: str) -> None:
        self._ask("send-keys", *keys)

    def _ask(self, command: str, *words: str) -> str:
        """Ask tmux something about the pane of this session; nothing comes of it where there is none (any more)."""
        if not Path(self._stage.layout.tmux_socket).exists():
            return ""
        listed = self._stage.tmux.ask("list-panes", "-a", "-F", "#{session_name} #{pane_id}").splitlines()
        panes = [pane for name, _, pane in (line.partition(" ") for line in listed) if self.session in name]
        return self._stage.tmux.ask(command, "-t", panes[0], *words) if panes else ""

    def _kill(self, _: Deed) -> None:
        self._tell("ended")
        os.kill(self._stage.daemon.agent(self.session), signal.SIGKILL)

    def _leave(self, _: Deed) -> None:
        """Leave the agent as its user does. Where a shell is left behind nobody knows what goes on there."""
        agent = self._agent()
        self._press("leave")
        self._tell(LEAVING)
        deadline = time.monotonic() + LEFT_S
        while Path(f"/proc/{agent}").exists():
            if time.monotonic() > deadline:
                raise UnplayableError(f"it has not ended {LEFT_S:g} s after it was left")
            time.sleep(LOOK_S)
        self._tell("unknown" if self._scenario.settings.get("shell") else "ended")

    def _agent(self) -> int:
        """Find the process of the agent itself, also behind a script that has started it."""
        launched = self._stage.daemon.agent(self.session)
        children = Path(f"/proc/{launched}/task/{launched}/children").read_text().split()
        return int(children[0]) if self._scenario.settings.get("shell") and children else launched

    def _move_hooks(self, before: str, after: str) -> None:
        """Take what hooks write to away, or bring it back: what they say meanwhile reaches nobody."""
        layout = self._stage.layout
        for path in (f"{layout.run_directory(self.session, 1)}/{HOOKS}", f"{layout.run}/nudge"):
            with contextlib.suppress(FileNotFoundError):  # where there are no hooks there is nothing to lose
                Path(path + before).rename(path + after)

    def _restart_daemon(self) -> None:
        self._stage.daemon.kill()
        self._stage.daemon.start()


def first_prompt(scenario: Scenario) -> str | None:
    """Give the text with which the session begins: what the person sends before anything else."""
    first = scenario.steps[0]
    return first.text if isinstance(first, Deed) and first.person == "send" else None

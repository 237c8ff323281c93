"""What all protocols share: messages one at a time and in order, turns, and decisions, of which one is asked at a time.

A talk is pure: whatever happens, what comes of it is collected in `outbox`, and the host acts on that. What an agent
sends may be anything; nothing raises for it, and what is not understood means nothing.

A fact is what the daemon is told of one edge, as one line of hooks.jsonl. Its `edge` is one of

    ready        it can be given a message            words, tool  it goes on: what it says, which tool it uses
    turn         a turn has begun, with `prompt`      retry        an error, and it tries again
    asked        it waits for `decision`              answered     and waits for it no more
    over, failed, limited, interrupted                how a turn has ended

The conversation is named only once the agent's disk holds it, or a revived session would ask for one that is not there.
"""

import json
from collections import deque
from collections.abc import Callable, Sequence

from orchestrd.core.wording import Fields, one_line, readable
from orchestrd.hosting.asking import DENY, OTHER, Ask, text_of_reply
from orchestrd.model.limits import CHOICES_MAX

ENDS = frozenset({"over", "failed", "limited", "interrupted"})


class Outbox:
    """What is to be done: messages for the agent, entries for the log, facts for the daemon."""

    def __init__(self) -> None:
        self.messages: list[Fields] = []
        self.log: list[str] = []
        self.facts: list[Fields] = []

    def clear(self) -> None:
        """Forget what was done."""
        for done in (self.messages, self.log, self.facts):
            done.clear()


class Talk:
    """One agent, talked to in its protocol. `name` is of this host alone: its decisions are called after it."""

    def __init__(self, name: str, *, is_denying: bool = False) -> None:
        self.name = name
        self.outbox = Outbox()
        self.is_in_turn = False
        self.is_hopeless = False  # it will never take a message: there is nothing to host
        self._is_denying = is_denying
        self._is_ready = False
        self._waiting: deque[str] = deque()
        self._given: str | None = None  # a message that the agent was given, and whose turn has not begun
        self._is_interrupted = False
        self._asks: deque[Ask] = deque()
        self._asked = 0
        self._news: Fields = {}  # goes along with the next fact
        self._last: Fields = {}  # the fact that was told last, without such news
        self._conversation: str | None = None
        self.unkept: str | None = None  # where the conversation will be kept: a path, in which one `*` may be a folder

    # ---- what a host says --------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Open the conversation."""
        raise NotImplementedError

    def interrupt(self) -> None:
        """Have the turn come to an end, where there is one, or is about to be."""
        self._is_interrupted = self.is_in_turn or self._given is not None
        if self.is_in_turn:
            self._interrupt()

    def send(self, text: str) -> None:
        """Give the agent a message, as soon as it can take one."""
        self._waiting.append(text)
        self._give_next()

    def answer(self, line: str) -> None:
        """Answer what is asked by a reply; what is none of its choices is no answer."""
        key, _, said = line.partition(" ")
        text = text_of_reply(said)
        if not self._asks or key not in self._asks[0].choices or (key == OTHER and not text):
            self.log(f"! {one_line(line)!r} is no answer to what is asked")
            return
        ask = self._asks.popleft()
        self.log(f"= {ask.choices[key]}{f': {readable(text)}' if text else ''}")
        ask.reply(key, text)
        self._go_on_asking()

    def hear(self, line: bytes) -> None:
        """Take in a line of the agent."""
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            self.log(readable(line.decode("utf-8", "replace")))
            return
        if isinstance(message, dict):
            self._hear(message)

    def kept(self) -> None:
        """The conversation is kept: the next fact tells so, or the last one once more, where no turn is under way."""
        self.unkept = None
        self.note(conversation=self._conversation)
        if self._last.get("edge") in ENDS:
            self.tell(**self._last)

    @property
    def asked(self) -> str | None:
        """The name of the decision that is waited for, if there is one."""
        return self._asks[0].id if self._asks else None

    # ---- what a protocol tells ---------------------------------------------------------------------------------------

    def _hear(self, message: Fields) -> None:
        raise NotImplementedError

    def _give(self, text: str) -> None:
        """Say to the agent what begins a turn with this message."""
        raise NotImplementedError

    def _interrupt(self) -> None:
        """Say to the agent what ends its turn."""
        raise NotImplementedError

    def say(self, message: Fields) -> None:
        """Send the agent a message of the protocol."""
        self.outbox.messages.append(message)

    def log(self, *entries: str) -> None:
        """Write for people."""
        self.outbox.log += filter(None, entries)

    def tell(self, edge: str, text: str | None = None, **more: object) -> None:
        """Tell the daemon of an edge, and of what came up since the last one."""
        told = {"edge": edge, "text": one_line(text) if text else None, **more}
        self._last = {name: value for name, value in told.items() if value is not None}
        self.outbox.facts.append({**self._last, **self._news})
        self._news = {}

    def note(self, **news: object) -> None:
        """Have the next fact tell of something that is no edge by itself."""
        self._news |= {name: value for name, value in news.items() if value is not None}

    def goes_on_with(self, conversation: str, kept_at: str | None) -> None:
        """Name the conversation, and where the agent keeps it; null: nobody can say."""
        if conversation == self._conversation:
            return
        self._conversation, self.unkept = conversation, kept_at
        if kept_at is None:
            self.note(conversation=conversation)

    def is_ready(self) -> None:
        """The agent takes messages from now on."""
        self._is_ready = True
        if self._waiting:
            self._give_next()
        else:
            self.tell("ready")

    def turn_began(self) -> None:
        """A turn is under way, by the message that was given, or by itself."""
        if self.is_in_turn:
            return
        self.is_in_turn = True
        given, self._given = self._given, None
        if given is not None:
            self.log("\n".join(f"> {line}".rstrip() for line in readable(given).split("\n")))
        self.tell("turn", prompt=given)
        if self._is_interrupted:
            self._interrupt()

    def turn_ended(self, edge: str, text: str | None = None, **more: object) -> None:
        """The turn is over, or none came of the message that was given; what it asked is asked no more."""
        self.is_in_turn = self._is_interrupted = False
        self._given = None
        self._asks.clear()
        self.tell(edge, text, **more)
        self._give_next()

    def went_on(self, edge: str, text: str) -> None:
        """The agent does something; that it does so in a turn is certain, whatever was heard of its beginning."""
        self.turn_began()
        if not self._asks:
            self.tell(edge, text)

    def ask(self, ask: Ask) -> None:
        """Have somebody decide; where this session may do nothing that needs it, it is refused at once."""
        self.turn_began()
        if self._is_denying:
            self.log(f"? {ask.text}", "= No: this session refuses what needs a permission")
            ask.reply(DENY, None)
            return
        self._asks.append(ask)
        self._show_first()

    def ask_each(
        self, ref: object, questions: Sequence[tuple[str, str, Sequence[str]]], done: Callable[[dict[str, str]], None]
    ) -> None:
        """Ask question after question, each with its name, its text and its answers; `done` gets the answers.

        Where one of them is refused the rest is not asked, and `done` gets none.
        """
        self._ask_rest(ref, deque(questions), {}, done)

    def withdraw(self, ref: object) -> None:
        """The agent asks this no more."""
        shown = self._asks[0] if self._asks else None
        self._asks = deque(ask for ask in self._asks if ask.ref != ref)
        if shown is not None and shown not in self._asks:
            self.log("= asked no more")
            if not self._is_interrupted:  # else its turn is over in a moment
                self._go_on_asking()

    def _ask_rest(
        self,
        ref: object,
        rest: "deque[tuple[str, str, Sequence[str]]]",
        answers: dict[str, str],
        done: Callable[[dict[str, str]], None],
    ) -> None:
        if not rest:
            done(answers)
            return
        name, text, offered = rest.popleft()
        labels = {str(number): label for number, label in enumerate(offered[: CHOICES_MAX - 2], start=1)}

        def reply(key: str, said: str | None) -> None:
            if key == DENY:
                done({})
            else:
                self._ask_rest(ref, rest, {**answers, name: said or labels[key]}, done)

        self.ask(Ask(ref, "question", text, {**labels, OTHER: "Something else", DENY: "Give no answer"}, reply))

    def _show_first(self) -> None:
        """Tell of the decision that is next, once."""
        ask = self._asks[0]
        if ask.id:
            return
        self._asked += 1
        ask.id = f"{self.name}-{self._asked}"
        said = "asks" if ask.kind == "question" else "asks for permission"
        choices = " | ".join(f"{key}: {label}" for key, label in ask.choices.items())
        self.log(f"? {ask.text}\n  [{choices}]")
        self.tell("asked", f"{said}: {ask.text}", decision=ask.decision())

    def _go_on_asking(self) -> None:
        if self._asks:
            self._show_first()
        elif self.is_in_turn:
            self.tell("answered")

    def _give_next(self) -> None:
        if self._is_ready and self._waiting and not self.is_in_turn and self._given is None:
            self._given = self._waiting.popleft()
            self._give(self._given)

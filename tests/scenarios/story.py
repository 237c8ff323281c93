"""What drives the stories: a small language for what happens to sessions, and what comes of it in words.

    begin NAME [until GOAL] [verify CMD] [grace S]: from its spawn to running, seen alive by `process`
    spawn NAME [until GOAL] [grace S] [prompt TEXT]        place|admit NAME            launched NAME [types yes]
    launch-failed NAME TEXT [screen TEXT] started NAME [late S]                observe NAME VERDICT from OBSERVER
    exit NAME code N|signal NAME|unstarted TEXT [left PID] [closed terminal] [setup failed] [ago S]
    vanished NAME process_gone|other_boot
    says NAME WITNESS ACTIVITY[/ACTIVITY]|nothing [TEXT] [ago S] [over yes] [conversation ID]: one word of one witness
    report NAME ACTIVITY [TEXT]           send NAME MESSAGE TEXT [by WHO]      stop|kill|revive NAME [by WHO] [grace S]
    terminated NAME [nothing_runs yes]    swept NAME [left PIDS] [error TEXT] [code N]
    attempt NAME                          delivered NAME RECEIPT [error TEXT]  pass NAME VERDICT [NAME VERDICT ...]
    change NAME PR                        verified NAME code N|error TEXT [clean yes|no] [output TEXT]
    advance S     jump S (the wall clock only)     restart (of the daemon)     reboot (of the machine)

Facts and results take `generation N`, for those that come late.
"""

import shlex
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from orchestrd.agents.claude import ClaudeAgent
from orchestrd.core.evidence import ranked
from orchestrd.core.sifting import sift
from orchestrd.model.change import Pr
from orchestrd.model.command import (
    Admitted,
    Attempted,
    Delivered,
    DuePassed,
    Input,
    Kill,
    Launched,
    LaunchFailed,
    Placed,
    Revive,
    Send,
    Spawn,
    Stop,
    Swept,
    Terminated,
    Verified,
)
from orchestrd.model.effect import EffectKind
from orchestrd.model.ids import SessionId
from orchestrd.model.observation import Cause, Exited, Reported, Sighted, Started, Testimony, Vanished
from orchestrd.model.run import Look, Run
from orchestrd.model.words import Activity, Authority, Liveness, Receipt, Until
from tests.core.interpreter import Interpreter, spec
from tests.core.strategies import Proposed
from tests.reports import a_report
from tests.scenarios.telling import told_effect, told_event, told_reply, told_session

OPTIONS = frozenset(
    {"prompt", "ago", "awaits", "closed", "conversation", "over", "setup", "types"}
    | {"by", "code", "error", "from", "generation", "grace", "late", "left", "nothing_runs", "screen", "signal"}
    | {"unstarted", "until", "clean", "output", "verify"}
)


class Story:
    """The sessions of one file and the clock they share."""

    def __init__(self) -> None:
        self.lives: dict[str, Interpreter] = {}
        self.clock = Interpreter()
        self.heard = 0

    def perform(self, line: str) -> Iterator[str]:
        """Carry a command out; gives what came of it, a line each."""
        before = {name: len(life.history) for name, life in self.lives.items()}
        verb, *words = shlex.split(line)
        arguments, options = _parsed(words)
        if verb == "begin":
            self._begin(arguments[0], options)
            yield from told_session(self.lives[arguments[0]].record, self.clock.now)
            return  # the way there is told elsewhere
        elif whole := getattr(self, f"_{verb}", None):
            whole(*arguments)
        else:
            self._give(arguments[0], self._input(verb, arguments, options))
        for name, life in self.lives.items():
            yield from self._told(name, life, before.get(name, 0))

    def _told(self, name: str, life: Interpreter, since: int) -> Iterator[str]:
        prefix = f"{name}: " if len(self.lives) > 1 else ""
        for taken in life.history[since:]:
            yield from (f"{prefix}* {told_event(event)}" for event in taken.outcome.events)
            yield from (f"{prefix}+ {told_effect(effect)}" for effect in taken.outcome.effects)
            yield from (f"{prefix}= {reply}" for reply in [told_reply(taken.outcome)] if reply)
        if any(taken.is_commit for taken in life.history[since:]):
            yield from (f"{prefix}{line}" for line in told_session(life.record, self.clock.now))
        elif life.history[since:]:
            yield f"{prefix}nothing changes"

    def _begin(self, name: str, options: dict[str, str]) -> None:
        for verb in ("spawn", "place", "admit", "launched", "started"):
            self._give(name, self._input(verb, [name], options))
        self._give(name, self._input("observe", [name, "alive"], options))

    def _give(self, name: str, input_: Input) -> None:
        life = self.lives.setdefault(name, Interpreter())
        life.now = self.clock.now
        life.give(input_)

    def _input(self, verb: str, arguments: list[str], options: dict[str, str]) -> Input:
        name, *rest = arguments
        life = self.lives.get(name)
        generation = int(options.get("generation", life.record.generation if life and life.session else 1))
        about: dict[str, Any] = {"generation": generation}
        seen: dict[str, Any] = {**about, "observer": options.get("from", "process")}
        asked: dict[str, Any] = {"session": SessionId(name), "authority": Authority(options.get("by", "user"))}
        at = self.clock.now.at
        makers: dict[str, Callable[[], Input]] = {
            "spawn": lambda: Spawn(**asked, spec=_spec(name, options)),
            "stop": lambda: Stop(**asked, grace_s=float(options["grace"]) if "grace" in options else None),
            "kill": lambda: Kill(**asked),
            "revive": lambda: Revive(**asked),
            "send": lambda: Send(**asked, message=rest[0], text=rest[1], awaits_turn=options.get("awaits") == "turn"),
            "place": Placed,
            "admit": Admitted,
            "observe": lambda: Sighted(**seen, verdict=Liveness(rest[0])),
            "started": lambda: Started(**seen, pid=4711, at=at - timedelta(seconds=float(options.get("late", "0")))),
            "exit": lambda: self._exited(seen, options),
            "vanished": lambda: Vanished(**seen, cause=Cause(rest[0])),
            "report": lambda: self._reported(generation, *rest),
            "says": lambda: self._testified(about, rest, options),
            "launched": lambda: Launched(
                **about,
                effect=self._effect(name, EffectKind.LAUNCH),
                handle="handle",
                types_prompt=options.get("types") == "yes",
            ),
            "launch-failed": lambda: LaunchFailed(
                **about,
                effect=self._effect(name, EffectKind.LAUNCH),
                error=rest[0],
                screen=options.get("screen"),
            ),
            "terminated": lambda: Terminated(
                **about,
                effect=self._effect(name, EffectKind.TERMINATE),
                nothing_runs=options.get("nothing_runs") == "yes",
            ),
            "swept": lambda: Swept(
                **about,
                effect=self._effect(name, EffectKind.KILL),
                survivors=tuple(map(int, options.get("left", "").split())),
                error=options.get("error"),
                exit=self._exited(seen, {"code": options["code"]}) if "code" in options else None,
            ),
            "verified": lambda: Verified(
                **about,
                effect=self._effect(name, EffectKind.VERIFY),
                exit_code=int(options["code"]) if "code" in options else None,
                is_clean={"yes": True, "no": False}.get(options.get("clean", "")),
                output=options.get("output", ""),
                error=options.get("error"),
            ),
            "attempt": lambda: Attempted(effect=self._effect(name, EffectKind.DELIVER)),
            "delivered": lambda: Delivered(
                **about,
                effect=self._effect(name, EffectKind.DELIVER),
                receipt=Receipt(rest[0]),
                error=options.get("error"),
            ),
        }
        return makers[verb]()

    def _effect(self, name: str, kind: EffectKind) -> str:
        return next((effect.id for effect in self.lives[name].record.effects if effect.kind is kind), "none")

    def _exited(self, seen: dict[str, Any], options: dict[str, str]) -> Exited:
        code, left = options.get("code"), options.get("left")
        return Exited(
            **seen,
            exit_code=None if code is None else int(code),
            exit_signal=options.get("signal"),
            at=self.clock.now.at - timedelta(seconds=float(options.get("ago", "0"))),
            error=f"left behind: pid {left}" if left else options.get("unstarted"),
            hung_up=options.get("closed") == "terminal",
            setup_failed="setup" in options,
        )

    def _testified(self, about: dict[str, Any], words: list[str], options: dict[str, str]) -> Reported:
        observer, activities, *text = words
        said = Testimony(
            observer=observer,
            allows=() if activities == "nothing" else tuple(map(Activity, activities.split("/"))),
            at=self.clock.now.at - timedelta(seconds=float(options.get("ago", "0"))),
            text=text[0] if text else None,
            is_turn_over=options.get("over") == "yes",
            conversation=options.get("conversation"),
        )
        return Reported(**about, testimonies=(ranked(said, ClaudeAgent.witnesses),))

    def _reported(self, generation: int, activity: str, text: str | None = None) -> Reported:
        self.heard += 1
        return a_report(Activity(activity), at=self.clock.now.at, offset=self.heard, text=text, generation=generation)

    def _pass(self, *words: str) -> None:
        """One pass of the prober over several sessions: only here can the breaker trip."""
        verdicts = dict(zip(words[::2], words[1::2], strict=True))
        looks = [
            Look(
                run=Run(session=SessionId(name), generation=1, mark=""),
                observations=(Sighted(generation=1, observer="process", verdict=Liveness(verdict)),),
            )
            for name, verdict in verdicts.items()
        ]
        for name, inputs in sift(looks, lambda _: False).inputs.items():
            for input_ in inputs:
                self._give(name, input_)

    def _change(self, name: str, pr: str) -> None:
        """The forge has told of its pull request."""
        life = self.lives[name]
        life.now = self.clock.now
        Proposed(Pr(pr)).befall(life)

    def _advance(self, seconds: str) -> None:
        """Let time pass; every deadline on the way is told when it comes."""
        left_s = float(seconds)
        while due := self._next_due(left_s):
            wait_s, name, input_ = due
            self.clock.wait(wait_s)
            left_s -= wait_s
            self._give(name, input_)
        self.clock.wait(left_s)

    def _next_due(self, within_s: float) -> tuple[float, str, Input] | None:
        waits = [
            (due.wait_s(self.clock.now), name, DuePassed(name=due.name))
            for name, life in self.lives.items()
            for due in life.record.dues
        ]
        return min((wait for wait in waits if wait[0] <= within_s), key=lambda wait: wait[0], default=None)

    def _jump(self, seconds: str) -> None:
        self.clock.jump(float(seconds))

    def _restart(self) -> None:
        for life in self.lives.values():
            life.now = self.clock.now
            life.restart()

    def _reboot(self) -> None:
        """The machine comes up again, a minute later by the wall clock."""
        self.clock.now = replace(self.clock.now, at=self.clock.now.at + timedelta(seconds=60), boot="boot-2", up_s=5.0)
        self._restart()


def _parsed(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """Tell arguments from `option value` pairs."""
    arguments: list[str] = []
    options: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if word in OPTIONS:
            options[word] = next(rest)
        else:
            arguments.append(word)
    return arguments, options


def _spec(name: str, options: dict[str, str]) -> Any:
    asked = spec(Until(options.get("until", "exit")), float(options.get("grace", "10")))
    return replace(asked, name=name, prompt=options.get("prompt"), verify=options.get("verify", asked.verify))


def told_again(text: str, story: Story) -> str:
    """Play a story and write it down as it really went."""
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("    "):
            continue
        lines.append(line)
        if line and not line.startswith("#"):
            lines += [f"    {told}" for told in story.perform(line)]
    return "\n".join(lines) + "\n"

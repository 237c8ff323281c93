"""The program that hosts an agent: `host.py PROTOCOL [OPTION VALUE]... -- AGENT...` (`orchestrd/hosting/command.py`).

It stands between launcher and agent as long as the agent lives, and needs no daemon. Its stdout is the log of the
session: what was asked and answered, each tool call with its result, errors. Signals: INT interrupts the turn by the
protocol; TERM, HUP and QUIT end the agent, first by the end of its input. It ends as the agent has: with its exit code,
or by the signal that has killed it.

One loop over poll: every wait is on all that can happen.
"""

import json
import os
import resource
import select
import signal
import sys

if __name__ == "__main__":  # alone: last on the path, where no file of ours hides one of the standard library
    sys.path.append(__file__.removesuffix("orchestrd/hosting/host.py"))

from orchestrd.hosting.claude import ClaudeTalk
from orchestrd.hosting.codex import CodexTalk
from orchestrd.hosting.command import CONVERSATION, END, PERMISSION, PROMPT
from orchestrd.hosting.place import Place, exists, read_text
from orchestrd.hosting.program import READ_BYTES, Program
from orchestrd.hosting.talk import Talk
from orchestrd.model.limits import HOST_KEPT_LOOKS, HOST_KEPT_S, HOST_RETRY_S

STDIN = 0
NOT_STARTED = 127 << 8  # how a host ends whose agent cannot be started, as shells say it; as waitpid gives it ...
HOPELESS = 1 << 8  # ... and one whose agent is of no use, though it would go on
ENDING = {signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT}
NAMES_BYTES_MAX = 4_096  # of what is typed and no name of a message yet


class Host:
    """Carries between an agent, the talk with it, and the run directory."""

    def __init__(self, talk: Talk, place: Place, argv: list[str]) -> None:
        self._talk = talk
        self._place = place
        self._program = Program(argv)
        self._signals, woken = os.pipe()
        for descriptor in (self._signals, woken):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        self._typed = b""
        self._looks = 0  # for the conversation on the agent's disk, behind the last thing that was heard

    def run(self) -> int:
        """Host the agent to its end; gives how it ended, as waitpid does."""
        self._talk.begin()
        self._act()
        while not self._program.has_ended():
            self._wait()
            self._act()
        for line in self._program.read():
            self._talk.hear(line)
        self._place.ask(None)
        self._act()
        assert self._program.status is not None
        return HOPELESS if self._talk.is_hopeless else self._program.status

    def _wait(self) -> None:
        """Wait for something to happen, and take it in."""
        program, poll = self._program, select.poll()
        happens = {STDIN: self._read_typed, self._signals: self._take_signals, program.stdout: self._hear}
        happens[self._place.answers] = self._read_answers
        for descriptor in happens:
            if descriptor >= 0:
                poll.register(descriptor, select.POLLIN)
        if program.has_unsent:
            poll.register(program.stdin, select.POLLOUT)
        due_s = self._due_s()
        for descriptor, _ in poll.poll(None if due_s is None else 1_000 * due_s):
            happens.get(descriptor, program.flush)()
        program.insist()
        self._look_for_conversation()
        if self._place.has_untold:
            self._place.retell()

    def _due_s(self) -> float | None:
        """Say how long nothing else need happen before there is something to do; null: for ever."""
        looks = HOST_KEPT_S if self._talk.unkept and self._looks < HOST_KEPT_LOOKS else None
        tries = HOST_RETRY_S if self._place.has_untold else None
        return min((due for due in (looks, tries, self._program.insist()) if due is not None), default=None)

    def _look_for_conversation(self) -> None:
        """Look, a bounded number of times behind what was heard last, whether the agent keeps the conversation yet."""
        if self._talk.unkept and self._looks < HOST_KEPT_LOOKS:
            self._looks += 1
            if exists(self._talk.unkept):
                self._talk.kept()

    def _act(self) -> None:
        """Do what has come of it. What is asked can be answered before anybody hears that it is asked."""
        talk, outbox = self._talk, self._talk.outbox
        for message in outbox.messages:
            self._program.send(json.dumps(message, separators=(",", ":")).encode() + b"\n")
        _write_log(outbox.log)
        self._place.ask(talk.asked)
        if outbox.facts:
            self._place.tell(outbox.facts)
        outbox.clear()
        if (talk.is_hopeless or self._program.stdout < 0) and not self._program.is_ending:
            self._program.end()

    def _hear(self) -> None:
        self._looks = 0
        self._look_for_conversation()
        for line in self._program.read():
            self._talk.hear(line)

    def _read_typed(self) -> None:
        """Take in the names of messages that are typed; empty lines are an Enter, and mean nothing here."""
        *names, rest = (self._typed + os.read(STDIN, READ_BYTES)).split(b"\n")
        self._typed = rest[-NAMES_BYTES_MAX:]
        for name in names:
            if (text := self._place.take_message(name)) is not None:
                self._talk.send(text)

    def _read_answers(self) -> None:
        """Take in what was written; what stands behind an answer was meant for the same decision, which is over."""
        asked = self._talk.asked
        for line in self._place.read_answers():
            if self._talk.asked == asked:
                self._talk.answer(line)

    def _take_signals(self) -> None:
        numbers = set(os.read(self._signals, READ_BYTES))
        if ENDING & numbers:
            self._talk.interrupt()
            self._act()
            self._program.end()
        elif signal.SIGINT in numbers:
            self._talk.interrupt()


def main(words: list[str]) -> int:
    """Host an agent as the command line says; gives how it ended, as waitpid does."""
    for number in (*ENDING, signal.SIGINT, signal.SIGCHLD, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, _note_only)
    split = words.index(END)
    protocol, *given = words[:split]
    options = dict(zip(given[::2], given[1::2], strict=True))
    talk = _talk(protocol, options)
    if PROMPT in options and (prompt := read_text(options[PROMPT])):
        talk.send(prompt)
    argv = words[split + 1 :]
    try:
        host = Host(talk, Place(os.environ), argv)
    except OSError as error:
        _write_log([f"orchestrd: cannot host {argv[0]}: {error.strerror}"])
        return NOT_STARTED
    return host.run()


def end_as(status: int) -> None:
    """End as another process has ended: with its exit code, or by the signal that has killed it."""
    if os.WIFSIGNALED(status):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # it has dumped its own core, if any
        number = os.WTERMSIG(status)
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status))


def _talk(protocol: str, options: dict[str, str]) -> Talk:
    name, is_denying = os.urandom(6).hex(), options.get(PERMISSION) == "deny"
    if protocol == "codex":
        conversation = options.get(CONVERSATION)
        return CodexTalk(name, directory=os.getcwd(), conversation=conversation, is_denying=is_denying)
    return ClaudeTalk(name, environment=os.environ, is_denying=is_denying)


def _note_only(*_: object) -> None:
    """Have the number of a signal written to the pipe that the loop reads."""


def _write_log(entries: list[str]) -> None:
    """Write for people; a full disk costs the log, and nothing else."""
    data = "".join(f"{entry}\n" for entry in entries).encode("utf-8", "replace")
    try:
        while data:
            data = data[os.write(1, data) :]
    except OSError:
        return


if __name__ == "__main__":
    end_as(main(sys.argv[1:]))

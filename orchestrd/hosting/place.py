"""The run directory as a host uses it: facts go out, messages and answers come in.

    hooks.jsonl   {"at": <epoch seconds>, "host": {fact}}, one append each; made by the daemon
    messages/     made by the host: a message stands there as a file, whole, and its name is typed into stdin
    answers/ID    made by the host while it asks: a FIFO into which one line is written, the reply

Invariant: a full disk delays facts, in order, and loses none but the oldest of very many; nothing here raises for what
others have done to the directory, and nothing waits.
"""

import json
import os
import re
import stat
import time
from collections import deque
from collections.abc import Mapping
from itertools import islice

from orchestrd.core.wording import Fields
from orchestrd.model.limits import HOOK_PAYLOAD_BYTES_MAX, HOST_FACTS_MAX, PROMPT_BYTES_MAX, TRANSCRIPT_FOLDERS_MAX

HOOKS, MESSAGES, ANSWERS = "hooks.jsonl", "messages", "answers"
_NAME = re.compile(rb"[0-9a-f]{16}")
_APPENDING = os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOFOLLOW
_READING = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW


class Place:
    """The directory of one run, and the daemon's ear. Raises OSError where it cannot be prepared."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._path = environment["ORCH_RUN_DIR"]
        self._ear = environment["ORCH_HOME"] + "/run/nudge"
        self._session = environment["ORCH_SESSION"]
        self._untold: deque[bytes] = deque(maxlen=HOST_FACTS_MAX)
        self._asked: str | None = None
        self._answers = -1  # the FIFO of what is asked
        self._is_torn = False  # the last line was written in part
        for folder in (ANSWERS, MESSAGES):
            os.makedirs(f"{self._path}/{folder}", 0o700, exist_ok=True)

    # ---- facts -------------------------------------------------------------------------------------------------------

    @property
    def has_untold(self) -> bool:
        """Whether facts wait for the disk."""
        return bool(self._untold)

    def tell(self, facts: list[Fields]) -> None:
        """Write facts down, and have the daemon look; a prompt that is too long for a line is left out."""
        self._untold += [_line(fact) for fact in facts]
        if self.retell():
            self._nudge()

    def retell(self) -> bool:
        """Write down what is not yet written; true when anything was."""
        written = 0
        while self._untold and self._append(self._untold[0]):
            self._untold.popleft()
            written += 1
        return written > 0

    def _append(self, line: bytes) -> bool:
        whole = b"\n" + line if self._is_torn else line
        try:
            file = os.open(f"{self._path}/{HOOKS}", _APPENDING)
        except OSError:
            return False
        try:
            done = os.write(file, whole)
        except OSError:
            return False
        finally:
            os.close(file)
        self._is_torn = (self._is_torn or done > 0) and done < len(whole)
        return done == len(whole)

    def _nudge(self) -> None:
        """Hint to a daemon, if one listens, that this session is worth a look. It never blocks, and may be lost."""
        try:
            fifo = os.open(self._ear, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError:
            return
        try:
            if stat.S_ISFIFO(os.fstat(fifo).st_mode):
                os.write(fifo, self._session.encode() + b"\n")
        except OSError:
            return
        finally:
            os.close(fifo)

    # ---- messages ----------------------------------------------------------------------------------------------------

    def take_message(self, name: bytes) -> str | None:
        """Take a message by its name; null where there is none."""
        if not _NAME.fullmatch(name):
            return None
        path = f"{self._path}/{MESSAGES}/{name.decode()}"
        text = read_text(path)
        if text is not None:
            _unlink(path)
        return text

    # ---- answers -----------------------------------------------------------------------------------------------------

    @property
    def answers(self) -> int:
        """The descriptor on which an answer comes; -1 while nothing is asked."""
        return self._answers

    def ask(self, decision: str | None) -> None:
        """Wait for the answer to this decision, and to no other; null: to none."""
        if decision == self._asked:
            return
        if self._asked is not None:
            _unlink(f"{self._path}/{ANSWERS}/{self._asked}")
        if self._answers >= 0:
            os.close(self._answers)
        self._asked, self._answers = decision, -1
        if decision is not None:
            self._answers = _make_fifo(f"{self._path}/{ANSWERS}/{decision}")

    def read_answers(self) -> list[str]:
        """Read the whole lines that were written as answers."""
        try:
            data = os.read(self._answers, 64 * 1024)
        except OSError:
            return []
        return [line.strip() for line in data.decode("utf-8", "replace").split("\n")[:-1]]


def read_text(path: str) -> str | None:
    """Read a file of text, of at most PROMPT_BYTES_MAX; null where there is none."""
    try:
        file = os.open(path, _READING)
    except OSError:
        return None
    with open(file, "rb", buffering=0) as opened:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            return None
        try:
            return (opened.read(PROMPT_BYTES_MAX) or b"").decode("utf-8", "replace")
        except OSError:
            return None


def exists(pattern: str) -> bool:
    """Tell whether a file is there; one `*` in its path stands for a folder."""
    root, star, name = pattern.partition("/*/")
    if not star:
        return os.path.isfile(pattern)
    try:
        with os.scandir(root) as folders:
            return any(os.path.isfile(f"{folder.path}/{name}") for folder in islice(folders, TRANSCRIPT_FOLDERS_MAX))
    except OSError:
        return False


def _line(fact: Fields) -> bytes:
    line = _encoded(fact)
    if len(line) > HOOK_PAYLOAD_BYTES_MAX:
        line = _encoded({name: value for name, value in fact.items() if name != "prompt"})
    return line


def _encoded(fact: Fields) -> bytes:
    told = json.dumps({"at": round(time.time(), 6), "host": fact}, ensure_ascii=False, separators=(",", ":"))
    return told.encode("utf-8", "replace") + b"\n"


def _make_fifo(path: str) -> int:
    """Make a FIFO and hold both its ends, so that it never ends; -1 where that cannot be: nobody can answer then."""
    try:
        os.mkfifo(path, 0o600)
        return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return -1


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return

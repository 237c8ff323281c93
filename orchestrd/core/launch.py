"""What a run directory contains, `runs/<id>.<generation>/`: the meeting place that needs no daemon alive.

    order         what to run, written by the daemon before it starts the launcher: NUL-separated fields, so that the
                  launcher needs no JSON (see `encode_order`)
    claim         made with O_EXCL by whoever owns the run's only start: the launcher, or a kill that came first
    start.json    written by the launcher once the agent's process is there
    exit.json     written by the launcher once the agent has ended and been reaped, and its descendants are gone
    hooks.jsonl   made empty with the order; one line a fact, appended by `orch report` and by hooks
    screen        what its terminal showed at the end, as plain text, where it had one
    setup.failed  the exit code of its setup command, where that has failed
    answers/<id>  FIFO that whoever asks for a decision holds open to read until one line has come, and then removes
    messages/<n>  made by a host, where one stands between launcher and agent: a message is put there, whole, as text;
                  the name of its file is typed into stdin
    stdin         FIFO the agent reads; the launcher holds it open, so the agent never sees its end

`start.json` and `exit.json` appear whole (temp file, fsync, rename, fsync of the directory).
"""

from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from msgspec import Struct

from orchestrd.model.run import Order

T = TypeVar("T")

ORDER = "order"
CLAIM = "claim"
START = "start.json"
EXIT = "exit.json"
HOOKS = "hooks.jsonl"
STDIN = "stdin"
ANSWERS = "answers"
MESSAGES = "messages"
SCREEN = "screen"
SETUP_FAILED = "setup.failed"


class ProcessIdentity(Struct, frozen=True, kw_only=True):
    """One process of one boot: field 22 of /proc/PID/stat tells a reused pid from the old one most of the time."""

    pid: int
    started_ticks: int


class StartRecord(Struct, frozen=True, kw_only=True):
    """`start.json`: the agent's process is there. `at` is seconds since the epoch."""

    boot: str
    launcher: ProcessIdentity
    agent: ProcessIdentity
    at: float


class ExitRecord(Struct, frozen=True, kw_only=True):
    """`exit.json`. Exactly one of code and signal (a name) is set, or `error` alone: the agent could not be started.

    Beside a code or a signal, `error` says what hindered the launcher in ending what the agent left behind.
    """

    exit_code: int | None
    exit_signal: str | None
    at: float
    left: tuple[ProcessIdentity, ...] = ()  # descendants that outlived the launcher's sweep
    error: str | None = None
    ended: int = 0  # how many others the agent left behind; the launcher has ended them
    hung_up: bool = False  # its terminal was closed under it
    setup_failed: bool = False  # its code is that of the setup command; said by SETUP_FAILED beside it


class ClaimRecord(Struct, frozen=True, kw_only=True):
    """`claim`: who took the run's only start, and in which boot."""

    boot: str
    pid: int
    by: str  # `launcher` or `kill`


class Report(Struct, frozen=True, kw_only=True):
    """One line of hooks.jsonl as `orch report` writes it. `at` is seconds since the epoch, null when sh wrote it."""

    report: str
    text: str | None = None
    at: float | None = None


# Threads read these, and two that read the first of a kind at once would crash the interpreter: why, tells
# `orchestrd.config.layers`.
for _kind in (StartRecord, ExitRecord, ClaimRecord, Report):
    msgspec.json.Decoder(_kind)


def encode_order(order: Order) -> bytes:
    """Write an order as NUL-separated fields: mark, directory, log, secrets file, pairs (count, then all), argv."""
    fields = [
        order.run.mark,
        order.directory,
        order.log_path,
        order.secrets_path,
        str(len(order.environment)),
        *(f"{name}={value}" for name, value in order.environment),
        *order.argv,
    ]
    return "\0".join(fields).encode("utf-8", "surrogateescape")


def decode_record(data: bytes, kind: type[T]) -> T | None:
    """Read one of the records above; null when it is not whole or not one."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError, ArithmeticError):
        return None


def utc(seconds: float) -> datetime:
    """Turn seconds since the epoch into an aware time."""
    return datetime.fromtimestamp(seconds, tz=UTC)

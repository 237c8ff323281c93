"""The launcher: the small process that stands beside one agent for as long as it runs, and is the witness of its end.

It is started as `python -IS launcher.py RUN_DIRECTORY`, in a session of its own, with nothing inherited and nothing in
its environment but ORCH_RUN, the mark of the run. It needs no daemon: the run directory is where the two meet.

Invariants:
- The agent is started at most once, whatever is repeated and whatever crashes: the claim is made with O_EXCL and is
  durable before anything else happens. Who finds it taken goes away without a word.
- An end is recorded truthfully, and only when nothing that the agent left behind is alive, or is named in the record.
  128 + n is never made of a signal.
- Only its own children are ever signalled, and only before they are reaped: no pid is ever mistaken for another.

All signals are blocked and taken one by one (`sigwait`), so there is no handler and no race. TERM, HUP, INT, QUIT, USR1
and USR2 are passed on to the agent's process group, because their meaning is the program's own; STOP, CONT and the
signals of job control are not, because there is no terminal. Early ones wait until there is an agent.

What happens on a full disk: a claim or a start that cannot be recorded is not run. An end that cannot be recorded is
tried again each second for ten minutes; then the launcher leaves, and the daemon says that it does not know the end.

It runs alone and starts with every run, so it imports the standard library only, and of that very little. Where the
agent is to have other streams than a FIFO and the log (terminal.py), `main` is given them; the rest stays the same.
"""

import _signal as signal  # type: ignore[import-not-found] # the C half of `signal`: the other costs each launch 4 ms
import errno
import fcntl
import os
import sys
import time

PIPE_BYTES = 256 * 1024  # of stdin: a message of the largest size fits behind others that are not read yet
SWEEP_S = 5.0  # what the agent left behind is given this long to go
PATIENCE_S = 1.0  # of which this long with TERM alone
SWEEP_LOOK_S = 0.02
RECORD_TRIES = 600
RECORD_RETRY_S = 1.0

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` would cost each launch 5 ms
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}
NO_BOOT_ID = "no-boot-id"  # where the kernel has none
PR_SET_CHILD_SUBREAPER = 36
FORWARDED = {signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2}
ALIASES = {"SIGCLD", "SIGIOT", "SIGPOLL"}
# Python itself ignores SIGPIPE: no agent expects that.
RESET = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}


class CannotStartError(Exception):
    """The agent cannot be started; the sentence names the thing and the cause."""


class Streams:
    """The streams of an agent, and what becomes of signals: here a FIFO that never ends, and the log."""

    signals = FORWARDED | {signal.SIGCHLD}  # what is blocked and waited for
    hung_up = False  # whether the terminal went away while the agent ran

    def open(self, place: int, order: "Order", environment: dict[bytes, bytes]) -> "list[tuple[object, ...]]":
        """Make them; give the file actions that hand them to the agent, whose environment may be adapted to them."""
        stdin = attempt("cannot make the stdin of the run", _open_stdin, place)
        redirect_output(order.log)
        return [(os.POSIX_SPAWN_DUP2, stdin, 0)]

    def take(self, number: int, agent: int) -> None:
        """Take a signal that came: it is passed on to the agent's process group."""
        try_to(os.killpg, agent, number)

    def close(self, place: int) -> None:
        """Finish, before the end is recorded: what could be ended of the run is gone. May raise nothing."""


def main(run_directory: str, streams: Streams | None = None) -> None:
    """Own the run in this directory from its claim to its exit record."""
    streams = streams or Streams()
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    signal.pthread_sigmask(signal.SIG_BLOCK, streams.signals)
    place = os.open(run_directory, os.O_RDONLY | os.O_DIRECTORY)
    if not take_claim(place, "launcher"):
        return
    order = None
    try:
        order = Order(attempt("cannot read the order of the run", read_file, "order", place))
        record = _run(place, order, streams)
    except CannotStartError as error:
        record = _exit_record(None, None, [], str(error), hung=streams.hung_up)
    streams.close(place)
    _insist(place, record)
    if order is not None and not hasattr(os, "pidfd_open"):
        nudge(order)  # a pidfd tells of the end itself; a hint before it has the daemon look too soon, and pause then


class Order:
    """What to run, in bytes, as `orchestrd.core.launch.encode_order` wrote it."""

    def __init__(self, data: bytes) -> None:
        self.mark, self.directory, self.log, self.secrets, count, *rest = data.split(b"\0")
        self.environment = rest[: int(count)]
        self.argv = rest[int(count) :]


def _run(place: int, order: Order, streams: Streams) -> bytes:
    """Run the agent to its end and give the exit record. Once there is an agent, nothing may cost that record."""
    adopt_orphans()
    agent = _start(place, order, streams)
    try:
        write_durable(place, "start.json", _start_record(agent))
    except OSError as error:
        try_to(os.killpg, agent, signal.SIGKILL)
        _end(agent, order.mark, streams)
        raise CannotStartError(f"cannot record the start of the run: {error.strerror}") from None
    nudge(order)
    return _end(agent, order.mark, streams)


def _end(agent: int, mark: bytes, streams: Streams) -> bytes:
    """Wait for the end of the agent, end what it left behind, and give the exit record."""
    status = _watch(agent, streams)
    left, error = [], None
    asked: set[int] = set()
    try:
        left = sweep(mark, asked)
    except Exception as defect:  # noqa: BLE001 - whatever it is, the end is known; with an error the daemon sweeps again
        error = f"what the agent left behind could not be ended: {type(defect).__name__}: {defect}"
    code = None if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    by = signal_name(os.WTERMSIG(status)) if code is None else None
    return _exit_record(code, by, left, error, len(asked.difference(left)), hung=streams.hung_up)


def take_claim(place: int, by: str) -> bool:
    """Take the only start of the run (whose directory is open as `place`), durably; false if taken. Raises OSError."""
    try:
        _write_new(place, "claim", f'{{"boot":"{boot_id()}","pid":{os.getpid()},"by":"{by}"}}\n'.encode())
    except FileExistsError:
        return False
    os.fsync(place)
    above = os.open("..", os.O_RDONLY, dir_fd=place)  # where the directory of the run was made, not durably until now
    os.fsync(above)
    os.close(above)
    return True


def _start(place: int, order: Order, streams: Streams) -> int:
    """Start the agent and give its pid, or raise CannotStartError."""
    environment = attempt(f"cannot read {_shown(order.secrets)}", _environment, order)
    actions = streams.open(place, order, environment)
    attempt(f"cannot enter the directory {_shown(order.directory)}", os.chdir, order.directory)
    agent = attempt(f"cannot start {_shown(order.argv[0])}", _spawn, order.argv, environment, actions)
    try_to(os.chdir, "/")  # so that the directory can be removed or unmounted while the agent is elsewhere
    return agent


def attempt(what: str, act: "Callable[..., T]", *arguments: object) -> "T":
    """Do what the start depends on. Raises CannotStartError, which says `what` failed and why."""
    try:
        return act(*arguments)
    except OSError as error:
        raise CannotStartError(f"{what}: {error.strerror}") from None


def _environment(order: Order) -> dict[bytes, bytes]:
    pairs = [*read_file(order.secrets).split(b"\0"), *order.environment, b"ORCH_RUN=" + order.mark]
    return dict(pair.split(b"=", 1) for pair in pairs if b"=" in pair)


def _open_stdin(place: int) -> int:
    """Make the FIFO and hold both its ends, as the agent will too: it never sees its end, whoever dies first."""
    os.mkfifo("stdin", 0o600, dir_fd=place)
    stdin = os.open("stdin", os.O_RDWR, dir_fd=place)
    # Where the user's share of pipe memory is used up, or this is not Linux, it keeps the usual size.
    try_to(fcntl.fcntl, stdin, getattr(fcntl, "F_SETPIPE_SZ", -1), PIPE_BYTES)
    return stdin


def redirect_output(log: bytes) -> None:
    """Let the agent's output, and what may go wrong with this process itself, go straight to the log."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOCTTY
    output = attempt(f"cannot write {_shown(log)}", os.open, log, flags, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)


def _spawn(argv: list[bytes], environment: dict[bytes, bytes], actions: "list[tuple[object, ...]]") -> int:
    """Start the program in a session of its own; it is looked for where the agent's PATH says, as execvp would."""
    denied = None
    folders = [b"."] if b"/" in argv[0] else environment.get(b"PATH", b"/usr/bin:/bin").split(b":")
    for program in (os.path.join(folder or b".", argv[0]) for folder in folders):
        try:
            return os.posix_spawn(
                program, argv, environment, file_actions=actions, setsid=True, setsigmask=(), setsigdef=RESET
            )
        except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
            denied = error if isinstance(error, PermissionError) else denied
    raise denied or OSError(errno.ENOENT, "no such program" + ("" if b"/" in argv[0] else " in the PATH of the run"))


def adopt_orphans() -> None:
    """Become the parent of whatever the agent's descendants abandon, detached or not (Linux)."""
    import ctypes

    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _watch(agent: int, streams: Streams) -> int:
    """Take signals until the agent has ended; give its wait status. Not reaped, its number is nobody else's."""
    while True:
        number = signal.sigwait(streams.signals)
        if number != signal.SIGCHLD:
            streams.take(number, agent)
        elif (status := reap(agent)) is not None:
            return status


def try_to(act: "Callable[..., object]", *arguments: object) -> None:
    """Do what may fail: what runs as another user by now cannot be signalled; others will see whether it goes on."""
    try:
        act(*arguments)
    except OSError:
        pass


def reap(agent: int) -> int | None:
    """Reap what has ended; give the wait status of the agent if it is among them."""
    while (ended := os.waitpid(-1, os.WNOHANG))[0]:
        if ended[0] == agent:
            return ended[1]
    return None


def sweep(mark: bytes, asked: "set[int]") -> list[int]:
    """End what the agent left behind, TERM first, then KILL; give what is still there after SWEEP_S.

    Whatever is asked to end is added to `asked`.
    Who abandons its children hands them to this process, so level by level everything becomes a child.
    """
    begun = time.monotonic()
    while children := _children(mark):
        elapsed = time.monotonic() - begun
        if elapsed > SWEEP_S:
            return children
        for pid in children:
            if elapsed > PATIENCE_S:
                try_to(os.kill, pid, signal.SIGKILL)
            elif pid not in asked:
                try_to(os.kill, pid, signal.SIGTERM)
            asked.add(pid)
        time.sleep(SWEEP_LOOK_S)
    return []


def _children(mark: bytes) -> list[int]:
    """Find the living children of this process that do not bear the mark of another run."""
    try:
        reap(0)
    except ChildProcessError:
        return []
    own = b"%d" % os.getpid()
    children = [pid for pid in all_pids() if (stat := read_stat(pid)) and stat[1] == own]
    return [pid for pid in children if mark_of(pid) in (None, mark)]


def _start_record(agent: int) -> bytes:
    processes = f'"launcher":{_identity(os.getpid())},"agent":{_identity(agent)}'
    return f'{{"boot":"{boot_id()}",{processes},"at":{time.time():.6f}}}\n'.encode()


def _identity(pid: int) -> str:
    stat = read_stat(pid)
    return f'{{"pid":{pid},"started_ticks":{int(stat[19]) if stat else 0}}}'


def _exit_record(
    code: int | None, by: str | None, left: list[int], error: str | None = None, ended: int = 0, *, hung: bool = False
) -> bytes:
    end = f'"exit_code":{"null" if code is None else code},"exit_signal":{quoted(by)},"at":{time.time():.6f}'
    rest = f'"left":[{",".join(map(_identity, left))}],"error":{quoted(error)},"ended":{ended}'
    return f'{{{end},{rest},"hung_up":{"true" if hung else "false"}}}\n'.encode("utf-8", "replace")


def _insist(place: int, record: bytes) -> None:
    """Make the exit record durable though the disk may be full for a while: there is no other witness."""
    for _ in range(RECORD_TRIES):
        try:
            write_durable(place, "exit.json", record)
        except FileNotFoundError:
            return  # the run directory was removed: nobody will ever ask
        except OSError:
            time.sleep(RECORD_RETRY_S)
        else:
            return


def write_durable(place: int, name: str, data: bytes) -> None:
    """Make a file of the directory `place` (a descriptor) appear whole and durable."""
    temporary = name + ".tmp"
    try_to(
        lambda: os.unlink(temporary, dir_fd=place)
    )  # of an earlier try, or a trap: opening a FIFO would never return
    _write_new(place, temporary, data)
    os.replace(temporary, name, src_dir_fd=place, dst_dir_fd=place)
    os.fsync(place)


def _write_new(place: int, name: str, data: bytes) -> None:
    """Make a file that is not there yet, durable but for its name."""
    file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=place)
    try:
        while data:
            data = data[os.write(file, data) :]
        os.fsync(file)
    finally:
        os.close(file)


def nudge(order: Order) -> None:
    """Hint to a daemon, if one listens, that this session is worth a look. It never blocks, and may be lost."""
    try:
        words = dict(pair.split(b"=", 1) for pair in order.environment)
        fifo = os.open(words[b"ORCH_HOME"] + b"/run/nudge", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            if os.fstat(fifo).st_mode & 0o170000 == 0o010000:
                os.write(fifo, words[b"ORCH_SESSION"] + b"\n")
        finally:
            os.close(fifo)
    except (OSError, KeyError, ValueError):
        return


def read_file(path: "bytes | str", place: int | None = None) -> bytes:
    """Read a whole small file, below `place` when that is given."""
    with open(os.open(path, os.O_RDONLY, dir_fd=place), "rb", buffering=0) as file:
        return file.readall()


def _ask(name: str) -> bytes | None:
    """Read a file of /proc; null when it is not there or not for us. What cannot be read just now raises OSError."""
    try:
        return read_file(f"/proc/{name}")
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise
        return None


def boot_id() -> str:
    """Name this boot of the machine."""
    found = _ask("sys/kernel/random/boot_id")
    return NO_BOOT_ID if found is None else found.decode().strip()


def all_pids() -> list[int]:
    """List every process; none where there is no /proc."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except FileNotFoundError:
        return []


def read_stat(pid: int) -> list[bytes] | None:
    """Give the fields of /proc/PID/stat from the third on: state, parent, group, session; [19] is the start time."""
    data = _ask(f"{pid}/stat")
    return None if data is None else data[data.rindex(b")") + 2 :].split()


def mark_of(pid: int) -> bytes | None:
    """Give the ORCH_RUN that a process was started with; null when it has none, or may not be asked."""
    pairs = (_ask(f"{pid}/environ") or b"").split(b"\0")
    return next((pair[9:] for pair in pairs if pair.startswith(b"ORCH_RUN=")), None)


def signal_name(number: int) -> str:
    """Name a signal; those that have no name of their own are counted from SIGRTMIN."""
    names = [name for name, value in vars(signal).items() if name[:3] == "SIG" and name[3] != "_" and value == number]
    names = [name for name in names if name not in ALIASES] or names
    return names[0] if names else f"SIGRTMIN+{number - signal.SIGRTMIN}"


def _shown(text: bytes) -> str:
    return "'" + text[:200].decode("utf-8", "replace") + "'"


def quoted(text: str | None) -> str:
    """Write a JSON string, or null."""
    if text is None:
        return "null"
    safe = (f"\\u{ord(c):04x}" if c < " " or c in '"\\' else c for c in text)
    return '"' + "".join(safe) + '"'


if __name__ == "__main__":
    main(sys.argv[1])
    os._exit(0)  # the interpreter takes 2 ms to say goodbye, and the daemon waits for the end of this process

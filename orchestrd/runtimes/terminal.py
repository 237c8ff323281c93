"""The launcher of a run that has a terminal: it is the main process of the terminal (a pane of tmux), the agent is not.

It is started as `python -IS terminal.py RUN_DIRECTORY` and lives the life of launcher.py; only the streams differ. The
agent leads a session on a terminal of its own, and this process copies between the two: what the agent writes goes to
the log and to the outer terminal, what is typed there goes to the agent, and so does the size of the window.

Invariants:
- The log needs nobody: it is complete whether or not somebody hosts, watches or freezes the outer terminal. A terminal
  that takes nothing makes the agent wait, as any terminal does, and never keeps the end from being recorded.
- A full disk costs the log, a lost terminal costs the terminal, and neither costs the agent.
- The agent learns nothing by which it could reach the server that hosts it and all the others.

Whoever copies the output also listens (overheard.py): what the agent tells its terminal of its state is a line for
hooks.jsonl, and where there may be something new to see the daemon is nudged. That waits for nothing and may be lost.

Two threads copy, so that the main one stays with the signals. When the outer terminal is gone the agent is told as any
terminal would tell it, by HUP, and goes on if it will. The last screen is kept before the end is recorded.
"""

import _signal as signal  # type: ignore[import-not-found] # as launcher.py does
import _thread
import fcntl
import os
import select
import sys
import termios
import time

TYPE_CHECKING = False
if TYPE_CHECKING or __name__ != "__main__":
    from orchestrd.runtimes import launcher, overheard
else:  # alone, without the package: last on the path, where no file of ours hides one of the standard library
    sys.path.append(os.path.dirname(sys._getframe().f_code.co_filename))  # noqa: SLF001 - __file__ may be the cache
    import launcher
    import overheard

TTY = 0  # the outer terminal ...
LOG = 1  # ... and the log, as launcher.redirect_output leaves them
READ_BYTES = 64 * 1024
CLOSE_S = 2.5  # after the end: for what the agent wrote to be shown, and for tmux to tell what the screen shows then
SCREEN_BYTES = 64 * 1024

QUESTION, ANSWER = b"\x1b[5n", b"\x1b[0n"  # "Are you well?": the answer comes when all before it has been shown
# They speak of the terminal that the agent was ordered from, or lead to the server that hosts it.
FOREIGN = (b"TMUX", b"TMUX_PANE", b"TERM_PROGRAM", b"TERM_PROGRAM_VERSION", b"LINES", b"COLUMNS")


class Terminal(launcher.Streams):
    """A terminal for the agent between it and the one that this process was given."""

    signals = launcher.Streams.signals | {signal.SIGWINCH, signal.SIGTTIN, signal.SIGTTOU, signal.SIGTSTP}

    def __init__(self) -> None:
        self._outer: list[int | list[bytes | int]] | None = None  # its attributes as they were; null until it is ours
        self._master = self._slave = -1
        self._end = self._ended = -1  # a pipe that ends when the agent has ended: for who waits to type
        self._is_over = self._is_asked = False  # the agent has ended; all its output was written, and QUESTION after it
        self._settled = _thread.allocate_lock()  # released once all the output was copied, and shown if tmux is there
        self._settled.acquire()

    def open(self, place: int, order: launcher.Order, environment: dict[bytes, bytes]) -> "list[tuple[object, ...]]":
        """Make the agent's terminal; it becomes the controlling one of whoever opens it first, leading a session."""
        self._place, self._order = place, order
        launcher.redirect_output(order.log)
        path = launcher.attempt("cannot set up the terminal of the run", self._set_up)
        for name in FOREIGN:
            environment.pop(name, None)
        environment.update({b"TERM": os.environb.get(b"TERM", b"dumb"), b"COLORTERM": b"truecolor"})
        copies = [(os.POSIX_SPAWN_DUP2, 0, 1), (os.POSIX_SPAWN_DUP2, 0, 2)]
        return [(os.POSIX_SPAWN_OPEN, 0, path, os.O_RDWR, 0), *copies]

    def take(self, number: int, agent: int) -> None:
        """Take a signal: the size and the loss of the terminal are passed on; those of job control mean nothing."""
        if number == signal.SIGWINCH:
            launcher.try_to(self._fit)
        elif number in launcher.FORWARDED:
            super().take(number, agent)
        if number == signal.SIGHUP and not _is_there():
            self.hung_up = True
            super().take(signal.SIGCONT, agent)  # a stopped one could not hear of it

    def close(self, place: int) -> None:
        """Let the output come to its end, keep the screen, and give the terminal back as it was."""
        if self._outer is None:
            return
        deadline = time.monotonic() + CLOSE_S
        self._is_over = True
        os.close(self._end)  # whoever waits for the agent to read waits for nothing
        os.close(self._slave)  # the last holder, but for what could not be ended
        try:
            if self._settled.acquire(timeout=CLOSE_S) and b"TMUX" in os.environb and _is_there():
                launcher.try_to(_keep_screen, place, deadline)
            termios.tcsetattr(TTY, termios.TCSANOW, self._outer)
        except termios.error:
            pass  # it is gone, and nothing is to be given back

    def _set_up(self) -> str:
        """Make both ends and give the path of the agent's; its lines and its size are those of the outer terminal.

        Both ends are held: the output ends when the last of the run is gone, not when the agent lets go of it for a
        while.
        """
        try:
            outer = termios.tcgetattr(TTY)
            self._master, self._slave = os.openpty()
            self._ended, self._end = os.pipe()
            os.set_blocking(self._master, False)
            termios.tcsetattr(self._slave, termios.TCSANOW, outer)
            self._fit()
            self._outer = outer
            termios.tcsetattr(TTY, termios.TCSANOW, [0, 0, outer[2], 0, *outer[4:]])  # raw: every byte as it is
            _thread.start_new_thread(self._carry_output, ())
            _thread.start_new_thread(self._carry_input, ())
            return os.ttyname(self._slave)
        except (termios.error, RuntimeError) as error:
            raise OSError(0, str(error.args[-1])) from None

    def _fit(self) -> None:
        """Give the agent's terminal the size of the outer one; the kernel tells the agent."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, fcntl.ioctl(TTY, termios.TIOCGWINSZ, bytes(8)))

    def _carry_output(self) -> None:
        """Copy what the agent writes, until nobody can write any more; then ask whether all of it was shown."""
        ear = overheard.Ear()
        while data := self._hear():
            _write(LOG, data)
            _write(TTY, data)
            self._tell(*ear.hear(data, time.monotonic()))
            while ear.patience_s and _is_silent(self._master, ear.patience_s):
                self._tell(*ear.fall_silent(time.monotonic()))
        self._tell(*ear.fall_silent(float("inf")))  # what was held back is told now or never
        self._is_asked = b"TMUX" in os.environb
        if not (self._is_asked and _write(TTY, QUESTION)):
            self._settled.release()

    def _hear(self) -> bytes:
        """Wait for what the agent writes; nothing when nobody can write any more."""
        while True:
            select.select([self._master], [], [])
            try:
                return os.read(self._master, READ_BYTES)
            except BlockingIOError:
                continue  # it has taken back what it had written
            except OSError:
                return b""

    def _tell(self, word: bytes | None, is_nudge: bool) -> None:  # noqa: FBT001 - as the ear gives it
        """Pass on what was overheard, without waiting for anybody."""
        if word is not None:
            launcher.try_to(_append, self._place, word)
        if is_nudge:
            launcher.nudge(self._order)

    def _carry_input(self) -> None:
        """Copy what is typed, until the terminal is gone or has answered the last question."""
        before = b""
        while data := _read(TTY):
            if self._is_asked and ANSWER in before + data:
                self._settled.release()
                return
            before = data[-len(ANSWER) :]
            self._type(data)

    def _type(self, data: bytes) -> None:
        """Type as fast as the agent reads, until it ends.

        Never blocked in the write itself, where one may wait for ever: the kernel wakes those who write into a terminal
        right before it counts its last holder out, and never again.
        """
        while data and not self._is_over:
            select.select([self._ended], [self._master], [])
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                continue  # it has ended, or somebody else was quicker
            except OSError:
                return


def _read(file: int) -> bytes:
    """Read what is there; nothing when it has ended, as a terminal does, with an error."""
    try:
        return os.read(file, READ_BYTES)
    except OSError:
        return b""


def _is_silent(file: int, seconds: float) -> bool:
    """Wait until there is something to read; true when that takes longer."""
    return not select.select([file], [], [], seconds)[0]


def _write(file: int, data: bytes) -> bool:
    """Write all of it; false when the rest is lost, because the disk is full or the terminal gone."""
    try:
        while data:
            data = data[os.write(file, data) :]
    except OSError:
        return False
    return True


def _append(place: int, word: bytes) -> None:
    """Append a line to hooks.jsonl in the directory of the run, if that is still what it was. Raises OSError."""
    text = launcher.quoted(word.decode("utf-8", "replace"))
    line = f'{{"at":{time.time():.6f},"terminal":{{"osc":7501,"text":{text}}}}}\n'
    file = os.open("hooks.jsonl", os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOFOLLOW, dir_fd=place)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


def _is_there() -> bool:
    """Tell whether somebody still holds the other end of the outer terminal."""
    try:
        fcntl.ioctl(TTY, termios.TIOCGWINSZ, bytes(8))
    except OSError:
        return False
    return True


def _keep_screen(place: int, deadline: float) -> None:
    """Write what the pane shows, in plain text, to `screen` in the directory of the run. Raises OSError."""
    shown = _capture(deadline)
    if shown:
        launcher.write_durable(place, "screen", shown.rstrip() + b"\n")


def _capture(deadline: float) -> bytes:
    """Ask tmux what the pane of this process shows; nothing where it does not tell. Raises OSError."""
    socket = os.environ["TMUX"].rsplit(",", 2)[0]
    ask = ["tmux", "-u", "-S", socket, "capture-pane", "-p", "-t", os.environ.get("TMUX_PANE", "")]
    answer, end = os.pipe()
    streams = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0), (os.POSIX_SPAWN_DUP2, 0, 2)]
    streams += [(os.POSIX_SPAWN_DUP2, end, 1)]
    tmux = os.posix_spawnp(ask[0], ask, os.environ, file_actions=streams, setsigmask=(), setsigdef=launcher.RESET)
    os.close(end)
    shown = _read_until(deadline, answer)
    launcher.try_to(os.kill, tmux, signal.SIGKILL)  # it has told all by now, or never will
    os.waitpid(tmux, 0)
    return shown


def _read_until(deadline: float, file: int) -> bytes:
    """Read to the end, or as long as there is time; give no more than the last SCREEN_BYTES."""
    shown = b""
    while select.select([file], [], [], max(0.0, deadline - time.monotonic()))[0]:
        more = _read(file)
        if not more:
            break
        shown = (shown + more)[-SCREEN_BYTES:]
    return shown


if __name__ == "__main__":
    launcher.main(sys.argv[1], Terminal())
    os._exit(0)  # as launcher.py: and a thread that copies is not waited for

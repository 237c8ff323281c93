"""A minimal Debian with a real systemd, booted by systemd-nspawn: the image is built once, each boot begins from it.

The image (Debian, a user, the packages that orchestrd needs) lies in `.venv/container` and is never written to: what a
boot writes goes to a tmpfs over it, in a mount namespace that ends with the boot, so that nothing is left behind.
The container has no network. Where any of this cannot be had here, `NotHere` says why.
"""

import contextlib
import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.acceptance.processes import children_of, until

ROOT = Path(__file__).parents[3]
CACHE = ROOT / ".venv" / "container"
SUITE = "bookworm"
DEBIAN = ("systemd", "systemd-sysv", "dbus", "dbus-user-session", "libpam-systemd", "python3", "tmux", "procps")
PYTHON = "3.11"  # of that Debian
PROGRAMS = ("mmdebstrap", "systemd-nspawn", "unshare", "nsenter", "setpriv", "chroot")
PACKAGES = "/srv/packages"  # what orchestrd imports, inside
USER, UID = "worker", 1000
BUILD_S, BOOT_S, ANSWER_S = 600.0, 30.0, 60.0

BOOT = """\
mount -t tmpfs -o mode=0755 boot "$1"
mkdir "$1/written" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=$2,upperdir=$1/written,workdir=$1/work" overlay "$1/root"
while :; do
    systemd-nspawn -q --directory="$1/root" --boot --private-network --register=no --keep-unit --console=pipe && exit
    test $? = 133
done
"""  # 133: it wants to be booted again
# In namespaces of their own for mounts and processes, that end with `unshare`, which ends with the tests.
ALONE = ("setpriv", "--pdeathsig=KILL", "unshare", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child=KILL")


class NotHere(Exception):
    """There is no container to be had on this machine; says why."""


# ---- the image -------------------------------------------------------------------------------------------------------


def image() -> Path:
    """Give the image, built if it is not there yet. Raises NotHere."""
    if sys.platform != "linux" or os.geteuid() != 0:
        raise NotHere("a container is booted by root on Linux")
    if missing := [program for program in PROGRAMS if not shutil.which(program)]:
        raise NotHere(f"{' and '.join(missing)} missing: apt install mmdebstrap systemd-container")
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _built()


def _built() -> Path:
    uv = ROOT / ".venv" / "bin" / "uv"
    wanted = _output(uv, "export", "--frozen", "--no-dev", "--no-emit-project", "--no-header", "--quiet")
    key = hashlib.sha256("\n".join((SUITE, *DEBIAN, wanted)).encode()).hexdigest()[:12]
    place, draft = CACHE / key, CACHE / "draft"
    if place.is_dir():
        return place
    for old in CACHE.glob("*/"):
        shutil.rmtree(old)
    _build(draft, uv, wanted)
    return draft.rename(place)


def _build(place: Path, uv: Path, wanted: str) -> None:
    """Make a Debian with a user and the packages of the lock, compiled."""
    lean = [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("doc", "man", "locale")]
    with_these = f"--include={','.join(DEBIAN)}"
    _output("mmdebstrap", "--quiet", "--variant=minbase", with_these, *lean, SUITE, place)
    packages = place / PACKAGES[1:]
    target = ("--target", packages, "--python-version", PYTHON)
    for_this = ("--python-platform", f"{platform.machine()}-manylinux_2_28")
    (place / "wanted.txt").write_text(wanted)
    _output(uv, "pip", "install", "--quiet", *target, *for_this, "--requirements", place / "wanted.txt")
    _output("chroot", place, "python3", "-m", "compileall", "-q", PACKAGES)
    _output("chroot", place, "useradd", "--create-home", "--uid", str(UID), "--shell", "/bin/sh", USER)


def _output(*words: str | Path) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=BUILD_S)
    except subprocess.TimeoutExpired as error:
        raise NotHere(f"{words[0]} has not finished within {BUILD_S:g} s") from error
    if done.returncode != 0:
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise NotHere(f"{words[0]}: {why}")
    return done.stdout


# ---- a boot of it ----------------------------------------------------------------------------------------------------


class Container:
    """A booted Debian; `root` shows its files. Everything in it ends with it."""

    def __init__(self, nspawn: "subprocess.Popen[bytes]", said: Path) -> None:
        self._nspawn = nspawn
        self._said = said
        self._init = 0

    @property
    def root(self) -> Path:
        return Path(f"/proc/{self._init}/root")

    def run(
        self, *words: str, user: bool = False, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program inside, as root or as the user, who has the environment of a login."""
        into = [
            "nsenter",
            f"--target={self._init}",
            *(f"--{name}" for name in ("mount", "uts", "ipc", "net", "pid", "cgroup")),
        ]
        become = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--init-groups"] if user else []
        return subprocess.run(
            [*into, *become, "env", "--chdir=/", "-i", *_pairs(environment or {}, user=user), *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ANSWER_S,
            check=False,
        )

    def must(self, *words: str, user: bool = False) -> str:
        """Run a program that has to work; gives what it wrote."""
        done = self.run(*words, user=user)
        assert done.returncode == 0, done
        return done.stdout

    def booted(self) -> None:
        """Wait until it has booted. Raises NotHere where it does not boot at all."""
        try:
            until(self._is_up, "the container has booted", within_s=BOOT_S)
        except AssertionError as error:
            raise NotHere("systemd-nspawn has not booted it in time") from error

    def _is_up(self) -> bool:
        if self._nspawn.poll() is not None:
            raise NotHere(f"systemd-nspawn: {(self._said.read_text().splitlines() or ['it ended'])[-1]}")
        self._init = _init_below(self._nspawn.pid)
        if not self._init:
            return False
        state = self.run("systemctl", "is-system-running").stdout.strip()
        return state in ("running", "degraded")

    def reboot(self) -> None:
        """Boot it again, with what was written to its disk."""
        before = self._init
        self.run("systemctl", "reboot", "--force")
        until(lambda: _init_below(self._nspawn.pid) not in (0, before), "another init has begun", within_s=BOOT_S)
        self.booted()

    def end(self) -> None:
        """End it at once, and all that runs in it."""
        self._nspawn.kill()
        self._nspawn.wait()
        with contextlib.suppress(AssertionError):
            until(lambda: not Path(f"/proc/{self._init}").exists(), "its init has ended", within_s=BOOT_S)


@contextmanager
def booted(scratch: Path) -> Iterator[Container]:
    """Boot a container whose disk is in memory; `scratch` is an empty directory for it. Raises NotHere."""
    built = image()
    said = scratch.with_suffix(".log")
    with said.open("wb") as log:
        nspawn = subprocess.Popen(
            [*ALONE, "sh", "-ec", BOOT, "boot", scratch, built],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
        )
    container = Container(nspawn, said)
    try:
        container.booted()
        yield container
    finally:
        container.end()


def _pairs(more: dict[str, str], *, user: bool) -> list[str]:
    given = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8"}
    if user:
        given |= {"HOME": f"/home/{USER}", "USER": USER, "SHELL": "/bin/sh", "XDG_RUNTIME_DIR": f"/run/user/{UID}"}
    return [f"{name}={value}" for name, value in {**given, **more}.items()]


def _init_below(pid: int) -> int:
    """Give the descendant that is first in a namespace within the one made for it; 0 while there is none."""
    with contextlib.suppress(OSError):
        for child in children_of(pid):
            numbers = re.findall(r"(?m)^NSpid:(.*)$", Path(f"/proc/{child}/status").read_text())[0].split()
            if len(numbers) == 3 and numbers[-1] == "1":
                return child
            if init := _init_below(child):
                return init
    return 0

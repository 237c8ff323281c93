"""The user of a container, who has installed orchestrd for themselves and types `orch`; a home for each test.

`orch` stands in a virtual environment of theirs, as an installer makes it; the home is not the default one, so that
each test has units of its own.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from orchestrd import __version__
from orchestrd.client.calls import Call
from orchestrd.client.connection import Connection
from tests.acceptance.command_line import Done
from tests.acceptance.processes import until
from tests.acceptance.systemd.container import PACKAGES, PYTHON, ROOT, USER, Container

T = TypeVar("T")

VENV = f"/home/{USER}/venv"
MODULES = f"{VENV}/lib/python{PYTHON}/site-packages"
ORCH = f"#!{VENV}/bin/python\nimport sys\nfrom orchestrd_cli.main import main\nsys.exit(main())\n"
AGENT = 'echo $$ >"$HOME/pid-$ORCH_SESSION"; exec sleep 1000'
PATH = f"{VENV}/bin:/usr/local/bin:/usr/bin:/bin"


def install_orchestrd(container: Container, version: str | None = None) -> None:
    """Put the code of this working tree where the user has it, in place of what is there; `version` renames it."""
    modules = container.root / MODULES[1:]
    if not modules.exists():
        container.must("python3", "-m", "venv", "--without-pip", VENV, user=True)
        (modules / "packages.pth").write_text(PACKAGES)
        script = container.root / VENV[1:] / "bin" / "orch"
        script.write_text(ORCH)
        script.chmod(0o755)
    for package in (ROOT / "orchestrd", ROOT / "cli" / "orchestrd_cli"):
        shutil.rmtree(modules / package.name, ignore_errors=True)
        shutil.copytree(package, modules / package.name)
    info = Path(str(distribution("orchestrd").locate_file(""))) / f"orchestrd-{__version__}.dist-info"
    shutil.copytree(info, modules / info.name, dirs_exist_ok=True)  # where the adapters are found by
    if version:
        (modules / "orchestrd" / "__init__.py").write_text(f'__version__ = "{version}"\n')
    container.must("chown", "--recursive", f"{USER}:", VENV)


def take_modules_away(container: Container) -> None:
    """Take every module of orchestrd away, as an upgrade does for a while; what starts with a run stays."""
    launchers = ("!", "-name", "launcher.py", "!", "-name", "terminal.py", "!", "-name", "overheard.py")
    container.must("find", f"{MODULES}/orchestrd", "-type", "f", *launchers, "-delete")


class Worker:
    """Types `orch` in one home."""

    def __init__(self, container: Container, name: str) -> None:
        self.container = container
        self.home = f"/home/{USER}/{name}"
        self.service = next(iter(self.told_units()))

    # ---- typing ------------------------------------------------------------------------------------------------------

    def run(self, *words: str, **environment: str) -> Done:
        given = {"PATH": PATH, "ORCH_HOME": self.home, **environment}
        done = self.container.run(*words, user=True, environment=given)
        return Done(code=done.returncode, out=done.stdout, err=done.stderr)

    def orch(self, *words: str, **environment: str) -> Done:
        return self.run("orch", *words, **environment)

    def must(self, *words: str) -> Done:
        done = self.orch(*words)
        assert done.code == 0, done
        return done

    def systemctl(self, *words: str) -> Done:
        return self.run("systemctl", "--user", *words)

    # ---- what is there -----------------------------------------------------------------------------------------------

    def told_units(self) -> list[str]:
        """Read the names of the units from what would be written: the service first."""
        printed = self.orch("daemon", "install", "--print").out
        files = [line.split()[1] for line in printed.splitlines() if line.startswith("# /")]
        return sorted(Path(file).name for file in files)

    @property
    def socket(self) -> str:
        return self.service.removesuffix(".service") + ".socket"

    def files(self) -> list[str]:
        """List everything among the units of the user."""
        units = self.container.root / f"home/{USER}/.config/systemd/user"
        return sorted(str(path.relative_to(units)) for path in units.rglob("*") if not path.is_dir())

    def add(self, text: str) -> None:
        """Add to the service by a drop-in, as `systemctl edit` does."""
        folder = f"/home/{USER}/.config/systemd/user/{self.service}.d"
        self.run("mkdir", "-p", folder)
        (self.container.root / folder[1:] / "more.conf").write_text(text)
        self.systemctl("daemon-reload")

    @contextmanager
    def configured(self, text: str) -> Iterator[None]:
        """Have a configuration of the user for as long as this goes on."""
        file = self.container.root / f"home/{USER}/.config/orchestrd/config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        try:
            yield
        finally:
            file.unlink()

    def property(self, name: str, unit: str = "") -> str:
        return self.systemctl("show", "--value", f"--property={name}", unit or self.service).out.strip()

    def pid(self) -> str:
        return self.property("MainPID")

    def signal(self, pid: str, name: str) -> None:
        self.container.must("kill", f"-{name}", pid)

    def journal(self, *matches: str) -> list[dict[str, Any]]:
        """Read what the journal has of the service, oldest first, with its fields."""
        words = ("journalctl", "--output=json", "--quiet", f"--user-unit={self.service}", *matches)
        return [msgspec.json.decode(line) for line in self.run(*words).out.splitlines()]

    def spawn_both(self) -> dict[str, str]:
        """Begin a session in each runtime; gives the pids of their agents by the ids of the sessions."""
        return dict(self.spawn(runtime) for runtime in ("process", "tmux"))

    def spawn(self, runtime: str) -> tuple[str, str]:
        """Begin a session that stays; gives its id and the pid of its agent, once that runs."""
        words = ("spawn", "--json", "--runtime", runtime, "--dir", f"/home/{USER}", "--", "sh", "-c", AGENT)
        session = str(self.must(*words).json["id"])
        said = self.container.root / f"home/{USER}/pid-{session}"
        self.until(lambda: said.exists() and said.read_text().endswith("\n"), f"the agent of {session} runs")
        return session, said.read_text().strip()

    def running(self) -> set[str]:
        """Give the sessions that run, once each is seen to live."""
        self.until(
            lambda: all(told["liveness"] == "alive" for told in self.must("status", "--json").json["sessions"]),
            "each session is seen again",
        )
        return {told["id"] for told in self.must("status", "--json").json["sessions"] if told["state"] == "running"}

    def ask(self, call: Call[T]) -> T:
        """Ask the daemon from outside the container."""
        with Connection(str(self.container.root / self.home[1:] / "run" / "daemon.sock")) as connection:
            return connection.ask(call)

    def lives(self, pid: str) -> bool:
        return self.container.run("kill", "-0", pid).returncode == 0

    def until(self, is_so: Callable[[], object], what: str) -> None:
        until(is_so, what, within_s=20.0)

    def clear(self) -> None:
        """Stop what systemd starts for this home; agents end with the container."""
        self.systemctl("disable", "--now", self.service, self.socket)

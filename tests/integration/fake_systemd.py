"""A systemd-run where there is no systemd: it becomes what it is told to run, as the real one does, or fails to.

Each way to fail is one that the real one has. What it was asked is kept, so that a test can see it.
"""

from pathlib import Path

from orchestrd.clock import SystemClock
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.instant import Instant
from orchestrd.model.settings import Limits
from orchestrd.runtimes.scopes import Scopes
from orchestrd.testing.clocks import later

WORKS = "works"
REFUSES = "refuses"  # no unit at all
REFUSES_RUNS = "refuses runs"  # but tries as it should
HANGS = "hangs"  # for whatever is no trial
REFUSES_OOM_POLICY = "refuses OOMPolicy"  # older than systemd 252
REFUSES_LIMITS = "refuses MemoryMax"
NO_ANSWER = "gives no answer"

SCRIPT = """#!/bin/sh
printf '%s\\n' "$$ $*" >>"$0.asked"
env >"$0.environment"
refuse() { echo "Failed to start transient scope unit: $1" >&2; exit 1; }
case "$(cat "$0.mode") $*" in
    "refuses runs "*orchestrd-trial*) ;;
    "refuses runs "* | "refuses --"*) refuse "Access denied" ;;
    "hangs "*orchestrd-trial*) ;;
    "hangs "*) exec sleep 300 ;;
    "gives no answer "*) exec sleep 300 ;;
    "refuses OOMPolicy "*OOMPolicy*) refuse "Unknown assignment: OOMPolicy=continue" ;;
    "refuses MemoryMax "*MemoryMax*) refuse "Unknown assignment: MemoryMax" ;;
esac
while [ "$1" != -- ]; do shift; done
shift
INVOCATION_ID=0123456789abcdef exec env -u PWD "$@"
"""


class MovedClock(SystemClock):
    """The clock of this machine, set forward by hand."""

    ahead_s = 0.0

    def now(self) -> Instant:
        return later(super().now(), self.ahead_s)


class FakeSystemd:
    """One fake, in a folder of its own, and the scopes that it gives."""

    def __init__(self, place: Path, limits: Limits | None = None) -> None:
        self.program = place / "systemd-run"
        self.program.write_text(SCRIPT)
        self.program.chmod(0o755)
        self.be(WORKS)
        self.runtime_directory = str(place)
        self.clock = MovedClock()
        self.told: list[str | None] = []
        self.scopes = Scopes(str(self.program), self.runtime_directory, limits or Limits(), self.clock, self._tell)

    def be(self, mode: str) -> None:
        """Behave like this from now on."""
        self._beside("mode").write_text(mode)

    def remove(self) -> None:
        """Take the program away."""
        self.program.unlink()

    def asked(self) -> list[str]:
        """Give each command line it was called with, behind its pid, but for the trials."""
        return [line for line in self.asked_at_all() if "orchestrd-trial" not in line]

    def asked_at_all(self) -> list[str]:
        """Give all of them."""
        path = self._beside("asked")
        return path.read_text().splitlines() if path.exists() else []

    def environment(self) -> dict[str, str]:
        """Give what it was last called with."""
        lines = self._beside("environment").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def _beside(self, name: str) -> Path:
        return self.program.with_name(f"systemd-run.{name}")

    def _tell(self, error: OrchestrdError | None) -> None:
        self.told.append(None if error is None else error.message)

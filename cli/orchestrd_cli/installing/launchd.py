"""The property list by which launchd of macOS starts a home's daemon. Its text is tested, and nothing else of it.

What it holds on to is what the units of systemd do: the end of the daemon ends no agent (`AbandonProcessGroup`), and a
daemon that fails is started again, slowly.
"""

import plistlib

from orchestrd.client.systemd import Unit
from orchestrd.core.layout import Layout
from orchestrd.model.limits import DAEMON_STOP_S
from orchestrd_cli.installing.units import Surroundings

RESTART_S = 10  # from one start to the next, at least


def text(unit: Unit, around: Surroundings) -> str:
    """Give the property list of a home's daemon, labelled like its unit."""
    log = Layout(unit.home).daemon_log
    agent = {
        "Label": unit.name,
        "ProgramArguments": [around.python, "-P", "-X", "faulthandler", "-m", "orchestrd", "run"],
        "EnvironmentVariables": {"ORCH_HOME": unit.home, **around.environment},
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": RESTART_S,
        "ExitTimeOut": int(DAEMON_STOP_S),
        "AbandonProcessGroup": True,
        "ProcessType": "Interactive",
        "StandardOutPath": log,
        "StandardErrorPath": log,
    }
    return plistlib.dumps(agent, sort_keys=False).decode()

"""What a person and the real Claude Code have said is read with `orch logs`: now, without a daemon, at the end."""

import os
import subprocess

from orchestrd.testing.model.moves import Answer, Run
from tests.acceptance.claude_sessions import ClaudeSessions
from tests.acceptance.command_line import ORCH, PATIENCE_S
from tests.acceptance.processes import until
from tests.standin.claude import needs_claude

pytestmark = needs_claude


def _orch(claude: ClaudeSessions, *words: str) -> str:
    environment = os.environ | {"ORCH_HOME": claude.home.layout.home}
    command = [*ORCH, *words]
    return subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, text=True, timeout=PATIENCE_S, check=True
    ).stdout


def _reads(claude: ClaudeSessions, session: str, told: str) -> None:
    until(lambda: _orch(claude, "logs", session) == told, f"its conversation is {told!r}", within_s=PATIENCE_S)


def test_a_conversation_reads_the_same_with_a_daemon_without_one_and_after_its_end(claude: ClaudeSessions) -> None:
    told = "> Count the apples\n\n* Bash: ls: ok\n\nThere are three.\n"
    claude.model.script(Run(command="ls", asks=False), Answer(text="There are three."))
    session = claude.spawn("Count the apples")
    claude.model.wait_until("waiting", request=2)

    _reads(claude, session, told)
    claude.home.daemons[-1].kill()
    alone = _orch(claude, "logs", session)
    claude.home.start(is_measured=False)
    claude.home.stop(session)
    claude.home.until_over(session)

    assert alone == told
    assert _orch(claude, "logs", session) == told
    assert _orch(claude, "logs", "-n", "1", session) == "There are three.\n"
    assert "\x1b[" in _orch(claude, "logs", "--raw", session)
    assert "There are three." in _orch(claude, "screen", session)


def test_a_revived_session_goes_on_with_its_conversation(claude: ClaudeSessions) -> None:
    claude.model.script(Answer(text="Three."), Answer(text="Two."))
    session = claude.spawn("Count the apples")
    claude.model.wait_until("waiting")
    _reads(claude, session, "> Count the apples\n\nThree.\n")
    claude.home.stop(session)
    claude.home.until_over(session)

    revived = _orch(claude, "revive", session)
    claude.home.reach(session, "waiting")
    _orch(claude, "send", session, "Sell one")

    assert revived == f"{session}  pending (revived)\n"
    _reads(claude, session, "> Count the apples\n\nThree.\n\n> Sell one\n\nTwo.\n")

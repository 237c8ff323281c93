"""Agent `shell`: any command at all. It ends with its exit code, and says what it does only if it wants to.

What it says are reports (`orchestrd/agents/reports.py`). Nothing is concluded from silence.
"""

from collections.abc import Mapping

from orchestrd.agents.reports import read_report
from orchestrd.model.agent import Capabilities, Trust
from orchestrd.model.run import AgentFiles, AgentLaunch, Glimpse, LaunchContext, Reading, Run
from orchestrd.model.screen_rule import ScreenRule
from orchestrd.model.session import Spec
from orchestrd.model.words import Activity


class ShellAgent:
    """Runs whatever stands after `--`. The prompt, if there is one, is a file named by ORCH_PROMPT_FILE."""

    name = "shell"
    capabilities = Capabilities()
    witnesses: tuple[Trust, ...] = (Trust("report"),)
    screen_rules: tuple[ScreenRule, ...] = ()
    needs_terminal = False
    awaits_turn = False
    confirms = False
    resume_text: str | None = None

    def problem_with(self, spec: Spec) -> str | None:
        if spec.argv:
            return None
        return "agent shell runs a command and was given none: orch spawn [PROMPT] -- CMD..."

    def account(self, spec: Spec, environment: Mapping[str, str]) -> str | None:
        return None

    def problem_with_message(self, text: str) -> str | None:
        return None

    def launch(self, spec: Spec, context: LaunchContext) -> AgentLaunch:
        prompt = () if context.prompt_path is None else (("ORCH_PROMPT_FILE", context.prompt_path),)
        return AgentLaunch(argv=spec.argv, environment=prompt)

    def files(self, spec: Spec, environment: Mapping[str, str], run: Run, agent_pid: int | None) -> AgentFiles | None:
        return None

    def wants_screen(self, activity: Activity, source: str | None) -> bool:
        return False

    def read(self, glimpse: Glimpse) -> Reading:
        said = (read_report(line, offset) for line, offset in glimpse.hook_lines)
        return Reading(testimonies=tuple(filter(None, said)))

    def draft(self, screen: str) -> str | None:
        return None

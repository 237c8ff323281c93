"""Pages about one thing: a session, the explanation of its row, an error."""

import shlex
from collections.abc import Iterable
from datetime import datetime

from orchestrd.core.cleaning import preserve_ref
from orchestrd.model.document import Document, Explanation, WitnessDocument
from orchestrd.model.errors import OrchestrdError
from orchestrd.model.session import Workspace
from orchestrd.model.spending import Tokens
from orchestrd.model.words import Permission
from orchestrd.render.changes import change_lines
from orchestrd.render.decisions import how_to_answer
from orchestrd.render.goals import goal_lines, has_goal
from orchestrd.render.table import activity_cell
from orchestrd.render.text import NONE, age, ago, figures, short, visible, visible_lines, why

LABEL = 12  # columns


def session_page(told: Document, now: datetime) -> str:
    """Show everything a document says, for `orch show`."""
    lines = [
        *_field("session", told.id),
        *_field("name", told.name),
        *_field("project", told.project),
        *_field("agent", f"{told.agent}{_version(told)} on runtime {told.runtime}, run {told.generation}"),
        *(_field("", f"conversation {told.conversation}") if told.conversation else ()),
        *_field("command", shlex.join(told.argv) or NONE),
        *_field("prompt", told.prompt or NONE),
        *(_field("issue", told.issue) if told.issue else ()),
        *(_section("goal", goal_lines(told, now)) if has_goal(told) else ()),
        *(_field("permission", _policy(told)) if told.permission != Permission.ASK else ()),
        *_field("state", f"{told.state} ({_reason(told)}), since {ago(told.state_since, now)}"),
        *_field("wanted", told.desired),
        *_field("liveness", told.liveness),
        *_field("activity", _activity(told, now)),
        *(_field("asks", _asked(told)) if told.decision else ()),
        *(_field("notice", told.notice) if told.notice else ()),
        *(_field("spent", _spent(told)) if told.tokens else ()),
        *_field("ended with", _end(told)),
        *(_field("error", told.error) if told.error else ()),
        *(_field("left behind", f"{told.left_behind} (ended by its launcher)") if told.left_behind else ()),
        *_field("created", ago(told.created_at, now)),
        *_field("started", ago(told.started_at, now)),
        *_field("ended", ago(told.ended_at, now)),
        *_workspace(told.workspace),
        *(_work(told) if told.workspace.branch else ()),
        *(_section("change", change_lines(told)) if told.change else ()),
        *_field("log", told.log),
        *_field("revision", str(told.revision)),
    ]
    return "\n".join(lines) + "\n"


def explanation_page(explanation: Explanation, now: datetime) -> str:
    """Show why a session's row says what it says, for `orch explain`."""
    told = explanation.session
    lines = [
        *_field("session", f"{told.id} {told.name if told.name != told.id else ''}".rstrip()),
        *_field("state", f"{told.state} ({told.reason}), for {age(told.state_since, now)}"),
        *_field("", explanation.state_rule),
        *(_field("error", told.error) if told.error else ()),
        *_field("liveness", told.liveness),
        *_field("", explanation.liveness_rule),
        *_field("activity", _activity(told, now)),
        *_field("", explanation.activity_rule),
        *(_section("goal", goal_lines(told, now)) if has_goal(told) else ()),
        *(_field("asks", _asked(told)) if told.decision else ()),
        *(_section("change", change_lines(told)) if told.change else ()),
        *(_field("" if told.change else "change", explanation.change_rule) if explanation.change_rule else ()),
        *_section("witness", (_testimony(witness) for witness in explanation.witnesses)),
        *_section("to come", explanation.pending),
        *(_field("trouble", explanation.trouble) if explanation.trouble else ()),
    ]
    return "\n".join(lines) + "\n"


def error_text(error: OrchestrdError) -> str:
    """Write an error for a person: what is wrong and why, then the next command."""
    hint = f"\n  try: {visible(error.hint)}" if error.hint else ""
    return f"{visible(error.message)}{hint}"


def _field(label: str, value: str) -> list[str]:
    first, *others = visible_lines(value)
    return [f"{label:<{LABEL}}{first}", *(" " * LABEL + line for line in others)]


def _section(label: str, values: Iterable[str]) -> list[str]:
    first, *others = tuple(values) or (NONE,)
    return [*_field(label, first), *(line for value in others for line in _field("", value))]


def _work(told: Document) -> list[str]:
    return _field("work", f"orch diff {told.id}; what a clean preserves of it: {preserve_ref(told.id)}")


def _workspace(workspace: Workspace) -> list[str]:
    if workspace.branch is None:
        return _field("workspace", f"{workspace.path} ({workspace.kind})")
    base = f", begun at {workspace.base}" if workspace.base else ""
    return [
        *_field("workspace", f"{workspace.path} ({workspace.kind})"),
        *_field("branch", f"{workspace.branch}{base}"),
        *(_field("setup", workspace.setup) if workspace.setup else ()),
    ]


def _activity(told: Document, now: datetime) -> str:
    cell = activity_cell(told, now)
    if cell == NONE:
        return NONE
    source = f", said by {told.activity_source}" if told.activity_source else ""
    text = f": {told.activity_text}" if told.activity_text else ""
    return cell + source + text


def _version(told: Document) -> str:
    return f" {told.agent_version}" if told.agent_version else ""


def _spent(told: Document) -> str:
    """Tell what a conversation has cost, in tokens and, where its agent names it, in money."""
    tokens = told.tokens or Tokens()
    cached = f" and {figures(tokens.cache_read)} more from a cache" if tokens.cache_read else ""
    cost = "" if told.cost_usd is None else f"; {told.cost_usd:.2f} USD"
    return f"{figures(tokens.input + tokens.cache_write)} tokens in{cached}, {figures(tokens.output)} out{cost}"


def _policy(told: Document) -> str:
    """What becomes of what it needs permission for, where that is not asked for."""
    return "\n".join((f"{told.permission}{':' if told.allow else ''}", *told.allow))


def _asked(told: Document) -> str:
    """What it waits for, with the choices that there are."""
    assert told.decision is not None
    keys = ", ".join(choice.key for choice in told.decision.choices)
    return f"{told.decision.text}\n{keys or 'no choices'}; {how_to_answer(told)}"


def _reason(told: Document) -> str:
    return why(told.reason, told.exit_code, told.exit_signal)


def _end(told: Document) -> str:
    if told.exit_code is not None:
        return f"exit code {told.exit_code}"
    return told.exit_signal or NONE


def _testimony(witness: WitnessDocument) -> str:
    """One witness with its age; of several for an activity the first is believed most."""
    excerpt = f": {witness.excerpt}" if witness.excerpt else ""
    rank = "" if witness.rank is None else f" (rank {witness.rank})"
    said_at = f"{short(witness.age_s)} ago"
    return f"{witness.observer}{rank} on {witness.axis}: {witness.verdict}, {said_at}{excerpt}"

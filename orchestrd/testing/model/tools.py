"""How each agent is asked to do what a move means: the names of its tools, and what they are given. Pure.

Nobody has to say which agent it is: a request declares the tools that its agent has. One that declares none reads what
to do in the text of the answer.
"""

from collections.abc import Callable, Mapping
from typing import Any

from orchestrd.testing.model.moves import Ask, Delegate, Edit, Read, Run, ToolUse, Write
from orchestrd.testing.model.writing import Asked, Call, Json

Given = Callable[[Any], Json]  # from a move of the kind that it stands under
STEP = "A step of the work"


def _questions(ask: Ask, **more: object) -> Json:
    options = [{"label": choice, "description": f"We sell {choice.lower()}"} for choice in ask.choices]
    return {"questions": [{"question": ask.question, "header": ask.header, "options": options, **more}]}


def _escalated(run: Run) -> Json:
    """Give a command that leaves the sandbox, which is asked for, or one that stays in it."""
    out: Json = {"sandbox_permissions": "require_escalated", "justification": f"Do you want to run {run.command}?"}
    return {"cmd": run.command} | (out if run.asks else {})


TOOLS: Mapping[type[ToolUse], Mapping[str, Given]] = {
    Run: {
        "Bash": lambda run: {"command": run.command, "description": STEP},
        "exec_command": _escalated,
        "bash": lambda run: {"command": run.command, "description": STEP},
        "run_shell_command": lambda run: {"command": run.command, "description": STEP},
    },
    Read: {
        "Read": lambda read: {"file_path": read.path},
        "exec_command": lambda read: {"cmd": f"cat {read.path}"},
        "read": lambda read: {"filePath": read.path},
        "read_file": lambda read: {"file_path": read.path},
    },
    Write: {
        "Write": lambda write: {"file_path": write.path, "content": write.text},
        "apply_patch": lambda write: {"input": _patch(f"Add File: {write.path}", ["+" + write.text])},
        "write": lambda write: {"filePath": write.path, "content": write.text},
        "write_file": lambda write: {"file_path": write.path, "content": write.text},
    },
    Edit: {
        "Edit": lambda edit: {"file_path": edit.path, "old_string": edit.old, "new_string": edit.new},
        "apply_patch": lambda edit: {
            "input": _patch(f"Update File: {edit.path}", ["@@", "-" + edit.old, "+" + edit.new])
        },
        "edit": lambda edit: {"filePath": edit.path, "oldString": edit.old, "newString": edit.new},
        "replace": lambda edit: {
            "file_path": edit.path,
            "old_string": edit.old,
            "new_string": edit.new,
            "instruction": STEP,
        },
    },
    Ask: {
        "AskUserQuestion": lambda ask: _questions(ask, multiSelect=False),
        "request_user_input": lambda ask: _questions(ask, id="answer"),
        "question": _questions,
        "ask_user": lambda ask: _questions(ask, type="choice"),
    },
    Delegate: {
        "Agent": lambda part: {
            "description": part.description,
            "prompt": part.prompt,
            "subagent_type": "general-purpose",
        },
        "spawn_agent": lambda part: {"message": part.prompt},
        "task": lambda part: {"description": part.description, "prompt": part.prompt, "subagent_type": "general"},
        "invoke_agent": lambda part: {"agent_name": "generalist", "prompt": part.prompt},
    },
}
TEXTS_ONLY = frozenset({"apply_patch"})  # tools whose input is one text


class CannotDo(Exception):
    """The agent has no tool for what a move means."""


def arranged(move: ToolUse, asked: Asked) -> Call | str:
    """Give the tool that does what is meant, or the text for an agent without tools. Raises CannotDo."""
    if not asked.tools:
        return _written(move)
    table = TOOLS[type(move)]
    for name, given in table.items():
        if name in asked.tools:
            return Call(name, given(move), is_text=name in TEXTS_ONLY)
    raise CannotDo(f"none of {', '.join(table)} is among the agent's tools: {', '.join(sorted(asked.tools))}")


def _written(move: ToolUse) -> str:
    """Give what an agent without tools takes from the text: blocks of shell, and of files."""
    match move:
        case Run():
            return f"Run this:\n\n```bash\n{move.command}\n```\n"
        case Write():
            return f"{move.path}\n```\n<<<<<<< SEARCH\n=======\n{move.text}\n>>>>>>> REPLACE\n```\n"
        case Edit():
            return f"{move.path}\n```\n<<<<<<< SEARCH\n{move.old}\n=======\n{move.new}\n>>>>>>> REPLACE\n```\n"
        case _:
            raise CannotDo(f"an agent without tools cannot be asked to {type(move).__name__.lower()}")


def _patch(what: str, lines: list[str]) -> str:
    return "\n".join(["*** Begin Patch", f"*** {what}", *lines, "*** End Patch", ""])

"""Editing the user's own file as a draft beside it, which takes its place once nothing is wrong with it.

So a daemon or a spawn that reads the file meanwhile never meets a half-done one, and neither a mistake nor another
hand costs anything of what was typed. The draft lies where the file itself does, behind all links.
"""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

from orchestrd import config
from orchestrd.client.configuring import installed
from orchestrd.core.layout import config_file_from
from orchestrd.model.errors import OrchestrdError, UsageError
from orchestrd.model.origin import Kind
from orchestrd.render import visible
from orchestrd.render.settings import mistake_lines
from orchestrd_cli import exits, reach
from orchestrd_cli.draft import Draft, begun
from orchestrd_cli.terminal import note

EDITORS = ("sensible-editor", "nano", "vim", "vi")  # where nothing says which; the first that is there


def edit() -> int:
    """Have the user edit; gives the exit code.

    Raises OrchestrdError where there is no editor, or it fails, RefusedError (`being_edited`, `changed`).
    """
    file, editor = Path(config_file_from(os.environ)).resolve(), _editor()
    with begun(file, config.template().encode()) as draft:
        _note_what_is_left(file, draft)
        command = [*editor, str(draft.path)]
        if code := subprocess.run(command, check=False).returncode:
            raise _failed(f"{shlex.join(command)} ended with {code}", file, draft)
        if draft.adds_nothing():
            draft.path.unlink()
            reach.write_text("nothing is changed\n")
            return exits.OK
        return _take(file, draft)


def _take(file: Path, draft: Draft) -> int:
    layer = config.Layer(kind=Kind.USER, file=str(draft.path), content=draft.content())
    mistakes = config.effective([config.packaged(), layer], {}, installed).mistakes
    if mistakes:
        for mistake in mistakes:
            note(mistake_lines(mistake))
        note(f"orch: not taken; {visible(str(file))} is as it was")
        return exits.USAGE
    draft.take()
    reach.write_text(f"{visible(str(file))} is saved; a daemon that runs takes it in with: orch daemon reload\n")
    return exits.OK


def _note_what_is_left(file: Path, draft: Draft) -> None:
    """Say what has become of a draft that was not taken last time."""
    if draft.is_left:
        note(f"orch: this goes on with {visible(str(draft.path))}, which was not taken")
    if draft.aside:
        changed = f"{file} may have changed since {draft.path} was begun"
        note(f"orch: {visible(changed)}, which is kept as {visible(str(draft.aside))}")


def _failed(said: str, file: Path, draft: Draft) -> OrchestrdError:
    if draft.is_as_begun():
        return OrchestrdError(f"{said}: nothing is changed", hint="orch config edit")
    return OrchestrdError(
        f"{said}: {file} is as it was, and what was edited is kept in {draft.path}", hint="orch config edit"
    )


def _editor() -> list[str]:
    for name in ("VISUAL", "EDITOR"):
        if value := os.environ.get(name, "").strip():
            return _named(name, value)
    for editor in EDITORS:
        if found := shutil.which(editor):
            return [found]
    raise UsageError("no editor is found: neither VISUAL nor EDITOR names one", hint="apt install nano")


def _named(variable: str, value: str) -> list[str]:
    try:
        command = shlex.split(value)
    except ValueError:  # a quote that is not closed
        command = [value]
    if shutil.which(command[0]):
        return command
    raise UsageError(
        f"there is no editor {command[0]!r}, as ${variable} names it", hint=f"env -u {variable} orch config edit"
    )

"""Editing the user's own file as a draft beside it, which takes its place once nothing is wrong with it.

So a daemon or a spawn that reads the file meanwhile never meets a half-done one, and a mistake costs nothing of what
was typed. The draft lies where the file itself does, behind all links.
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
from orchestrd_cli.terminal import note

EDITORS = ("sensible-editor", "nano", "vim", "vi")  # where nothing says which; the first that is there


def edit() -> int:
    """Have the user edit; gives the exit code. Raises OrchestrdError where there is no editor, or it fails."""
    file = Path(config_file_from(os.environ)).resolve()
    draft = file.with_name(f"{file.name}.draft")
    command = [*_editor(), str(draft)]
    is_new = _begin(file, draft)
    if code := subprocess.run(command, check=False).returncode:
        if is_new:
            draft.unlink(missing_ok=True)
        raise OrchestrdError(f"{shlex.join(command)} ended with {code}: nothing is changed", hint="orch config edit")
    if file.exists() and draft.read_bytes() == file.read_bytes():
        draft.unlink()
        reach.write_text("nothing is changed\n")
        return exits.OK
    return _take(file, draft)


def _take(file: Path, draft: Path) -> int:
    layer = config.Layer(kind=Kind.USER, file=str(draft), content=draft.read_bytes())
    mistakes = config.effective([config.packaged(), layer], {}, installed).mistakes
    if mistakes:
        for mistake in mistakes:
            note(mistake_lines(mistake))
        note(f"orch: not taken; {visible(str(file))} is as it was")
        return exits.USAGE
    draft.replace(file)
    reach.write_text(f"{visible(str(file))} is saved; a daemon that runs takes it in with: orch daemon reload\n")
    return exits.OK


def _begin(file: Path, draft: Path) -> bool:
    """Make the draft, of the file, else of the template; false where one was left from last time."""
    if draft.exists():
        note(f"orch: this goes on with {visible(str(draft))}, which was not right")
        return False
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = file.read_bytes() if file.exists() else config.template().encode()
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_bytes(content)
        if file.exists():
            shutil.copymode(file, draft)
        return True
    except OSError as error:
        raise OrchestrdError(
            f"{draft} cannot be written: {error.strerror}", hint=f"ls -ld {shlex.quote(str(file.parent))}"
        ) from error


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

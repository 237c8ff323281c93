"""`orch spawn --issue`: the issue that is meant, read where it is: by the daemon at its forge, or here from a file."""

import os

from orchestrd.core.issue import has_words, issue_at, issue_in
from orchestrd.model.errors import UsageError
from orchestrd.model.issue import Issue
from orchestrd.model.limits import ISSUE_BODY_CHARS_MAX
from orchestrd_cli import reach
from orchestrd_cli.texts import STDIN, read_text

BYTES_MAX = 4 * ISSUE_BODY_CHARS_MAX
HINT = 'orch spawn --issue 12 "Write a test first."'


def read_issue(text: str, directory: str, *, use_daemon: bool) -> Issue:
    """Read it. Raises UsageError, and what `Client.issue` does."""
    if issue_at(text) is not None:
        return reach.client(use_daemon=use_daemon).issue(os.path.abspath(directory), text)  # noqa: PTH100 - as it is written
    if "://" in text:
        raise UsageError(f"{text!r} is the URL of no issue: it ends in /issues/NUMBER", code="no_issue", hint=HINT)
    if text == STDIN:
        raise UsageError(
            "an issue from stdin has no name by which another session could be told to work on it: name a file",
            hint="orch spawn --prompt-file -",
        )
    return _in_file(text)


def _in_file(file: str) -> Issue:
    what = f"the issue {file!r}"
    if os.path.exists(file) and not os.path.isfile(file):  # noqa: PTH110, PTH113 - a pipe would be waited for
        raise UsageError(f"{what} is no plain file: an issue is read from one", code="no_issue", hint=HINT)
    text = read_text(what, file, BYTES_MAX, hint=HINT, cure="cut it down to what is wanted")
    if not has_words(text):
        raise UsageError(f"{what} has no words in it: there is nothing to work on", code="no_issue", hint=HINT)
    return issue_in(os.path.realpath(file), text)

"""`orch config` and `orch trust`: what is set, what is wrong with it, and how it is changed."""

import json
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from orchestrd import schemas
from orchestrd.config import schema, template
from orchestrd.model.words import Until
from orchestrd_cli import exits
from tests.cli.fake_daemon import Result

Orch = Callable[..., Result]


@pytest.fixture
def user(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the user's own file, which is not there yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "config" / "orchestrd" / "config.toml"


@pytest.fixture
def repository(tmp_path: Path, user: Path) -> Path:
    """Give the file of a repository that asks for a command."""
    (tmp_path / "web" / ".git").mkdir(parents=True)
    file = tmp_path / "web" / ".orchestrd.toml"
    file.write_text('[spawn]\nbase = "main"\nsetup = "make"\n')
    return file


def _set(user: Path, text: str) -> None:
    user.parent.mkdir(parents=True, exist_ok=True)
    user.write_text(text)


# ---- show, check, schema ---------------------------------------------------------------------------------------------


def test_what_holds_is_shown_and_what_is_withheld_said(orch: Orch, user: Path, repository: Path) -> None:
    _set(user, "[daemon]\ninterval_s = 2\n")

    done = orch("config", "show", "--dir", "web")

    assert done.code == exits.OK
    assert f"interval_s = 2.0                          # {user}:2" in done.out.splitlines()
    assert f'base = "main"                             # {repository}:2' in done.out.splitlines()
    assert done.err == f"orch: {repository} is not trusted: not applied is spawn.setup\n  try: orch trust web\n"


def test_what_holds_is_shown_as_json_by_its_schema(orch: Orch, user: Path, repository: Path) -> None:
    _set(user, "[daemon]\nintervall_s = 2\n")

    done = orch("config", "show", "--dir", "web", "--json")

    told = json.loads(done.out)
    assert Draft202012Validator(schemas.read("config_report")).is_valid(told)
    assert (done.code, done.err) == (exits.USAGE, "")
    assert (told["user"], told["repository"]) == (str(user), str(repository))
    assert [one["key"] for one in told["withheld"]] == ["spawn.setup"]
    assert told["mistakes"][0]["origin"] == {"kind": "user", "file": str(user), "line": 2, "variable": None}


def test_every_mistake_is_said_with_its_line_and_the_next_command(orch: Orch, user: Path) -> None:
    _set(user, '[daemon]\nintervall_s = 2\n[spawn]\nuntil = "tern"\n')

    shown, checked = orch("config", "show"), orch("config", "check")

    words = " or ".join(f'"{word}"' for word in Until)
    said = (
        f"orch: {user}:2: there is no key 'intervall_s' in [daemon]: did you mean 'interval_s'?\n"
        "  try: orch config edit\n"
        f"orch: {user}:4: 'until' must be {words}, not \"tern\": did you mean 'turn'?\n"
        "  try: orch config edit\n"
    )
    assert (shown.code, shown.err) == (exits.USAGE, said)
    assert (checked.code, checked.err, checked.out) == (exits.USAGE, said, "")
    assert "interval_s = 5.0" in shown.out


def test_a_check_says_what_it_has_looked_at(orch: Orch, user: Path, repository: Path) -> None:
    before = orch("config", "check")
    _set(user, "[daemon]\ninterval_s = 2\n")

    after, as_json = orch("config", "check", "--dir", "web"), orch("config", "check", "--json")

    assert (before.code, before.out) == (exits.OK, "nothing is set\n")
    assert (after.code, after.out) == (exits.OK, f"nothing is wrong in {user}, {repository}\n")
    assert (as_json.code, json.loads(as_json.out)["mistakes"]) == (exits.OK, [])


def test_rules_about_screens_are_checked_too(orch: Orch, user: Path) -> None:
    screens = user.parent / "screens"
    screens.mkdir(parents=True)
    (screens / "claude.toml").write_text('[[rule]]\nname = "mine"\nmust = ["("]\n')
    (screens / "cluade.toml").touch()
    (screens / "README.md").touch()
    (screens / "codex.toml").touch(mode=0o666)
    (screens / "codex.toml").chmod(0o666)

    done = orch("config", "check")

    assert done.code == exits.USAGE
    claude, unknown, codex = done.err.split("orch: ")[1:]
    assert claude.startswith(f"{screens}/claude.toml: a screen rule is wrong: rule 'mine': '(' is no pattern")
    assert codex.startswith(f"{screens}/codex.toml: everyone may write to it")
    assert unknown == f"{screens}/cluade.toml: there is no agent 'cluade': did you mean 'claude'?\n  try: orch agents\n"


@pytest.mark.parametrize("verb", ["show", "check"])
def test_a_directory_that_is_not_there_is_refused(orch: Orch, user: Path, tmp_path: Path, verb: str) -> None:
    done = orch("config", verb, "--dir", "nope")

    assert (done.code, done.out) == (exits.USAGE, "")
    assert done.err == f"orch: there is no directory '{tmp_path}/nope'\n  try: orch config {verb} --dir DIR\n"


def test_the_schema_is_printed(orch: Orch, user: Path) -> None:
    done = orch("config", "schema")

    assert (done.code, json.loads(done.out)) == (exits.OK, json.loads(json.dumps(schema())))


# ---- edit ------------------------------------------------------------------------------------------------------------


def _editor(place: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an editor that does this with the file it is given."""
    editor = place / "my editor"
    editor.write_text(f"#!/bin/sh\nset -e\n{script}\n")
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", f"'{editor}' -w")


def test_who_edits_for_the_first_time_finds_every_key(
    orch: Orch, user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _editor(tmp_path, 'cp "$2" seen', monkeypatch)

    done = orch("config", "edit")

    assert (tmp_path / "seen").read_text() == user.read_text() == template()
    assert (done.code, done.err) == (exits.OK, "")
    assert done.out == f"{user} is saved; a daemon that runs takes it in with: orch daemon reload\n"
    assert stat.S_IMODE(user.stat().st_mode) == 0o600
    assert list(user.parent.iterdir()) == [user]


def test_what_was_edited_wrongly_stays_a_draft_that_the_next_edit_goes_on_with(
    orch: Orch, user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(user, "[daemon]\ninterval_s = 2\n")
    draft = user.with_name("config.toml.draft")

    _editor(tmp_path, 'echo "interval = 3" >>"$2"', monkeypatch)
    wrong = orch("config", "edit")
    kept = user.read_text()
    _editor(tmp_path, 'sed -i "s/interval = 3/max_running = 3/" "$2"', monkeypatch)
    right = orch("config", "edit")

    assert (wrong.code, wrong.out, kept) == (exits.USAGE, "", "[daemon]\ninterval_s = 2\n")
    assert wrong.err == (
        f"orch: {draft}:3: there is no key 'interval' in [daemon]: did you mean 'interval_s'?\n"
        f"  try: orch config edit\norch: not taken; {user} is as it was\n"
    )
    assert right.err == f"orch: this goes on with {draft}, which was not taken\n"
    assert (right.code, user.read_text()) == (exits.OK, "[daemon]\ninterval_s = 2\nmax_running = 3\n")
    assert list(user.parent.iterdir()) == [user]


def test_an_edit_may_change_one_key_of_a_reaction_that_comes_along(
    orch: Orch, user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(user, "")

    _editor(tmp_path, 'printf "[reactions.ci-failed]\\nattempts = 3\\n" >"$2"', monkeypatch)
    right = orch("config", "edit")
    _editor(tmp_path, 'printf "[reactions.ci-faild]\\nattempts = 3\\n" >"$2"', monkeypatch)
    wrong = orch("config", "edit")

    assert (right.code, right.err) == (exits.OK, "")
    assert "the reaction 'ci-faild' has no condition ('when'): did you mean 'ci-failed'?" in wrong.err
    assert "attempts = 3" in user.read_text()


def test_an_edit_that_changes_nothing_says_so_and_a_link_stays_one(
    orch: Orch, user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dotfiles").write_text("")
    user.parent.mkdir(parents=True)
    user.symlink_to(tmp_path / "dotfiles")

    _editor(tmp_path, "true", monkeypatch)
    nothing = orch("config", "edit")
    _editor(tmp_path, 'echo "[spawn]" >>"$2"', monkeypatch)
    something = orch("config", "edit")

    assert (nothing.code, nothing.out) == (exits.OK, "nothing is changed\n")
    assert something.code == exits.OK
    assert user.is_symlink()
    assert (tmp_path / "dotfiles").read_text() == "[spawn]\n"


def test_an_editor_that_fails_changes_nothing(
    orch: Orch, user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _editor(tmp_path, "exit 3", monkeypatch)

    done = orch("config", "edit")

    assert (done.code, list(user.parent.iterdir())) == (exits.FAILED, [])
    assert "ended with 3: nothing is changed\n  try: orch config edit" in done.err


def test_an_editor_that_saves_and_then_fails_has_its_draft_kept(
    orch: Orch, user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _editor(tmp_path, 'echo "[spawn]" >"$2"; exit 3', monkeypatch)

    done = orch("config", "edit")

    draft = user.with_name("config.toml.draft")
    assert (done.code, user.exists(), draft.read_text()) == (exits.FAILED, False, "[spawn]\n")
    assert f"ended with 3: {user} is as it was, and what was edited is kept in {draft}\n" in done.err


def test_a_second_edit_is_refused_while_the_first_goes_on(
    orch: Orch, user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(user, "")
    _editor(
        tmp_path,
        f'code=0; EDITOR= VISUAL=true "{sys.executable}" -m orchestrd_cli config edit 2>second || code=$?\n'
        'echo $code >code; printf %s $PPID >pid; echo "[daemon]" >"$2.new"; mv "$2.new" "$2"',
        monkeypatch,
    )

    first = orch("config", "edit")

    pid = (tmp_path / "pid").read_text()
    assert (tmp_path / "second").read_text() == (
        f"orch: {user} is being edited by another `orch config edit` (pid {pid})\n  try: ps -fp {pid}\n"
    )
    assert int((tmp_path / "code").read_text()) == exits.REFUSED
    assert (first.code, first.err, user.read_text()) == (exits.OK, "", "[daemon]\n")
    assert list(user.parent.iterdir()) == [user]


def test_what_has_changed_while_it_was_edited_is_not_written_over(
    orch: Orch, user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(user, "")
    draft = user.with_name("config.toml.draft")
    _editor(tmp_path, f'echo "[daemon]" >"{user}"; echo "[spawn]" >"$2"', monkeypatch)

    done = orch("config", "edit")

    assert (done.code, done.out) == (exits.REFUSED, "")
    assert done.err == (
        f"orch: {user} has changed meanwhile and stays so; what was edited is kept in {draft}\n"
        f"  try: diff {user} {draft}\n"
    )
    assert (user.read_text(), draft.read_text()) == ("[daemon]\n", "[spawn]\n")


def test_a_draft_of_what_is_no_more_is_put_aside_and_the_file_is_edited(
    orch: Orch, user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = user.with_name("config.toml.draft")
    for content in ("[daemon]\n", "[limits]\n"):
        _set(user, content)
        _editor(tmp_path, 'echo "interval = 3" >>"$2"', monkeypatch)
        assert orch("config", "edit").code == exits.USAGE

    _set(user, "[spawn]\n")
    _editor(tmp_path, 'cp "$2" seen', monkeypatch)
    done = orch("config", "edit")

    aside = user.with_name("config.toml.draft.2")
    assert done.err == f"orch: {user} may have changed since {draft} was begun, which is kept as {aside}\n"
    assert (done.code, done.out) == (exits.OK, "nothing is changed\n")
    assert (tmp_path / "seen").read_text() == user.read_text() == "[spawn]\n"
    assert user.with_name("config.toml.draft.1").read_text() == "[daemon]\ninterval = 3\n"
    assert aside.read_text() == "[limits]\ninterval = 3\n"


def test_who_only_looks_while_the_file_changes_is_told_nothing_else(
    orch: Orch, user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(user, "")
    _editor(tmp_path, f'echo "[daemon]" >"{user}"', monkeypatch)

    done = orch("config", "edit")

    assert (done.code, done.out, done.err) == (exits.OK, "nothing is changed\n", "")
    assert (user.read_text(), list(user.parent.iterdir())) == ("[daemon]\n", [user])


def test_a_draft_that_was_removed_changes_nothing_and_is_said_to_be(
    orch: Orch, user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(user, "[spawn]\n")
    _editor(tmp_path, 'rm "$2"', monkeypatch)

    done = orch("config", "edit")

    assert (done.code, list(user.parent.iterdir())) == (exits.FAILED, [user])
    assert done.err == f"orch: {user}.draft is gone: nothing is changed\n  try: orch config edit\n"


@pytest.mark.parametrize(("value", "named"), [("no-such-editor -w", "no-such-editor"), ("no'such", "no'such")])
def test_an_editor_that_is_not_there_is_named(
    orch: Orch, user: Path, monkeypatch: pytest.MonkeyPatch, value: str, named: str
) -> None:
    monkeypatch.setenv("VISUAL", value)

    done = orch("config", "edit")

    assert done.code == exits.USAGE
    assert done.err.startswith(f"orch: there is no editor {named!r}, as $VISUAL names it\n")


def test_the_first_editor_that_is_there_is_taken_where_none_is_named(
    orch: Orch, user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "")
    monkeypatch.setenv("PATH", str(tmp_path))

    none = orch("config", "edit")
    (tmp_path / "vi").write_text("#!/bin/sh\n")
    (tmp_path / "vi").chmod(0o755)
    one = orch("config", "edit")

    assert (none.code, none.err) == (
        exits.USAGE,
        "orch: no editor is found: neither VISUAL nor EDITOR names one\n  try: apt install nano\n",
    )
    assert one.code == exits.OK


def test_a_place_that_cannot_be_written_is_named(
    orch: Orch, user: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").touch()
    _editor(tmp_path, "true", monkeypatch)

    done = orch("config", "edit")

    assert done.code == exits.FAILED
    assert f"{user}.draft cannot be written: Not a directory" in done.err


# ---- trust -----------------------------------------------------------------------------------------------------------


def test_who_trusts_sees_what_is_asked_for_and_it_is_applied(orch: Orch, repository: Path) -> None:
    done = orch("trust", "web")

    shown = orch("config", "show", "--dir", "web")
    assert (done.code, done.err) == (exits.OK, "")
    assert done.out == (
        f'{repository} is trusted as it is now:\n  spawn.base = "main"\n  spawn.setup = "make"  # only if trusted\n'
    )
    assert f'setup = "make"                            # {repository}:3' in shown.out.splitlines()
    assert shown.err == ""


def test_trust_is_taken_back(orch: Orch, repository: Path) -> None:
    orch("trust", "web")

    first, second = orch("trust", "--revoke", "web"), orch("trust", "--revoke", "web")

    assert (first.code, first.out) == (exits.OK, f"{repository} is no longer trusted\n")
    assert (second.code, second.err) == (exits.OK, f"orch: {repository} was not trusted\n")
    assert "not trusted" in orch("config", "check", "--dir", "web").err


def test_a_file_that_sets_nothing_is_trusted_too(orch: Orch, repository: Path) -> None:
    repository.write_text("# nothing yet\n")

    assert orch("trust", "web").out == f"{repository} is trusted: it sets nothing\n"


def test_what_cannot_be_trusted_is_said(orch: Orch, repository: Path, tmp_path: Path) -> None:
    outside = orch("trust", os.path.relpath(tmp_path))
    repository.unlink()
    absent = orch("trust", "web")

    assert (outside.code, absent.code) == (exits.NOT_FOUND, exits.NOT_FOUND)
    assert outside.err.startswith(
        f"orch: {tmp_path} is in no git repository: what is trusted is the .orchestrd.toml of one\n"
    )
    assert absent.err.startswith(f"orch: there is no {repository}: nothing asks to be trusted\n")


def test_an_agent_cannot_trust(orch: Orch, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCH_SESSION", "abcdefgh")

    done = orch("trust", "web")

    assert (done.code, done.out) == (exits.REFUSED, "")
    assert "is for a person to say" in done.err


# ---- spawn -----------------------------------------------------------------------------------------------------------


def test_a_spawn_is_refused_where_something_is_wrong(orch: Orch, user: Path) -> None:
    _set(user, "[spawn]\nagnet = 1\n")

    done = orch("spawn", "--no-daemon", "--", "true")

    assert (done.code, done.out) == (exits.USAGE, "")
    assert done.err == (
        f"orch: {user}:2: there is no key 'agnet' in [spawn]: did you mean 'agent'?\n  try: orch config edit\n"
    )


def test_whose_command_goes_to_a_configured_agent_is_told_so(
    orch: Orch, user: Path, tmp_path: Path, shallow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCH_HOME", str(shallow / "home"))
    for program in ("tmux", "claude", "make"):
        (tmp_path / program).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    _set(user, '[spawn]\nagent = "claude"\nworkspace = "none"\n')

    configured = orch("spawn", "--no-daemon", "--json", "--", "--model", "opus")
    said = orch("spawn", "--no-daemon", "--json", "--agent", "shell", "--", "make")

    assert (json.loads(configured.out)["agent"], json.loads(said.out)["agent"]) == ("claude", "shell")
    assert "what stands after -- are options of claude, the configured agent" in configured.err
    assert "configured" not in said.err


def test_a_spawn_takes_what_is_configured_and_says_what_is_withheld(orch: Orch, user: Path, repository: Path) -> None:
    _set(user, '[spawn]\nruntime = "process"\ngrace_s = 3\n')

    done = orch("spawn", "--no-daemon", "--json", "--dir", "web", "--", "true")

    told = json.loads(done.out)
    assert (done.code, told["runtime"]) == (exits.OK, "process")
    assert f"orch: {repository} is not trusted: not applied is spawn.setup\n  try: orch trust web\n" in done.err

"""What is configured, as a person reads it, and as TOML does."""

import tomllib

from orchestrd.config import Layer, effective
from orchestrd.model.origin import ConfigReport, Kind, Mistake, Origin
from orchestrd.render.settings import asked_page, mistake_lines, settings_page

TEXT = '[spawn]\nsetup = "\\u001b[31m"\ngrace_s = 2\n[environment]\nset = {A = "1"}\n[daemon]\nx = 1\n'


def _report(*, is_trusted: bool) -> ConfigReport:
    layer = Layer(kind=Kind.REPOSITORY, file="/web/.orchestrd.toml", content=TEXT.encode(), is_trusted=is_trusted)
    told = effective([layer], {"ORCH_LIMITS_TASKS_MAX": "7"})
    return ConfigReport(
        user="/u.toml",
        repository="/web/.orchestrd.toml",
        settings=told.settings,
        withheld=told.withheld,
        mistakes=told.mistakes,
    )


def test_every_value_is_told_with_where_it_comes_from() -> None:
    page = settings_page(_report(is_trusted=False)).splitlines()

    assert page[:2] == ["# /u.toml", "# /web/.orchestrd.toml"]
    assert "interval_s = 5.0                          # default" in page
    assert "grace_s = 2.0                             # /web/.orchestrd.toml:3" in page
    assert "tasks_max = 7                             # ORCH_LIMITS_TASKS_MAX" in page
    assert "# memory_max = (not set)                  # default" in page
    assert '# set.A = "1"                             # /web/.orchestrd.toml:5, not applied: not trusted' in page


def test_a_file_that_is_not_there_is_said_not_to_be() -> None:
    page = settings_page(_report(is_trusted=False), ["/u.toml"]).splitlines()

    assert page[:2] == ["# /u.toml (not there)", "# /web/.orchestrd.toml"]


def test_the_page_is_toml_that_means_what_holds() -> None:
    page = settings_page(_report(is_trusted=True))

    told = tomllib.loads(page)

    assert (told["spawn"]["setup"], told["environment"]["set"]) == ("\x1b[31m", {"A": "1"})
    assert told["limits"] == {"tasks_max": 7}
    assert "\x1b" not in page


def test_what_a_repository_asks_for_is_told_in_full() -> None:
    asked = [setting for setting in _report(is_trusted=True).settings if setting.origin.kind == Kind.REPOSITORY]

    assert asked_page(asked) == (
        '  spawn.setup = "\\u001b[31m"  # only if trusted\n'
        "  spawn.grace_s = 2.0\n"
        '  environment.set.A = "1"  # only if trusted\n'
    )


def test_a_mistake_is_told_with_the_next_command() -> None:
    mistake = Mistake(origin=Origin(kind=Kind.USER, file="/a\x1b", line=3), cause="no", hint="orch config edit")

    assert mistake_lines(mistake) == "orch: /a\\x1b:3: no\n  try: orch config edit"

"""Layers into values: the nearest wins, tables are merged, and what is wrong is said and never applied."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrd.config import KEYS, Effective, Key, Layer, effective, written
from orchestrd.model.errors import UsageError
from orchestrd.model.origin import Kind
from orchestrd.model.setting_key import SetBy
from orchestrd.model.settings import Configuration
from orchestrd.model.words import Until

UNTIL = "'until' must be " + " or ".join(f'"{word}"' for word in Until)


def _user(text: str) -> Layer:
    return Layer(kind=Kind.USER, file="/user.toml", content=text.encode())


def _repository(text: str, *, is_trusted: bool = False) -> Layer:
    return Layer(kind=Kind.REPOSITORY, file="/repo.toml", content=text.encode(), is_trusted=is_trusted)


def _of(told: Effective, key: str) -> tuple[object, str]:
    (setting,) = [setting for setting in told.settings if setting.key == key]
    return setting.value, str(setting.origin)


def _wrong(text: str, kind: Kind = Kind.USER) -> str:
    told = effective([Layer(kind=kind, file="/f.toml", content=text.encode())], {})
    assert told.configuration == Configuration()
    (mistake,) = told.mistakes
    return str(mistake)


def test_where_nothing_is_set_the_defaults_hold() -> None:
    told = effective([], {})

    assert told.configuration == Configuration()
    assert {str(setting.origin) for setting in told.settings} == {"default"}
    plain = [dotted for dotted, key in KEYS.items() if not (key.is_table or key.is_named)]
    assert [setting.key for setting in told.settings] == plain


def test_the_nearest_layer_wins_key_by_key_and_says_where_it_stands() -> None:
    user = _user('[spawn]\nagent = "claude"\nuntil = "turn"\ngrace_s = 1')
    repository = _repository('[spawn]\nagent = "shell"\ngrace_s = 2')

    told = effective([user, repository], {"ORCH_SPAWN_GRACE_S": "3"})

    assert (told.configuration.spawn.until, told.configuration.spawn.grace_s) == (Until.TURN, 3.0)
    assert _of(told, "spawn.agent") == ("shell", "/repo.toml:2")
    assert _of(told, "spawn.until") == ("turn", "/user.toml:3")
    assert _of(told, "spawn.grace_s") == (3.0, "ORCH_SPAWN_GRACE_S")
    assert _of(told, "spawn.runtime") == ("auto", "default")


def test_tables_are_merged_name_by_name_and_lists_are_replaced() -> None:
    user = _user('[environment]\npass = ["A"]\nset = {X = "1", Y = "1"}')
    repository = _repository('[environment]\npass = ["B"]\n[environment.set]\nY = "2"\nZ = "2"', is_trusted=True)

    told = effective([user, repository], {"ORCH_ENVIRONMENT_SET": '{Z = "3"}'})

    assert told.configuration.environment.pass_ == ("B",)
    assert told.configuration.environment.set == {"X": "1", "Y": "2", "Z": "3"}
    assert _of(told, "environment.set.X") == ("1", "/user.toml:3")
    assert _of(told, "environment.set.Y") == ("2", "/repo.toml:4")
    assert _of(told, "environment.set.Z") == ("3", "ORCH_ENVIRONMENT_SET")


def test_a_repository_that_is_not_trusted_sets_what_is_free_and_the_rest_is_withheld() -> None:
    text = '[spawn]\nbase = "main"\nsetup = "make"\n[environment]\npath = ["/x"]\nset = {A = "1"}'

    told = effective([_repository(text)], {})
    trusted = effective([_repository(text, is_trusted=True)], {})

    assert (told.configuration.spawn.base, told.configuration.spawn.setup) == ("main", None)
    assert told.configuration.environment == Configuration().environment
    assert [setting.key for setting in told.withheld] == ["spawn.setup", "environment.path", "environment.set.A"]
    assert trusted.withheld == ()
    assert (trusted.configuration.spawn.setup, trusted.configuration.environment.set) == ("make", {"A": "1"})


@pytest.mark.parametrize("key", [key for key in KEYS.values() if key.set_by == SetBy.USER], ids=lambda key: key.dotted)
def test_what_is_the_users_alone_no_repository_sets_trusted_or_not(key: Key) -> None:
    place, _, name = key.dotted.replace("*", "mine").rpartition(".")
    text = f"[{place}]\n{name} = {written(key.default if key.example is None else key.example)}"

    told = effective([_repository(text, is_trusted=True)], {})

    assert told.configuration == Configuration()
    assert str(told.mistakes[0]) == (
        f"/repo.toml:2: '{key.name}' is not for a repository to set: it belongs into your own file"
    )
    assert told.mistakes[0].hint == "mend /repo.toml, then: orch config check"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[daemn]\n", "1: there is no section 'daemn': did you mean 'daemon'?"),
        ("[zzz]\n", "1: there is no section 'zzz'"),
        ("max_running = 2\n", "1: 'max_running' stands in no section: it belongs below [daemon]"),
        ("\n[daemon]\nmax_runing = 2", "3: there is no key 'max_runing' in [daemon]: did you mean 'max_running'?"),
        ("[daemon]\nMAX_RUNNING = 2", "2: there is no key 'MAX_RUNNING' in [daemon]: did you mean 'max_running'?"),
        ("[daemon]\nzzz = 2", "2: there is no key 'zzz' in [daemon]"),
        ("[daemon]\nagent = 'x'", "2: there is no key 'agent' in [daemon]: it belongs below [spawn]"),
        ("daemon = 3", "1: 'daemon' is a section: write [daemon], and its keys on the lines below"),
        ("[daemon\n", "1: it is no TOML: Expected ']' at the end of a table declaration"),
    ],
)
def test_what_is_no_key_is_said_with_its_line_and_what_was_meant(text: str, said: str) -> None:
    assert _wrong(text) == f"/f.toml:{said}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[daemon]\ninterval_s = "5"', "'interval_s' must be a number from 0.05 to 3600 (seconds), not \"5\""),
        ("[daemon]\ninterval_s = 0", "'interval_s' must be a number from 0.05 to 3600 (seconds), not 0"),
        ("[daemon]\ninterval_s = nan", "'interval_s' must be a number from 0.05 to 3600 (seconds), not nan"),
        ("[daemon]\nmax_running = 1.5", "'max_running' must be a whole number from 1 to 10000 (sessions), not 1.5"),
        ("[daemon]\nmax_running = true", "'max_running' must be a whole number from 1 to 10000 (sessions), not true"),
        ("[limits]\ntasks_max = 0", "'tasks_max' must be a whole number of at least 1 (tasks), not 0"),
        (
            '[limits]\nmemory_max = "2 GB"',
            '\'memory_max\' must be a text such as "2G" (bytes with K, M, G or T, or a percentage), not "2 GB"',
        ),
        (
            '[spawn]\nruntime = "tumx"',
            '\'runtime\' must be "auto" or "process" or "tmux", not "tumx": did you mean \'tmux\'?',
        ),
        ('[limits]\nmemory_max = "2"', "'memory_max' must be a text such as \"2G\" (bytes with K, M, G or T, or a per"),
        ('[spawn]\nuntil = "never"', f'{UNTIL}, not "never"'),
        ("[spawn]\nuntil = 1979-05-27", f'{UNTIL}, not "1979-05-27"'),
        ('[spawn]\ncopy = ".env"', '\'copy\' must be a list of at most 256 texts, such as [".env"], not ".env"'),
        ("[spawn]\ncopy = [1]", "'copy' must be a list of at most 256 texts, such as [\".env\"], not this list"),
        ("[spawn]\nbase = {}", "'base' must be a text (commit), not a table"),
        ('[spawn]\nbase = "-x"', "'base': the base '-x' cannot be a commit: give a branch, a tag or a hash"),
        ('[spawn]\nlink = ["../x"]', "'link': the path to link '../x' leads out of the project: name it from the"),
        ('[spawn]\nsetup = "a\\u0000b"', "'setup': the setup command contains a NUL character: leave it out"),
        ("[spawn]\nsetup = 1", "'setup' must be a text (command), not 1"),
        ('[environment]\npass = ["A B"]', "'pass': 'A B' is no name of an environment variable: use letters, digits"),
        ('[environment]\npass = ["*"]', "'pass': '*' would pass on everything: name what is needed, such as \"AWS_*\""),
        ('[environment]\npass = ["ORCH_*"]', "'pass': the environment variable ORCH_ is set by orchestrd itself: choo"),
        (
            '[environment]\nset = ["A=1"]',
            "'set' must be a table of at most 256 texts, such as {NAME = \"value\"}, not ",
        ),
        (
            "[environment]\nset = {B = '1', A = 1}",
            "'set' must be a table of at most 256 texts, such as {NAME = \"value\"}: A is no text",
        ),
        ('[environment]\nset = {"A-B" = "1"}', "'set': 'A-B' is no name of an environment variable: use letters, dig"),
        ('[environment]\nset = {A = "\\u0000"}', "'set': the value of A contains a NUL character: leave it out"),
        ('[environment]\npath = ["bin"]', "'path': the directory 'bin' must begin with / or ~/, and hold no ':'"),
        ('[environment]\npath = ["/a:/b"]', "'path': the directory '/a:/b' must begin with / or ~/, and hold no ':'"),
    ],
)
def test_a_value_that_does_not_fit_is_said_with_what_would(text: str, said: str) -> None:
    assert _wrong(text).startswith(f"/f.toml:2: {said}")


def test_a_long_value_that_does_not_fit_is_cut() -> None:
    assert _wrong(f'[daemon]\ninterval_s = "{"x" * 200}"').endswith('not "' + "x" * 59 + "…")


def test_one_mistake_does_not_cost_the_other_keys() -> None:
    told = effective([_user('[spawn]\nagent = 1\nuntil = "turn"\n[nope]\n[daemon]\ninterval_s = 2')], {})

    assert len(told.mistakes) == 2
    assert (told.configuration.spawn.until, told.configuration.daemon.interval_s) == (Until.TURN, 2.0)


def test_all_mistakes_are_one_refusal_that_tells_of_the_first() -> None:
    one, two = effective([_user("[a]")], {}), effective([_user("[a]\n[b]")], {})

    with pytest.raises(UsageError) as first:
        one.refuse_mistakes()
    with pytest.raises(UsageError) as more:
        two.refuse_mistakes()
    effective([], {}).refuse_mistakes()

    assert (first.value.message, first.value.hint) == ("/user.toml:1: there is no section 'a'", "orch config edit")
    assert (more.value.message, more.value.hint) == (
        "/user.toml:1: there is no section 'a' (and 1 more)",
        "orch config check",
    )
    assert first.value.code == "config"


# ---- the environment -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "key", "value"),
    [
        ("ORCH_DAEMON_INTERVAL_S", "0.5", "daemon.interval_s", 0.5),
        ("ORCH_DAEMON_MAX_RUNNING", "3", "daemon.max_running", 3),
        ("ORCH_SPAWN_AGENT", "claude", "spawn.agent", "claude"),
        ("ORCH_SPAWN_SETUP", "[ -d x ] || make", "spawn.setup", "[ -d x ] || make"),
        ("ORCH_SPAWN_COPY", ".env, data", "spawn.copy", (".env", "data")),
        ("ORCH_SPAWN_COPY", '["a,b"]', "spawn.copy", ("a,b",)),
        ("ORCH_ENVIRONMENT_PASS", "A,B_*", "environment.pass", ("A", "B_*")),
        ("ORCH_LIMITS_MEMORY_MAX", "50%", "limits.memory_max", "50%"),
        ("ORCH_LIMITS_TASKS_MAX", "7", "limits.tasks_max", 7),
    ],
)
def test_a_variable_sets_a_key(name: str, text: str, key: str, value: object) -> None:
    told = effective([], {name: text})

    assert told.mistakes == ()
    assert _of(told, key) == (value, name)


def test_an_empty_variable_sets_nothing() -> None:
    assert effective([], {"ORCH_SPAWN_AGENT": "", "ORCH_HOME": "/h", "SPAWN_AGENT": "x"}) == effective([], {})


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("ORCH_SPAWN_AGNET", "x", "no key is set by this variable: did you mean 'ORCH_SPAWN_AGENT'?"),
        ("ORCH_DAEMON_INTERVAL_S", "soon", "'interval_s' must be a number from 0.05 to 3600 (seconds), not \"soon\""),
        ("ORCH_SPAWN_COPY", "[x", '\'copy\' must be a list of at most 256 texts, such as [".env"], not "[x"'),
        ("ORCH_ENVIRONMENT_SET", "A=1", "'set' must be a table of at most 256 texts, such as {NAME = \"value\"}, not"),
    ],
)
def test_a_variable_that_is_wrong_is_named(name: str, text: str, said: str) -> None:
    told = effective([], {name: text})

    assert told.configuration == Configuration()
    assert str(told.mistakes[0]).startswith(f"{name}: {said}")
    assert told.mistakes[0].hint == f"unset {name}"


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode), st.sampled_from(Kind))
def test_no_content_of_a_file_breaks_anything(content: bytes, kind: Kind) -> None:
    told = effective([Layer(kind=kind, file="/f", content=content, is_trusted=False)], {})

    assert isinstance(told.configuration, Configuration)

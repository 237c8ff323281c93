"""What is made of the nouns: the schema, and the file a user begins with."""

import tomllib
from importlib.metadata import entry_points

import msgspec
import pytest
from jsonschema import Draft202012Validator

from orchestrd.config import KEYS, NAMED, Key, Layer, effective, key_of, packaged, schema, template, written
from orchestrd.model.origin import Kind
from orchestrd.model.setting_key import AGENTS, CHANNELS, FORGES, Named
from orchestrd.model.settings import Configuration
from orchestrd.plugins import OURS, Plugins, package_of


def _as_user(text: str) -> Layer:
    return Layer(kind=Kind.USER, file="/f", content=text.encode())


def test_the_schema_says_of_each_key_what_it_means_takes_and_who_may_set_it() -> None:
    Draft202012Validator.check_schema(schema())

    assert schema()["properties"]["limits"]["properties"]["memory_max"] == {
        "description": 'Memory of one agent, such as "2G" or "25%"; past it the kernel ends what it runs.',
        "type": "string",
        "pattern": r"^([1-9][0-9]*(\.[0-9]+)?[KMGT]|[1-9][0-9]?%|100%)$",
        "examples": ["2G"],
        "x-unit": "bytes with K, M, G or T, or a percentage",
        "x-set-by": "user",
        "x-variable": "ORCH_LIMITS_MEMORY_MAX",
    }
    assert schema()["properties"]["daemon"]["properties"]["interval_s"]["default"] == 5.0
    assert schema()["properties"]["limits"]["properties"]["tasks_max"]["minimum"] == 1


@pytest.mark.parametrize(
    "text",
    [
        '[spawn]\nagent = "claude"\ncopy = ["x"]\nuntil = "turn"\nbase = "main"',
        '[environment]\nset = {A = "1"}',
        '[limits]\nmemory_max = "1.5G"\ntasks_max = 5',
        '[spawn]\nagent = "x"',
        "[spawn]\ncopy = [1]",
        "[daemon]\ninterval_s = 0",
        "[daemon]\nx = 0",
        "[nope]",
        '[limits]\nmemory_max = "2 GB"',
        "[daemon]\nhooks = false",
        '[daemon]\nhooks = "false"',
        '[reactions.mine]\nwhen = {checks = "failing", silent = "1h30m"}\nact = "send"\nattempts = 3',
        '[reactions.mine]\nwhen = {checks = ["failing", "pending"], remarks = true}',
        '[reactions.mine.when]\nchecks = ["failng"]',
        '[reactions.mine.when]\nsilent = "soon"',
        '[reactions.mine]\nwhen = "failing"',
        '[reactions.mine]\nact = "shout"',
        '[reactions.mine]\nstat = "running"',
        '[reactions."My own"]\nwhen = {stuck = true}',
        "[reactions.mine]",
        "[reactions]\nact = 'send'",
        '[channels.phone]\nkind = "ntfy"\ntopic = "x"\n[notify]\nurgent = "phone"\ninfo = []\nquiet = "22:00-07:00"',
        '[channels.phone]\nkind = "fax"',
        '[notify]\nquiet = "at night"',
        '[forge]\ngithub_url = "https://me:secret@github.example.com"',
        '[forge]\nwebhook_listen = "0.0.0.0:80"',
        '[forge]\ngithub_url = "http://github.example.com"',
        '[forge]\ngithub_api = "http://127.0.0.1:8000/api"',
    ],
)
def test_the_schema_and_the_checks_take_the_same_files(text: str) -> None:
    is_taken = not effective([_as_user(text)], {}).mistakes

    assert Draft202012Validator(schema()).is_valid(tomllib.loads(text)) == is_taken


@pytest.mark.parametrize("key", ["github_url", "github_api"])
@pytest.mark.parametrize(
    ("url", "is_taken"),
    [
        ("http://github.example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("https://github.example.com", True),
        ("http://localhost:8000/api", True),
    ],
)
def test_a_token_goes_over_no_line_that_others_can_read(key: str, url: str, *, is_taken: bool) -> None:
    told = effective([_as_user(f'[forge]\n{key} = "{url}"')], {})

    assert (told.mistakes == ()) is is_taken


def test_the_defaults_are_their_own_configuration() -> None:
    tree: dict[str, dict[str, object]] = {}
    for key in KEYS.values():
        if not key.is_named:
            tree.setdefault(key.section, {})[key.name] = key.default

    assert msgspec.convert(tree, Configuration) == Configuration()


def test_the_agents_that_can_be_chosen_are_those_that_there_are() -> None:
    assert set(KEYS["spawn.agent"].choices) == Plugins().agents().keys()


@pytest.mark.parametrize("named", [AGENTS, FORGES, CHANNELS], ids=lambda named: named.group)
def test_the_names_of_adapters_are_those_of_the_package(named: Named) -> None:
    ours = [entry.name for entry in entry_points(group=named.group) if package_of(entry).split()[0] == OURS]

    assert sorted(ours) == sorted(named.ours)


def test_the_template_sets_nothing_and_shows_every_key() -> None:
    told = effective([_as_user(template())], {})

    assert (told.mistakes, told.configuration) == ((), Configuration())
    assert all(f"\n# {key.name} = " in template() for key in KEYS.values() if not key.is_named)
    assert all(f"\n# [{section}." in template() for section in NAMED)
    assert max(map(len, template().splitlines())) <= 120


def test_what_the_template_shows_may_be_set_as_it_stands() -> None:
    shown = "\n".join(
        line.removeprefix("# ") if (" = " in line and not line.endswith(".")) or line.startswith("# [") else line
        for line in template().splitlines()
        if "_file = " not in line  # the other way to say what has a secret
    )

    told = effective([packaged(), _as_user(shown)], {})

    plain = [one for one in told.settings if not key_of(one.key).is_named and not one.key.endswith("_file")]
    assert told.mistakes == ()
    assert {setting.origin.kind for setting in plain} == {Kind.USER}


@pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: key.dotted)
def test_each_key_has_a_default_or_an_example(key: Key) -> None:
    assert key.default not in (None, (), {}) or key.example is not None or key.is_named


@pytest.mark.parametrize(
    "value", ["x", 'a"b\n', 1, 2.5, True, ["a", "b"], {"A": "1", "b c": "2", "d-e": "3"}, [], {}, 5e-324, 1e300]
)
def test_a_value_is_written_so_that_toml_reads_it(value: object) -> None:
    assert tomllib.loads(f"x = {written(value)}") == {"x": value}

"""One value against its key: what is taken, or why it is not, in a sentence that names the key and what it takes."""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import msgspec
from msgspec import Struct, inspect

from orchestrd.config.keys import Installed, Key, none_installed, with_installed
from orchestrd.config.writing import written
from orchestrd.core.duration import problem_with_duration
from orchestrd.core.policy import problem_with_rule
from orchestrd.core.quiet_hours import problem_with_quiet_hours
from orchestrd.core.template import problem_with_template
from orchestrd.core.unrepeated import (
    problem_with_listening,
    problem_with_remote,
    problem_with_secret_file,
    problem_with_url,
    problem_with_variable,
)
from orchestrd.core.validate import (
    problem_with_base,
    problem_with_env_name,
    problem_with_path,
    problem_with_text,
    problem_with_verify,
)
from orchestrd.model.limits import ARGV_BYTES_MAX, ATTEMPT_PAUSE_S, PATH_BYTES_MAX

SHOWN_CHARS_MAX = 60  # of a value that is refused
_UNTOLD = "what is there, which is not repeated, for it may hold a secret"
WORD_CHARS_MAX = 100  # of a word that may have been meant to be another


class Taken(Struct, frozen=True):
    """A value as it holds, as JSON has it."""

    value: Any


class Refused(Struct, frozen=True):
    """Why a value is not taken."""

    cause: str


def check(key: Key, value: Any, installed: Installed = none_installed) -> Taken | Refused:
    """Take a value as TOML holds it, or say what is wrong with it. `installed` is asked for what is none of ours."""
    value = [value] if key.is_alone and isinstance(value, str) else value
    try:
        taken = msgspec.to_builtins(msgspec.convert(value, key.type))
    except (msgspec.ValidationError, RecursionError):
        return Refused(_ill_written(key, value) or _unfit(key, value))
    if odd := _unknown_names(key, taken, installed):
        return Refused(_unfit(with_installed(key, installed), odd[0]))
    problem = _first(_rule_of(key)(taken))
    return Taken(taken) if problem is None else Refused(f"'{key.name}': {problem}")


def _unknown_names(key: Key, taken: Any, installed: Installed) -> list[str]:
    if key.names is None:
        return []
    names = set(taken if key.is_list else [taken])
    if names <= set(key.choices):
        return []
    return sorted(names - set(with_installed(key, installed).choices))


def check_text(key: Key, text: str, installed: Installed = none_installed) -> Taken | Refused:
    """Take a value as a variable of the environment holds it: texts bare, lists with commas, or as TOML writes them."""
    match key.form:
        case inspect.IntType() | inspect.FloatType():
            return check(key, _number(text), installed)
        case inspect.BoolType():
            return check(key, {"true": True, "false": False}.get(text, text), installed)
        case inspect.VarTupleType() if not text.startswith("["):
            return check(key, [part.strip() for part in text.split(",") if part.strip()], installed)
        case inspect.VarTupleType() | inspect.DictType():
            return check(key, _from_toml(text), installed)
        case _:
            return check(key, text, installed)


def meant(word: str, words: Iterable[str]) -> str | None:
    """Guess which of the words was meant; null where none comes near."""
    known = {known.lower(): known for known in words}
    return next((known[near] for near in get_close_matches(word.lower()[:WORD_CHARS_MAX], known, n=1)), None)


def _unfit(key: Key, value: Any) -> str:
    unit = f" ({key.unit})" if key.unit and not key.is_table and not key.is_list else ""
    words = value if isinstance(value, list) else [value]
    guesses = (meant(word, key.choices) for word in words if isinstance(word, str) and word not in key.choices)
    guess = next(filter(None, guesses), None)
    ending = f": did you mean '{guess}'?" if guess else ""
    if key.is_table and isinstance(value, dict) and (odd := _no_text_in(value)):
        return f"'{key.name}' must be {key.expected}: {odd}"
    shown = _UNTOLD if key.is_untold and not isinstance(value, dict) else _shown(value)
    return f"'{key.name}' must be {key.expected}{unit}, not {shown}{ending}"


def _ill_written(key: Key, value: Any) -> str | None:
    """Say why a text has not the form that its key asks for; null where its rule knows no more than the form says."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    text = written(value) if key.is_duration and is_number else value
    has_form = isinstance(key.form, inspect.StrType) and key.form.pattern is not None
    problem = _first(_rule_of(key)(text)) if has_form and isinstance(text, str) else None
    return f"'{key.name}': {problem}" if problem else None


def _no_text_in(table: Mapping[str, Any]) -> str | None:
    return next((f"{name} is no text" for name, value in table.items() if not isinstance(value, str)), None)


def _shown(value: Any) -> str:
    match value:
        case dict():
            return "a table"
        case [str() as text]:
            return _shown(text)
        case list():
            return "this list"
        case _:
            text = written(value)
            return text if len(text) <= SHOWN_CHARS_MAX else f"{text[:SHOWN_CHARS_MAX]}…"


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _from_toml(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def _first(problems: Iterable[str | None]) -> str | None:
    return next(filter(None, problems), None)


def _nothing(_: Any) -> Iterable[str | None]:
    return ()


def _rule_of(key: Key) -> Callable[[Any], Iterable[str | None]]:
    if key.is_duration:
        return lambda text: [problem_with_duration(text, _LEAST_S.get(key.dotted, 0.0))]
    if key.name.endswith("_env"):
        return lambda name: [problem_with_variable(name, f"{key.name.removesuffix('_env')}_file")]
    if key.name.endswith("_file"):
        return lambda path: [problem_with_secret_file(path)]
    return _RULES.get(key.dotted, _nothing)


def _pass_problem(name: str) -> str | None:
    """A name, or the beginning of names with a star behind it; a star alone would pass on everything."""
    if name == "*":
        return "'*' would pass on everything: name what is needed, such as \"AWS_*\""
    return problem_with_env_name(name.removesuffix("*"))


def _word_problem(word: str) -> str | None:
    return problem_with_text("a word of the command", word, ARGV_BYTES_MAX)


def _set_problem(name: str, value: str) -> str | None:
    return problem_with_env_name(name) or problem_with_text(f"the value of {name}", value, ARGV_BYTES_MAX)


def _place_problem(path: str) -> str | None:
    if not path.startswith(("/", "~/")) or ":" in path:
        return f"the directory {path[:200]!r} must begin with / or ~/, and hold no ':'"
    return problem_with_text("a path", path, PATH_BYTES_MAX)


_LEAST_S = {"reactions.*.every": ATTEMPT_PAUSE_S, "notify.digest": 1.0}
_RULES: Mapping[str, Callable[[Any], Iterable[str | None]]] = {
    "spawn.base": lambda base: [problem_with_base(base)],
    "spawn.copy": lambda paths: (problem_with_path("copy", path) for path in paths),
    "spawn.link": lambda paths: (problem_with_path("link", path) for path in paths),
    "spawn.allow": lambda rules: map(problem_with_rule, rules),
    "spawn.setup": lambda command: [problem_with_text("the setup command", command, ARGV_BYTES_MAX)],
    "spawn.verify": lambda command: [problem_with_verify(command)],
    "environment.pass": lambda names: map(_pass_problem, names),
    "environment.set": lambda table: (_set_problem(name, value) for name, value in table.items()),
    "reactions.*.text": lambda text: [problem_with_template(text)],
    "reactions.*.command": lambda command: [problem_with_text("the command", command, ARGV_BYTES_MAX)],
    "environment.path": lambda paths: map(_place_problem, paths),
    "channels.*.url": lambda url: [problem_with_url(url, "'url_env' or 'url_file'")],
    "channels.*.command": lambda words: map(_word_problem, words),
    "forge.remote": lambda name: [problem_with_remote(name)],
    "forge.github_url": lambda url: [problem_with_url(url, is_sealed=True)],
    "forge.github_api": lambda url: [problem_with_url(url, is_sealed=True)],
    "forge.webhook_listen": lambda address: [problem_with_listening(address)],
    "notify.quiet": lambda hours: [problem_with_quiet_hours(hours)],
}

"""Layers into values: the defaults, the user's file, the repository's, the environment; the nearest wins, key by key.

Tables are merged name by name; any other value is replaced whole. A value that is wrong, or that its layer may not set,
is not applied, and said: so what holds is always valid, whatever stands in the files.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from orchestrd.config.checking import Refused, Taken, check, check_text, meant
from orchestrd.config.keys import KEYS, SECTIONS, VARIABLE_PREFIX, Key
from orchestrd.config.parsing import Parsed, Unparsed, parse
from orchestrd.model.errors import UsageError
from orchestrd.model.origin import Kind, Mistake, Origin, Setting
from orchestrd.model.settings import Configuration, SetBy


class Layer(Struct, frozen=True, kw_only=True):
    """One file: whose it is, its path as it is shown, what it holds, and whether a repository's is trusted."""

    kind: Kind
    file: str
    content: bytes
    is_trusted: bool = True


class Effective(Struct, frozen=True, kw_only=True):
    """What holds. `withheld`: what a repository asks for and does not get while it is not trusted."""

    configuration: Configuration
    settings: tuple[Setting, ...]
    mistakes: tuple[Mistake, ...]
    withheld: tuple[Setting, ...]

    def refuse_mistakes(self) -> None:
        """Raise UsageError (`config`) where something is wrong: the first of it, and how much more there is."""
        if self.mistakes:
            first, *more = self.mistakes
            others = f" (and {len(more)} more)" if more else ""
            raise UsageError(f"{first}{others}", code="config", hint="orch config check" if more else first.hint)


def effective(layers: Iterable[Layer], environ: Mapping[str, str]) -> Effective:
    """Fold the layers, the nearest last, and the environment over them."""
    settings = {setting.key: setting for setting in _defaults()}
    mistakes: list[Mistake] = []
    withheld: list[Setting] = []
    for layer in (*layers, None):
        for said in _of_environment(environ) if layer is None else _of_file(layer):
            if isinstance(said, Mistake):
                mistakes.append(said)
            elif layer and not layer.is_trusted and _key_of(said).set_by == SetBy.TRUSTED:
                withheld.append(said)
            else:
                settings[said.key] = said
    return Effective(
        configuration=_configuration(settings.values()),
        settings=tuple(sorted(settings.values(), key=lambda setting: _ORDER[_key_of(setting).dotted])),
        mistakes=tuple(mistakes),
        withheld=tuple(withheld),
    )


def is_variable(name: str) -> bool:
    """Tell whether a variable of the environment is meant to set a key."""
    return name.startswith(_PREFIXES)


def _defaults() -> Iterator[Setting]:
    origin = Origin(kind=Kind.DEFAULT)
    return (Setting(key=key.dotted, value=key.default, origin=origin) for key in KEYS.values() if not key.is_table)


def _of_file(layer: Layer) -> Iterator[Setting | Mistake]:
    parsed = parse(layer.content)
    if isinstance(parsed, Unparsed):
        yield _mistake(Origin(kind=layer.kind, file=layer.file, line=parsed.line), parsed.cause)
        return
    for section, held in parsed.tree.items():
        origin = Origin(kind=layer.kind, file=layer.file, line=parsed.lines[section,])
        if section not in SECTIONS:
            yield _mistake(origin, _no_section(section))
        elif not isinstance(held, dict):
            yield _mistake(origin, f"'{section}' is a section: write [{section}], and its keys on the lines below")
        else:
            yield from (said for name in held for said in _of_key(origin, parsed, section, name))


def _of_key(layer: Origin, parsed: Parsed, section: str, name: str) -> Iterator[Setting | Mistake]:
    origin = replace(layer, line=parsed.lines[section, name])
    key = KEYS.get(f"{section}.{name}")
    if key is None:
        yield _mistake(origin, _no_key(section, name))
    elif layer.kind == Kind.REPOSITORY and key.set_by == SetBy.USER:
        yield _mistake(origin, f"'{name}' is not for a repository to set: it belongs into your own file")
    else:
        yield from _settled(key, check(key, parsed.tree[section][name]), origin, parsed.lines)


def _of_environment(environ: Mapping[str, str]) -> Iterator[Setting | Mistake]:
    for name in sorted(filter(is_variable, environ)):
        origin = Origin(kind=Kind.ENVIRONMENT, variable=name)
        if name not in _BY_VARIABLE:
            yield _mistake(origin, f"no key is set by this variable{_did_you_mean(meant(name, _BY_VARIABLE))}")
        elif text := environ[name]:  # an empty one sets nothing
            key = _BY_VARIABLE[name]
            yield from _settled(key, check_text(key, text), origin, {})


def _settled(
    key: Key, checked: Taken | Refused, origin: Origin, lines: Mapping[tuple[str, ...], int]
) -> Iterator[Setting | Mistake]:
    if isinstance(checked, Refused):
        yield _mistake(origin, checked.cause)
    elif key.is_table:
        for name, value in checked.value.items():
            line = lines.get((key.section, key.name, name), origin.line)
            yield Setting(key=f"{key.dotted}.{name}", value=value, origin=replace(origin, line=line))
    else:
        yield Setting(key=key.dotted, value=checked.value, origin=origin)


def _configuration(settings: Iterable[Setting]) -> Configuration:
    tree: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for setting in settings:
        key = _key_of(setting)
        if key.is_table:
            name = setting.key.removeprefix(f"{key.dotted}.")
            tree[key.section].setdefault(key.name, {})[name] = setting.value
        else:
            tree[key.section][key.name] = setting.value
    return msgspec.convert(tree, Configuration)


def _key_of(setting: Setting) -> Key:
    section, name, *_ = setting.key.split(".")
    return KEYS[f"{section}.{name}"]


def _no_section(name: str) -> str:
    homes = [key.section for key in KEYS.values() if key.name == name]
    if homes:
        return f"'{name}' stands in no section: it belongs below [{homes[0]}]"
    return f"there is no section '{name}'{_did_you_mean(meant(name, SECTIONS))}"


def _no_key(section: str, name: str) -> str:
    own = [key.name for key in KEYS.values() if key.section == section]
    elsewhere = [key for key in KEYS.values() if key.name == name]
    if elsewhere:
        return f"there is no key '{name}' in [{section}]: it belongs below [{elsewhere[0].section}]"
    return f"there is no key '{name}' in [{section}]{_did_you_mean(meant(name, own))}"


def _did_you_mean(guess: str | None) -> str:
    return f": did you mean '{guess}'?" if guess else ""


def _mistake(origin: Origin, cause: str) -> Mistake:
    match origin.kind:
        case Kind.USER:
            hint = "orch config edit"
        case Kind.REPOSITORY:
            hint = f"mend {origin.file}, then: orch config check"
        case _:
            hint = f"unset {origin.variable}"
    return Mistake(origin=origin, cause=cause, hint=hint)


_PREFIXES = tuple(f"{VARIABLE_PREFIX}{section}_".upper() for section in SECTIONS)
_BY_VARIABLE = {key.variable: key for key in KEYS.values()}
_ORDER = {dotted: number for number, dotted in enumerate(KEYS)}

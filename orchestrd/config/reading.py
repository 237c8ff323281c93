"""What one layer says, setting by setting, each with the line it stands on; and what is wrong with it, in its place.

A key stands in its section, `[daemon]`; the keys of a reaction and of a channel stand in the section of that one,
`[reactions.NAME]`, and those of a condition in a table there. Nothing is known here of what other layers say.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from orchestrd.config.checking import Refused, Taken, check, check_text, meant
from orchestrd.config.keys import ANY_NAME, KEYS, NAMED, SECTIONS, TABLES, VARIABLE_PREFIX, Installed, Key
from orchestrd.config.parsing import Parsed, Path, Unparsed, parse
from orchestrd.model.limits import SETTING_NAME_CHARS_MAX
from orchestrd.model.origin import Kind, Mistake, Origin, Setting
from orchestrd.model.setting_key import SetBy

SAY_WHEN = 'say when it is to act, such as when = { checks = "failing" }'
SETTING_NAME = "[a-z0-9][a-z0-9_-]*"  # of a reaction or a channel


class Layer(Struct, frozen=True, kw_only=True):
    """One file: whose it is, its path as it is shown, what it holds, and whether a repository's is trusted."""

    kind: Kind
    file: str | None
    content: bytes
    is_trusted: bool = True


class Broken(Struct, frozen=True):
    """A reaction or a channel (`reactions.NAME.`), or else a key, of which something was refused.

    What lacks something only because of that is not refused a second time.
    """

    owner: str


Said = Iterator[Setting | Mistake]


class _Text(Struct, frozen=True):
    """The text of a file, as it is read: where it stands, what it holds, and who is asked for names of adapters."""

    origin: Origin
    parsed: Parsed
    installed: Installed

    def at(self, *path: str) -> Origin:
        """Name the place of a key; what stands in the package has none that would help."""
        return self.origin if self.origin.kind == Kind.DEFAULT else replace(self.origin, line=self.parsed.lines[path])


def of_file(layer: Layer, installed: Installed) -> Iterator[Setting | Mistake | Broken]:
    """Tell what a file says."""
    origin = Origin(kind=layer.kind, file=layer.file)
    parsed = parse(layer.content, with_lines=layer.kind != Kind.DEFAULT)
    if isinstance(parsed, Unparsed):
        yield mistake(replace(origin, line=parsed.line), parsed.cause)
        return
    text = _Text(origin, parsed, installed)
    for section, held in parsed.tree.items():
        here = text.at(section)
        if section not in SECTIONS:
            yield mistake(here, _no_section(section))
        elif not isinstance(held, dict):
            yield mistake(here, f"'{section}' is a section: write {_header(section)}, and its keys on the lines below")
        elif section in NAMED:
            for name in held:
                yield from _or_broken(f"{section}.{name}.", _of_name(text, section, name))
        else:
            for name in held:
                yield from _or_broken(f"{section}.{name}", _of_key(text, (section, name), held[name]))


def of_environment(environ: Mapping[str, str], installed: Installed) -> Iterator[Setting | Mistake | Broken]:
    """Tell what the environment says."""
    for name in sorted(filter(is_variable, environ)):
        origin = Origin(kind=Kind.ENVIRONMENT, variable=name)
        if name not in _BY_VARIABLE:
            yield mistake(origin, f"no key is set by this variable{did_you_mean(meant(name, _BY_VARIABLE))}")
        elif text := environ[name]:  # an empty one sets nothing
            key = _BY_VARIABLE[name]
            yield from _or_broken(key.dotted, _settled(key, key.dotted, check_text(key, text, installed), origin, {}))


def is_variable(name: str) -> bool:
    """Tell whether a variable of the environment is meant to set a key."""
    return name.startswith(_PREFIXES)


def mistake(origin: Origin, cause: str) -> Mistake:
    """Say what is wrong in a place, with the next command."""
    match origin.kind:
        case Kind.REPOSITORY:
            hint = f"mend {origin.file}, then: orch config check"
        case Kind.ENVIRONMENT:
            hint = f"unset {origin.variable}"
        case _:
            hint = "orch config edit"
    return Mistake(origin=origin, cause=cause, hint=hint)


def did_you_mean(guess: str | None) -> str:
    """End a sentence with a guess, if there is one."""
    return f": did you mean '{guess}'?" if guess else ""


def _or_broken(owner: str, told: Said) -> Iterator[Setting | Mistake | Broken]:
    """Give what is said of it, and whether some of that is refused."""
    is_broken = False
    for said in told:
        is_broken |= isinstance(said, Mistake)
        yield said
    if is_broken:
        yield Broken(owner)


def _of_name(text: _Text, section: str, name: str) -> Said:
    """Tell what `[section.NAME]` says."""
    here, held = text.at(section, name), text.parsed.tree[section][name]
    if not isinstance(held, dict):
        yield mistake(here, f"'{name}' stands in no section: write {_header(section)} above it")
    elif not re.fullmatch(SETTING_NAME, name) or len(name) > SETTING_NAME_CHARS_MAX:
        yield mistake(here, f"{name[:SETTING_NAME_CHARS_MAX]!r} is no name: use small letters, digits, '-' and '_'")
    elif not held:
        yield mistake(here, f"[{section}.{name}] sets nothing: set a key of it, or leave it out")
    elif all(value == {} and _dotted((section, name, key)) in TABLES for key, value in held.items()):
        (table,) = held
        cause = f"[{section}.{name}] sets nothing, for its '{table}' is empty"
        yield mistake(text.at(section, name, table), f"{cause}: {SAY_WHEN}, or leave it out")
    else:
        for key, value in held.items():
            yield from _of_key(text, (section, name, key), value)


def _of_key(text: _Text, path: Path, value: Any) -> Said:
    """Tell what one key says, or all those of a table of keys."""
    here = text.at(*path)
    key = KEYS.get(_dotted(path))
    if _dotted(path) in TABLES:
        if isinstance(value, dict):
            yield from (said for name in value for said in _of_key(text, (*path, name), value[name]))
        else:
            yield mistake(here, f"'{path[-1]}' is a table: {SAY_WHEN}")
    elif key is None:
        yield mistake(here, _no_key(path))
    elif here.kind == Kind.REPOSITORY and key.set_by == SetBy.USER:
        yield mistake(here, f"'{key.name}' is not for a repository to set: it belongs into your own file")
    else:
        yield from _settled(key, ".".join(path), check(key, value, text.installed), here, text.parsed.lines)


def _settled(key: Key, path: str, checked: Taken | Refused, origin: Origin, lines: Mapping[Path, int]) -> Said:
    if isinstance(checked, Refused):
        yield mistake(origin, checked.cause)
    elif key.is_table:
        for name, value in checked.value.items():
            line = lines.get((key.section, key.name, name), origin.line)
            yield Setting(key=f"{path}.{name}", value=value, origin=replace(origin, line=line))
    else:
        yield Setting(key=path, value=checked.value, origin=origin)


def _dotted(path: Path) -> str:
    section, *rest = path
    return ".".join((section, ANY_NAME, *rest[1:]) if section in NAMED else path)


def _header(section: str) -> str:
    return f"[{section}.NAME]" if section in NAMED else f"[{section}]"


def _no_section(name: str) -> str:
    homes = [key.section for key in KEYS.values() if key.name == name]
    if homes:
        return f"'{name}' stands in no section: it belongs below {_header(homes[0])}"
    return f"there is no section '{name}'{did_you_mean(meant(name, SECTIONS))}"


def _no_key(path: Path) -> str:
    """Say that there is no such key there, and where there is one, or which one may have been meant."""
    *place, name = path
    above = _dotted((*path[:-1], ""))
    own = {dotted.removeprefix(above).partition(".")[0] for dotted in KEYS if dotted.startswith(above)}
    said = f"there is no key '{name}' in {_named_place(place)}"
    if {f"{name}_env", f"{name}_file"} <= own:
        where = f"name the file that has it by '{name}_file', or a variable that has it by '{name}_env'"
        return f"{said}, for no secret stands in a configuration: {where}"
    if name not in own and (guess := meant(name, sorted(own))):
        return said + did_you_mean(guess)
    homes = [key for key in KEYS.values() if key.name.rpartition(".")[2] == name]
    return f"{said}: it belongs {_home(homes[0])}" if homes else said


def _named_place(place: list[str]) -> str:
    """Name the section, or the table in it, as it is written."""
    depth = 2 if place[0] in NAMED else 1
    section = f"[{'.'.join(place[:depth])}]"
    return f"'{'.'.join(place[depth:])}' of {section}" if place[depth:] else section


def _home(key: Key) -> str:
    table = key.name.rpartition(".")[0]
    return f"into '{table}' of {_header(key.section)}" if table else f"below {_header(key.section)}"


_PREFIXES = tuple(f"{VARIABLE_PREFIX}{section}_".upper() for section in SECTIONS if section not in NAMED)
_BY_VARIABLE = {key.variable: key for key in KEYS.values() if key.variable}

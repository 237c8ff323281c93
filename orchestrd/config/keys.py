"""The keys of the configuration, found on the nouns: what each one means, takes, defaults to, and who may set it."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, get_args, get_origin

import msgspec
from msgspec import Struct, inspect
from msgspec.structs import replace

from orchestrd.config.writing import written
from orchestrd.model.setting_key import Named, SetBy
from orchestrd.model.settings import Configuration

VARIABLE_PREFIX = "ORCH_"
Installed = Callable[[str], Collection[str]]  # gives the names in a group of entry points

_MAY_HOLD_SECRETS = frozenset({"url", "github_url", "github_api", "topic", "command", "set"})

ANY_NAME = "*"  # in place of the name of a reaction or a channel


class Key(Struct, frozen=True, kw_only=True):
    """One key. `example` is shown where the default is none; `unit` is empty where there is none.

    A key in a table of its own, as those of a condition are, has that table in its name: `when.checks`.
    """

    section: str
    name: str
    is_named: bool  # it stands in `[section.NAME]`, once for each name
    type: Any  # the annotation on the noun
    form: inspect.Type  # the same, without what is said of it and without null
    meaning: str
    unit: str
    set_by: SetBy
    default: Any  # as JSON has it
    example: Any
    is_alone: bool = False  # a list of one may be written as that one
    names: Named | None = None  # of adapters, that it takes

    @property
    def dotted(self) -> str:
        """Name it from the top of the file: `daemon.interval_s`, `reactions.*.act`."""
        return f"{self.section}.{ANY_NAME}.{self.name}" if self.is_named else f"{self.section}.{self.name}"

    @property
    def variable(self) -> str | None:
        """Name the variable of the environment that sets it: `ORCH_DAEMON_INTERVAL_S`. None reaches into names."""
        return None if self.is_named else f"{VARIABLE_PREFIX}{self.section}_{self.name}".upper()

    @property
    def is_duration(self) -> bool:
        """Tell whether it holds a duration, as a text."""
        return self.unit == "duration"

    @property
    def is_untold(self) -> bool:
        """Tell whether what is written there may be a secret, or hold one: then no message repeats it."""
        return self.name in _MAY_HOLD_SECRETS or self.name.endswith(("_env", "_file"))

    @property
    def is_table(self) -> bool:
        """Tell whether it holds names and values: such are merged name by name, all others are replaced."""
        return isinstance(self.form, inspect.DictType)

    @property
    def is_list(self) -> bool:
        """Tell whether it holds several values."""
        return isinstance(self.form, inspect.VarTupleType)

    @property
    def choices(self) -> tuple[str, ...]:
        """Give the words it takes, or that a list of it takes; none where it is no choice."""
        form = self.form.item_type if isinstance(self.form, inspect.VarTupleType) else self.form
        match form:
            case inspect.StrType() if self.names:
                return self.names.ours
            case inspect.LiteralType(values=values):
                return tuple(map(str, values))
            case inspect.EnumType(cls=words):
                return tuple(word.value for word in words)
            case _:
                return ()

    @property
    def expected(self) -> str:  # noqa: PLR0911 - a form each
        """Say what it takes: `a number from 0.05 to 3600`."""
        match self.form:
            case inspect.FloatType(ge=least, le=most):
                return f"a number{_range(least, most)}"
            case inspect.IntType(ge=least, le=most):
                return f"a whole number{_range(least, most)}"
            case inspect.VarTupleType() if self.choices:
                return f"one of {_either(self.choices)}, or a list of them"
            case inspect.VarTupleType(max_length=most):
                such_as = f", such as {written(self.example)}" if self.example else ""
                return f"{'a text, or ' if self.is_alone else ''}a list of at most {most} texts{such_as}"
            case inspect.BoolType():
                return "true or false"
            case inspect.DictType(max_length=most):
                return f'a table of at most {most} texts, such as {{NAME = "value"}}'
            case inspect.StrType(pattern=str()):
                return f'a text such as "{self.example or self.default}"'
            case inspect.StrType() if not self.choices:
                return "a text"
            case _:
                return _either(self.choices)


def _either(words: tuple[str, ...]) -> str:
    return " or ".join(f'"{word}"' for word in words)


def _range(least: float | None, most: float | None) -> str:
    if most is None:
        return f" of at least {least:g}"
    return f" from {least:g} to {most:g}"


def _all() -> Iterator[Key]:
    for section in msgspec.structs.fields(Configuration):
        is_named = get_origin(section.type) is dict
        yield from _keys(section.encode_name, "", _of(section.type), is_named=is_named)


def _keys(section: str, table: str, of: type[Struct], *, is_named: bool) -> Iterator[Key]:
    for field in msgspec.structs.fields(of):
        name = table + field.encode_name
        if _is_table_of_keys(field.type):
            yield from _keys(section, f"{name}.", field.type, is_named=is_named)
            continue
        told = inspect.type_info(field.type)
        assert isinstance(told, inspect.Metadata), "each key says what it means"
        extra = told.extra or {}
        yield Key(
            section=section,
            name=name,
            is_named=is_named,
            type=field.type,
            form=_without_null(told.type),
            meaning=(told.extra_json_schema or {})["description"],
            unit=extra["unit"],
            set_by=extra["set_by"],
            default=_default(field),
            example=extra["example"],
            is_alone=extra["is_alone"],
            names=extra["names"],
        )


def _of(section: Any) -> type[Struct]:
    """Give what a section holds, or each name in it."""
    *_, held = get_args(section) or (section,)
    return held  # type: ignore[no-any-return]


def _is_table_of_keys(held: Any) -> bool:
    return isinstance(held, type) and issubclass(held, Struct)


def _about(held: type[Struct]) -> str:
    return " ".join((held.__doc__ or "").split())


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return None if field.required else msgspec.to_builtins(field.default)


def _without_null(form: inspect.Type) -> inspect.Type:
    if not isinstance(form, inspect.UnionType):
        return form
    return next(one for one in form.types if not isinstance(one, inspect.NoneType))


def key_of(path: str) -> Key:
    """Give the key of a setting: `reactions.*.act` for `reactions.mine.act`, `environment.set` for `environment.set.A`.

    Raises KeyError where there is none.
    """
    section, name, *rest = path.split(".")
    return KEYS[".".join((section, ANY_NAME, *rest))] if section in NAMED else KEYS[f"{section}.{name}"]


def with_installed(key: Key, installed: Installed) -> Key:
    """Give the key as it takes the names of what others have installed too."""
    if key.names is None:
        return key
    theirs = sorted(set(installed(key.names.group)) - set(key.names.ours))
    return replace(key, names=Named(key.names.group, (*key.names.ours, *theirs)))


def none_installed(_group: str) -> Collection[str]:
    """Know of no adapter but ours."""
    return ()


KEYS: Mapping[str, Key] = {key.dotted: key for key in _all()}
TABLES: Mapping[str, str] = {  # of keys, within a section of names, with what each is about
    f"{section.encode_name}.{ANY_NAME}.{field.encode_name}": _about(field.type)
    for section in msgspec.structs.fields(Configuration)
    for field in (msgspec.structs.fields(_of(section.type)))
    if _is_table_of_keys(field.type)
}
NAMED: frozenset[str] = frozenset(key.section for key in KEYS.values() if key.is_named)  # sections with a name behind
SECTIONS: Mapping[str, str] = {  # with what each is about
    section.encode_name: _about(_of(section.type)) for section in msgspec.structs.fields(Configuration)
}

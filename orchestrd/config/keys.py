"""The keys of the configuration, found on the nouns: what each one means, takes, defaults to, and who may set it."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct, inspect

from orchestrd.model.settings import Configuration, SetBy

VARIABLE_PREFIX = "ORCH_"
PLAIN = "a text"  # what a key takes that takes any


class Key(Struct, frozen=True, kw_only=True):
    """One key. `example` is shown where the default is none; `unit` is empty where there is none."""

    section: str
    name: str
    type: Any  # the annotation on the noun
    form: inspect.Type  # the same, without what is said of it and without null
    meaning: str
    unit: str
    set_by: SetBy
    default: Any  # as JSON has it
    example: Any

    @property
    def dotted(self) -> str:
        """Name it from the top of the file: `daemon.interval_s`."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """Name the variable of the environment that sets it: `ORCH_DAEMON_INTERVAL_S`."""
        return f"{VARIABLE_PREFIX}{self.section}_{self.name}".upper()

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
        """Give the words it takes; none where it is no choice."""
        match self.form:
            case inspect.LiteralType(values=values):
                return tuple(map(str, values))
            case inspect.EnumType(cls=words):
                return tuple(word.value for word in words)
            case _:
                return ()

    @property
    def expected(self) -> str:
        """Say what it takes: `a number from 0.05 to 3600`."""
        match self.form:
            case inspect.FloatType(ge=least, le=most):
                return f"a number{_range(least, most)}"
            case inspect.IntType(ge=least, le=most):
                return f"a whole number{_range(least, most)}"
            case inspect.VarTupleType(max_length=most):
                return f"a list of at most {most} texts"
            case inspect.DictType(max_length=most):
                return f'a table of at most {most} texts, such as {{NAME = "value"}}'
            case inspect.StrType(pattern=str()):
                return f'a text such as "{self.example}"'
            case inspect.StrType():
                return PLAIN
            case _:
                return " or ".join(f'"{word}"' for word in self.choices)


def _range(least: float | None, most: float | None) -> str:
    if most is None:
        return f" of at least {least:g}"
    return f" from {least:g} to {most:g}"


def _all() -> Iterator[Key]:
    for section in msgspec.structs.fields(Configuration):
        for field in msgspec.structs.fields(section.type):
            told = inspect.type_info(field.type)
            assert isinstance(told, inspect.Metadata), "each key says what it means"
            form = told.type.types[0] if isinstance(told.type, inspect.UnionType) else told.type
            extra = told.extra or {}
            yield Key(
                section=section.encode_name,
                name=field.encode_name,
                type=field.type,
                form=form,
                meaning=(told.extra_json_schema or {})["description"],
                unit=extra["unit"],
                set_by=extra["set_by"],
                default=msgspec.to_builtins({} if field.default is msgspec.NODEFAULT else field.default),
                example=extra["example"],
            )


KEYS: Mapping[str, Key] = {key.dotted: key for key in _all()}
SECTIONS: Mapping[str, str] = {  # with what each is about
    section.encode_name: " ".join((section.type.__doc__ or "").split())
    for section in msgspec.structs.fields(Configuration)
}

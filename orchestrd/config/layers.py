"""Layers into values: the defaults, the user's file, the repository's, the environment; the nearest wins, key by key.

Tables are merged name by name, reactions and channels key by key; any other value is replaced whole. A value that is
wrong, or that its layer may not set, is not applied, and said: so what holds is always valid, whatever stands in the
files.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from orchestrd.config.fitting import fitted
from orchestrd.config.keys import KEYS, NAMED, SECTIONS, Installed, key_of, none_installed
from orchestrd.config.reading import Broken, Layer, of_environment, of_file
from orchestrd.model.errors import UsageError
from orchestrd.model.origin import Kind, Mistake, Origin, Setting
from orchestrd.model.setting_key import SetBy
from orchestrd.model.settings import Configuration


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


def effective(layers: Iterable[Layer], environ: Mapping[str, str], installed: Installed = none_installed) -> Effective:
    """Fold the layers, the nearest last, and the environment over them. `installed` names the adapters of others."""
    settings = {setting.key: setting for setting in _defaults()}
    mistakes: list[Mistake] = []
    withheld: list[Setting] = []
    broken: set[str] = set()
    for layer in (*layers, None):
        for said in of_environment(environ, installed) if layer is None else of_file(layer, installed):
            if isinstance(said, Mistake):
                mistakes.append(said)
            elif isinstance(said, Broken):
                broken.add(said.owner)
            elif layer and not layer.is_trusted and key_of(said.key).set_by == SetBy.TRUSTED:
                withheld.append(said)
            else:
                settings[said.key] = said
    fitting, misfits = fitted(settings, broken)
    return Effective(
        configuration=_configuration(fitting.values()),
        settings=_in_order(fitting.values()),
        mistakes=(*mistakes, *misfits),
        withheld=tuple(withheld),
    )


def _defaults() -> Iterator[Setting]:
    origin = Origin(kind=Kind.DEFAULT)
    plain = (key for key in KEYS.values() if not (key.is_table or key.is_named))
    return (Setting(key=key.dotted, value=key.default, origin=origin) for key in plain)


def _configuration(settings: Iterable[Setting]) -> Configuration:
    tree: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for setting in settings:
        *place, name = setting.key.split(".")
        held: dict[str, Any] = tree
        for part in place:
            held = held.setdefault(part, {})
        held[name] = setting.value
    return msgspec.convert(tree, Configuration)


def _in_order(settings: Iterable[Setting]) -> tuple[Setting, ...]:
    """Put them as the keys stand, those of one reaction or channel together, in the order in which each came first."""
    names: dict[str, int] = {}
    for setting in settings:
        names.setdefault(_owner(setting), len(names))
    return tuple(
        sorted(
            settings,
            key=lambda setting: (
                _SECTIONS[setting.key.partition(".")[0]],
                names[_owner(setting)],
                _ORDER[key_of(setting.key).dotted],
            ),
        )
    )


def _owner(setting: Setting) -> str:
    section, name, *_ = setting.key.split(".")
    return name if section in NAMED else ""


_SECTIONS = {section: number for number, section in enumerate(SECTIONS)}
_ORDER = {dotted: number for number, dotted in enumerate(KEYS)}

# What msgspec must know of a struct it finds out when that is first used, and two threads that make it do so at once
# crash the interpreter (seen in 0.22): so it is used here, under the lock of the import.
msgspec.convert({}, Configuration)

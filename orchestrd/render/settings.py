"""What is configured, for a person: TOML in which every value bears where it comes from."""

from collections.abc import Collection, Iterable, Iterator

from orchestrd.config import NAMED, SECTIONS, key_of, written
from orchestrd.model.origin import ConfigReport, Kind, Mistake, Setting
from orchestrd.model.setting_key import SetBy
from orchestrd.render.text import visible

VALUE_COLUMNS = 40  # past them the origin stands behind the value, where that ends


def settings_page(report: ConfigReport, absent: Collection[str] = ()) -> str:
    """Show every value that holds, as comments those that are not set or not applied, and which files are absent."""
    paths = [path for path in (report.user, report.repository) if path]
    lines = [f"# {visible(path)}" + (" (not there)" if path in absent else "") for path in paths]
    for section in SECTIONS:
        for header in _headers(section, report):
            lines += ["", f"[{header}]", *_rows(header, report)]
    return "\n".join(lines) + "\n"


def asked_page(settings: Iterable[Setting]) -> str:
    """Show what a repository's file asks for, and what of it only a trusted one is given."""
    return "".join(f"  {_assigned(setting.key, setting)}{_needs(setting)}\n" for setting in settings)


def mistake_lines(mistake: Mistake) -> str:
    """Say what is wrong, and the next command."""
    return f"orch: {visible(str(mistake))}\n  try: {visible(mistake.hint)}"


def _headers(section: str, report: ConfigReport) -> Iterable[str]:
    """Name the parts of a section; of what has names only those that somebody has set something of."""
    if section not in NAMED:
        return [section]
    told = (setting for setting in report.settings if setting.origin.kind != Kind.DEFAULT)
    names = (".".join(setting.key.split(".")[:2]) for setting in told)
    return dict.fromkeys(name for name in names if name.startswith(f"{section}."))


def _rows(section: str, report: ConfigReport) -> Iterator[str]:
    for setting in report.settings:
        if setting.key.startswith(f"{section}."):
            yield _row(section, setting, "# " if setting.value is None else "", "")
    for setting in report.withheld:
        if setting.key.startswith(f"{section}."):
            yield _row(section, setting, "# ", ", not applied: not trusted")


def _row(section: str, setting: Setting, before: str, behind: str) -> str:
    assigned = before + _assigned(setting.key.removeprefix(f"{section}."), setting)
    return f"{assigned:<{VALUE_COLUMNS}}  # {visible(str(setting.origin))}{behind}"


def _needs(setting: Setting) -> str:
    return "" if key_of(setting.key).set_by == SetBy.ANYONE else "  # only if trusted"


def _assigned(name: str, setting: Setting) -> str:
    return visible(f"{name} = {written(setting.value)}")

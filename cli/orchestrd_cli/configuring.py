"""`orch config`: what is set, where it comes from, what is wrong with it, and a way to change it."""

from typing import TYPE_CHECKING, Annotated

import typer

from orchestrd.client.configuring import effective_in, repository_file, screen_mistakes, withheld_notice
from orchestrd.client.requests import existing_directory
from orchestrd.core.layout import config_file_from
from orchestrd.render import visible
from orchestrd_cli import exits, reach
from orchestrd_cli.grammar import SETTINGS, Json, verb
from orchestrd_cli.terminal import note

if TYPE_CHECKING:
    from orchestrd.model.origin import ConfigReport

app = typer.Typer(
    help="See, check and change what is set.\n\n\b\norch config show",
    no_args_is_help=True,
    context_settings=SETTINGS,
)

Place = Annotated[str, typer.Option("--dir", metavar="DIR", help="Stand in this directory's repository.")]


@verb("[OPTIONS]", of=app)
def show(*, directory: Place = ".", json: Json = False) -> int:
    """Show every setting that holds here, and where it comes from.

    The nearest wins: the defaults, your own file, the repository's
    .orchestrd.toml, then ORCH_... in the environment. What is printed is TOML.
    Exits 2 where something is wrong; that is not applied.

    orch config show
    orch config show --json
    """
    import os

    from orchestrd.render.settings import settings_page

    report = _report(existing_directory(directory, hint="orch config show --dir DIR"))
    if json:
        reach.write_json(report)
        return exits.USAGE if report.mistakes else exits.OK
    files = [file for file in (report.user, report.repository) if file]
    reach.write_text(settings_page(report, [file for file in files if not os.path.exists(file)]))  # noqa: PTH110 - for a look
    return _told(report, directory)


@verb("[OPTIONS]", of=app)
def check(*, directory: Place = ".", json: Json = False) -> int:
    """Say all that is wrong with what is set here.

    Each mistake with its file, its line and the next command. Exits 2 if there
    is any.

    orch config check
    """
    report = _report(existing_directory(directory, hint="orch config check --dir DIR"))
    if json:
        reach.write_json(report)
        return exits.USAGE if report.mistakes else exits.OK
    if not report.mistakes:
        files = dict.fromkeys(setting.origin.file for setting in report.settings if setting.origin.file)
        said = f"nothing is wrong in {', '.join(map(str, files))}" if files else "nothing is set"
        reach.write_text(f"{visible(said)}\n")
    return _told(report, directory)


@verb("", of=app)
def schema() -> int:
    """Print the JSON Schema of a configuration file.

    With the meaning, unit, bounds and default of each key, and who may set it.
    Editors that know TOML complete and check by it.

    orch config schema > orchestrd.schema.json
    """
    import msgspec

    from orchestrd import config
    from orchestrd.client.configuring import installed

    reach.write_text(msgspec.json.format(msgspec.json.encode(config.schema(installed)), indent=2).decode() + "\n")
    return exits.OK


@verb("", of=app)
def edit() -> int:
    """Edit your own file in $VISUAL or $EDITOR.

    The first time it holds every key, commented out. It is taken once nothing
    is wrong with it; until then it stays a draft, and the next
    `orch config edit` goes on with that. There is one edit at a time, and a
    file that has changed meanwhile is not written over (exit 4).

    orch config edit
    """
    from orchestrd_cli import editing

    return editing.edit()


def _report(directory: str) -> "ConfigReport":
    import os

    from orchestrd.model.origin import ConfigReport

    told = effective_in(directory)
    return ConfigReport(
        user=config_file_from(os.environ),
        repository=repository_file(directory),
        settings=told.settings,
        withheld=told.withheld,
        mistakes=(*told.mistakes, *screen_mistakes()),
    )


def _told(report: "ConfigReport", directory: str) -> int:
    """Say on stderr what is not applied, and why; gives the exit code."""
    from orchestrd.render.settings import mistake_lines

    if report.withheld:
        note(withheld_notice(report.withheld, directory))
    for mistake in report.mistakes:
        note(mistake_lines(mistake))
    return exits.USAGE if report.mistakes else exits.OK

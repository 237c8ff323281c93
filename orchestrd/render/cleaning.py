"""What a clean has done, or would do, for a person: each worktree, why, and the way back."""

from collections.abc import Iterator

from orchestrd.model.document import CleanedWorktree, CleanReport
from orchestrd.model.words import Deed
from orchestrd.render.text import counted, size, visible

INDENT = " " * 10
_SAID = {
    Deed.REMOVE: ("removed", "would be removed"),
    Deed.PRESERVE: ("preserved and removed", "would be preserved and removed"),
    Deed.KEEP: ("kept", "would be kept"),
    Deed.SPARE: ("in use", "in use"),
    Deed.ABSENT: ("nothing to clean", "nothing to clean"),
}


def clean_page(report: CleanReport) -> str:
    """Show a report."""
    lines = [line for row in report.worktrees for line in _row(row, is_dry=report.dry_run)]
    lines += [f"trouble   {visible(trouble)}" for trouble in report.troubles]
    lines.append(_summary(report))
    return "\n".join(lines) + "\n"


def _row(row: CleanedWorktree, *, is_dry: bool) -> Iterator[str]:
    said = _SAID[Deed(row.deed)][is_dry] if row.deed in tuple(Deed) else row.deed
    how_large = f", {size(row.bytes)}" if row.bytes else ""
    yield f"{visible(row.session):<10}{said}{how_large}: {visible(row.why)}"
    if row.deed == Deed.ABSENT:
        return
    yield f"{INDENT}{visible(row.path)}"
    if row.ignored_files:
        yield f"{INDENT}{'with it' if row.ref or row.deed == Deed.REMOVE else 'in it'}: {_ignored(row)}"
    if row.ref:
        branch = f", branch {visible(row.branch)}" if row.branch else ""
        yield f"{INDENT}{'would be ' if is_dry else ''}preserved in {visible(row.ref)}{branch}"
    is_removed = row.deed in (Deed.REMOVE, Deed.PRESERVE)
    if row.hint and not (is_removed and is_dry):
        yield f"{INDENT}{'back' if is_removed else 'try'}: {visible(row.hint)}"


def _ignored(row: CleanedWorktree) -> str:
    """Name the largest of what git ignores, which is not preserved."""
    named = [f"{visible(one.path)} ({size(one.bytes)})" for one in row.ignored]
    more = row.ignored_files - sum(one.files for one in row.ignored)
    names = ", ".join([*named, *([f"and {more} more"] if more else [])])
    return f"{counted(row.ignored_files, 'ignored file')}, {size(row.ignored_bytes)}, not preserved: {names}"


def _summary(report: CleanReport) -> str:
    deeds = [row.deed for row in report.worktrees]
    gone = deeds.count(Deed.REMOVE) + deeds.count(Deed.PRESERVE)
    would = "would be " if report.dry_run else ""
    parts = [f"{counted(gone, 'worktree')} {would}removed, {size(report.freed_bytes)} {would}freed"]
    if preserved := deeds.count(Deed.PRESERVE):
        parts.append(f"{preserved} {would}preserved")
    parts += [
        f"{deeds.count(deed)} {said}" for deed, said in ((Deed.KEEP, "kept"), (Deed.SPARE, "in use")) if deed in deeds
    ]
    return "; ".join(parts)

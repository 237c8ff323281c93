"""What each subject says of each kind of facts, as golden texts: `--rewrite` writes them anew, every word counts."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from orchestrd.model.finding import Checkup, Finding, Level
from orchestrd.render import checkup_page
from orchestrd_cli.doctor.examining import SUBJECTS
from orchestrd_cli.doctor.subject import FIX, Subject
from tests.cli.doctor import cases

GOLDEN = Path(__file__).parent / "judged"
COLUMNS, INDENT = 80, 18

each_subject = pytest.mark.parametrize(("subject", "facts"), cases.ALL, ids=[subject.name for subject, _ in cases.ALL])


def _page(findings: tuple[Finding, ...]) -> str:
    page = checkup_page(Checkup(home=cases.HOME, version="0.1.0", findings=findings))
    return "\n".join(page.splitlines()[:-1])


@each_subject
def test_a_judgement_reads_as_it_was_reviewed(
    golden: Callable[[Path, str], None], subject: Subject[Any], facts: Mapping[str, Any]
) -> None:
    told = [f"# {name}\n{_page(tuple(subject.judge(found)))}\n" for name, found in facts.items()]

    golden(GOLDEN / f"{subject.name.replace(' ', '-')}.txt", "\n".join(told))


@each_subject
def test_whatever_is_not_well_has_a_next_command_and_what_is_well_has_none(
    subject: Subject[Any], facts: Mapping[str, Any]
) -> None:
    findings = [finding for found in facts.values() for finding in subject.judge(found)]

    assert all(bool(finding.next) == (finding.level is not Level.OK) for finding in findings)
    assert all(finding.subject == subject.name for finding in findings)
    assert all((finding.next == FIX) == finding.can_fix for finding in findings)


@each_subject
def test_facts_of_every_kind_are_judged_to_something(subject: Subject[Any], facts: Mapping[str, Any]) -> None:
    assert [name for name, found in facts.items() if not tuple(subject.judge(found))] == []


@pytest.mark.parametrize("reviewed", sorted(GOLDEN.glob("*.txt")), ids=lambda path: path.stem)
def test_only_commands_and_long_paths_are_wider_than_a_terminal(reviewed: Path) -> None:
    wide = [line for line in reviewed.read_text().splitlines() if len(line) > COLUMNS and " try: " not in line]

    assert [line for line in wide if max(map(len, line.split())) <= COLUMNS - INDENT] == []


def test_every_subject_is_in_the_table() -> None:
    judged = {subject.name for subject, _ in cases.ALL}

    assert {subject.name for subject in SUBJECTS} - judged == {"python"}  # which has nothing to judge

"""The pages of the documentation as tests read them: their texts, headings, links, and the command lines they show."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = tuple(sorted(DOCS.glob("*.md")))
AROUND = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md")

BEGIN, END = "<!-- generated: begin -->", "<!-- generated: end -->"
_FENCED = re.compile(r"^```.*?^```\n?", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"^(?: {4}|\t).*$", re.MULTILINE)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_TYPED = re.compile(r"^ *\$ ((?:.*\\\n)*.+)", re.MULTILINE)  # behind a prompt, with the lines it goes on in
_ALONE = re.compile(r"^ {4}(orch .+)", re.MULTILINE)
_INLINE = re.compile(r"`(orch [^`]+)`")


class Link(Struct, frozen=True):
    """A link of a page, as it is written."""

    page: Path
    target: str

    @property
    def is_outside(self) -> bool:
        return re.match(r"[a-z]+:", self.target) is not None


def links(page: Path) -> Iterator[Link]:
    """Give every link of a page that is not shown as code."""
    text = _CODE.sub("", _INDENTED.sub("", _FENCED.sub("", page.read_text())))
    yield from (Link(page, target) for target in _LINK.findall(text))


def anchors(page: Path) -> set[str]:
    """Give the anchors of a page's headings, as both the site and forges make them."""
    headings = _HEADING.findall(_INDENTED.sub("", _FENCED.sub("", page.read_text())))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def typed(page: Path) -> Iterator[str]:
    """Give every command line that a page shows: behind a prompt, on a line of its own, or within a sentence."""
    text = page.read_text()
    for form in (_TYPED, _ALONE, _INLINE):
        yield from form.findall(text)


def with_generated(page: Path, text: str) -> str:
    """Give the page with this text between its marks."""
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin, f"{page.name} has no {BEGIN}"
    assert end, f"{page.name} has no {END}"
    return f"{before}{BEGIN}\n\n{text.strip()}\n\n{END}{after}"


def navigated() -> list[str]:
    """Give the pages that the site's navigation leads to, in its order."""
    site = tomllib.loads((ROOT / "zensical.toml").read_text())["project"]

    def pages(entries: list[dict[str, object]]) -> Iterator[str]:
        for entry in entries:
            for target in entry.values():
                if isinstance(target, str):
                    yield target
                else:
                    assert isinstance(target, list)
                    yield from pages(target)

    return list(pages(site["nav"]))

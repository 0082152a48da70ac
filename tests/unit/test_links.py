"""Each relative link of the pages leads to a file, and each anchor to a heading of it."""

import re
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
AT_THE_TOP = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
PAGES = [*(PROJECT / name for name in AT_THE_TOP), *sorted((PROJECT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?![a-z]+:)([^)\s]+)\)")


def links_of(page: Path) -> list[str]:
    # The text of a link may be code: only its brackets count.
    return LINK.findall(re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL))


@cache
def anchors_of(page: Path) -> set[str]:
    """Return the anchors that GitHub gives a page's headings: a repeated one gets a number."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    anchors: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        anchor = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
        count = sum(one == anchor or re.fullmatch(rf"{re.escape(anchor)}-\d+", one) is not None for one in anchors)
        anchors.append(f"{anchor}-{count}" if count else anchor)
    return set(anchors)


@pytest.mark.parametrize(
    ("page", "link"),
    [pytest.param(page, link, id=f"{page.relative_to(PROJECT)}: {link}") for page in PAGES for link in links_of(page)],
)
def test_link_leads_somewhere(page: Path, link: str) -> None:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    assert target.is_relative_to(PROJECT)
    assert target.exists()
    assert not anchor or anchor in anchors_of(target)


@pytest.mark.parametrize("page", sorted((PROJECT / "docs").glob("*/*")), ids=lambda page: page.name)
def test_page_of_a_room_stands_in_the_index(page: Path) -> None:
    index = PROJECT / "docs" / "README.md"
    room = PROJECT / "docs" / "adr" / "README.md" if page.parent.name == "adr" else index
    listed = {(room.parent / link.partition("#")[0]).resolve() for link in links_of(room)}
    assert page in listed or page == room or page.suffix == ".svg" or page.name == "pictures"

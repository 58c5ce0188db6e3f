"""Links that leave the site, for review by a person: whether they still lead where they should, no build can tell."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from bs4 import BeautifulSoup

if TYPE_CHECKING:
    from pathlib import Path


def leaving(site: Path) -> dict[str, list[str]]:
    """Address -> the pages that link there, both sorted."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(site.rglob("*.html")):
        soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for link in soup.select('article a[href^="http"]'):
            found[str(link["href"])].add(path.relative_to(site).as_posix())
    return {address: sorted(found[address]) for address in sorted(found)}

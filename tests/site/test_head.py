"""What every page says of itself, what the feed and the 404 page hold, and that the HTML parses without error."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import html5lib
import pytest
from bs4 import BeautifulSoup
from made_up_site import SITE_URL

if TYPE_CHECKING:
    from pathlib import Path

ATOM = "{http://www.w3.org/2005/Atom}"
BELOW = urlsplit(SITE_URL).path
"""The path that the site stands below."""


@pytest.fixture(scope="module")
def pages(whole: Path) -> dict[str, BeautifulSoup]:
    """Every page but the one for dead links, by its path."""
    return {
        path.relative_to(whole).as_posix(): BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in sorted(whole.rglob("*.html"))
        if path.name != "404.html"
    }


def _meta(soup: BeautifulSoup, key: str, name: str) -> str:
    found = soup.select(f'meta[{key}="{name}"]')
    assert len(found) == 1, f"{name}: {len(found)} times"
    return str(found[0]["content"])


def test_language_is_that_of_the_writing(pages: dict[str, BeautifulSoup]) -> None:
    assert {str(soup.html["lang"]) for soup in pages.values() if soup.html} == {"zh-CN"}
    assert pages["en.html"].select_one('article [lang="en"]')


def test_titles_and_descriptions_are_there_and_differ(pages: dict[str, BeautifulSoup]) -> None:
    titles = [soup.title.get_text() for soup in pages.values() if soup.title]
    descriptions = [_meta(soup, "name", "description") for soup in pages.values()]
    assert len(set(titles)) == len(pages)
    assert len(set(descriptions)) == len(pages)
    assert all(len(text) >= 5 for text in descriptions)


def test_social_meta_is_text_without_a_picture(pages: dict[str, BeautifulSoup]) -> None:
    for soup in pages.values():
        assert _meta(soup, "property", "og:title")
        assert _meta(soup, "property", "og:description") == _meta(soup, "name", "description")
        assert _meta(soup, "name", "twitter:card") == "summary"
        assert not soup.select('meta[property="og:image"]')


def test_canonical_address_is_that_of_the_page(pages: dict[str, BeautifulSoup]) -> None:
    for name, soup in pages.items():
        link = soup.select_one('link[rel="canonical"]')
        assert link, name
        expected = "" if name == "index.html" else name
        assert unquote(str(link["href"])) in {SITE_URL + expected, SITE_URL + name}


def test_sitemap_lists_every_page(whole: Path, pages: dict[str, BeautifulSoup]) -> None:
    text = (whole / "sitemap.xml").read_text(encoding="utf-8")
    listed = {
        unquote(urlsplit(url).path).removeprefix(BELOW) or "index.html"
        for url in re.findall(r"<loc>(.*?)</loc>", text)
    }
    assert {name for name in pages if not name.startswith(("blog/archive", "blog/category"))} <= listed


def test_icons_are_our_own_and_exist(whole: Path, pages: dict[str, BeautifulSoup]) -> None:
    icons = {
        str(link["href"])
        for link in pages["index.html"].select('link[rel~="icon"], link[rel="apple-touch-icon"]')
    }
    assert icons == {"assets/favicon.svg", "assets/favicon.png", "assets/touch-icon.png"}
    assert all((whole / icon).stat().st_size > 100 for icon in icons)


def test_feed_is_atom_with_every_post_newest_first(whole: Path, pages: dict[str, BeautifulSoup]) -> None:
    feed = ET.fromstring((whole / "feed.xml").read_text(encoding="utf-8"))  # noqa: S314 our own file
    assert feed.tag == f"{ATOM}feed"
    entries = feed.findall(f"{ATOM}entry")
    paths = [urlsplit(entry.findtext(f"{ATOM}id") or "").path.removeprefix(BELOW) for entry in entries]
    posts = [name for name in pages if re.fullmatch(r"blog/(?!index|tags)[^/]+\.html", name)]
    assert sorted(paths) == sorted(posts)
    dates = [datetime.fromisoformat(entry.findtext(f"{ATOM}published") or "") for entry in entries]
    assert dates == sorted(dates, reverse=True)
    for required in ("title", "id", "updated", "author"):
        assert feed.find(f"{ATOM}{required}") is not None
    for entry in entries:
        assert entry.findtext(f"{ATOM}summary")
    link = pages["reference/data.html"].select_one('link[type="application/atom+xml"]')
    assert link
    assert link["href"] == "../feed.xml"


def test_page_for_dead_links_is_chinese_and_leads_on(whole: Path) -> None:
    soup = BeautifulSoup((whole / "404.html").read_text(encoding="utf-8"), "html.parser")
    assert soup.title
    assert soup.title.get_text().startswith("找不到这一页")
    links = [str(link["href"]) for link in soup.select("article a[href]")]
    assert len(links) >= 4
    for link in links:
        assert link.startswith(BELOW), "it is served from anywhere"
        assert (whole / link.removeprefix(BELOW)).exists()


def test_every_page_leads_on(pages: dict[str, BeautifulSoup]) -> None:
    for name, soup in pages.items():
        onward = soup.select("a.md-footer__link--next") or [
            link for link in soup.select("article a[href]") if not str(link["href"]).startswith(("#", "http"))
        ]
        assert onward, name


def test_posts_end_with_the_next_question(pages: dict[str, BeautifulSoup]) -> None:
    posts = [name for name in pages if re.fullmatch(r"blog/(?!index|tags)[^/]+\.html", name)]
    assert len(posts) >= 2
    for name in posts:
        last = pages[name].select("article h2")[-1]
        assert last.get("id") == "next", name
        assert len(last.find_next("ul").select("a[href]")) >= 2  # type: ignore[union-attr]


def test_posts_tell_date_author_category_and_reading_time_at_every_width(
    pages: dict[str, BeautifulSoup],
) -> None:
    line = pages["blog/container-threads.html"].select_one("article .post-meta")
    assert line
    text = line.get_text(" ", strip=True)
    assert re.search(r"\d{4}年\d{1,2}月\d{1,2}日", text)
    for part in ("部署", "ONNX Runtime CPU 推理指南", "读完约"):
        assert part in text


def test_html_parses_without_error(whole: Path) -> None:
    for path in sorted(whole.rglob("*.html")):
        parser = html5lib.HTMLParser(strict=False)
        parser.parse(path.read_text(encoding="utf-8"))
        found = {name for _, name, _ in parser.errors}
        assert not found, f"{path.name}: {parser.errors[:3]}"


def test_no_id_stands_twice_on_a_page(pages: dict[str, BeautifulSoup]) -> None:
    for name, soup in pages.items():
        ids = [str(element["id"]) for element in soup.select("[id]")]
        assert sorted(ids) == sorted(set(ids)), name

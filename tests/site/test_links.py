"""Links: those inside lead somewhere, also below a path and to the very place; those that leave are listed."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup
from served import served

from bench.cli import results
from bench.cli.refusals import Refused
from bench.site import links

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PREFIX = "/x/y/"
ABSOLUTE_BY_NATURE = ("404.html", "sitemap.xml", "feed.xml")
"""Served from anywhere, or read by others: they name the address that the site was built for."""


@pytest.fixture(scope="module")
def address(whole: Path) -> Iterator[str]:
    with served(whole, PREFIX) as found:
        yield found


def _get(url: str) -> tuple[int, str, bytes]:
    request = urllib.request.Request(url)  # noqa: S310 our own server
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return answer.status, answer.headers.get_content_type(), answer.read()
    except urllib.error.HTTPError as error:
        error.close()
        return error.code, "", b""


def _targets(soup: BeautifulSoup) -> Iterator[str]:
    for tag, name in (("a", "href"), ("link", "href"), ("script", "src"), ("img", "src")):
        for element in soup.select(f"{tag}[{name}]"):
            if element.get("rel") != ["canonical"]:
                yield str(element[name])


def test_every_link_and_request_works_below_a_path(address: str) -> None:
    """Followed as a browser would, from the home page on; every page is read once."""
    waiting, seen, dead, places = [address + "index.html"], set[str](), [], dict[str, set[str]]()
    wanted: list[tuple[str, str, str]] = []
    while waiting:
        url = waiting.pop()
        if url in seen:
            continue
        seen.add(url)
        status, kind, body = _get(url)
        if status != 200:
            dead.append(url)
        elif kind == "text/html" and not url.endswith(ABSOLUTE_BY_NATURE):
            soup = BeautifulSoup(body, "html.parser")
            places[url] = {str(element["id"]) for element in soup.select("[id]")}
            for target in _targets(soup):
                whole_target, fragment = urldefrag(urljoin(url, target))
                if urlsplit(whole_target).netloc == urlsplit(address).netloc:
                    waiting.append(whole_target)
                    if fragment:
                        wanted.append((url, whole_target, unquote(fragment)))
    assert dead == []
    assert len(places) > 10
    missing = {
        f"{source} -> {target}#{fragment}"
        for source, target, fragment in wanted
        if target in places and fragment not in places[target]
    }
    assert missing == set()


def _page(site: Path, name: str, body: str) -> None:
    path = site / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<html><body><article>{body}</article></body></html>", encoding="utf-8")


def test_links_that_leave_are_listed_once_with_their_pages(tmp_path: Path) -> None:
    _page(tmp_path, "b.html", '<a href="https://b.example/">x</a><a href="a.html">y</a>')
    _page(tmp_path, "a/c.html", '<a href="https://a.example/">x</a><a href="https://b.example/">y</a>')
    assert links.leaving(tmp_path) == {
        "https://a.example/": ["a/c.html"],
        "https://b.example/": ["a/c.html", "b.html"],
    }


def test_folder_without_a_site_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="没有建好的网站"):
        results.links(site=tmp_path)


def test_real_pages_name_their_sources(whole: Path) -> None:
    found = links.leaving(whole)
    assert any(address.startswith("https://github.com/microsoft/onnxruntime/") for address in found)
    assert not [address for address in found if not urlsplit(address).netloc]

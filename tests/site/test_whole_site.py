"""The real pages, built once from made-up samples of every experiment: nothing is measured, everything is shown."""

from __future__ import annotations

import codecs
import json
import re
import xml.etree.ElementTree as ET
from datetime import datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import html5lib
import pytest
from bs4 import BeautifulSoup
from made_up_site import SITE_URL, TRACE

from bench.experiments import EXPERIMENTS
from bench.pages import snippets
from bench.pages.words import Words
from bench.results.published import Export
from bench.site import check
from bench.system.folders import ROOT

POST = "blog/onnxruntime-cpu.html"
ATOM = "{http://www.w3.org/2005/Atom}"
BELOW = urlsplit(SITE_URL).path
"""The path that the site stands below."""
Pages = dict[str, BeautifulSoup]


@pytest.fixture(scope="module")
def pages(whole: Path) -> Pages:
    """Every page but the one for dead links, by its path."""
    return {
        path.relative_to(whole).as_posix(): BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in sorted(whole.rglob("*.html"))
        if path.name != "404.html"
    }


def _export(whole: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((whole / "data" / f"{name}.json").read_text(encoding="utf-8"))
    return found


def _meta(soup: BeautifulSoup, key: str, name: str) -> str:
    (found,) = soup.select(f'meta[{key}="{name}"]')
    return str(found["content"])


def _posts(pages: Pages) -> list[str]:
    return [name for name in pages if re.fullmatch(r"blog/(?!index|tags)[^/]+\.html", name)]


def test_every_page_says_what_it_is_and_where(pages: Pages) -> None:
    descriptions, titles = [], []
    for name, soup in pages.items():
        assert soup.html
        assert soup.html["lang"] == "zh-CN"
        titles.append(soup.title and soup.title.get_text())
        descriptions.append(_meta(soup, "name", "description"))
        assert len(descriptions[-1]) >= 5
        assert _meta(soup, "property", "og:title")
        assert _meta(soup, "property", "og:description") == descriptions[-1]
        assert _meta(soup, "name", "twitter:card") == "summary"
        assert not soup.select('meta[property="og:image"]')
        (canonical,) = soup.select('link[rel="canonical"]')
        places = {SITE_URL + name, SITE_URL + ("" if name == "index.html" else name)}
        assert unquote(str(canonical["href"])) in places
        links = [str(one.get("href") or one.get("src")) for one in soup.select("[href], [src]")]
        assert [link for link in links if link.startswith("/")] == [], f"{name} can be served below any path"
        onward = 'a.md-footer__link--next, article a[href]:not([href^="#"], [href^="http"])'
        assert soup.select(onward), name
    assert len(set(titles)) == len(set(descriptions)) == len(pages)
    assert pages["en.html"].select_one('article [lang="en"]')
    icons = pages["index.html"].select('link[rel~="icon"], link[rel="apple-touch-icon"]')
    assert {Path(str(one["href"])).name for one in icons} == {"favicon.svg", "favicon.png", "touch-icon.png"}


def test_html_parses_without_error_and_no_id_or_region_stands_twice(whole: Path, pages: Pages) -> None:
    for path, page in check.read(whole).items():
        assert not re.search(r"[（：，；]\s*(None|nan|inf)\b", page.text), path.name  # printed for nothing
        parser = html5lib.HTMLParser(strict=False)
        parser.parse(path.read_text(encoding="utf-8"))
        assert not parser.errors, f"{path.name}: {parser.errors[:3]}"
    for name, soup in pages.items():
        for places, attribute in (("[id]", "id"), ("[role=region]", "aria-label")):
            names = [str(one[attribute]) for one in soup.select(places)]
            assert all(names), name
            assert sorted(names) == sorted(set(names)), name


def test_sitemap_lists_every_page_and_the_feed_every_post_newest_first(whole: Path, pages: Pages) -> None:
    urls = re.findall(r"<loc>(.*?)</loc>", (whole / "sitemap.xml").read_text(encoding="utf-8"))
    listed = {unquote(urlsplit(url).path).removeprefix(BELOW) or "index.html" for url in urls}
    assert {name for name in pages if not name.startswith(("blog/archive", "blog/category"))} <= listed
    feed = ET.fromstring((whole / "feed.xml").read_text(encoding="utf-8"))  # noqa: S314 our own file
    assert feed.tag == f"{ATOM}feed"
    assert all(feed.find(f"{ATOM}{tag}") is not None for tag in ("title", "id", "updated", "author"))
    entries = feed.findall(f"{ATOM}entry")
    paths = [urlsplit(entry.findtext(f"{ATOM}id") or "").path.removeprefix(BELOW) for entry in entries]
    assert sorted(paths) == sorted(_posts(pages))
    dates = [datetime.fromisoformat(entry.findtext(f"{ATOM}published") or "") for entry in entries]
    assert dates == sorted(dates, reverse=True)
    assert all(entry.findtext(f"{ATOM}summary") for entry in entries)
    (link,) = pages["reference/data.html"].select('link[type="application/atom+xml"]')
    assert link["href"] == "../feed.xml"


def test_page_for_dead_links_is_chinese_and_leads_on_from_anywhere(whole: Path) -> None:
    soup = BeautifulSoup((whole / "404.html").read_text(encoding="utf-8"), "html.parser")
    assert soup.title
    assert soup.title.get_text().startswith("找不到这一页")
    links = [str(link["href"]) for link in soup.select("article a[href]")]
    assert len(links) >= 4
    assert all(link.startswith(BELOW) and (whole / link.removeprefix(BELOW)).exists() for link in links)


def test_posts_tell_date_author_category_and_reading_time_and_end_with_the_next_question(
    pages: Pages,
) -> None:
    assert len(_posts(pages)) >= 2
    for name in _posts(pages):
        last = pages[name].select("article h2")[-1]
        assert last.get("id") == "next", name
        assert len(last.find_next("ul").select("a[href]")) >= 2  # type: ignore[union-attr]
    (line,) = pages["blog/container-threads.html"].select("article .post-meta")
    text = line.get_text(" ", strip=True)
    assert re.search(r"\d{4}年\d{1,2}月\d{1,2}日", text)
    assert all(part in text for part in ("部署", "ONNX Runtime CPU 推理指南", "读完约"))


def test_page_carries_every_claim_and_scenario_with_the_winners_code(whole: Path, pages: Pages) -> None:
    article = pages[POST]
    claims = {claim.id for experiment in EXPERIMENTS.values() for claim in experiment.claims}
    assert {str(one["data-claim"]) for one in article.select("[data-claim]")} == claims
    shown = {str(one["data-scenario"]): one for one in article.select("[data-scenario]")}
    wanted = {one.id for experiment in EXPERIMENTS.values() for one in experiment.scenarios}
    assert set(shown) == wanted
    for name in ("recommended", "container"):
        export = Export.model_validate(_export(whole, name))
        cases, asked = {case.id: case for case in export.cases}, Words(export).asked()
        for choice in export.choices:
            code = shown[choice.scenario].find_next("div", class_="highlight").find("code")  # type: ignore[union-attr]
            expected = snippets.on_machine(EXPERIMENTS[name], cases[choice.winner], asked)
            assert code.get_text().strip() == expected.strip()  # type: ignore[union-attr]


def test_certificate_home_and_method_say_what_the_numbers_are_worth(whole: Path, pages: Pages) -> None:
    certificate = pages["reference/certificate.html"]
    assert {one["data-passed"] for one in certificate.select("[data-passed]")} == {"true"}
    groups = {f"{name}/{group['index']}" for name in EXPERIMENTS for group in _export(whole, name)["groups"]}
    assert {str(one["data-group"]) for one in certificate.select("[data-group]")} == groups
    (home,) = pages["index.html"].select("[data-quotable]")
    assert home["data-quotable"] == "except"
    assert home.select_one('a[href="reference/certificate.html"]')
    for name in ("numbers", "tolerances"):
        assert pages["reference/method.html"].select(f"table.bench-rules-{name} tbody tr")


@pytest.mark.parametrize("page", [POST, "evidence/arena.html", "evidence/profiling.html"])
def test_every_table_of_results_has_a_frame_that_says_where_it_is_and_where_it_comes_from(
    pages: Pages, page: str
) -> None:
    """An address of its own; machine, version and, where rounds were measured, their number."""
    tables = pages[page].select(
        "table.bench-measured, table.bench-proofs, table.bench-costs, table.bench-twin"
    )
    assert tables
    for table in tables:
        assert table.find_parent("figure", class_="bench-figure")
        region = table.find_parent("div", class_="bench-table")
        assert region
        assert region["tabindex"] == "0"
    for figure in pages[page].select("figure.bench-figure"):
        assert figure.select_one(f'figcaption a[href="#{figure["id"]}"]')
        caption = figure.figcaption.get_text()  # type: ignore[union-attr]
        assert "onnxruntime 1." in caption, figure["id"]
        assert re.search(r"可用 \d+ 核", caption), figure["id"]
        if figure.select_one("table.bench-measured, .bench-vega"):
            assert re.search(r"\d+ 轮", caption), figure["id"]


def test_data_trace_and_source_are_published_readably_and_scripts_with_their_licence(whole: Path) -> None:
    named = re.findall(r"`([^`]+)`", (ROOT / "docs/reference/licenses.md").read_text(encoding="utf-8"))
    scripts = [path.relative_to(whole).as_posix() for path in whole.rglob("*.js")]
    assert scripts
    assert [script for script in scripts if not any(fnmatch(script, one) for one in named)] == []
    assert (whole / "data" / "profiling.trace.json").read_text(encoding="utf-8") == TRACE
    for path in (ROOT / "bench" / "experiments").glob("*.py"):
        assert (whole / "source" / path.name).read_bytes() == codecs.BOM_UTF8 + path.read_bytes()
    schemas = ("export.schema.json", "journal.schema.json")
    for name in ("machine.json", "options.json", *schemas, "../assets/vega.js"):
        assert (whole / "data" / name).stat().st_size > 100


def test_site_shows_every_kind_of_verdict_and_why_there_is_none(pages: Pages) -> None:
    """Otherwise no test of the whole site would look at them."""
    shown = "".join(str(soup) for name, soup in pages.items() if name.startswith("evidence/"))
    assert {"slower", "same"} <= set(re.findall(r'data-verdict="(\w+)"', shown))
    assert {"effect", "nothing", "unseen"} <= set(re.findall(r'data-outcome="(\w+)"', shown))
    assert "bench-unquotable" in shown
    assert "bench-unseen" in shown

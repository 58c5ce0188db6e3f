"""The real pages, built once from made-up samples of every experiment: nothing is measured, everything is shown."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import json
import re
import xml.etree.ElementTree as ET
from datetime import datetime
from fnmatch import fnmatch
from html import escape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import html5lib
import pytest
from bs4 import BeautifulSoup
from made_up_site import SITE_URL, TRACE

from bench.experiments import EXPERIMENTS, OF_A_BUILD
from bench.pages import scenarios, snippets
from bench.pages.words import Words
from bench.results.published import Export
from bench.site import check
from bench.spec import CONTROL
from bench.system.folders import ROOT

HOME, ARTICLE, NOTEBOOK = "index.html", "blog/onnxruntime-cpu.html", "notebooks/thread-ablation.html"
FINDINGS, METHOD, CERTIFICATE = (f"reference/{name}.html" for name in ("findings", "method", "certificate"))
ATOM = "{http://www.w3.org/2005/Atom}"
BELOW = urlsplit(SITE_URL).path
"""The path that the site stands below."""


class Site:
    def __init__(self, root: Path) -> None:
        self.root = root
        found = (path.relative_to(root).as_posix() for path in sorted(root.rglob("*.html")))
        self.pages = {path: self.soup(path) for path in found if path != "404.html"}
        """Every page but the one for dead links, by its path."""
        self.posts = [name for name in self.pages if re.fullmatch(r"blog/(?!index|tags)[^/]+\.html", name)]
        entries = json.loads(self.text("search/search_index.json"))["docs"]
        self.indexed = {one["location"]: one["text"].replace("\u200b", "") for one in entries}
        """What the search reads, by its place."""

    def text(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8")

    def soup(self, path: str) -> BeautifulSoup:
        return BeautifulSoup(self.text(path), "html.parser")

    def export(self, name: str) -> Export:
        return Export.model_validate_json(self.text(f"data/{name}.json"))


@pytest.fixture(scope="module")
def site(whole: Path) -> Site:
    return Site(whole)


def test_every_page_says_what_it_is_and_where(site: Site) -> None:
    descriptions, titles = set(), set()
    for name, soup in site.pages.items():
        metas = [(one.get("name") or one.get("property"), one.get("content")) for one in soup.select("meta")]
        meta = dict(metas)
        assert len(meta) == len(metas), name
        assert soup.html["lang"] == "zh-CN"
        assert len(meta["description"]) >= 5
        assert meta["og:title"]
        assert (meta["og:description"], meta["twitter:card"]) == (meta["description"], "summary")
        assert "og:image" not in meta
        titles.add(soup.title.get_text())
        descriptions.add(meta["description"])
        (canonical,) = soup.select('link[rel="canonical"]')
        assert unquote(canonical["href"]) in {SITE_URL + name, SITE_URL + name.removeprefix(HOME)}
        links = [one.get("href") or one.get("src") for one in soup.select("[href], [src]")]
        assert [link for link in links if link.startswith("/")] == [], f"{name} can be served below any path"
        onward = 'a.md-footer__link--next, article a[href]:not([href^="#"], [href^="http"])'
        assert soup.select(onward), name
    assert len(titles) == len(descriptions) == len(site.pages)
    assert site.pages["en.html"].select_one('article [lang="en"]')
    icons = site.pages[HOME].select('link[rel~="icon"], link[rel="apple-touch-icon"]')
    assert {Path(one["href"]).name for one in icons} == {"favicon.svg", "favicon.png", "touch-icon.png"}
    missing = site.soup("404.html")
    assert missing.title.get_text().startswith("找不到这一页")
    links = [link["href"] for link in missing.select("article a[href]")]
    assert len(links) >= 4
    assert all(link.startswith(BELOW) and (site.root / link.removeprefix(BELOW)).exists() for link in links)


def test_html_parses_without_error_and_no_id_or_region_stands_twice(site: Site) -> None:
    for path, page in check.read(site.root).items():
        assert not re.search(r"[（：，；]\s*(None|nan|inf)\b", page.text), path.name  # printed for nothing
        parser = html5lib.HTMLParser(strict=False)
        parser.parse(path.read_text(encoding="utf-8"))
        assert not parser.errors, f"{path.name}: {parser.errors[:3]}"
    for name, soup in site.pages.items():
        for places, attribute in (("[id]", "id"), ("[role=region]", "aria-label")):
            names = [str(one[attribute]) for one in soup.select(places)]
            assert all(names), name
            assert sorted(names) == sorted(set(names)), name
    elsewhere = check.leaving(site.root)
    assert any(address.startswith("https://github.com/microsoft/onnxruntime/") for address in elsewhere)
    assert not [address for address in elsewhere if not urlsplit(address).netloc]


def test_sitemap_lists_every_page_and_the_feed_every_post_newest_first(site: Site) -> None:
    urls = re.findall(r"<loc>(.*?)</loc>", site.text("sitemap.xml"))
    listed = {unquote(urlsplit(url).path).removeprefix(BELOW) or HOME for url in urls}
    assert {name for name in site.pages if not name.startswith(("blog/archive", "blog/category"))} <= listed
    feed = ET.fromstring(site.text("feed.xml"))  # noqa: S314 our own file
    assert feed.tag == f"{ATOM}feed"
    assert all(feed.find(f"{ATOM}{tag}") is not None for tag in ("title", "id", "updated", "author"))
    entries = feed.findall(f"{ATOM}entry")
    paths = [urlsplit(entry.findtext(f"{ATOM}id") or "").path.removeprefix(BELOW) for entry in entries]
    assert sorted(paths) == sorted(site.posts)
    dates = [datetime.fromisoformat(entry.findtext(f"{ATOM}published") or "") for entry in entries]
    assert dates == sorted(dates, reverse=True)
    assert all(entry.findtext(f"{ATOM}summary") for entry in entries)
    (link,) = site.pages["reference/data.html"].select('link[type="application/atom+xml"]')
    assert link["href"] == "../feed.xml"


def test_posts_tell_date_author_category_and_reading_time_and_end_with_the_next_question(site: Site) -> None:
    assert len(site.posts) >= 2
    for name in site.posts:
        last = site.pages[name].select("article h2")[-1]
        assert last.get("id") == "next", name
        assert len(last.find_next("ul").select("a[href]")) >= 2
    (line,) = site.pages["blog/container-threads.html"].select("article .post-meta")
    text = line.get_text(" ", strip=True)
    assert re.search(r"\d{4}年\d{1,2}月\d{1,2}日", text)
    assert all(part in text for part in ("部署", "ONNX Runtime CPU 推理指南", "读完约"))
    assert int(re.findall(r"读完约 (\d+) 分钟", site.text(ARTICLE))[0]) >= 5, "the plugin would count words"


def test_article_carries_every_claim_evidence_every_choice_and_home_the_winners_code(site: Site) -> None:
    """But for what is measured apart, which has a post of its own."""
    claims = {claim.id for name in OF_A_BUILD for claim in EXPERIMENTS[name].claims}
    assert {one["data-claim"] for one in site.pages[ARTICLE].select("[data-claim]")} == claims
    for name, experiment in EXPERIMENTS.items():
        export, page = site.export(name), site.pages[f"evidence/{name}.html"]
        assert {one["data-claim"] for one in page.select("[data-claim]")} == {
            one.id for one in experiment.claims
        }
        assert [one["data-scenario"] for one in page.select("[data-scenario]")] == [
            one.id for one in experiment.scenarios
        ]
        asked = Words(export).asked()
        for scenario in experiment.scenarios:
            shown = site.pages[HOME].select_one(f"#set-{scenario.id}")
            chosen = scenarios.choice(export, scenario).winner
            assert page.select_one(f'[data-scenario="{scenario.id}"]')["data-winner"] == chosen
            code = shown.find("div", class_="highlight").find("code").get_text()
            winner = scenarios.winner(export, scenario)
            assert code.strip() == snippets.on_machine(experiment, winner, asked).strip()


def test_certificate_home_and_method_say_what_the_numbers_are_worth(site: Site) -> None:
    certificate = site.pages[CERTIFICATE]
    assert {one["data-passed"] for one in certificate.select("[data-passed]")} == {"true"}
    groups = {f"{name}/{group.index}" for name in OF_A_BUILD for group in site.export(name).groups}
    assert {one["data-group"] for one in certificate.select("[data-group]")} == groups
    (home,) = site.pages[HOME].select("[data-quotable]")
    assert home["data-quotable"] == "except"
    assert home.select_one(f'a[href="{CERTIFICATE}"]')
    for name in ("numbers", "tolerances"):
        assert site.pages[METHOD].select(f"table.bench-rules-{name} tbody tr")


@pytest.mark.parametrize("page", ["evidence/arena.html", "evidence/profiling.html"])
def test_every_table_of_results_has_a_frame_and_the_page_says_once_where_they_come_from(
    site: Site, page: str
) -> None:
    """An address of its own and, where rounds were measured, their number; machine and version stand at the top."""
    (origin,) = site.pages[page].select(".bench-provenance")
    assert "onnxruntime 1." in origin.get_text()
    assert re.search(r"可用 \d+ 核", origin.get_text())
    kinds = ("measured", "proofs", "costs", "twin")
    tables = site.pages[page].select(", ".join(f"table.bench-{kind}" for kind in kinds))
    assert tables
    for table in tables:
        assert table.find_parent("figure", class_="bench-figure")
        assert table.find_parent("div", class_="bench-table")["tabindex"] == "0"
    for figure in site.pages[page].select("figure.bench-figure"):
        assert figure.select_one(f'figcaption a[href="#{figure["id"]}"]')
        caption = figure.figcaption.get_text()
        if figure.select_one("table.bench-measured, .bench-vega"):
            assert re.search(r"重复 [\d–]+ 次", caption), figure["id"]


def test_data_trace_and_source_are_published_readably_and_scripts_with_their_licence(site: Site) -> None:
    named = re.findall(r"`([^`]+)`", (ROOT / "docs/reference/licenses.md").read_text(encoding="utf-8"))
    scripts = [path.relative_to(site.root).as_posix() for path in site.root.rglob("*.js")]
    assert scripts
    assert [script for script in scripts if not any(fnmatch(script, one) for one in named)] == []
    assert site.text("data/profiling.trace.json") == TRACE
    for path in (ROOT / "bench" / "experiments").glob("*.py"):
        assert (site.root / "source" / path.name).read_bytes() == codecs.BOM_UTF8 + path.read_bytes()
    schemas = tuple(f"{one}.schema.json" for one in ("export", "journal", "tuned", "bundle"))
    for name in ("machine.json", "options.json", *schemas, "../assets/vega.js"):
        assert (site.root / "data" / name).stat().st_size > 100


def test_the_diagnosis_is_offered_with_its_version_address_and_checksum(site: Site) -> None:
    offered = site.root / "tools/doctor.py"
    (address,) = re.findall(r'^SITE = "(.*)"', offered.read_text(encoding="utf-8"), re.MULTILINE)
    assert address.endswith(BELOW)
    told = hashlib.sha256(offered.read_bytes()).hexdigest()
    assert offered.with_name("doctor.py.sha256").read_text() == f"{told}  doctor.py\n"
    page = site.pages["blog/doctor.html"]
    assert told in page.get_text()
    assert f"{address}tools/doctor.py" in page.get_text()
    assert page.select_one('a[href="../tools/doctor.py"]')
    assert f"{address}symptoms.html#intel-slow" in page.get_text()  # what it printed of a real model


def test_site_shows_every_kind_of_verdict_and_why_there_is_none(site: Site) -> None:
    """Otherwise no test of the whole site would look at them."""
    shown = "".join(site.text(f"evidence/{name}.html") for name in EXPERIMENTS)
    kinds = {"verdict": ("slower", "same"), "outcome": ("effect", "nothing", "unseen")}
    marks = [f'data-{of}="{kind}"' for of, several in kinds.items() for kind in several]
    assert [mark for mark in (*marks, "bench-unquotable", "bench-unseen") if mark not in shown] == []


@pytest.mark.parametrize("name", sorted(EXPERIMENTS))
def test_evidence_is_complete_in_order_found_listed_and_linked(site: Site, name: str) -> None:
    page, experiment, export = f"evidence/{name}.html", EXPERIMENTS[name], site.export(name)
    shown, exported = set(), set()  # as a stranger's program would read them
    for cell in site.pages[page].select("table[data-experiment] tr[data-case] td[data-metric][data-value]"):
        table, case = cell.find_parent("table"), cell.find_parent("tr")["data-case"]
        place = (*(table[f"data-{of}"] for of in ("experiment", "model", "input")), case, cell["data-metric"])
        shown.add((*place, *(cell.get(f"data-{of}") for of in ("value", "low", "high"))))
    for r in export.rows:
        if r.value is not None and r.metric in experiment.columns:
            numbers = (None if number is None else str(number) for number in (r.value, r.low, r.high))
            exported.add((r.experiment, r.model, r.input, r.case, r.metric, *numbers))
    assert shown == exported
    timed = any(group.load.timed for group in export.groups)
    assert {"default", *[CONTROL] * timed} <= {row[3] for row in shown}
    html = site.text(page)
    marks = [f'bench-question">{escape(experiment.question)}<']
    marks += ["bench-conclusion", "bench-measured", "bench-proofs"]
    marks += [f"<code>{case.id}</code></p>" for case in export.cases if case.id != CONTROL]
    marks += [f"../data/{name}.{kind}" for kind in ("csv", "json", "pyperf.json")]
    marks += [f"../source/{name}.py", f"测了 {export.build.rounds} 轮", "../reference/method.html#rules"]
    at = html.index("bench-question")
    for mark in marks:
        assert (at := html.find(mark, at)) >= 0, f"{mark} is missing, or stands before what it should follow"
    assert html.count("bench-vega") >= len({chart.kind for chart in experiment.charts})
    assert html.count("data-script=") == len(export.reports)
    assert html.count('class="bench-costs ') == 2 * len(export.traces)
    contents = html[html.index("bench-contents") : html.index("bench-conclusion")]
    assert set(re.findall(r'<h2 id="([^"]+)"', html)) <= set(re.findall(r'href="#([^"]+)"', contents))
    assert experiment.question in site.indexed[page].replace("&quot;", '"')
    assert site.indexed[f"{page}#{name}-conclusion"]
    listed = site.text("evidence/index.html")
    assert f'href="{name}.html"' in listed
    assert escape(experiment.question) in listed
    assert all(f'href="../evidence/{name}.html"' in site.text(page) for page in (ARTICLE, CERTIFICATE))


def test_verdicts_and_options_lead_to_the_evidence_and_every_term_once_to_the_glossary(site: Site) -> None:
    """To the very table; that there is such a place, every build checks."""
    verdicts = site.pages[FINDINGS].select(".bench-findings a.bench-verdict")
    assert verdicts
    assert all(re.fullmatch(r"\.\./evidence/\w+\.html#.+", link["href"]) for link in verdicts)
    assert "../evidence/arena.html" in site.text("reference/options.html")
    for name in ("symptoms.html", ARTICLE, METHOD):
        used = [link["href"] for link in site.pages[name].select("a.term")]
        assert len(set(used)) == len(used) > 0, name


def test_search_reads_rows_and_no_measured_cell(site: Site) -> None:
    page = "evidence/arena.html"
    text = "".join(found for place, found in site.indexed.items() if place.startswith(page))
    cells = [cell.get_text() for cell in site.pages[page].select(".bench-measured td:has(small)")]
    names = {name.get_text() for name in site.pages[page].select('.bench-measured th[scope="row"] code')}
    assert cells
    assert names
    assert [cell for cell in cells if cell in text] == []
    assert names <= set(re.split(r"[\s<>]+", text))
    article = "".join(found for place, found in site.indexed.items() if place.startswith(ARTICLE))
    assert [
        cell for cell in site.pages[ARTICLE].select("td[data-verdict]") if f"{cell.get_text()} " in article
    ] == []


def test_pages_for_programs_hold_conclusions_settings_and_tables(site: Site) -> None:
    arena = site.text("evidence/arena.html.md")
    assert "import bench" not in site.text(f"{ARTICLE}.md")
    assert "```python\n# 适用于 onnxruntime" in site.text(f"{HOME}.md")
    for part in (EXPERIMENTS["arena"].question, "\n## 结论\n", "```python\n# 适用于 onnxruntime"):
        assert part in arena
    for page in (arena, site.text(f"{ARTICLE}.md")):
        rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| 关 arena")]
        assert rows
        assert any(re.search(r"\d", row[2]) for row in rows), "figures stand in the cells"
    paths = re.findall(r"\]\(([^)]+)\)", site.text("llms.txt"))
    assert {f"evidence/{name}.html.md" for name in EXPERIMENTS} < set(paths)
    assert [path for path in paths if not (site.root / path).exists()] == []


def test_pages_are_light(site: Site) -> None:
    """What a reader has to fetch, each file compressed by itself as servers do; the library when a chart comes near."""
    everywhere = {"main", "palette", "bundle", "tables", "charts", "iframe-worker"}
    limits = ((HOME, [], 250), (ARTICLE, [], 250), (ARTICLE, ["assets/vega.js"], 600), (NOTEBOOK, [], 800))
    for page, more, limit in limits:
        here = site.root / page
        links = re.findall(r'<(?:link rel="stylesheet" href|script src)="([^"]+)"', site.text(page))
        files = [here, *((here.parent / link).resolve() for link in links), *map(site.root.joinpath, more)]
        names = {path.name.split(".")[0] for path in files}
        assert everywhere | ({"index", "chooser"} if page == HOME else set()) <= names
        assert ("vega" in names) is bool(more)
        assert sum(len(gzip.compress(path.read_bytes(), 6)) for path in files) <= limit * 1000, page

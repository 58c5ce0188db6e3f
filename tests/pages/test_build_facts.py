"""Rules, downloads, licences and the truth mill: what is told is what there is, and nothing of others is shipped without a word."""

from __future__ import annotations

import json
import re
from email.message import Message
from fnmatch import fnmatch
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from prose import markup_faults, text_of

from bench.experiments import EXPERIMENTS
from bench.measure.plan import NEAR_SECONDS
from bench.measure.profiles import PROFILES
from bench.pages import build_facts, source
from bench.results import choice, stats, view
from bench.site import publish
from bench.system.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.metadata import PackageMetadata

    from samples import Make

DOCS = ROOT / "docs"
PAGE = DOCS / "reference" / "licenses.md"
TEXTS = DOCS / "assets" / "licenses"
TAKEN = re.compile(rb"Original file: /npm/((?:@[\w.-]+/)?[\w.-]+)@([\d.]+)")
"""How a bundler marks the packages that it put into vl-convert's library."""


def _package(**fields: str | list[str]) -> PackageMetadata:
    message = Message()
    for name, values in fields.items():
        for value in [values] if isinstance(values, str) else values:
            message[name.replace("_", "-")] = value
    return cast("PackageMetadata", message)


OSI = "License :: OSI Approved :: "


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ({"License_Expression": "MIT AND 0BSD", "License": "x", "Classifier": OSI + "Y"}, "MIT AND 0BSD"),
        ({"License": "Apache-2.0", "Classifier": OSI + "Y"}, "Apache-2.0"),
        ({"License": "BSD\n\nCopyright", "Classifier": OSI + "BSD License"}, "BSD License"),
        ({"License": "z" * 80, "Classifier": ["Topic :: A", "License :: B", "License :: C"]}, "B、C"),
        ({"License": " ", "Classifier": "Topic :: A"}, "没有写明"),
        ({}, "没有写明"),
    ],
)
def test_licence_is_the_most_exact_thing_that_a_package_declares(
    fields: dict[str, Any], licence: str
) -> None:
    assert build_facts.licence(_package(**fields)) == licence


@pytest.mark.parametrize(
    ("fields", "home"),
    [
        ({"Project_URL": ["Source, https://b.example", "Homepage, https://a.example"]}, "https://a.example"),
        ({"Project_URL": "Funding, https://b.example", "Home_page": "https://a.example"}, "https://a.example"),
        ({"Project_URL": "Homepage, javascript:alert(1)", "Home_page": "UNKNOWN"}, ""),
        ({}, ""),
    ],
)  # fmt: skip
def test_link_leads_to_a_page_of_the_package_or_nowhere(fields: dict[str, Any], home: str) -> None:
    assert build_facts.homepage(_package(**fields)) == home


def test_table_has_a_row_for_every_package_that_the_project_asks_for() -> None:
    html = build_facts.licences()
    assert markup_faults(html) == []
    names = re.findall(r'<th scope="row">(?:<a href="[^"]*">)?([^<]+)<', html)
    assert len(names) == len(build_facts.direct()) > 15
    assert {"onnxruntime", "mkdocs-material", "vl-convert-python"} <= set(names)
    assert build_facts.UNKNOWN not in html
    assert not re.search(r"<(?:img|script|link|iframe)|\bsrc=", html)


def unnamed(files: Iterable[str], page: str) -> list[str]:
    """Scripts, styles and pictures of a site that no code span of the page covers."""
    patterns = re.findall(r"`([^`]+)`", page)
    return [name for name in files if not any(fnmatch(name, pattern) for pattern in patterns)]


def _theme() -> Path:
    spec = find_spec("material")
    assert spec
    assert spec.origin
    return Path(spec.origin).parent / "templates"


def _shipped() -> list[str]:
    """What the theme, our own folder and the build put into `assets/`, named as in the published site."""
    theme = _theme()
    found = [path.relative_to(theme) for path in (theme / "assets").rglob("*.*")]
    ours = [path.relative_to(DOCS) for path in (DOCS / "assets").rglob("*.*") if TEXTS not in path.parents]
    return [*(path.as_posix() for path in found + ours), "assets/vega.js"]


def test_page_names_every_script_style_and_picture_and_one_that_nobody_named_is_noticed() -> None:
    shipped, page = _shipped(), PAGE.read_text(encoding="utf-8")
    assert any(name.endswith("tinyseg.js") for name in shipped)
    assert unnamed(shipped, page) == []
    assert unnamed(["assets/new.js"], page) == ["assets/new.js"]
    assert unnamed(shipped, page.replace("`assets/vega.js`", "Vega")) == ["assets/vega.js"]


def test_every_text_of_a_licence_is_linked_and_every_link_has_its_text() -> None:
    linked = set(re.findall(r"\(\.\./assets/licenses/([^)]+)\)", PAGE.read_text(encoding="utf-8")))
    assert linked == {path.name for path in TEXTS.iterdir()}


def test_packages_in_the_chart_bundle_are_those_whose_licences_we_ship() -> None:
    """Of Vega-Lite the library carries many versions; the bundle is made of the newest."""
    (library,) = (
        path for path in distribution("vl-convert-python").files or () if path.suffix in {".so", ".pyd"}
    )
    taken = {
        (name.decode(), version.decode())
        for name, version in TAKEN.findall(Path(library.locate()).read_bytes())
    }
    vega_lite = [version for name, version in taken if name == "vega-lite"]
    newest = max(vega_lite, key=lambda version: tuple(map(int, version.split("."))))
    taken -= {("vega-lite", version) for version in vega_lite if version != newest}
    text = (TEXTS / "vega.txt").read_text(encoding="utf-8")
    heads = re.findall(r"^=+\n((?:[\w.@/-]+ [\d.]+\n)+)=+$", text, re.MULTILINE)
    listed = {(name, version) for head in heads for name, version in re.findall(r"(\S+) (\S+)\n", head)}
    assert {"vega", "vega-embed", "d3-array"} <= {name for name, _ in taken}
    assert listed == taken


def test_packages_in_the_theme_are_those_that_the_page_names() -> None:
    maps = list((_theme() / "assets").rglob("*.map"))
    sources = [source for path in maps for source in json.loads(path.read_text(encoding="utf-8"))["sources"]]
    taken = {
        found[1] for source in sources if (found := re.search(r"node_modules/((?:@[^/]+/)?[^/]+)", source))
    }
    page = PAGE.read_text(encoding="utf-8").lower()
    assert {"rxjs", "lunr"} <= taken
    assert [name for name in sorted(taken) if name not in page] == []


@pytest.mark.parametrize("trace", [True, False])
def test_trace_is_offered_only_where_there_is_one(
    make: Make, monkeypatch: pytest.MonkeyPatch, *, trace: bool
) -> None:
    monkeypatch.setattr(source, "has_trace", lambda _: trace)
    html = build_facts.links(make.experiment(keep_trace=("one", 0)))
    assert ("toys.trace.json" in html) is trace
    assert "data/toys.json" in html
    assert 'data-link="source/toys.py">怎么测的' in html


def _rules() -> str:
    return text_of(build_facts.rules(publish._rules()))


@pytest.mark.parametrize(
    ("home", "name", "value", "told"),
    [
        (stats, "MIN_EFFECT", 0.03, "3%，并且"),
        (stats, "SAME_MARGIN", 0.07, "±7% 之内"),
        (stats, "MEMORY_EFFECT_MIB", 99, "99 MiB 中较大的"),
        (stats, "MIN_ROUNDS", 77, "77 轮"),
        (view, "TOO_NOISY", 0.33, "33%，或被判为快慢不同"),
        (view, "MAX_DIRTY_SHARE", 0.44, "44%"),
        (choice, "RESAMPLES", 999, "999 次"),
        (choice, "STABLE", 0.66, "66%"),
    ],
)
def test_changed_constant_changes_the_table(
    monkeypatch: pytest.MonkeyPatch, home: object, name: str, value: float, told: str
) -> None:
    assert told not in _rules()
    monkeypatch.setattr(home, name, value)
    assert told in _rules()


def test_rules_tell_the_numbers_of_the_exporter_and_every_limit_that_candidates_are_held_to() -> None:
    html, profile = build_facts.rules(publish._rules()), PROFILES["default"]
    told = text_of(html)
    assert not markup_faults(html)
    assert f"{profile.min_seconds:g} 秒，{profile.min_calls} 次" in told
    assert f"{profile.rounds}；要选推荐设置的实验 {profile.split_rounds}" in told
    assert f"{NEAR_SECONDS:g} 秒" in told
    for scenario in (scenario for one in EXPERIMENTS.values() for scenario in one.scenarios):
        assert scenario.title in told
        for limit in scenario.limits:
            assert limit.text in told
            assert (f"{limit.factor - 1:.0%}" in limit.text) is (limit.factor != 1), limit.text


def test_figures_of_the_mill_stand_with_date_and_command_and_none_is_beyond_its_limit() -> None:
    """What is shown was not allowed to be worse when it was written."""
    found, html = json.loads(build_facts.MILL.read_text(encoding="utf-8")), build_facts.mill()
    assert found["date"] in html
    assert found["command"] in text_of(html)
    assert html.count("<tr>") >= len(found["rows"]) > 0
    for title, looked, wrong, _, limit in found["rows"]:
        assert int(wrong) <= float(limit.rstrip("%")) / 100 * int(looked), title

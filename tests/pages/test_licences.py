"""The list of licences: what packages declare, and that nothing of others is shipped without a word."""

from __future__ import annotations

import json
import re
from email.message import Message
from fnmatch import fnmatch
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from prose import markup_faults, text_of

from bench.pages import licences
from bench.system.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.metadata import PackageMetadata

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


@pytest.mark.parametrize(
    ("about", "licence"),
    [
        (
            _package(
                License_Expression="MIT AND 0BSD", License="x", Classifier="License :: OSI Approved :: Y"
            ),
            "MIT AND 0BSD",
        ),
        (_package(License="Apache-2.0", Classifier="License :: OSI Approved :: Y"), "Apache-2.0"),
        (
            _package(License="BSD\n\nCopyright", Classifier="License :: OSI Approved :: BSD License"),
            "BSD License",
        ),
        (_package(License="z" * 80, Classifier=["Topic :: A", "License :: B", "License :: C"]), "B、C"),
        (_package(License=" ", Classifier="Topic :: A"), "没有写明"),
        (_package(), "没有写明"),
    ],
)
def test_licence_is_the_most_exact_thing_that_a_package_declares(
    about: PackageMetadata, licence: str
) -> None:
    assert licences.licence(about) == licence


@pytest.mark.parametrize(
    ("about", "home"),
    [
        (
            _package(Project_URL=["Source, https://b.example", "Homepage, https://a.example"]),
            "https://a.example",
        ),
        (
            _package(Project_URL="Funding, https://b.example", Home_page="https://a.example"),
            "https://a.example",
        ),
        (_package(Project_URL="Homepage, javascript:alert(1)", Home_page="UNKNOWN"), ""),
        (_package(), ""),
    ],
)
def test_link_leads_to_a_page_of_the_package_or_nowhere(about: PackageMetadata, home: str) -> None:
    assert licences.homepage(about) == home


def test_what_a_package_says_of_itself_is_text() -> None:
    evil = '"><script>alert(1)</script>'
    html = licences.row(_package(Name=evil, License=evil, Home_page=f"https://a.example/{evil}"), evil)
    assert "<script" not in html
    assert markup_faults(html) == []
    assert text_of(html).count(evil) == 3


def test_table_has_a_row_for_every_package_that_the_project_asks_for() -> None:
    html = licences.table()
    assert markup_faults(html) == []
    names = re.findall(r'<th scope="row">(?:<a href="[^"]*">)?([^<]+)<', html)
    assert len(names) == len(licences.direct()) > 15
    assert {"onnxruntime", "mkdocs-material", "vl-convert-python"} <= set(names)
    assert licences.UNKNOWN not in html


def test_nothing_is_loaded_to_show_the_table() -> None:
    assert not re.search(r"<(?:img|script|link|iframe)|\bsrc=", licences.table())


def unnamed(files: Iterable[str], page: str) -> list[str]:
    """Scripts, styles and pictures of a site that no code span of the page covers."""
    patterns = re.findall(r"`([^`]+)`", page)
    return [name for name in files if not any(fnmatch(name, pattern) for pattern in patterns)]


def _shipped() -> list[str]:
    """What the theme, our own folder and the build put into `assets/`, named as in the published site."""
    spec = find_spec("material")
    assert spec
    assert spec.origin
    theme = Path(spec.origin).parent / "templates"
    found = [path.relative_to(theme) for path in (theme / "assets").rglob("*.*")]
    ours = [path.relative_to(DOCS) for path in (DOCS / "assets").rglob("*.*") if TEXTS not in path.parents]
    return [*(path.as_posix() for path in found + ours), "assets/vega.js"]


def test_page_names_every_script_style_and_picture() -> None:
    shipped = _shipped()
    assert any(name.endswith("tinyseg.js") for name in shipped)
    assert unnamed(shipped, PAGE.read_text(encoding="utf-8")) == []


def test_file_that_nobody_named_is_noticed() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert unnamed(["assets/new.js"], page) == ["assets/new.js"]
    assert unnamed(_shipped(), page.replace("`assets/vega.js`", "Vega")) == ["assets/vega.js"]


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
    spec = find_spec("material")
    assert spec
    assert spec.origin
    maps = list((Path(spec.origin).parent / "templates" / "assets").rglob("*.map"))
    sources = [source for path in maps for source in json.loads(path.read_text(encoding="utf-8"))["sources"]]
    taken = {
        found[1] for source in sources if (found := re.search(r"node_modules/((?:@[^/]+/)?[^/]+)", source))
    }
    page = PAGE.read_text(encoding="utf-8").lower()
    assert {"rxjs", "lunr"} <= taken
    assert [name for name in sorted(taken) if name not in page] == []

"""The Python packages that measure and build this site, with the licence that each declares."""

from __future__ import annotations

import re
import tomllib
from html import escape
from importlib.metadata import metadata, version
from typing import TYPE_CHECKING

from bench.system.folders import ROOT

if TYPE_CHECKING:
    from importlib.metadata import PackageMetadata

LONGEST = 40
"""Characters. Some packages put the whole licence text where its name belongs."""
HOMES = ("homepage", "source", "repository", "documentation")
"""Labels of a package's links, the best first."""
UNKNOWN = "没有写明"


def table() -> str:
    """A row for each package that this project asks for by name; what those need in turn is not listed."""
    rows = "".join(row(metadata(name), version(name)) for name in direct())
    return (
        '<div class="bench-table"><table><caption><span>测量和建站直接用到的 Python 包：版本和许可证由装好的包自己声明'
        '</span></caption><thead><tr><th scope="col">包</th><th scope="col">版本</th><th scope="col">许可证</th></tr>'
        f"</thead><tbody>{rows}</tbody></table></div>"
    )


def direct() -> list[str]:
    """From pyproject.toml itself: the metadata of an editable install can be older than the file."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        wanted = tomllib.load(file)["project"]["dependencies"]
    names = (re.match(r"[\w.-]+", one) for one in wanted)
    return sorted((found[0] for found in names if found), key=str.lower)


def row(about: PackageMetadata, installed: str) -> str:
    name, home = escape(about["Name"]), homepage(about)
    title = f'<a href="{escape(home)}">{name}</a>' if home else name
    return (
        f'<tr><th scope="row">{title}</th><td>{escape(installed)}</td><td>{escape(licence(about))}</td></tr>'
    )


def licence(about: PackageMetadata) -> str:
    """The SPDX expression; from before packages had one: a short text, or else the classifiers."""
    texts = (text.strip() for text in about.get_all("License", []))
    short = (text for text in texts if "\n" not in text and len(text) <= LONGEST)
    classifiers = (one for one in about.get_all("Classifier", []) if one.startswith("License :: "))
    kinds = "、".join(one.rpartition(" :: ")[2] for one in classifiers)
    found: str = next(filter(None, (*about.get_all("License-Expression", []), *short, kinds, UNKNOWN)))
    return found


def homepage(about: PackageMetadata) -> str:
    """Where the package lives, or nothing; only what a browser opens as a page."""
    pairs = (one.partition(",") for one in about.get_all("Project-URL", []))
    links = {label.strip().lower(): url.strip() for label, _, url in pairs}
    found = [*(links.get(label, "") for label in HOMES), *about.get_all("Home-page", [])]
    return next((url for url in found if url.startswith(("https://", "http://"))), "")

"""Where pages get their numbers: files that were exported before, by `bench.site`."""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from bench.experiments import EXPERIMENTS, OF_A_BUILD
from bench.results.published import Export
from bench.results.trust import SELFTEST
from bench.system.folders import ROOT, Folders

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


DRAFT = "draft.json"
"""Made of a build that is still being measured; it marks the site, too."""
_SHOWN = re.compile(r"^#+ .*\{ *#([\w-]+) *\}|bench\.(?:show|table|advice)\(['\"](\w+)['\"]", re.MULTILINE)
"""Headings with an anchor, and calls that show an experiment."""
_SLUG = re.compile(r"^slug: *(\S+)", re.MULTILINE)


class MissingResult(Exception):
    """Pages ask for what was not measured; the message is one sentence for the user."""


class NotYet(Exception):
    """There is no result of an experiment, whose id is the message, and none must be: in a draft, or apart from builds."""


def load(experiment: str) -> Export:
    """The exported result of an experiment. Raises MissingResult."""
    if experiment not in status():
        may_lack = draft() or EXPERIMENTS[experiment].apart
        raise NotYet(experiment) if may_lack else MissingResult(_not_measured([experiment]))
    return _read(Folders.here().export / "data" / f"{experiment}.json")


def selftests() -> dict[str, Export]:
    """Id of a build that is shown -> its own self-test of the measuring code, where one was made."""
    return {path.stem: _read(path) for path in (Folders.here().export / "data" / SELFTEST).glob("*.json")}


def exported(file: str) -> dict[str, Any]:
    """What the last export wrote down, beside the results."""
    path = Folders.here().export / file
    return _parsed(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=100)
def _parsed(path: Path, changed_ns: int) -> dict[str, Any]:
    """Asked for a thousand times a site, and written anew while a preview runs."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def draft() -> dict[str, Any] | None:
    """Of what these files are a draft; None: of a complete build."""
    return exported(DRAFT) if (Folders.here().export / DRAFT).exists() else None


def here() -> dict[str, Any]:
    """This machine and its software: fingerprint, cpu, cores, software."""
    return exported("here.json")


def rules() -> dict[str, float]:
    """Name -> number by which samples are taken."""
    return exported("rules.json")


def chart_specs(experiment: str) -> dict[str, Any]:
    """Chart id -> Vega-Lite specification."""
    return exported(f"charts/{experiment}.json")


def has_trace(experiment: str) -> bool:
    """Whether a profiler's trace was exported with the result."""
    return (Folders.here().export / "data" / f"{experiment}.trace.json").exists()


def is_stale(experiment: str) -> bool:
    """Whether an old result stands in during a live preview."""
    return status().get(experiment) == "stale"


def status() -> dict[str, str]:
    """Experiment -> "valid" or "stale", as the last export left it."""
    return exported("status.json") if (Folders.here().export / "status.json").exists() else {}


@cache
def sections() -> dict[str, str]:
    """Experiment -> address of the section that shows it; the page that shows most experiments comes first."""
    pages = [found for path in sorted((ROOT / "docs").rglob("*.md")) if (found := _sections_of(path))]
    return {name: place for page in sorted(pages, key=len) for name, place in page.items()}


def _sections_of(path: Path) -> dict[str, str]:
    text, found, anchor = path.read_text(encoding="utf-8"), dict[str, str](), ""
    slug = _SLUG.search(text)
    page = path.with_name(slug[1]) if slug else path.with_suffix("")
    address = page.relative_to(ROOT / "docs").as_posix().replace("/posts/", "/")
    for heading, experiment in _SHOWN.findall(text):
        anchor = heading or anchor
        if experiment:
            found.setdefault(experiment, f"{address}.html#{anchor}")
    return found


def require(experiments: set[str]) -> None:
    """Raises MissingResult unless all of `experiments` have a result."""
    if missing := sorted((experiments & {*OF_A_BUILD}) - status().keys()):
        raise MissingResult(_not_measured(missing))


def _not_measured(experiments: Iterable[str]) -> str:
    return f"还没有本机的有效结果：{'、'.join(experiments)}。先运行 nox -s docs；已有的为什么不能用，看 nox -s bench -- check"


@cache
def _read(path: Path) -> Export:
    return Export.model_validate_json(path.read_text(encoding="utf-8"))

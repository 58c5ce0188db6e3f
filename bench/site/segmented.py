"""How jieba parts the Chinese of the pages, kept from one build to the next: to load its dictionary takes a tenth of a build."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING

import jieba

from bench.system.folders import Folders, write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PLUGIN = "material.plugins.search.plugin"
"""Calls `jieba.cut`, and loads the dictionary when it does."""


@dataclass(slots=True)
class Segmented:
    """Stands in the place of jieba: asks it for what no build before had."""

    path: Path
    known: Mapping[str, Sequence[str]]
    """By builds before."""
    used: dict[str, Sequence[str]] = field(default_factory=dict)
    """What no page has any more is not kept."""

    def cut(self, text: bytes) -> Sequence[str]:
        """As the plugin calls it."""
        chinese = text.decode()
        if chinese not in self.used:
            self.used[chinese] = self.known.get(chinese) or [*jieba.cut(chinese)]
        return self.used[chinese]

    def keep(self) -> None:
        if self.used != self.known:
            write_whole(self.path, json.dumps(self.used, ensure_ascii=False))


def begin() -> None:
    """Let the search, where a site has one, ask here."""
    if plugin := sys.modules.get(PLUGIN):
        path = Folders.here().words / f"jieba-{version('jieba')}.json"
        plugin.jieba = Segmented(path, _read(path))  # type: ignore[attr-defined]


def end() -> None:
    """The search has read all pages."""
    found = getattr(sys.modules.get(PLUGIN), "jieba", None)
    if isinstance(found, Segmented):
        found.keep()


def _read(path: Path) -> dict[str, Sequence[str]]:
    """Nothing where there is none, or somebody broke it: it is made again."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return {}

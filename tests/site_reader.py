"""Reads the tables of a page as a stranger's program would."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import NamedTuple

Key = tuple[str, str, str, str, str]
"""Experiment, model, input, case, metric."""


class Cell(NamedTuple):
    value: float | None
    low: float | None
    high: float | None


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.cells: dict[Key, Cell] = {}
        self._table: tuple[str, str, str] | None = None
        self._case = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "table":
            named = "data-experiment" in found
            self._table = (
                (found["data-experiment"], found["data-model"], found["data-input"]) if named else None
            )
        elif tag == "tr":
            self._case = found.get("data-case", "")
        elif tag == "td" and self._table and "data-metric" in found:
            value, low, high = (
                float(found[name]) if name in found else None
                for name in ("data-value", "data-low", "data-high")
            )
            self.cells[*self._table, self._case, found["data-metric"]] = Cell(value, low, high)


def read_tables(html: str) -> dict[Key, Cell]:
    """Cells of all measured tables of a page."""
    reader = _Reader()
    reader.feed(str(html))
    return reader.cells

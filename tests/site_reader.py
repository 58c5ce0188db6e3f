"""Reads the tables of a page as a stranger's program would."""

from __future__ import annotations

from typing import NamedTuple

from bs4 import BeautifulSoup, SoupStrainer

Key = tuple[str, str, str, str, str]
"""Experiment, model, input, case, metric."""


class Cell(NamedTuple):
    value: float | None
    low: float | None
    high: float | None


def read_tables(html: str) -> dict[Key, Cell]:
    """Cells of all measured tables of a page."""
    soup = BeautifulSoup(str(html), "html.parser", parse_only=SoupStrainer("table"))
    return {
        (*(str(table[f"data-{of}"]) for of in ("experiment", "model", "input")), str(row["data-case"]), str(cell["data-metric"])): Cell(
            *(float(str(cell[f"data-{end}"])) if cell.has_attr(f"data-{end}") else None for end in Cell._fields)
        )
        for table in soup.select("table[data-experiment]")
        for row in table.select("tr[data-case]")
        for cell in row.select("td[data-metric]")
    }  # fmt: skip

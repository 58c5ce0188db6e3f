"""Faults that other projects could mend. Each has a script in `docs/upstream` that needs nothing of this project, shows
whether it is still there, and carries the report in English as its first text.
"""

from __future__ import annotations

import ast
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "docs" / "upstream"
TEXTS = Path(__file__).with_suffix(".toml")
STATES = {"STILL THERE": "还在", "NOT THERE": "没有", "CANNOT TELL HERE": "这里看不出"}
"""How the line begins that a script prints, and what readers are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Texts in Chinese from the table, in English from the script."""

    id: str
    said: str
    remedy: str
    experiment: str = ""
    file: str
    """Of the script."""
    title: str
    to: str
    """Projects."""
    report: str
    """Paragraphs below the title."""
    code: str


def _read(row: dict[str, str]) -> Fault:
    (path,) = SCRIPTS.glob(f"{row['id']}.*")
    text = path.read_text(encoding="utf-8")
    said = _comment(text) if path.suffix == ".js" else ast.get_docstring(ast.parse(text)) or ""
    title, _, report = said.partition("\n")
    to = next(line.removeprefix("To: ") for line in report.splitlines() if line.startswith("To: "))
    code = text.split("*/" if path.suffix == ".js" else '"""', 2)[-1].strip()
    return Fault(**row, file=path.name, title=title, to=to, report=report.strip(), code=code)


def _comment(text: str) -> str:
    return text.partition("/*")[2].partition("*/")[0].strip()


ROWS: tuple[dict[str, str], ...] = tuple(tomllib.loads(TEXTS.read_text(encoding="utf-8"))["fault"])
SAID = {row["id"]: row["said"] for row in ROWS}
"""Id -> what readers are told."""


@cache
def faults() -> tuple[Fault, ...]:
    """All of them, in the order of the table."""
    return tuple(map(_read, ROWS))


def state(line: str) -> str:
    """What a script's line says, in Chinese; empty for anything else."""
    return next((said for begins, said in STATES.items() if line.startswith(begins)), "")

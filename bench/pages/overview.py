"""What a page may call about a build as a whole. Every function returns HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.experiments import EXPERIMENTS
from bench.pages import findings, hero, home, rules, source, surprises
from bench.results.verdicts import of_build

if TYPE_CHECKING:
    from bench.results.published import Export


def hero_figure() -> str:
    """Every verdict of this build in one picture."""
    return _block(hero.figure(_exports()))


def chooser() -> str:
    """A few questions that lead to one of the scenarios."""
    return _block(home.chooser())


def surprising() -> str:
    """At most three findings that surprise, with their numbers."""
    return _block(surprises.cards(_exports()))


def findings_summary() -> str:
    """How many comparisons this build made, and how they ended."""
    return _block(findings.summary(of_build(_exports())))


def findings_table() -> str:
    """Every verdict of every experiment."""
    return _block(findings.table(of_build(_exports())))


def rules_tables() -> str:
    """The numbers in the rules, and what the recommended settings may cost."""
    return _block(rules.tables(source.rules()))


def _exports() -> list[Export]:
    return [source.load(name) for name in EXPERIMENTS]


def _block(html: str) -> str:
    """A block element first, so that Markdown does not wrap it in a paragraph."""
    return f'<div class="bench">{html}</div>'

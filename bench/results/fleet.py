"""This machine among others: what they say to its verdicts, by ratios and by the rules' ids, never by times.

A machine agrees with an experiment here where it gives one of its verdicts and the opposite of none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.results.compare import MEMORY, OPPOSITE, RATIOS
from bench.results.verdicts import DECIDED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.results.bundle import Bundle
    from bench.results.published import Export, Row

STATED = (*RATIOS, *MEMORY)


@dataclass(frozen=True, slots=True)
class Vote:
    """What another machine says to an experiment of this one."""

    bundle: Bundle
    same: int
    """Verdicts that are the same there."""
    opposite: tuple[Row, ...]
    """Its rows whose verdict is the opposite of ours."""

    @property
    def agrees(self) -> bool:
        return bool(self.same) and not self.opposite


def votes(export: Export, bundles: Sequence[Bundle]) -> Iterator[Vote]:
    """Of those that measured the experiment, and have a verdict where we have one."""
    ours = _verdicts(export)
    for bundle in bundles:
        there = next((one for one in bundle.exports if one.experiment == export.experiment), None)
        if there is None or not bundle.votes:
            continue
        pairs = [(ours[key], row) for key, row in _verdicts(there).items() if key in ours]
        same = sum(own.verdict == row.verdict for own, row in pairs)
        opposite = tuple(row for own, row in pairs if (own.verdict, row.verdict) in OPPOSITE)
        if same or opposite:
            yield Vote(bundle, same, opposite)


def _verdicts(export: Export) -> dict[tuple[str, str, str, str], Row]:
    return {
        (row.model, row.input, row.case, row.metric): row
        for row in export.rows
        if row.metric in STATED and row.verdict in DECIDED
    }


def winners(bundle: Bundle) -> dict[str, tuple[str, str]]:
    """Scenario -> (id, title) of what was chosen there."""
    return {
        choice.scenario: (choice.winner, next((c.title for c in export.cases if c.id == choice.winner), ""))
        for export in bundle.exports
        for choice in export.choices
        if not choice.reason
    }

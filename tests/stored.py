"""A made-up journal as a complete result on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.results import store

if TYPE_CHECKING:
    from pathlib import Path


def keep(results: Path, journal: store.Journal) -> Path:
    """Write it down record by record, as a runner does. Returns its path."""
    writer = store.Writer.create(results, journal.header)
    for record in (*journal.samples, *journal.rounds, journal.footer):
        assert record
        writer.append(record)
    return writer.journal.path

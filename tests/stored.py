"""A made-up journal as a complete result on disk."""

from pathlib import Path

from bench.results.store import Journal, Writer


def keep(results: Path, journal: Journal) -> Path:
    """Write it down record by record, as a runner does. Returns its path."""
    writer = Writer.create(results, journal.header)
    for record in (*journal.samples, *journal.rounds, journal.footer):
        assert record
        writer.append(record)
    return writer.journal.path

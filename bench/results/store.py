"""Result files: the only module that touches them.

One journal per experiment and build, `results/<experiment>/<build>.jsonl`, appended line by line
and flushed to disk after each, so that a kill costs at most the line being written. A last line
cut short is dropped on reading; any other damage makes the whole file unreadable.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from bench.results.schema import Footer, Header, Line, LineProfile, Record, RoundEnd, Sample, Untimed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LINE: TypeAdapter[Line] = TypeAdapter(Line)


class DamagedJournal(Exception):
    """A result file that cannot be believed; the message says which and why."""


@dataclass(slots=True)
class Journal:
    """One result file in memory."""

    path: Path
    header: Header
    samples: list[Sample] = field(default_factory=list)
    rounds: list[RoundEnd] = field(default_factory=list)
    untimed: list[Untimed] = field(default_factory=list)
    line_profiles: list[LineProfile] = field(default_factory=list)
    footer: Footer | None = None

    @property
    def complete(self) -> bool:
        return self.footer is not None

    def final_rounds(self, group: int) -> list[RoundEnd]:
        """The rounds of a group that count, in order."""
        return sorted((r for r in self.rounds if r.group == group and r.final), key=lambda r: r.round)

    def samples_of(self, end: RoundEnd) -> list[Sample]:
        """The samples of one round, in the order in which they were taken."""
        mine = (
            s for s in self.samples if (s.group, s.round, s.attempt) == (end.group, end.round, end.attempt)
        )
        return sorted({s.position: s for s in mine}.values(), key=lambda s: s.position)

    def add(self, record: Record) -> None:
        match record:
            case Sample():
                self.samples.append(record)
            case RoundEnd():
                self.rounds.append(record)
            case Untimed():
                self.untimed.append(record)
            case LineProfile():
                self.line_profiles.append(record)
            case Footer():
                self.footer = record
            case _:
                raise DamagedJournal(f"{self.path.name}: {type(record).__name__} 不该出现在这里")


class Writer:
    """Appends to one journal and keeps its copy in memory up to date."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    @classmethod
    def create(cls, folder: Path, header: Header) -> Writer:
        """Start a journal. Raises OSError when the folder cannot be written."""
        path = journal_path(folder, header.experiment, header.build)
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = cls(Journal(path, header))
        writer._write(header)
        return writer

    def append(self, record: Record) -> None:
        self._write(record)
        self.journal.add(record)

    def _write(self, record: Record) -> None:
        line = record.model_dump_json() + "\n"
        with self.journal.path.open("ab") as file:
            end = file.tell()
            if end and not _ends_with_newline(self.journal.path):
                end = _cut_last_line(self.journal.path)
                file.seek(end)
            try:
                file.write(line.encode())
                file.flush()
                os.fsync(file.fileno())
            except OSError:  # a full disk must not leave half a line before the next one
                os.truncate(self.journal.path, end)
                raise


def journal_path(folder: Path, experiment: str, build: str) -> Path:
    return folder / experiment / f"{build}.jsonl"


def read(path: Path) -> Journal:
    """Read a journal. Raises DamagedJournal with the reason when it cannot be believed."""
    lines = path.read_bytes().split(b"\n")[:-1]  # what stands behind the last newline was cut short
    if not lines:
        raise DamagedJournal(f"{path.name}: 空文件")
    records = [_parse(path, number, line) for number, line in enumerate(lines, 1)]
    header = records[0]
    if not isinstance(header, Header) or (header.experiment, header.build) != (path.parent.name, path.stem):
        raise DamagedJournal(f"{path.name}: 第一行不是这个文件的文件头")
    journal = Journal(path, header)
    for record in records[1:]:
        journal.add(record)
    return journal


def journals(folder: Path, experiment: str) -> Iterator[Path]:
    """Paths of an experiment's journals, newest first (build ids sort by time)."""
    return iter(sorted((folder / experiment).glob("*.jsonl"), key=lambda path: path.stem, reverse=True))


def _parse(path: Path, number: int, line: bytes) -> Record:
    try:
        return _LINE.validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DamagedJournal(f"{path.name} 第 {number} 行 {where}: {first['msg']}") from error


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _cut_last_line(path: Path) -> int:
    """Drop an unfinished last line; returns the new size."""
    end = path.read_bytes().rfind(b"\n") + 1
    os.truncate(path, end)
    return end

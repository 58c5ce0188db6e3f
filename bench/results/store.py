"""Result files: the only module that touches them.

One journal per experiment and build, `results/<experiment>/<build>.jsonl`, appended line by line
and flushed to disk after each, so that a kill costs at most the line being written. A last line
cut short is dropped on reading; any other damage, or a number that cannot be, makes the whole file
unreadable.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from bench.results.kinds import complaint, printable
from bench.results.plausible import Implausible
from bench.results.plausible_journal import Reading
from bench.results.records import (
    Footer,
    Header,
    Line,
    Record,
    RoundEnd,
    Sample,
    Told,
    TraceSummary,
    Untimed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TAIL = 1 << 16
"""Bytes at the end of a journal in which its last newline is looked for first."""
MOST_BYTES = 1 << 26
"""Larger files are not ours: a thorough build of one experiment takes a few megabytes."""
_PARTS: dict[type[Record], str] = {
    Sample: "samples",
    RoundEnd: "rounds",
    Untimed: "untimed",
    Told: "reports",
    TraceSummary: "traces",
}
_LINE: TypeAdapter[Line] = TypeAdapter(Line)
SCHEMA_VERSION: int = Header.model_fields["schema_version"].default
_SCHEMA = re.compile(rb'"schema_version": ?(\d{1,6})\b')


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
    reports: list[Told] = field(default_factory=list)
    traces: list[TraceSummary] = field(default_factory=list)
    footer: Footer | None = None
    _of_rounds: dict[tuple[int, int, int], list[Sample]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _filed: int = field(default=0, init=False, repr=False, compare=False)
    """How many samples are in `_of_rounds`; they are only ever added."""

    @property
    def complete(self) -> bool:
        return self.footer is not None

    def final_rounds(self, group: int) -> list[RoundEnd]:
        """The rounds of a group that count, in order."""
        return sorted((r for r in self.rounds if r.group == group and r.final), key=lambda r: r.round)

    def samples_of(self, end: RoundEnd) -> list[Sample]:
        """The samples of one round, in the order in which they were taken."""
        for one in self.samples[self._filed :]:
            self._of_rounds.setdefault((one.group, one.round, one.attempt), []).append(one)
        self._filed = len(self.samples)
        return list(self._of_rounds.get((end.group, end.round, end.attempt), ()))

    def add(self, record: Record) -> None:
        if isinstance(record, Footer):
            self.footer = record
        else:
            getattr(self, _PARTS[type(record)]).append(record)


class Writer:
    """Appends to one journal and keeps its copy in memory up to date."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    @classmethod
    def create(cls, folder: Path, header: Header) -> Writer:
        """Start a journal. Raises OSError when it cannot be written or is there already."""
        path = journal_path(folder, header.experiment, header.build)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb"):
            pass
        writer = cls(Journal(path, header))
        try:
            writer._write(header)
        except OSError:
            path.unlink()
            raise
        return writer

    def append(self, record: Record) -> None:
        self._write(record)
        self.journal.add(record)

    def _write(self, record: Record) -> None:
        """One whole line on disk, or OSError and the file as it was."""
        path = self.journal.path
        end = _whole_lines(path)
        line = record.model_dump_json().encode() + b"\n"
        with path.open("ab", buffering=0) as file:
            file.truncate(end)  # what an interruption left behind the last newline
            try:
                while line:
                    line = line[file.write(line) :]
                os.fsync(file.fileno())
            except OSError:
                os.truncate(path, end)
                raise


def journal_path(folder: Path, experiment: str, build: str) -> Path:
    return folder / experiment / f"{build}.jsonl"


def trace_path(journal: Path) -> Path:
    """The profiler's trace that belongs to a journal; there need not be one."""
    return journal.with_suffix(".trace.json")


def read(path: Path) -> Journal:
    """Read a journal. Raises DamagedJournal with the reason when it cannot be believed."""
    if path.stat().st_size > MOST_BYTES:
        raise DamagedJournal(f"{_name(path)}：文件太大，超过 {MOST_BYTES >> 20} MiB")
    return parse(path, path.read_bytes())


def read_header(path: Path) -> Header:
    """The first line of a journal alone. Raises DamagedJournal when it cannot be believed."""
    with path.open("rb") as file:
        line = file.readline(MOST_BYTES)
    if not line.endswith(b"\n"):
        raise DamagedJournal(f"{_name(path)}：空文件")
    return _header(path, line)


def parse(path: Path, content: bytes) -> Journal:
    """The journal that stands in `content`, which was read from `path`. Raises DamagedJournal."""
    lines = content.split(b"\n")[:-1]  # what stands behind the last newline was cut short
    if not lines:
        raise DamagedJournal(f"{_name(path)}：空文件")
    header = _header(path, lines[0])
    journal = Journal(path, header)
    number = 1
    try:
        reading = Reading(header)
        for number, line in enumerate(lines[1:], 2):
            record = _record(path, number, line)
            if isinstance(record, Header) or journal.complete:
                raise DamagedJournal(f"{_name(path)} 第 {number} 行：{type(record).__name__} 不该出现在这里")
            reading.add(record)
            journal.add(record)
    except Implausible as broken:
        raise DamagedJournal(f"{_name(path)} 第 {number} 行：{broken}") from broken
    return journal


def journals(folder: Path, experiment: str) -> Iterator[Path]:
    """Paths of an experiment's journals, newest first (build ids sort by time)."""
    found = (path for path in (folder / experiment).glob("*.jsonl") if path.is_file())
    return iter(sorted(found, key=lambda path: path.stem, reverse=True))


def _header(path: Path, line: bytes) -> Header:
    if (found := _SCHEMA.search(line)) and int(found[1]) < SCHEMA_VERSION:
        old = f"旧格式（第 {int(found[1])} 版，现在是第 {SCHEMA_VERSION} 版），要重新测"
        raise DamagedJournal(f"{_name(path)}：{old}")
    header = _record(path, 1, line)
    if not isinstance(header, Header) or (header.experiment, header.build) != (path.parent.name, path.stem):
        raise DamagedJournal(f"{_name(path)}：第一行不是这个文件的文件头")
    return header


def _record(path: Path, number: int, line: bytes) -> Record:
    try:
        return _LINE.validate_json(line, strict=True)
    except ValidationError as error:
        raise DamagedJournal(f"{_name(path)} 第 {number} 行 {complaint(error)}") from error


def _name(path: Path) -> str:
    return printable(path.name)


def _whole_lines(path: Path) -> int:
    """Size of the file up to its last newline."""
    start = max(0, path.stat().st_size - TAIL)
    with path.open("rb") as file:
        file.seek(start)
        found = file.read().rfind(b"\n")
    # otherwise the last line is longer than the tail
    return start + found + 1 if found >= 0 else path.read_bytes().rfind(b"\n") + 1

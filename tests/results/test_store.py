"""Journals: every record comes back, and damage of any kind is either cut off cleanly or refused."""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from whole_journal import BUILD, EXPERIMENT, FOOTER, REPORT, SAMPLE, UNTIMED, header, records, write

from bench.results import kinds, store
from bench.results.store import DamagedJournal, Writer

if TYPE_CHECKING:
    from samples import Make


def test_record_is_on_disk_at_once_and_comes_back(tmp_path: Path, make: Make) -> None:
    writer = Writer.create(tmp_path, header(make))
    for count, record in enumerate(records(make), 1):
        writer.append(record)
        assert writer.journal.path.read_bytes().count(b"\n") == 1 + count
    read = store.read(writer.journal.path)
    assert read == writer.journal
    assert read.complete
    settings = read.header.cases[0].settings
    assert [(type(value), value) for value in settings.values()] == [(bool, False), (str, "0"), (int, 1)]


@pytest.mark.parametrize(
    ("line", "damage"),
    [
        *((REPORT, damage) for damage in (b'{"kind": "sample"}', b"not json", b"", b"\xff\xfe", b'{"kind": "x"}')),
        (0, b'{"kind": "footer"}'),
        (2, b"{header}"),
        (FOOTER, b"{footer}\n{sample}"),
    ],
)  # fmt: skip
def test_impossible_line_is_named(tmp_path: Path, make: Make, line: int, damage: bytes) -> None:
    path = write(tmp_path, make)
    lines = path.read_bytes().split(b"\n")[:-1]
    for name, known in (("header", 0), ("sample", SAMPLE), ("footer", FOOTER)):
        damage = damage.replace(f"{{{name}}}".encode(), lines[known])
    number = line % len(lines) + 1 + damage.count(b"\n")
    lines[line] = damage
    path.write_bytes(b"\n".join([*lines, b""]))
    with pytest.raises(DamagedJournal, match=rf"{BUILD}\.jsonl.* {number} "):
        store.read(path)


def test_journal_in_the_place_of_another_is_refused(tmp_path: Path, make: Make) -> None:
    path = write(tmp_path, make)
    for place in (path.with_name("20260102-030405-ffff.jsonl"), tmp_path / "others" / path.name):
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(path.read_bytes())
        with pytest.raises(DamagedJournal, match="文件头"):
            store.read(place)


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        (0, "key", "0123456789abcdeX"),
        (0, "rounds", "2"),
        (0, "rounds", True),
        (0, "started_at", "2026-02-30T03:04:05+00:00"),
        (0, "machine", {"quota_cores": float("nan")}),
        (0, "machine", {f"fact_{number}": 1 for number in range(101)}),
        (UNTIMED, "facts", {"arena_regions": float("inf")}),
        (SAMPLE, "wall_s", -1),
        (SAMPLE, "group", 10_000),
        *((SAMPLE, "worker_ns", value) for value in (0, 10**40, "10000000", 1e7, float("nan"))),
        (SAMPLE, "rss_bytes", [1 << 50]),
        (SAMPLE, "outputs", {"compared": 1, "finite": True, "identical": 1, "difference": 0.0}),
    ],
)
def test_wrong_value_or_unknown_field_is_refused(
    tmp_path: Path, make: Make, line: int, field: str, value: object
) -> None:
    path = write(tmp_path, make)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    record = json.loads(lines[line])
    holder = record["figures"] if field in (record.get("figures") or {}) else record
    holder[field] = value
    lines[line] = json.dumps(record) + "\n"
    path.write_text("".join(lines), encoding="utf-8")
    with pytest.raises(DamagedJournal, match=rf" {line + 1} .*{field}"):
        store.read(path)


def test_failed_flush_leaves_the_earlier_lines(tmp_path: Path, make: Make) -> None:
    """Of the first line, nothing: an empty file would be called damaged for ever after."""
    full = mock.patch.object(os, "fsync", side_effect=OSError(errno.ENOSPC, "No space left on device"))
    with full, pytest.raises(OSError, match="No space left"):
        Writer.create(tmp_path, make.header())
    assert list(store.journals(tmp_path, EXPERIMENT)) == []
    writer = Writer.create(tmp_path, make.header())
    writer.append(make.sample("default"))
    intact = writer.journal.path.read_bytes()
    with full, pytest.raises(OSError, match="No space left"):
        writer.append(make.sample("one", position=1))
    assert writer.journal.path.read_bytes() == intact
    assert [sample.case for sample in writer.journal.samples] == ["default"]
    writer.append(make.sample("two", position=1))
    assert [sample.case for sample in store.read(writer.journal.path).samples] == ["default", "two"]


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of file sizes to stand in for a full disk")
@pytest.mark.parametrize("room", [1, 300, 700])
def test_disk_that_fills_up_within_a_line_leaves_no_part_of_it(tmp_path: Path, make: Make, room: int) -> None:
    """A limit of file sizes acts as a full disk does: part of the line is written, then comes the error."""
    import resource

    writer = Writer.create(tmp_path, make.header())
    writer.append(make.sample("default"))
    intact = writer.journal.path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(intact) + room, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            writer.append(make.sample("one", position=1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert writer.journal.path.read_bytes() == intact


def test_new_journal_never_continues_an_existing_file(tmp_path: Path, make: Make) -> None:
    path = write(tmp_path, make)
    intact = path.read_bytes()
    with pytest.raises(FileExistsError):
        Writer.create(tmp_path, make.header())
    assert path.read_bytes() == intact


def test_journals_are_listed_newest_first_and_nothing_else(tmp_path: Path, make: Make) -> None:
    builds = ["20260102-030405-abcd", "20251231-235959-ffff", "20260102-030406-0000"]
    for build in builds:
        Writer.create(tmp_path, make.header(build=build))
    (tmp_path / EXPERIMENT / "notes.txt").write_text("not a journal")
    (tmp_path / EXPERIMENT / "20990101-000000-aaaa.jsonl").mkdir()
    found = [path.stem for path in store.journals(tmp_path, EXPERIMENT)]
    assert found == ["20260102-030406-0000", "20260102-030405-abcd", "20251231-235959-ffff"]


def test_last_attempt_at_a_round_counts_with_its_samples_in_their_order(make: Make) -> None:
    journal = store.Journal(Path("x"), make.header())
    for attempt in (0, 1):
        for position, case in ((1, "one"), (0, "default")):
            journal.add(make.sample(case, position=position, attempt=attempt))
    for end in (make.end(1), make.end(0, final=False), make.end(0, attempt=1), make.end(0, group=1)):
        journal.add(end)
    first, second = journal.final_rounds(0)
    assert [(end.round, end.attempt) for end in (first, second)] == [(0, 1), (1, 0)]
    found = journal.samples_of(first)
    assert [(sample.case, sample.attempt) for sample in found] == [("default", 1), ("one", 1)]


def test_file_that_is_far_too_large_is_refused_unread(tmp_path: Path, make: Make) -> None:
    path = write(tmp_path, make)
    with path.open("r+b") as file:
        file.truncate(store.MOST_BYTES + 1)  # sparse: nothing is written
    with pytest.raises(DamagedJournal, match="太大"):
        store.read(path)


def test_complaint_is_short_chinese_and_printable_whatever_the_file_says(tmp_path: Path, make: Make) -> None:
    path = write(tmp_path, make)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    evil = "\x1b]0;title\x07\u202e<b>\n" + "x" * (1 << 20)
    lines[SAMPLE] = json.dumps({**json.loads(lines[SAMPLE]), evil: 1}) + "\n"
    path.write_text("".join(lines), encoding="utf-8")
    with pytest.raises(DamagedJournal) as refusal:
        store.read(path)
    told = str(refusal.value)
    assert told.isprintable()
    assert "没有这一项" in told
    assert len(told) < 2 * kinds.MOST_QUOTED
    path = tmp_path / "\x1b[31mred\n.jsonl"
    path.write_bytes(b"{}\n")
    with pytest.raises(DamagedJournal) as refusal:
        store.read(path)
    assert str(refusal.value).isprintable()


def test_journal_of_an_older_schema_is_called_old_and_not_damaged(tmp_path: Path, make: Make) -> None:
    path = store.journal_path(tmp_path, EXPERIMENT, BUILD)
    path.parent.mkdir()
    now = store.SCHEMA_VERSION
    older = make.header().model_dump_json().replace(f'"schema_version":{now}', '"schema_version":3')
    path.write_text(f"{older}\n", encoding="utf-8")
    for read in (store.read, store.read_header):
        with pytest.raises(DamagedJournal, match=f"旧格式（第 3 版，现在是第 {now} 版），要重新测"):
            read(path)

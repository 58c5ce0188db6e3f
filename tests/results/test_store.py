"""Files of journals: each record is on disk at once, any beginning is resumed, what is spoilt is refused."""

from __future__ import annotations

import errno
import json
import os
import sys
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from whole_journal import EXPERIMENT, header, records, write

from bench.results import kinds, store
from bench.results.store import DamagedJournal, Writer

if TYPE_CHECKING:
    from pathlib import Path

    from samples import Make

    from bench.results.records import Record


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory, make: Make) -> Path:
    return write(tmp_path_factory.mktemp("whole"), make)


def _told(found: store.Journal) -> list[Record]:
    parts = (found.samples, found.rounds, found.untimed, found.reports, found.traces)
    return [record for part in parts for record in part] + [one for one in [found.footer] if one]


@given(data=st.data())
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_record_is_on_disk_at_once_and_a_cut_costs_the_last_line_alone(
    make: Make, journal: Path, tmp_path: Path, data: st.DataObject
) -> None:
    """What was cut off is written anew, and the file ends up as if nothing had happened."""
    content, whole = journal.read_bytes(), records(make)
    size = data.draw(st.integers(0, len(content)))
    path = store.journal_path(tmp_path, EXPERIMENT, journal.stem)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content[:size])
    kept = content[:size].count(b"\n") - 1
    if kept < 0:
        with pytest.raises(DamagedJournal, match="空文件"):
            store.read(path)
        return
    found = store.read(path)
    assert (found.header, found.complete) == (header(make), kept == len(whole))
    assert len(_told(found)) == kept
    assert all(record in whole[:kept] for record in _told(found))
    resumed = Writer(found)
    for count, record in enumerate(whole[kept:], kept + 2):
        resumed.append(record)
        assert path.read_bytes().count(b"\n") == count
    assert (path.read_bytes(), store.read(path)) == (content, resumed.journal)


@given(st.lists(st.tuples(st.integers(0), st.integers(0, 7)), min_size=1, max_size=5))
def test_flipped_bits_are_refused_in_few_printable_words_or_read_as_they_stand(
    journal: Path, flips: Any
) -> None:
    spoilt = bytearray(journal.read_bytes())
    for place, bit in flips:
        spoilt[place % len(spoilt)] ^= 1 << bit
    try:
        found = store.parse(journal, bytes(spoilt))
    except DamagedJournal as refusal:
        found, told = None, str(refusal)
    if found is None:
        assert (told.isprintable(), len(told) < 400) == (True, True)
        return
    lines = [json.loads(line, parse_constant=pytest.fail) for line in bytes(spoilt).split(b"\n")[:-1]]
    known = [json.loads(one.model_dump_json()) for one in (found.header, *_told(found))]
    assert len(lines) == len(known)
    assert all(line in known for line in lines)


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
def test_disk_that_fills_up_within_a_line_leaves_no_part_of_it(tmp_path: Path, make: Make) -> None:
    """A limit of file sizes acts as a full disk does: part of the line is written, then comes the error."""
    import resource

    writer = Writer.create(tmp_path, make.header())
    intact = writer.journal.path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(intact) + 300, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            writer.append(make.sample("one"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert writer.journal.path.read_bytes() == intact


def test_journals_are_listed_newest_first_and_none_is_written_over(tmp_path: Path, make: Make) -> None:
    builds = ["20260102-030405-abcd", "20251231-235959-ffff", "20260102-030406-0000"]
    for build in builds:
        Writer.create(tmp_path, make.header(build=build))
    (tmp_path / EXPERIMENT / "notes.txt").write_text("not a journal")
    (tmp_path / EXPERIMENT / "20990101-000000-aaaa.jsonl").mkdir()
    found = list(store.journals(tmp_path, EXPERIMENT))
    assert [path.stem for path in found] == sorted(builds, reverse=True)
    intact = found[0].read_bytes()
    with pytest.raises(FileExistsError):
        Writer.create(tmp_path, make.header(build=found[0].stem, rounds=7))
    assert found[0].read_bytes() == intact


def _refused(path: Path) -> str:
    with pytest.raises(DamagedJournal) as refusal:
        store.read(path)
    told = str(refusal.value)
    assert told.isprintable()
    assert len(told) < 2 * kinds.MOST_QUOTED
    return told


def test_complaint_is_short_chinese_and_printable_whatever_the_file_says(tmp_path: Path, make: Make) -> None:
    path = write(tmp_path, make)
    odd = path.with_name("\x1b[31mred\n.jsonl")
    odd.write_bytes(b"{}\n")
    _refused(odd)
    evil = "\x1b]0;title\x07\u202e<b>\n" + "x" * (1 << 20)
    first, *others = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text(json.dumps({**json.loads(first), evil: 1}) + "\n" + "".join(others), encoding="utf-8")
    assert "没有这一项" in _refused(path)
    with path.open("r+b") as file:
        file.truncate(store.MOST_BYTES + 1)  # sparse: nothing is written
    assert "太大" in _refused(path)


def test_journal_of_an_older_schema_is_called_old_and_not_damaged(tmp_path: Path, make: Make) -> None:
    path, now = write(tmp_path, make), store.SCHEMA_VERSION
    older = make.header().model_dump_json().replace(f'"schema_version":{now}', '"schema_version":3')
    path.write_text(f"{older}\n", encoding="utf-8")
    for read in (store.read, store.read_header):
        with pytest.raises(DamagedJournal, match=f"旧格式（第 3 版，现在是第 {now} 版），要重新测"):
            read(path)

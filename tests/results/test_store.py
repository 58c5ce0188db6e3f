"""Journals: every record comes back, and damage of any kind is either cut off cleanly or refused."""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.results import schema, store
from bench.results.store import DamagedJournal, Writer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conftest import Make

    from bench.results.store import Journal

EXPERIMENT, BUILD = "toys", "20260102-030405-abcd"


def _records(make: Make) -> list[schema.Record]:
    """One of each kind, in the order of a real build."""
    return [
        make.untimed("one", facts={"arena_regions": 0.0, "huge_page_mib": 1.5}, regions=[1 << 40, 0]),
        make.untimed("two", facts={}, proven=None, evidence="", failure=make.failure("not_applicable")),
        schema.ScriptReport(
            script="line_memory",
            case="default",
            model="toy",
            input="batch=2",
            lines={"table": ["Line #", "中文"]},
        ),
        make.sample("default"),
        make.sample("one", make.failure("timeout", "超过 60 秒"), position=1),
        make.end(dirty=True, final=False),
        make.sample("default", {"idle_cpu_ns": None, "rss_bytes": [None, 4096]}, attempt=1),
        make.end(attempt=1),
        make.footer(),
    ]


def _write(folder: Path, make: Make, records: Sequence[schema.Record] | None = None) -> Path:
    writer = Writer.create(folder, make.header())
    for record in _records(make) if records is None else records:
        writer.append(record)
    return writer.journal.path


def _content(journal: Journal) -> tuple[Any, ...]:
    parts = (journal.samples, journal.rounds, journal.untimed, journal.reports, journal.footer)
    return (journal.header, *parts)


def test_every_kind_of_record_comes_back_as_it_was(tmp_path: Path, make: Make) -> None:
    writer = Writer.create(tmp_path, make.header())
    for record in _records(make):
        writer.append(record)
    read = store.read(writer.journal.path)
    assert _content(read) == _content(writer.journal)
    assert read.complete
    settings = read.header.cases[0].settings
    assert [(type(value), value) for value in settings.values()] == [(bool, False), (str, "0"), (int, 1)]


def test_journal_lies_where_its_experiment_and_build_say(tmp_path: Path, make: Make) -> None:
    assert _write(tmp_path, make) == tmp_path / EXPERIMENT / f"{BUILD}.jsonl"


def test_record_is_on_disk_as_soon_as_it_is_appended(tmp_path: Path, make: Make) -> None:
    writer = Writer.create(tmp_path, make.header())
    for count, record in enumerate(_records(make), 1):
        writer.append(record)
        assert writer.journal.path.read_bytes().count(b"\n") == 1 + count


def test_cut_off_last_line_is_dropped_and_the_journal_goes_on_cleanly(tmp_path: Path, make: Make) -> None:
    path = _write(tmp_path, make, [make.sample("default"), make.sample("one", position=1)])
    path.write_bytes(path.read_bytes()[:-30])
    journal = store.read(path)
    assert [sample.case for sample in journal.samples] == ["default"]
    Writer(journal).append(make.sample("two", position=1))
    again = store.read(path)
    assert [sample.case for sample in again.samples] == ["default", "two"]
    assert _content(again) == _content(journal)


@pytest.mark.parametrize(
    "damage",
    [
        b'{"kind": "sample"}',
        b"not json",
        b"",
        b'{"kind": "sample", "x',
        b"\xff\xfe",
        b'{"kind": "party"}',
        b"[]",
    ],
)
def test_damage_in_the_middle_names_file_and_line(tmp_path: Path, make: Make, damage: bytes) -> None:
    path = _write(tmp_path, make)
    lines = path.read_bytes().split(b"\n")
    lines[3] = damage
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(DamagedJournal, match=rf"{BUILD}\.jsonl.* 4 "):
        store.read(path)


def test_second_header_names_file_and_line(tmp_path: Path, make: Make) -> None:
    path = _write(tmp_path, make)
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([*lines[:2], lines[0], *lines[2:]]))
    with pytest.raises(DamagedJournal, match=rf"{BUILD}\.jsonl.* 3 "):
        store.read(path)


def test_lines_after_the_footer_are_refused(tmp_path: Path, make: Make) -> None:
    path = _write(tmp_path, make)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines, lines[4]]))
    with pytest.raises(DamagedJournal):
        store.read(path)


def test_journal_in_the_place_of_another_is_refused(tmp_path: Path, make: Make) -> None:
    path = _write(tmp_path, make)
    other_build = path.with_name("20260102-030405-ffff.jsonl")
    other_experiment = tmp_path / "others" / path.name
    other_experiment.parent.mkdir()
    for place in (other_build, other_experiment):
        place.write_bytes(path.read_bytes())
        with pytest.raises(DamagedJournal, match="文件头"):
            store.read(place)


@pytest.mark.parametrize("content", [b"", b"\n", b'{"kind": "header"'])
def test_file_without_a_whole_header_is_refused(tmp_path: Path, content: bytes) -> None:
    path = store.journal_path(tmp_path, EXPERIMENT, BUILD)
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(DamagedJournal, match=path.name):
        store.read(path)


def test_journal_that_begins_with_a_sample_is_refused(tmp_path: Path, make: Make) -> None:
    path = _write(tmp_path, make)
    path.write_bytes(path.read_bytes().split(b"\n", 1)[1])
    with pytest.raises(DamagedJournal):
        store.read(path)


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        (0, "schema_version", 1),
        (0, "profile", "heroic"),
        (0, "machine", {"quota_cores": float("nan")}),
        (1, "facts", {"arena_regions": float("nan")}),
        (1, "facts", {"arena_regions": float("inf")}),
        (4, "wall_s", float("nan")),
        (4, "wall_s", -1),
        (4, "surprise", 1),
        (5, "failure", {"kind": "bored", "reason": ""}),
    ],
)
def test_wrong_value_or_unknown_field_is_refused(
    tmp_path: Path, make: Make, line: int, field: str, value: object
) -> None:
    path = _write(tmp_path, make)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    store.read(path)
    lines[line] = json.dumps({**json.loads(lines[line]), field: value}) + "\n"
    path.write_text("".join(lines), encoding="utf-8")
    with pytest.raises(DamagedJournal, match=rf" {line + 1} .*{field}"):
        store.read(path)


@pytest.mark.parametrize(
    "change", [{"latency_ns": float("nan")}, {"latency_ns": 0}, {"minor_faults": float("inf")}, {"extra": 1}]
)
def test_impossible_figures_are_refused(tmp_path: Path, make: Make, change: dict[str, Any]) -> None:
    path = _write(tmp_path, make)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    sample = json.loads(lines[4])
    sample["figures"].update(change)
    lines[4] = json.dumps(sample) + "\n"
    path.write_text("".join(lines), encoding="utf-8")
    with pytest.raises(DamagedJournal, match=rf" 5 .*{next(iter(change))}"):
        store.read(path)


def test_failed_flush_to_disk_leaves_the_earlier_lines_and_nothing_else(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer.create(tmp_path, make.header())
    writer.append(make.sample("default"))
    intact = writer.journal.path.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
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


def test_full_disk_at_the_first_line_leaves_no_empty_journal(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty file would be called damaged for ever after."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            Writer.create(tmp_path, make.header())
    assert list(store.journals(tmp_path, EXPERIMENT)) == []


def test_new_journal_never_continues_an_existing_file(tmp_path: Path, make: Make) -> None:
    path = _write(tmp_path, make)
    intact = path.read_bytes()
    with pytest.raises(FileExistsError):
        Writer.create(tmp_path, make.header())
    assert path.read_bytes() == intact


def test_journals_are_listed_newest_first(tmp_path: Path, make: Make) -> None:
    builds = ["20260102-030405-abcd", "20251231-235959-ffff", "20260102-030406-0000"]
    for build in builds:
        Writer.create(tmp_path, make.header(build=build))
    (tmp_path / EXPERIMENT / "notes.txt").write_text("not a journal")
    found = [path.stem for path in store.journals(tmp_path, EXPERIMENT)]
    assert found == ["20260102-030406-0000", "20260102-030405-abcd", "20251231-235959-ffff"]


def test_experiment_that_was_never_measured_has_no_journals(tmp_path: Path) -> None:
    assert list(store.journals(tmp_path / "absent", EXPERIMENT)) == []


def test_samples_of_a_round_are_those_of_its_last_attempt_in_their_order(make: Make) -> None:
    journal = store.Journal(Path("x"), make.header())
    for attempt in (0, 1):
        for position, case in ((1, "one"), (0, "default")):
            journal.add(make.sample(case, position=position, attempt=attempt))
    found = journal.samples_of(make.end(attempt=1))
    assert [(sample.case, sample.attempt) for sample in found] == [("default", 1), ("one", 1)]


def test_final_rounds_leave_out_repeated_ones_and_other_groups(make: Make) -> None:
    journal = store.Journal(Path("x"), make.header())
    for end in (make.end(1), make.end(0, final=False), make.end(0, attempt=1), make.end(0, group=1)):
        journal.add(end)
    assert [(end.round, end.attempt) for end in journal.final_rounds(0)] == [(0, 1), (1, 0)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, make: Make) -> Path:
    return _write(tmp_path_factory.mktemp("whole"), make)


@given(data=st.data())
def test_journal_cut_at_any_byte_reads_as_a_beginning_or_is_refused(whole: Path, data: st.DataObject) -> None:
    content = whole.read_bytes()
    size = data.draw(st.integers(0, len(content)))
    cut = whole.parent.parent / "cut" / EXPERIMENT / whole.name
    cut.parent.mkdir(parents=True, exist_ok=True)
    cut.write_bytes(content[:size])
    try:
        journal = store.read(cut)
    except DamagedJournal:
        assert content[:size].count(b"\n") == 0
        return
    lines = content[:size].count(b"\n") - 1
    parts = _content(journal)[1:5]
    assert sum(len(part) for part in parts) + journal.complete == lines
    full = store.read(whole)
    for part, complete in zip(parts, _content(full)[1:5], strict=True):
        assert part == complete[: len(part)]


@given(data=st.data())
def test_journal_with_any_byte_changed_is_read_or_refused(whole: Path, data: st.DataObject) -> None:
    content = bytearray(whole.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = whole.parent.parent / "changed" / EXPERIMENT / whole.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    told = ""
    try:
        store.read(path)
    except DamagedJournal as error:
        told = str(error)
    assert not told or path.name in told

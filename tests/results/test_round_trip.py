"""What is written is what is read: of any valid record, any believable journal, and any beginning of one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import RECORDS, builds, valid

from bench.results import downloads, store
from bench.results.published import Row
from bench.results.store import DamagedJournal, Writer

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Make

    from bench.results.records import Record
    from bench.results.store import Journal

SCHEMA = jsonschema.Draft202012Validator(json.loads(downloads.journal_schema()))


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
@settings(
    max_examples=40,
    deadline=None,  # of a machine that others use, too
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_any_valid_record_comes_back_equal_and_keeps_the_published_schema(
    kind: type[Record], data: st.DataObject
) -> None:
    record = data.draw(valid(kind))
    line = record.model_dump_json()
    again = store._LINE.validate_json(line, strict=True)
    assert again == record
    assert again.model_dump_json() == line
    SCHEMA.validate(json.loads(line))


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_valid_row_comes_back_equal(data: st.DataObject) -> None:
    row = data.draw(valid(Row))
    assert Row.model_validate_json(row.model_dump_json(), strict=True) == row


def _content(journal: Journal) -> list[Any]:
    return [*journal.samples, *journal.rounds, *journal.untimed, *filter(None, [journal.footer])]


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_journal_comes_back_and_a_cut_costs_the_last_line_alone(
    make: Make, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    header, records = data.draw(builds(make))
    folder: Path = tmp_path_factory.mktemp("journal")
    writer = Writer.create(folder, header)
    for record in records:
        writer.append(record)
    path = writer.journal.path
    assert store.read(path) == writer.journal
    content = path.read_bytes()
    size = data.draw(st.integers(0, len(content)))
    whole_lines = content[:size].count(b"\n")
    if whole_lines == 0:
        with pytest.raises(DamagedJournal, match="空文件"):
            store.parse(path, content[:size])
        return
    found = _content(store.parse(path, content[:size]))
    assert len(found) == whole_lines - 1
    assert all(record in records[: whole_lines - 1] for record in found)


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_journal_goes_on_from_wherever_it_was_cut(
    make: Make, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """What was cut off is written anew, and the file ends up as if nothing had happened."""
    header, records = data.draw(builds(make))
    writer = Writer.create(tmp_path_factory.mktemp("journal"), header)
    for record in records:
        writer.append(record)
    path = writer.journal.path
    content = path.read_bytes()
    first = content.index(b"\n") + 1
    size = data.draw(st.integers(first, len(content)))
    path.write_bytes(content[:size])
    resumed = Writer(store.read(path))
    for record in records[content[:size].count(b"\n") - 1 :]:
        resumed.append(record)
    assert path.read_bytes() == content

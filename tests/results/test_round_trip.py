"""What is written is what is read, of any valid record and any beginning of a file; what is spoilt is refused."""

from __future__ import annotations

import json
import random
import re
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import RECORDS, valid
from whole_journal import header, records, write

from bench.results import downloads, store
from bench.results.published import Row
from bench.results.store import DamagedJournal, Writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from samples import Make

    from bench.results.records import Record

    Spoil = Callable[[bytes, random.Random], bytes]

SCHEMA = jsonschema.Draft202012Validator(json.loads(downloads.journal_schema()))
NUMBER = re.compile(rb"(?<=[:\[,])-?\d+(?:\.\d+)?(?:e-?\d+)?(?=[,\]}])")
ODD = (b"-1", b"0", b"0.5", b"1e308", b"1e999", b"9" * 30, b"9" * 5000, b"NaN", b"Infinity", b"null", b"true", b'"7"', b"[]", b"{}", b"07", b"")  # fmt: skip
"""What may stand where a number stood."""
SPOILT = 40
"""Files of each kind of damage."""


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory, make: Make) -> Path:
    return write(tmp_path_factory.mktemp("whole"), make)


@pytest.mark.parametrize("kind", [*RECORDS, Row], ids=lambda kind: kind.__name__)
@given(data=st.data())
@settings(
    max_examples=25,
    deadline=None,  # of a machine that others use, too
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_any_valid_record_comes_back_and_keeps_the_schema(kind: type[Record], data: st.DataObject) -> None:
    record = data.draw(valid(kind))
    line = record.model_dump_json()
    again = kind.model_validate_json(line, strict=True)
    assert again == record
    assert again.model_dump_json() == line
    if kind in RECORDS:
        assert store._LINE.validate_json(line, strict=True) == record
        SCHEMA.validate(json.loads(line))


@given(data=st.data())
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_cut_costs_the_last_line_alone_and_the_journal_goes_on_from_there(
    make: Make, journal: Path, tmp_path: Path, data: st.DataObject
) -> None:
    """What was cut off is written anew, and the file ends up as if nothing had happened."""
    content = journal.read_bytes()
    size = data.draw(st.integers(0, len(content)))
    path = tmp_path / journal.parent.name / journal.name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content[:size])
    whole_lines = content[:size].count(b"\n")
    if whole_lines == 0:
        with pytest.raises(DamagedJournal, match="空文件"):
            store.read(path)
        return
    found = store.read(path)
    parts = (found.samples, found.rounds, found.untimed, found.reports, found.traces)
    assert found.header == header(make)
    assert sum(map(len, parts)) + found.complete == whole_lines - 1
    assert all(record in records(make)[: whole_lines - 1] for part in parts for record in part)
    resumed = Writer(found)
    for record in records(make)[whole_lines - 1 :]:
        resumed.append(record)
    assert path.read_bytes() == content


def _flip_bytes(content: bytes, chance: random.Random) -> bytes:
    spoilt = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 40))):
        spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
    return bytes(spoilt)


def _replace_number(content: bytes, chance: random.Random) -> bytes:
    """By what is none, or by another one, as a pen would do."""
    match = chance.choice(list(NUMBER.finditer(content)))
    scaled = b"%d" % int(float(match[0]) * chance.choice((2, 10, 0.5, -1)))
    return content[: match.start()] + chance.choice((*ODD, *[scaled] * len(ODD))) + content[match.end() :]


def _break_keys(content: bytes, chance: random.Random) -> bytes:
    """Remove, rename or add a key, or give it a value of another kind."""
    lines = content.splitlines(keepends=True)
    number = chance.randrange(len(lines))
    record = json.loads(lines[number])
    target = chance.choice([record, *(one for one in record.values() if isinstance(one, dict) and one)])
    key = chance.choice(list(target))
    value = target.pop(key)
    changed = ({}, {f"{key}_": value}, {key: value, "\x1b[31m": 1}, {key: "x" * 5000}, {key: {}})
    target |= chance.choice(changed)
    lines[number] = json.dumps(record).encode() + b"\n"
    return b"".join(lines)


@pytest.mark.parametrize(
    "spoil",
    [_flip_bytes, _replace_number, _break_keys],
    ids=lambda spoil: spoil.__name__,
)
def test_spoilt_file_is_refused_or_read_as_it_stands(journal: Path, spoil: Spoil) -> None:
    content, refused = journal.read_bytes(), 0
    for seed in range(SPOILT):
        spoilt = spoil(content, random.Random(f"{spoil.__name__}/{seed}"))
        try:
            found = store.parse(journal, spoilt)
        except DamagedJournal as refusal:
            refused += 1
            told = str(refusal)
        else:
            told = ""
            _says_what_stands_in_it(found, spoilt)
        assert len(told) < 400, seed
        assert told.isprintable(), seed
    assert refused > SPOILT // 4


def _says_what_stands_in_it(found: store.Journal, spoilt: bytes) -> None:
    told = [found.header, *found.samples, *found.rounds, *found.untimed, *found.reports, *found.traces]
    known = [json.loads(one.model_dump_json()) for one in (*told, *filter(None, [found.footer]))]
    lines = [json.loads(line, parse_constant=_no_number) for line in spoilt.split(b"\n")[:-1]]
    assert len(lines) == len(known)
    assert all(any(_within(line, one) for one in known) for line in lines)


def _within(line: Any, told: Any) -> bool:
    """What has a default need not stand in a file."""
    if isinstance(line, dict) and isinstance(told, dict):
        return all(key in told and _within(value, told[key]) for key, value in line.items())
    if isinstance(line, list) and isinstance(told, list):
        return len(line) == len(told) and all(map(_within, line, told))
    return bool(line == told)


def _no_number(constant: str) -> Any:
    raise AssertionError(constant)

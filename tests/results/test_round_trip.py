"""What is written is what is read, of any record that our published schema allows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.results import downloads, published, store

LINE, EXPORT = (json.loads(text) for text in (downloads.journal_schema(), downloads.export_schema()))
KINDS = EXPORT["$defs"] | LINE["$defs"]
MOMENT = KINDS["Header"]["properties"]["started_at"]["pattern"]
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.isoformat(timespec="seconds")
)
MOST = 3
"""Items, or characters, where the schema would allow thousands."""


def _valid(kind: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Whatever our schema allows."""
    if "$ref" in kind:
        kind = KINDS[kind["$ref"].rpartition("/")[2]]
    if "const" in kind or "enum" in kind:
        return st.sampled_from(kind.get("enum") or [kind["const"]])
    if "anyOf" in kind:
        return st.one_of([_valid(one) for one in kind["anyOf"]])
    if "properties" in kind:
        return st.fixed_dictionaries({name: _valid(one) for name, one in kind["properties"].items()})
    if kind["type"] == "array":
        return st.lists(_valid(kind["items"]), min_size=kind.get("minItems", 0), max_size=MOST)
    return _simple(kind)


def _simple(kind: dict[str, Any]) -> st.SearchStrategy[Any]:
    above, below = kind.get("exclusiveMinimum"), kind.get("exclusiveMaximum")
    least, most = kind.get("minimum", above), kind.get("maximum", below)
    match kind["type"]:
        case "object":
            ((names, values),) = kind.get("patternProperties", {"": kind.get("additionalProperties")}).items()
            keys = _simple({"type": "string", "pattern": names})
            return st.dictionaries(keys, _valid(values), max_size=MOST)
        case "integer":
            return st.integers(least if above is None else above + 1, most if below is None else below - 1)
        case "number":
            finite = {"allow_nan": False, "allow_infinity": False}
            return st.floats(least, most, exclude_min=above is not None, **finite)
        case "string" if pattern := kind.get("pattern"):
            return MOMENTS if pattern == MOMENT else st.from_regex(pattern, fullmatch=True)
    return {"string": st.text(max_size=MOST), "boolean": st.booleans(), "null": st.none()}[kind["type"]]


@pytest.mark.parametrize("name", [*(one["$ref"].rpartition("/")[2] for one in LINE["oneOf"]), "Row"])
@given(data=st.data())
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_record_that_the_schema_allows_is_read_and_comes_back(name: str, data: st.DataObject) -> None:
    told = data.draw(_valid(KINDS[name]))
    read = published.Row.model_validate_json if name == "Row" else store._LINE.validate_json
    record = read(json.dumps(told), strict=True)
    line = record.model_dump_json()
    assert type(record).__name__ == name
    assert json.loads(line) == told
    again = read(line, strict=True)
    assert (again, again.model_dump_json()) == (record, line)

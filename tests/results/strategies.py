"""Any valid record: made from the schema itself, so that no bound is written twice."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import annotated_types
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bench.results import kinds, records

if TYPE_CHECKING:
    from collections.abc import Sequence

UNSTORED = ("proofs", "lacking")
"""Of a case, what no file holds."""
LONGEST = 3
"""Items, or characters, where the schema would allow thousands."""
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.isoformat(timespec="seconds")
)


def valid(model: type[Any]) -> st.SearchStrategy[Any]:
    """Any instance of a record that its schema allows."""
    if is_dataclass(model):
        kinds_of = get_type_hints(model, include_extras=True)
        stored = [one.name for one in fields(model) if one.name not in UNSTORED]
        return st.builds(model, **{name: _value(kinds_of[name], ()) for name in stored})
    known = {name: _value(info.annotation, info.metadata) for name, info in model.model_fields.items()}
    return st.builds(model, **known)


def _value(kind: Any, limits: Sequence[Any]) -> st.SearchStrategy[Any]:
    if get_origin(kind) is Annotated:
        kind, *more = get_args(kind)
        return _value(kind, [*limits, *_flat(more)])
    if get_origin(kind) in (Union, types.UnionType):
        return st.one_of([_value(one, limits) for one in get_args(kind)])
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind))
    if get_origin(kind) is list:
        least, most = _sizes(limits)
        return st.lists(_value(get_args(kind)[0], ()), min_size=least, max_size=most)
    if get_origin(kind) in (dict, Mapping):
        key, value = get_args(kind)
        return st.dictionaries(_value(key, ()), _value(value, ()), max_size=_sizes(limits)[1])
    return _simple(kind, limits)


def _simple(kind: Any, limits: Sequence[Any]) -> st.SearchStrategy[Any]:
    if kind is bool or kind in (None, type(None)):
        return st.booleans() if kind is bool else st.none()
    if kind is int:
        return st.integers(*_whole_bounds(limits))
    if kind is float:
        low, high = (_bound(limits, name) for name in (("ge", "gt"), ("le", "lt")))
        open_below = any(isinstance(limit, annotated_types.Gt) for limit in limits)
        return st.floats(low, high, allow_nan=False, allow_infinity=False, exclude_min=open_below)
    if kind is str:
        pattern = next((found for limit in limits if (found := getattr(limit, "pattern", None))), None)
        if kinds._is_a_moment in [getattr(limit, "func", None) for limit in limits]:
            return MOMENTS
        return st.from_regex(pattern, fullmatch=True) if pattern else st.text(max_size=LONGEST)
    assert is_dataclass(kind) or issubclass(kind, BaseModel)
    return valid(kind)


def _flat(metadata: Sequence[Any]) -> list[Any]:
    return [
        one for found in metadata for one in (found.metadata if isinstance(found, FieldInfo) else [found])
    ]


def _bound(limits: Sequence[Any], names: Sequence[str]) -> Any:
    return next((getattr(limit, name) for limit in limits for name in names if hasattr(limit, name)), None)


def _whole_bounds(limits: Sequence[Any]) -> tuple[int | None, int | None]:
    low, high = _bound(limits, ("ge",)), _bound(limits, ("le",))
    above, below = _bound(limits, ("gt",)), _bound(limits, ("lt",))
    return (above + 1 if low is None and above is not None else low), (
        below - 1 if high is None and below is not None else high
    )


def _sizes(limits: Sequence[Any]) -> tuple[int, int]:
    least, most = _bound(limits, ("min_length",)) or 0, _bound(limits, ("max_length",))
    return least, LONGEST if most is None else min(most, LONGEST)


RECORDS = get_args(get_args(records.Line)[0])
"""Every kind of line."""

"""Any valid record: made from the schema itself, so that no bound is written twice."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
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
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        more = [
            one
            for found in inner[1:]
            for one in (found.metadata if isinstance(found, FieldInfo) else [found])
        ]
        return _value(inner[0], [*limits, *more])
    if origin in (Union, types.UnionType):
        return st.one_of([_value(one, limits) for one in inner])
    if origin is Literal:
        return st.sampled_from(inner)
    most = min(_bound(limits, "max_length", LONGEST), LONGEST)
    if origin is list:
        return st.lists(_value(inner[0], ()), min_size=_bound(limits, "min_length", 0), max_size=most)
    if origin in (dict, Mapping):
        return st.dictionaries(*(_value(one, ()) for one in inner), max_size=most)
    return _simple(kind, limits)


def _simple(kind: Any, limits: Sequence[Any]) -> st.SearchStrategy[Any]:
    if kind in (bool, None, type(None)):
        return st.booleans() if kind is bool else st.none()
    least, above, most, below = (_bound(limits, name) for name in ("ge", "gt", "le", "lt"))
    if kind is int:
        low = least if above is None else above + 1
        return st.integers(low, most if below is None else below - 1)
    if kind is float:
        low, high = (least if above is None else above), (most if below is None else below)
        return st.floats(low, high, allow_nan=False, allow_infinity=False, exclude_min=above is not None)
    if kind is str:
        pattern = _bound([one for one in limits if getattr(one, "pattern", None)], "pattern")
        if kinds._is_a_moment in [getattr(limit, "func", None) for limit in limits]:
            return MOMENTS
        return st.from_regex(pattern, fullmatch=True) if pattern else st.text(max_size=LONGEST)
    return valid(kind)


def _bound(limits: Sequence[Any], name: str, otherwise: Any = None) -> Any:
    return next((getattr(limit, name) for limit in limits if hasattr(limit, name)), otherwise)


RECORDS = get_args(get_args(records.Line)[0])
"""Every kind of line."""

"""Any valid record, and any believable journal: made from the schema itself, so that no bound is written twice."""

from __future__ import annotations

import types
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bench.results import kinds, schema
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conftest import Make

LONGEST = 3
"""Items, or characters, where the schema would allow thousands."""
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.isoformat(timespec="seconds")
)


def valid(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Any instance of a record that its schema allows."""
    fields = {name: _value(info.annotation, info.metadata) for name, info in model.model_fields.items()}
    return st.builds(model, **fields)


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
    if get_origin(kind) is dict:
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
    assert issubclass(kind, BaseModel)
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


RECORDS = (
    schema.Header,
    schema.Sample,
    schema.RoundEnd,
    schema.Untimed,
    schema.Told,
    schema.TraceSummary,
    schema.Footer,
)


@st.composite
def builds(draw: st.DrawFn, make: Make) -> tuple[schema.Header, list[schema.Record]]:
    """A journal as a runner could have left it: some rounds dirty, some attempts cut short, some cases failed."""
    rounds = draw(st.integers(1, 4))
    extra = draw(st.lists(st.sampled_from(("one", "two", "three")), unique=True))
    cases = [BASELINE, CONTROL, *extra]
    header = make.header(cases, rounds=rounds)
    found: list[schema.Record] = [make.untimed(case) for case in draw(st.permutations(cases))]
    failed: set[str] = set()
    for number in range(rounds):
        found += _round(draw, make, cases, failed, number)
    return header, [*found, make.footer(rounds)] if draw(st.booleans()) else found


def _round(
    draw: st.DrawFn, make: Make, cases: Sequence[str], failed: set[str], number: int
) -> list[schema.Record]:
    found: list[schema.Record] = []
    attempt = 0
    fate = draw(st.lists(st.sampled_from(("dirty", "killed")), max_size=2))
    for end in [*fate, "final"]:
        order = [case for case in draw(st.permutations(cases)) if case not in failed]
        if end == "killed":
            order = order[: draw(st.integers(1, len(order)))] if order else []
        if end == "killed" and not order:
            continue  # nothing of it came to the disk
        for position, case in enumerate(order):
            measured: Any = {"latency_ns": draw(st.integers(10**6, 10**7))}
            if draw(st.integers(0, 20)) == 0:
                measured = make.failure()
                failed.add(case)
            place = {"round": number, "attempt": attempt, "position": position}
            found.append(make.sample(case, measured, **place))
        if end != "killed":
            found.append(make.end(number, attempt=attempt, dirty=end == "dirty", final=end == "final"))
        attempt += 1
    return found

"""Kinds of values in result files, with their bounds: as wide as any machine, as narrow as sense allows."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bench.spec import ID

DAY_NS = 86_400 * 10**9
MOST_BYTES = 1 << 50
MOST_ROUNDS = 10_000
MOST_TEXT = 4000
"""Characters; longer text is no explanation."""


class Record(BaseModel):
    """Base of all lines: nothing unknown, nothing changed after reading, no NaN."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


def _is_a_moment(text: str) -> str:
    datetime.fromisoformat(text)
    return text


Id = Annotated[str, Field(pattern=f"^{ID}$")]
"""Of what we name: experiments, cases, models, metrics."""
BuildId = Annotated[str, Field(pattern=r"^[0-9]{8}-[0-9]{6}-[0-9a-f]{4}$")]
"""Sorts by time."""
Key = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Moment = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\+00:00$",
        description="UTC, ISO 8601.",
    ),
    AfterValidator(_is_a_moment),
]
Label = Annotated[str, Field(max_length=200)]
Text = Annotated[str, Field(max_length=MOST_TEXT)]

Bytes = Annotated[int, Field(ge=0, lt=MOST_BYTES, json_schema_extra={"x-unit": "byte"})]
PositiveBytes = Annotated[int, Field(gt=0, lt=MOST_BYTES, json_schema_extra={"x-unit": "byte"})]
Nanoseconds = Annotated[int, Field(ge=0, le=DAY_NS, json_schema_extra={"x-unit": "ns"})]
PositiveNanoseconds = Annotated[int, Field(gt=0, le=DAY_NS, json_schema_extra={"x-unit": "ns"})]
Seconds = Annotated[float, Field(ge=0, le=1e7, json_schema_extra={"x-unit": "s"})]
Count = Annotated[int, Field(ge=0, le=10**12)]
Positive = Annotated[int, Field(gt=0, le=10**12)]
Index = Annotated[int, Field(ge=0, lt=10_000)]
RoundNumber = Annotated[int, Field(ge=0, lt=MOST_ROUNDS)]
RoundCount = Annotated[int, Field(gt=0, le=MOST_ROUNDS)]
Number = Annotated[float, Field(ge=0, le=1e15)]
Real = Annotated[float, Field(ge=-1e15, le=1e15)]
Share = Annotated[float, Field(ge=0, le=2)]
"""Of a time by definition, but some kernels' counters step back now and then."""

FactValue = (
    Annotated[int, Field(ge=-(1 << 62), le=1 << 62)]
    | Real
    | bool
    | Text
    | Annotated[list[Text], Field(max_length=1000)]
    | None
)
Facts = Annotated[dict[Label, FactValue], Field(max_length=100)]
"""What was read of a machine."""
Texts = Annotated[dict[Label, Text], Field(max_length=100)]

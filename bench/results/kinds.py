"""Kinds of values in result files, with their bounds: as wide as any machine, as narrow as sense allows.

And what is said of a value that is none of them: strangers' files are read, so it is safe to print.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bench.spec import ID
from bench.system import harmless

if TYPE_CHECKING:
    from pydantic import ValidationError

DAY_NS = 86_400 * 10**9
MOST_BYTES = 1 << 50
MOST_ROUNDS = 10_000
MOST_TEXT = 4000
"""Characters; longer text is no explanation."""
MOST_QUOTED = 80
"""Characters quoted from a file."""


class Record(BaseModel):
    """Base of all lines: nothing unknown, nothing changed after reading, no NaN."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


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

# fmt: off
_SAID = {
    **dict.fromkeys(("int_type", "int_from_float"), "应是整数"),
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type", "dataclass_type"), "应是对象"),
    **dict.fromkeys(("extra_forbidden", "unexpected_keyword_argument"), "没有这一项"),
    "string_type": "应是文字", "float_type": "应是数", "bool_type": "应是 true 或 false", "list_type": "应是数组", "tuple_type": "应是数组",
    "none_required": "应是 null", "literal_error": "应是 {expected} 之一", "missing": "缺少这一项",
    "union_tag_not_found": "没有写明是哪一种记录", "union_tag_invalid": "没有这种记录",
    "greater_than": "应大于 {gt}", "greater_than_equal": "不应小于 {ge}", "less_than": "应小于 {lt}",
    "less_than_equal": "不应大于 {le}", "finite_number": "不是有限的数", "int_parsing_size": "数太大",
    "string_too_long": "文字太长，最多 {max_length} 个字符", "string_unicode": "不是合法的文字",
    "string_pattern_mismatch": "写法不对，应符合 {pattern}", "too_long": "太多，最多 {max_length} 个",
    "too_short": "太少，至少 {min_length} 个", "json_invalid": "不是完整的 JSON", "value_error": "不是真实的时刻",
}
# fmt: on
"""pydantic's kinds of errors that our records can meet."""


def complaint(error: ValidationError) -> str:
    """The first thing that does not fit, and where it stands, in one short Chinese sentence that is safe to print."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = printable(".".join(str(part) for part in first["loc"]))
    said = _SAID.get(first["type"], "不合格式").format_map(first.get("ctx", {}))
    return f"{where}：{said}" if where else said


def printable(text: str) -> str:
    """A short piece of foreign text."""
    return harmless.text(text, MOST_QUOTED)

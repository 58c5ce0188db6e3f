"""What is wrong with a file, in one short Chinese sentence that is safe to print: files come from strangers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.system import harmless

if TYPE_CHECKING:
    from pydantic import ValidationError

MOST = 80
"""Characters quoted from a file."""
_SAID = {
    "missing": "缺少这一项",
    "extra_forbidden": "没有这一项",
    "union_tag_not_found": "没有写明是哪一种记录",
    "union_tag_invalid": "没有这种记录",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "不应小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "不应大于 {le}",
    "finite_number": "不是有限的数",
    "string_too_long": "文字太长，最多 {max_length} 个字符",
    "string_pattern_mismatch": "写法不对，应符合 {pattern}",
    "string_type": "应是文字",
    "string_unicode": "不是合法的文字",
    "int_type": "应是整数",
    "int_from_float": "应是整数",
    "int_parsing_size": "数太大",
    "float_type": "应是数",
    "bool_type": "应是 true 或 false",
    "list_type": "应是数组",
    "dict_type": "应是对象",
    "model_type": "应是对象",
    "model_attributes_type": "应是对象",
    "none_required": "应是 null",
    "literal_error": "应是 {expected} 之一",
    "too_long": "太多，最多 {max_length} 个",
    "too_short": "太少，至少 {min_length} 个",
    "json_invalid": "不是完整的 JSON",
    "value_error": "不是真实的时刻",
}
"""pydantic's kinds of errors that our records can meet."""


def of(error: ValidationError) -> str:
    """The first thing that does not fit, and where it stands."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = printable(".".join(str(part) for part in first["loc"]))
    said = _SAID.get(first["type"], "不合格式").format_map(first.get("ctx", {}))
    return f"{where}：{said}" if where else said


def printable(text: str) -> str:
    """A short piece of foreign text."""
    return harmless.text(text, MOST)

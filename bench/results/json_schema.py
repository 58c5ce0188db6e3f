"""The types and ranges of result files as JSON Schema, for other programs; units stand in the descriptions.

How numbers must relate to each other is beyond a schema: `bench.results.plausible`.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter

from bench.results.published import Export
from bench.results.schema import Line

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def journal_schema() -> str:
    """Of one line of a journal."""
    return _text("一次测量的日志（JSON Lines）里的一行", TypeAdapter(Line).json_schema())


def export_schema() -> str:
    """Of `data/<experiment>.json`."""
    return _text("一个实验发布的结果", TypeAdapter(Export).json_schema())


def _text(title: str, schema: dict[str, Any]) -> str:
    for kind in schema["$defs"].values():
        if "const" in kind["properties"].get("kind", {}):
            kind["required"].append("kind")  # has a default in Python, but tells the lines apart
    whole = {"$schema": DIALECT, **schema, "title": title}
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"

"""Experiments on ONNX Runtime's CPU inference, and the pages made of them.

The names below are all that a page may call.
"""

from bench.pages.api import (
    conclusion,
    data_list,
    freshness,
    line_tables,
    machine,
    memory_advice,
    recommended_code,
    show,
    snippet,
    thread_advice,
    value,
    verdict,
)

__all__ = [
    "conclusion",
    "data_list",
    "freshness",
    "line_tables",
    "machine",
    "memory_advice",
    "recommended_code",
    "show",
    "snippet",
    "thread_advice",
    "value",
    "verdict",
]

"""Experiments on ONNX Runtime's CPU inference, and the pages made of them.

The names below are all that a page may call.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.pages.api import (
        advice,
        build,
        claim,
        conclusion,
        figure,
        options,
        overview,
        report,
        scenario,
        snippet,
        table,
    )

__all__ = [
    "advice",
    "build",
    "claim",
    "conclusion",
    "figure",
    "options",
    "overview",
    "report",
    "scenario",
    "snippet",
    "table",
]


def __getattr__(name: str) -> Any:
    """Loaded when a page calls it: who only measures needs no pages."""
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module("bench.pages.api"), name)

"""Experiments on ONNX Runtime's CPU inference, and the pages made of them.

The names below are all that a page may call.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.pages.api import (
        certificate,
        claim,
        conclusion,
        data_list,
        freshness,
        licence_table,
        line_tables,
        log_lines,
        machine,
        node_costs,
        options_table,
        original_settings,
        scenario,
        scenario_answer,
        scenario_code,
        scenario_line,
        show,
        snippet,
        traps_table,
        truth_mill,
        value,
        verdict,
    )
    from bench.pages.overview import (
        chooser,
        findings_summary,
        findings_table,
        hero_figure,
        rules_tables,
        surprising,
    )

__all__ = [
    "certificate",
    "chooser",
    "claim",
    "conclusion",
    "data_list",
    "findings_summary",
    "findings_table",
    "freshness",
    "hero_figure",
    "licence_table",
    "line_tables",
    "log_lines",
    "machine",
    "node_costs",
    "options_table",
    "original_settings",
    "rules_tables",
    "scenario",
    "scenario_answer",
    "scenario_code",
    "scenario_line",
    "show",
    "snippet",
    "surprising",
    "traps_table",
    "truth_mill",
    "value",
    "verdict",
]


def __getattr__(name: str) -> Any:
    """Loaded when a page calls it: who only measures needs no pages."""
    if name not in __all__:
        raise AttributeError(name)
    found = [import_module(f"bench.pages.{module}") for module in ("api", "overview")]
    return next(getattr(module, name) for module in found if hasattr(module, name))

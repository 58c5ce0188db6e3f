"""Experiments on ONNX Runtime's CPU inference, and the pages made of them.

The names below are all that a page may call.
"""

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
    value,
    verdict,
)
from bench.pages.overview import chooser, findings_summary, findings_table, hero_figure, surprising

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
    "scenario",
    "scenario_answer",
    "scenario_code",
    "scenario_line",
    "show",
    "snippet",
    "surprising",
    "traps_table",
    "value",
    "verdict",
]

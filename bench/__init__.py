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
    scenario,
    scenario_code,
    scenario_line,
    show,
    snippet,
    traps_table,
    value,
    verdict,
)

__all__ = [
    "certificate",
    "claim",
    "conclusion",
    "data_list",
    "freshness",
    "licence_table",
    "line_tables",
    "log_lines",
    "machine",
    "node_costs",
    "options_table",
    "scenario",
    "scenario_code",
    "scenario_line",
    "show",
    "snippet",
    "traps_table",
    "value",
    "verdict",
]

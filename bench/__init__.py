"""Experiments on ONNX Runtime's CPU inference, and the pages made of them.

The names below are all that a page may call.
"""

from bench.pages.api import build, claim, conclusion, options, overview, report, scenario, show, snippet

__all__ = ["build", "claim", "conclusion", "options", "overview", "report", "scenario", "show", "snippet"]

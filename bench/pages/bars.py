"""A few settings side by side: a bar a case, with its figure, what it changes, and its peak of memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.pages.markup import render
from bench.pages.measured import MeasuredGroup
from bench.pages.words import Words
from bench.spec import BASELINE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from bench.results.published import Export

RAPIDOCR = ("default", "normal_weights", "all")
"""As it is installed, without touching it, and with the smallest wrapper."""


def rapidocr(export: Export) -> Markup:
    """A page of text from end to end; a group that was not measured has no bars."""
    words = Words(export)
    group = next(iter(words.groups()), None)
    return (
        picture(words, group.index, RAPIDOCR)
        if group
        else render("bars", cases=(), group=None, longest=0, same_text=False)
    )


def picture(words: Words, index: int, ids: Sequence[str]) -> Markup:
    """Latencies as bars, the longest over the whole width."""
    group = next(one for one in words.groups() if one.index == index)
    measured = MeasuredGroup(words, group, tuple(words.cases()))
    cases = [case for name in ids if (case := measured[name]).measured]
    told = {row.case for row in words.export.outputs if row.input == group.input}
    same_text = all(case.id in told for case in cases if case.id != BASELINE)  # another text is a failure
    longest = max((case["latency_ms"].value or 0 for case in cases), default=0)
    return render("bars", cases=cases, group=measured, longest=longest, same_text=same_text)

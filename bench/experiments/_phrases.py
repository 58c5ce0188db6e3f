"""Pieces of sentences that several experiments use. HTML: what comes out of a result file is escaped."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from bench.spec import BASELINE, input_title

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.answers import Findings, Measured

DECIDED = ("faster", "slower", "same")
"""Verdicts on time that more rounds would not change."""
NOT_MEASURED = "没有测成。"
OPEN = "，这次不作结论"
NO_DEFAULT = "没有默认的数字可比"


def model(group: Measured) -> str:
    return escape(group.model_title)


def where(group: Measured) -> str:
    """`PP-OCRv6 文字检测（1x3x480x480）`."""
    return f"{model(group)}（{escape(input_title(group.input))}）"


def named(say: Findings, case: str) -> str:
    """The title of a case; in quotation marks where its own comma would break the sentence."""
    title = escape(say.title(case))
    return f"“{title}”" if "，" in title else title


def three_digits(value: float) -> str:
    """Enough for a sentence, whatever finer digits an interval would allow."""
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    return f"{value:.{min(2, max(0, digits))}f}"


def spaced(before: str, after: str) -> str:
    """Two pieces side by side, with a space where Chinese meets a digit or a letter."""
    return f"{before} {after}" if after[:1].isascii() and after[:1].isalnum() else before + after


def sentence(parts: Iterable[str]) -> str:
    """Parts of equal rank as one sentence, or that nothing was measured."""
    joined = "；".join(parts)
    return f"{joined}。" if joined else NOT_MEASURED


def speed(say: Findings, group: Measured, case: str) -> str:
    """How long a case takes compared with the baseline, or which of the two failed."""
    return NO_DEFAULT if _alone(say, group, case) else say.speed(group, case)


def versus_default(say: Findings, group: Measured, case: str) -> str:
    """The same, with the words that name the baseline."""
    known = say.value(group, case, "ratio") is not None
    compared = known and say.outcome(group, case) not in ("nothing", "unseen")
    return f"与默认比{say.speed(group, case)}" if compared else speed(say, group, case)


def memory(say: Findings, group: Measured, case: str, metric: str) -> str:
    """How a memory figure differs from the baseline's, or which of the two failed."""
    return NO_DEFAULT if _alone(say, group, case) else say.memory_change(group, case, metric)


def _alone(say: Findings, group: Measured, case: str) -> bool:
    """Whether a case was measured and the baseline was not."""
    own, base = (say.value(group, one, "latency_ms") for one in (case, BASELINE))
    return own is not None and base is None


def no_memory(say: Findings, group: Measured, case: str) -> str:
    """Why a case has no memory figure."""
    return "没有测成" if say.value(group, case, "latency_ms") is None else "读不到内存"


def memory_judged(say: Findings, group: Measured) -> bool:
    """Whether this build draws conclusions on the memory of a group."""
    judged = ("peak_mib", "kept_mib")
    return any(say.verdict(group, case, metric) for case in say.cases() for metric in judged)

"""Boxes that hold a statement of the article of 2022 against this machine's results."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.answers import Answer, Claim, Findings

OUTCOMES = {
    "yes": ("bench-agrees", "成立"),
    "half": ("bench-half", "一半成立"),
    "no": ("bench-differs", "不成立"),
    "unknown": ("bench-open", "这台机器判断不了"),
}


def box(claim: Claim, say: Findings) -> str:
    """The box of one claim."""
    answer: Answer = claim.answer(say)
    css, outcome = OUTCOMES[answer.holds]
    return (
        f'<aside class="bench-claim {css}" data-claim="{escape(claim.id)}" role="note" aria-label="原文的说法">'
        f'<p class="bench-outcome" data-holds="{answer.holds}">{outcome}</p><dl>'
        f"<dt>原文说</dt><dd>{escape(claim.said)}</dd>"
        f"<dt>本机实测</dt><dd>{answer.measured}</dd>"
        f"<dt>现在应当</dt><dd>{answer.now}</dd></dl></aside>"
    )

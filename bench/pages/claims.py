"""Boxes that hold a statement of the article of 2022 against this machine's results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from bench.pages.sentences import Answer
    from bench.spec import Claim

OUTCOMES = {
    "yes": ("bench-agrees", "成立"),
    "half": ("bench-half", "一半成立"),
    "no": ("bench-differs", "不成立"),
    "unknown": ("bench-open", "这台机器判断不了"),
}
BOX = Markup(
    '<aside class="bench-claim {css}" data-claim="{claim.id}" role="note" aria-label="原文的说法">'
    '<p class="bench-outcome" data-holds="{answer.holds}">{outcome}</p><dl>'
    "<dt>原文说</dt><dd>{claim.said}</dd>"
    "<dt>本机实测</dt><dd>{answer.measured}</dd>"
    "<dt>现在应当</dt><dd>{answer.now}</dd></dl></aside>"
)


def box(claim: Claim, answer: Answer) -> Markup:
    """The box of one claim."""
    css, outcome = OUTCOMES[answer.holds]
    return BOX.format(claim=claim, answer=answer, css=css, outcome=outcome)

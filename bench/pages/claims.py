"""Statements of the article of 2022, held against this machine's results: a line for readers, a box for the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.pages.markup import render

if TYPE_CHECKING:
    from markupsafe import Markup

    from bench.pages.sentences import Answer
    from bench.spec import Claim

OUTCOMES = {
    "yes": ("bench-agrees", "成立"),
    "half": ("bench-half", "一半成立"),
    "no": ("bench-differs", "不成立"),
    "unknown": ("bench-open", "这次还判断不了"),
}


def line(claim: Claim, answer: Answer) -> Markup:
    """What is said, whether it holds here, and what follows."""
    css, outcome = OUTCOMES[answer.holds]
    return render("claim_line", claim=claim, answer=answer, css=css, outcome=outcome)


def box(claim: Claim, answer: Answer) -> Markup:
    """The same with the figures behind it."""
    css, outcome = OUTCOMES[answer.holds]
    return render("claim", claim=claim, answer=answer, css=css, outcome=outcome)

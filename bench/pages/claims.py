"""Boxes that hold a statement of the article of 2022 against this machine's results."""

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
    "unknown": ("bench-open", "这台机器判断不了"),
}


def box(claim: Claim, answer: Answer) -> Markup:
    """The box of one claim."""
    css, outcome = OUTCOMES[answer.holds]
    return render("claim", claim=claim, answer=answer, css=css, outcome=outcome)

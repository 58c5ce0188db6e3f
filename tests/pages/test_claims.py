"""Boxes of the article's statements: outcome and markup."""

from __future__ import annotations

import pytest
from markupsafe import Markup
from prose import faults, markup_faults

from bench.experiments import EXPERIMENTS
from bench.pages import claims
from bench.pages.sentences import Answer, Holds
from bench.spec import Claim


@pytest.mark.parametrize(
    ("holds", "css", "words"),
    [
        ("yes", "bench-agrees", "成立"),
        ("half", "bench-half", "一半成立"),
        ("no", "bench-differs", "不成立"),
        ("unknown", "bench-open", "这台机器判断不了"),
    ],
)
def test_outcome_stands_in_words_and_in_the_class_and_the_statement_is_text(
    holds: Holds, css: str, words: str
) -> None:
    answer = Answer(measured=Markup("量 <b>甲</b>。"), now=Markup("做。"), holds=holds)
    html = claims.box(Claim(id="toy", said="甲 <b> 乙。"), answer)
    assert not markup_faults(html)
    for told in (
        f'class="bench-claim {css}" data-claim="toy"',
        f'<p class="bench-outcome" data-holds="{holds}">{words}</p>',
        "甲 &lt;b&gt; 乙。",
        "<dt>本机实测</dt><dd>量 <b>甲</b>。</dd>",
        "<dt>现在应当</dt><dd>做。</dd>",
    ):
        assert told in html


def test_what_the_article_said_reads_well() -> None:
    said = [claim.said for one in EXPERIMENTS.values() for claim in one.claims]
    assert [one for one in said if faults(one)] == []

"""Boxes of the article's statements: outcome and markup."""

from __future__ import annotations

import pytest
from markupsafe import Markup
from prose import faults, markup_faults

from bench.experiments import EXPERIMENTS
from bench.pages import claims
from bench.pages.sentences import Answer, Holds
from bench.spec import Claim

CLAIMS = [claim for one in EXPERIMENTS.values() for claim in one.claims]


def _box(holds: Holds) -> str:
    answer = Answer(measured=Markup("量 <b>甲</b>。"), now=Markup("做。"), holds=holds)
    return claims.box(Claim(id="toy", said="甲 <b> 乙。"), answer)


@pytest.mark.parametrize(
    ("holds", "css", "words"),
    [
        ("yes", "bench-agrees", "成立"),
        ("half", "bench-half", "一半成立"),
        ("no", "bench-differs", "不成立"),
        ("unknown", "bench-open", "这台机器判断不了"),
    ],
)
def test_outcome_stands_in_words_and_in_the_class(holds: Holds, css: str, words: str) -> None:
    html = _box(holds)
    assert f'class="bench-claim {css}"' in html
    assert f'<p class="bench-outcome" data-holds="{holds}">{words}</p>' in html
    others = {one for one, _ in claims.OUTCOMES.values()} - {css}
    assert not [other for other in others if other in html]


def test_statement_is_text_and_the_answer_is_html() -> None:
    html = _box("unknown")
    assert not markup_faults(html)
    assert 'data-claim="toy"' in html
    assert "甲 &lt;b&gt; 乙。" in html
    assert "<dt>本机实测</dt><dd>量 <b>甲</b>。</dd>" in html
    assert "<dt>现在应当</dt><dd>做。</dd>" in html


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_what_the_article_said_reads_well(claim: Claim) -> None:
    assert not faults(claim.said)

"""Boxes of the article's statements: outcome, markup, and what a hostile result file cannot do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from made_up import MadeUp
from prose import faults, markup_faults, tags_of, text_of

from bench.answers import Answer, Claim
from bench.experiments import EXPERIMENTS
from bench.pages import claims
from bench.spec import BASELINE

if TYPE_CHECKING:
    from bench.answers import Holds

EVIL = """<script>alert("&'")</script>"""
CLAIMS = {claim.id: (name, claim) for name, one in EXPERIMENTS.items() for claim in one.claims}


def _box(claim_id: str, **world: Any) -> str:
    experiment, claim = CLAIMS[claim_id]
    return claims.box(claim, MadeUp(experiment=experiment, **world).words())


def _claim(holds: Holds) -> Claim:
    return Claim(
        id="toy", said="甲 <b> 乙。", answer=lambda _: Answer(measured="量。", now="做。", holds=holds)
    )


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
    html = claims.box(_claim(holds), MadeUp(experiment="arena").words())
    assert f'class="bench-claim {css}"' in html
    assert f'<p class="bench-outcome" data-holds="{holds}">{words}</p>' in html
    others = {one for one, _ in claims.OUTCOMES.values()} - {css}
    assert not [other for other in others if other in html]


def test_statement_is_text_and_the_answer_is_html() -> None:
    html = claims.box(_claim("unknown"), MadeUp(experiment="arena").words())
    assert "甲 &lt;b&gt; 乙。" in html
    assert "<dt>本机实测</dt><dd>量。</dd>" in html
    assert "<dt>现在应当</dt><dd>做。</dd>" in html


@pytest.mark.parametrize("claim_id", CLAIMS)
def test_box_is_whole_and_names_its_claim(claim_id: str) -> None:
    html = _box(claim_id)
    assert not markup_faults(html)
    assert f'data-claim="{claim_id}"' in html
    assert html.count("<dt>") == html.count("<dd>") == 3


@pytest.mark.parametrize("claim_id", CLAIMS)
def test_what_the_article_said_reads_well(claim_id: str) -> None:
    assert not faults(CLAIMS[claim_id][1].said)


@pytest.mark.parametrize("failures", [{}, {(None, None): EVIL, (None, BASELINE): None}, {(None, None): EVIL}])
@pytest.mark.parametrize("claim_id", CLAIMS)
def test_names_and_reasons_of_a_result_file_stay_text(claim_id: str, failures: dict[Any, str]) -> None:
    titles = {case.id: EVIL for case in MadeUp(experiment=CLAIMS[claim_id][0]).cases}
    transcripts = {case: {"error": [EVIL]} for case in (BASELINE, "level_4")}
    html = _box(
        claim_id, model_title=EVIL, input=EVIL, titles=titles, failures=failures, transcripts=transcripts
    )
    assert not markup_faults(html)
    assert "script" not in tags_of(html)


def test_hostile_model_title_is_shown_as_it_is_written() -> None:
    assert EVIL in text_of(_box("13_percent", model_title=EVIL))

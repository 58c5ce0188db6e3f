"""Tables that a program reads back: the cells equal the exported rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from made_up import MadeUp
from prose import text_of
from site_reader import read_tables

from bench.experiments import EXPERIMENTS
from bench.pages import tables
from bench.pages.words import MARK, Words
from bench.results import stats
from bench.results.metrics import METRICS
from bench.results.summary import summarise
from bench.results.view import ORIGINAL
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from conftest import Make

    from bench.results import schema
    from bench.results.published import Export

ARENA = EXPERIMENTS["arena"]


@pytest.fixture
def export(make: Make) -> Export:
    rounds = [
        [
            ("arena_off", {"latency_ns": 15_000_000 + 1000 * n}),
            (BASELINE, {"latency_ns": 10_000_000 + 999 * n}),
            (CONTROL, {"latency_ns": 10_000_500}),
            ("pattern_off", make.failure("crashed", '<script>"x"</script>')),
        ]
        for n in range(9)
    ]
    return summarise(ARENA, make.journal(rounds))


def _html(export: Export) -> str:
    say = Words(export)
    return "".join(tables.group_table(ARENA, say, group) for group in export.groups)


def test_every_exported_value_stands_in_its_cell(export: Export) -> None:
    cells = read_tables(_html(export))
    columns = {column.metric for column in ARENA.columns}
    for row in export.rows:
        if row.metric not in columns:
            continue
        cell = cells.get((row.experiment, row.model, row.input, row.case, row.metric))
        if row.value is None:
            assert cell is None or cell.value is None
        else:
            assert cell is not None
            assert (cell.value, cell.low, cell.high) == (row.value, row.low, row.high)


def test_failed_cell_has_its_reason_as_harmless_text(export: Export) -> None:
    html = _html(export)
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_caption_names_machine_version_and_rounds(export: Export) -> None:
    html = _html(export)
    for text in ("某处理器", "1.31.1", "9 轮", "batch=2"):
        assert text in html


def test_table_says_how_many_false_verdicts_to_expect(export: Export) -> None:
    """One comparison: the A/A row is not a question, and what failed was not compared."""
    assert "作了 1 次比较；就算其实全无差别，单看区间，平均也至多有 0.1 次碰巧不含 1。" in _html(export)


def test_comparisons_with_the_articles_settings_count_too(make: Make) -> None:
    """The default with the article's settings, the article's with the default, and `one` with both."""
    times = {BASELINE: 10, CONTROL: 10, ORIGINAL: 15, "one": 12}
    rounds = [[(case, {"latency_ns": ms * 10**6 + n}) for case, ms in times.items()] for n in range(9)]
    found = summarise(make.experiment(), make.journal(rounds))
    html = tables.group_table(make.experiment(), Words(found), found.groups[0])
    assert "作了 4 次比较" in html


def _cells(html: str, case: str) -> dict[str, str]:
    """Metric -> the cell of a case in the only table."""
    row = re.search(rf'<tr data-case="{case}".*?</tr>', html)
    assert row
    return dict(re.findall(r'<td data-metric="(\w+)"[^>]*>(.*?)</td>', row[0]))


def _table(made_up: MadeUp, index: int = 0) -> str:
    say = made_up.words()
    return tables.group_table(made_up.spec, say, say.groups()[index])


@pytest.mark.parametrize(("outcome", "told"), [("nothing", "什么都没变"), ("unseen", "没见生效")])
def test_cell_of_what_was_not_seen_in_effect_says_so_instead_of_a_verdict(
    outcome: schema.Outcome, told: str
) -> None:
    world: dict[str, Any] = {"experiment": "arena", "time": 1.5, "memory": 0.5}
    seen = _cells(_table(MadeUp(**world)), "arena_off")
    cells = _cells(_table(MadeUp(**world, outcomes={(None, "arena_off"): outcome})), "arena_off")
    assert ("更慢" in seen["ratio"], "更少" in seen["kept_mib"]) == (True, True)
    assert f'<span class="bench-verdict bench-unseen">{told}</span>' in cells["ratio"]
    assert "bench-verdict" not in cells["kept_mib"]


def test_every_time_of_a_noisy_group_is_marked_and_its_memory_is_not() -> None:
    noisy, quiet = (_table(MadeUp(experiment="arena", time=1.5, noisy=groups)) for groups in ((0,), ()))
    cells = _cells(noisy, "arena_off")
    assert {metric for metric, cell in cells.items() if MARK in cell} == {
        metric for metric in cells if METRICS[metric].kind in ("time", "derived")
    }
    assert MARK not in cells["kept_mib"]
    assert f"{MARK} 这一组噪声太大" in noisy
    assert "更慢" not in cells["ratio"]
    assert MARK not in quiet


def test_rounds_that_failed_are_told_below_the_table() -> None:
    html = _table(MadeUp(experiment="arena", failed_rounds={(0, "arena_off"): 1}))
    assert "<code>arena_off</code>：9 轮里有 1 轮失败，数字来自其余的。" in html
    assert "轮失败" not in _table(MadeUp(experiment="arena"))


def test_memory_that_cannot_be_told_apart_does_not_ask_for_rounds() -> None:
    cells = _cells(_table(MadeUp(experiment="arena", memory=1.2, memory_spread=0.2)), "arena_off")
    assert "还分不出" in cells["kept_mib"]
    assert "轮" not in cells["kept_mib"]


def test_rules_below_the_table_are_those_of_the_code() -> None:
    html = _table(MadeUp(experiment="arena", noise_floor=0.031))
    assert f"偏离超过 3.1%（默认设置测两遍，区间两端的最大偏离；至少 {stats.MIN_EFFECT:.0%}）" in html
    assert f"“没有差别”要求整个区间在 1 的 ±{stats.SAME_MARGIN:.0%} 之内" in html


def _proofs(made_up: MadeUp) -> str:
    return tables.proofs_table(made_up.spec, made_up.words())


def test_proofs_table_tells_the_three_outcomes_apart() -> None:
    outcomes = {(None, "arena_off"): "nothing", (None, "pattern_off"): "unseen"}
    html = _proofs(MadeUp(experiment="arena", outcomes=outcomes))  # type: ignore[arg-type]
    found = dict(re.findall(r'<tr data-case="(\w+)">.*?<span data-outcome="(\w*)">', html))
    assert (found["arena_off"], found["pattern_off"], found["exact_extend"]) == (
        "nothing",
        "unseen",
        "effect",
    )
    assert found[BASELINE] == ""
    told = text_of(html)
    assert all(word in told for word in ("＝ 什么都没变：", "✗ 没有观察到：", "✓ "))


def test_proof_of_each_model_stands_there_and_none_hides_another() -> None:
    """The page must not show a check mark while the choice says that it was not seen."""
    html = _proofs(MadeUp(experiment="arena", outcomes={(2, "arena_off"): "unseen"}))
    row = re.search(r'<tr data-case="arena_off">.*?</tr>', html)
    assert row
    assert sorted(set(re.findall(r'data-outcome="(\w*)"', row[0]))) == ["effect", "unseen"]
    assert "✗ 没有观察到：某网络 ocr_det：" in text_of(row[0])

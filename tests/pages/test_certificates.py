"""The certificate of a build, from made-up results."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from made_up import MadeUp
from prose import text_of

from bench.pages import certificates
from bench.results.selfchecks import Check

if TYPE_CHECKING:
    from bench.results.published import Export

SELFTEST = MadeUp(experiment="log_severity").export()


@pytest.fixture(autouse=True)
def found(monkeypatch: pytest.MonkeyPatch) -> list[Check]:
    checks = [
        Check(title="睡 20 毫秒", expected="19–21 ms", seen="20.1 ms", passed=True),
        Check(title="峰值", expected="128 MiB", seen="本机读不到", passed=None),
    ]
    for module in ("bench.pages.certificates.checks", "bench.results.quotable.checks"):
        monkeypatch.setattr(module, lambda _: checks)
    return checks


def _page(*exports: Export, selftest: Export | None = SELFTEST) -> str:
    return certificates.page(exports, selftest, ())


def test_quiet_build_says_so() -> None:
    html = _page(MadeUp(experiment="arena").export())
    assert 'data-quotable="yes"' in html
    assert "机器安静" in text_of(html)


def test_busy_build_says_so() -> None:
    html = _page(MadeUp(experiment="arena", busy=True).export())
    assert 'data-quotable="no"' in html
    text = text_of(html)
    assert "机器繁忙" in text
    assert "不作快慢结论" in text
    rounds = int(re.findall(r'data-dirty-rounds="(\d+)"', html)[0])
    assert rounds > 0


def test_quiet_draft_is_called_a_draft_and_not_busy() -> None:
    html = _page(MadeUp(experiment="arena", profile="quick").export(), selftest=None)
    assert "只是草稿" in text_of(re.findall(r'<p class="bench-quiet".*?</p>', html)[0])
    assert "机器安静" in text_of(html)
    assert "受扰太多" not in text_of(html)
    assert "bench-noisy" not in html


def test_only_other_pages_link_to_the_certificate() -> None:
    exports = (MadeUp(experiment="arena").export(),)
    assert "certificate.html" not in certificates.page(exports, SELFTEST, ())
    assert "certificate.html" in certificates.line(exports, SELFTEST, ())


def test_experiments_go_by_their_titles() -> None:
    text = text_of(_page(MadeUp(experiment="intra_op_num_threads").export()))
    assert "算子内线程数" in text
    assert "intra_op_num_threads" not in text


def test_every_group_has_a_row() -> None:
    exports = [MadeUp(experiment=name).export() for name in ("arena", "container")]
    rows = re.findall(r'data-group="([^"]+)"', _page(*exports))
    assert rows == [f"{one.experiment}/{group.index}" for one in exports for group in one.groups]


def test_selftest_is_shown_check_by_check(found: list[Check]) -> None:
    found.append(Check(title="多 10% 的运算", expected="更慢", seen="1.00", passed=False))
    html = _page(MadeUp(experiment="arena").export())
    assert re.findall(r'data-passed="(\w+)"', html) == ["true", "none", "false"]
    assert 'data-quotable="no"' in html


def test_build_without_a_selftest_says_so() -> None:
    assert "没有做自检" in text_of(_page(MadeUp(experiment="arena").export(), selftest=None))


def test_selftest_of_another_build_is_named() -> None:
    other = SELFTEST.model_copy(
        update={"build": SELFTEST.build.model_copy(update={"id": "20250102-030405-abcd"})}
    )
    assert "不是同一次测量" in text_of(_page(MadeUp(experiment="arena").export(), selftest=other))


def test_what_was_dropped_is_told() -> None:
    export = MadeUp(experiment="arena").export()
    fewer = {"rounds": 6, "planned_rounds": 9, "resumed": 12, "dropped": ["内存只有 1 GiB"]}
    text = text_of(_page(export.model_copy(update={"build": export.build.model_copy(update=fewer)})))
    assert "少 3 轮" in text
    assert "内存只有 1 GiB" in text
    assert "12 个样本" in text
    assert "6 / 9" in text


def test_what_cannot_be_read_is_a_dash() -> None:
    assert "—" in text_of(_page(MadeUp(experiment="arena").export()))

"""The certificate of a build, from made-up results."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from made_up import MadeUp
from prose import text_of

from bench.pages import certificates
from bench.results.trust import Check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.results.published import Export

SELFTEST = MadeUp(experiment="log_severity").export()
OWN = {SELFTEST.build.id: SELFTEST}
"""All made-up results are of one build."""


@pytest.fixture(autouse=True)
def found(monkeypatch: pytest.MonkeyPatch) -> list[Check]:
    checks = [
        Check(title="睡 20 毫秒", expected="19–21 ms", seen="20.1 ms", passed=True),
        Check(title="峰值", expected="128 MiB", seen="本机读不到", passed=None),
    ]
    for module in ("bench.pages.certificates.checks", "bench.results.trust.checks"):
        monkeypatch.setattr(module, lambda _: checks)
    return checks


def _page(*exports: Export, selftests: Mapping[str, Export] = OWN) -> str:
    return certificates.page(exports, selftests, ())


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
    html = _page(MadeUp(experiment="arena", profile="quick").export(), selftests={})
    assert "只是草稿" in text_of(re.findall(r'<p class="bench-quiet".*?</p>', html)[0])
    assert "机器安静" in text_of(html)
    assert "受扰太多" not in text_of(html)
    assert "bench-noisy" not in html


def test_only_other_pages_link_to_the_certificate() -> None:
    exports = (MadeUp(experiment="arena").export(),)
    assert "certificate.html" not in certificates.page(exports, OWN, ())
    assert "certificate.html" in certificates.line(exports, OWN, ())


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
    assert "没有做自检" in text_of(_page(MadeUp(experiment="arena").export(), selftests={}))


LATER = "20260103-030405-abcd"


def _of_build(build: str, export: Export) -> Export:
    return export.model_copy(update={"build": export.build.model_copy(update={"id": build})})


def test_selftest_of_a_build_that_is_not_shown_is_not_shown_either() -> None:
    html = _page(MadeUp(experiment="arena").export(), selftests={LATER: _of_build(LATER, SELFTEST)})
    assert "没有做自检" in text_of(html)
    assert 'data-passed="' not in html
    assert 'data-quotable="no"' in html


def test_each_build_that_is_shown_has_its_own_selftest() -> None:
    arena, container = (MadeUp(experiment=name).export() for name in ("arena", "container"))
    both = OWN | {LATER: _of_build(LATER, SELFTEST)}
    html = _page(arena, _of_build(LATER, container), selftests=both)
    assert text_of(html).count("，1 个实验来自这次测量") == 2
    assert len(set(re.findall(r'<figure [^>]*id="(certificate-selftest-[^"]+)"', html))) == 2
    assert 'data-quotable="yes"' in html
    lacking = _page(arena, _of_build(LATER, container))
    assert (
        text_of(lacking).count("1 个实验所在的那次测量没有自检") == 2
    )  # beside the verdict, and above the tables
    assert 'data-quotable="no"' in lacking


def test_true_distance_to_the_default_is_told() -> None:
    far = MadeUp(experiment="container", farthest_baseline_s=13.37).export()
    html = _page(MadeUp(experiment="arena").export(), far)
    assert "两者最远隔了 13.4 秒" in text_of(html)
    assert 'data-farthest-s="13.37"' in html


@pytest.mark.parametrize("world", [{}, {"noisy": (0,)}])
def test_groups_that_must_not_be_quoted_are_marked(world: dict[str, Any]) -> None:
    html = _page(MadeUp(experiment="arena", **world).export())
    assert re.findall(r'data-group="arena/(\d)" class="bench-noisy"', html) == ["0"] * bool(world)


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

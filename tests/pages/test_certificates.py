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


@pytest.mark.parametrize(
    ("world", "selftests", "quotable", "told", "untold"),
    [
        ({}, OWN, "yes", ["机器安静", "算子内线程数", "—"], ["机器繁忙", "intra_op_num_threads"]),
        ({"busy": True}, OWN, "no", ["机器繁忙", "不作快慢结论"], ["机器安静"]),
        ({"profile": "quick"}, {}, "no", ["只是草稿", "机器安静"], ["受扰太多"]),
        ({}, {}, "no", ["没有做自检"], []),
    ],
    ids=["quiet", "busy", "draft", "no self-test"],
)
def test_build_is_told_as_it_was(
    world: dict[str, Any], selftests: Mapping[str, Export], quotable: str, told: list[str], untold: list[str]
) -> None:
    html = _page(MadeUp(experiment="intra_op_num_threads", **world).export(), selftests=selftests)
    assert f'data-quotable="{quotable}"' in html
    assert ('data-dirty-rounds="0"' in html) is not ("busy" in world)
    text = text_of(html)
    assert [one for one in told if one not in text] == []
    assert [one for one in untold if one in text] == []


def test_only_other_pages_link_to_the_certificate() -> None:
    exports = (MadeUp(experiment="arena").export(),)
    assert "certificate.html" not in certificates.page(exports, OWN, ())
    assert "certificate.html" in certificates.line(exports, OWN, ())


@pytest.mark.parametrize("world", [{}, {"noisy": (0,)}])
def test_every_group_has_a_row_and_is_marked_where_it_must_not_be_quoted(world: dict[str, Any]) -> None:
    exports = [MadeUp(experiment=name, **world).export() for name in ("arena", "container")]
    html = _page(*exports)
    rows = re.findall(r'data-group="([^"]+)"', html)
    assert rows == [f"{one.experiment}/{group.index}" for one in exports for group in one.groups]
    marked = re.findall(r'data-group="(\w+/\d)" class="bench-noisy"', html)
    assert marked == (["arena/0", "container/0"] if world else [])


def test_selftest_is_shown_check_by_check(found: list[Check]) -> None:
    found.append(Check(title="多 10% 的运算", expected="更慢", seen="1.00", passed=False))
    html = _page(MadeUp(experiment="arena").export())
    assert re.findall(r'data-passed="(\w+)"', html) == ["true", "none", "false"]
    assert 'data-quotable="no"' in html


LATER = "20260103-030405-abcd"


def _of_build(build: str, export: Export, **changes: Any) -> Export:
    return export.model_copy(update={"build": export.build.model_copy(update={"id": build, **changes})})


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
    lacking = _page(arena, _of_build(LATER, container))  # told beside the verdict, and above the tables
    assert text_of(lacking).count("1 个实验所在的那次测量没有自检") == 2
    assert 'data-quotable="no"' in lacking


def test_true_distance_to_the_default_is_told() -> None:
    far = MadeUp(experiment="container", farthest_baseline_s=13.37).export()
    html = _page(MadeUp(experiment="arena").export(), far)
    assert "两者最远隔了 13.4 秒" in text_of(html)
    assert 'data-farthest-s="13.37"' in html


def test_what_was_dropped_is_told() -> None:
    fewer = {"rounds": 6, "planned_rounds": 9, "resumed": 12, "dropped": ["内存只有 1 GiB"]}
    export = MadeUp(experiment="arena").export()
    text = text_of(_page(_of_build(export.build.id, export, **fewer)))
    assert [one for one in ("少 3 轮", "内存只有 1 GiB", "12 个样本", "6 / 9") if one not in text] == []


def _ended(experiment: str, build: str, hour: int, **world: object) -> Export:
    export = MadeUp(experiment=experiment, **world).export()
    return _of_build(build, export, finished_at=f"2026-01-02T{hour:02}:00:00+00:00")


DRAFT = {"profile": "quick", "rounds": 3}


@pytest.mark.parametrize(
    ("exports", "stale", "counts"),
    [
        ([_ended("arena", "b1", 3), _ended("profiling", "b1", 3)], (), {"测于": 1, "bench-warning": 0}),
        (
            [_ended("arena", "b1", 3), _ended("profiling", "b2", 9)],
            (),
            {
                "来自 2 次测量，最早的测于 2026 年 1 月 2 日 03:00 UTC": 1,
                "测于 2026 年 1 月 2 日 09:00 UTC": 1,
            },
        ),
        ([_ended("arena", "b1", 3, **DRAFT), _ended("profiling", "b2", 9)], (), {"草稿</strong>": 1}),
        (
            [_ended("arena", "b1", 3, **DRAFT), _ended("profiling", "b1", 3, **DRAFT)],
            (),
            {"草稿</strong>": 1},
        ),
        ([_ended("arena", "b1", 3), _ended("profiling", "b1", 3)], ("profiling",), {"旧结果": 1}),
    ],
    ids=["one build", "two builds", "an older draft", "two drafts", "an old result in a preview"],
)
def test_origin_of_a_site_is_told_with_every_reason_once(
    exports: list[Export], stale: tuple[str, ...], counts: dict[str, int]
) -> None:
    html = certificates.of_site(exports, stale)
    assert {text: html.count(text) for text in counts} == counts


def test_busy_groups_are_named_beside_their_tables_and_counted_for_the_site() -> None:
    exports = [MadeUp(experiment=name, busy=True).export() for name in ("arena", "profiling")]
    groups = [g for one in exports for g in one.groups if g.load.timed]
    html = certificates.of_site(exports, set())
    assert html.count("机器繁忙") == 1
    assert f"{len(groups)} 组受扰" in html
    for group in exports[1].groups:
        assert f"（{group.input}）" in certificates.warnings(exports[1])

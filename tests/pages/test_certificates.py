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

ARENA, SELFTEST = (MadeUp(experiment=name).export() for name in ("arena", "log_severity"))
OWN = {SELFTEST.build.id: SELFTEST}
"""All made-up results are of one build."""
LATER = "20260103-030405-abcd"


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


def _of_build(build: str, export: Export, **changes: Any) -> Export:
    return export.model_copy(update={"build": export.build.model_copy(update={"id": build, **changes})})


CUT = {"rounds": 6, "planned_rounds": 9, "resumed": 12, "dropped": ["内存只有 1 GiB"]}


@pytest.mark.parametrize(
    ("world", "build", "selftests", "quotable", "told", "untold"),
    [
        ({}, {}, OWN, "yes", "机器安静|算子内线程数|—", "机器繁忙|intra_op_num_threads"),
        ({"busy": True}, {}, OWN, "no", "机器繁忙|不作快慢结论", "机器安静"),
        ({"profile": "quick"}, {}, {}, "no", "只是草稿|机器安静", "受扰太多"),
        ({}, {}, {}, "no", "没有做自检", "受扰太多"),
        ({}, {}, {LATER: _of_build(LATER, SELFTEST)}, "no", "没有做自检", "睡 20 毫秒"),
        ({"farthest_baseline_s": 13.37}, {}, OWN, "yes", "两者最远隔了 13.4 秒", "机器繁忙"),
        ({}, CUT, OWN, "yes", "少 3 轮|内存只有 1 GiB|12 个样本|6 / 9", "机器繁忙"),
    ],
    ids=["quiet", "busy", "draft", "no self-test", "self-test of another build", "far", "cut short"],
)
def test_build_is_told_as_it_was(
    world: dict[str, Any], build: dict[str, Any], selftests: Mapping[str, Export], quotable: str, told: str, untold: str
) -> None:  # fmt: skip
    export = MadeUp(experiment="intra_op_num_threads", **world).export()
    html = _page(_of_build(export.build.id, export, **build), selftests=selftests)
    assert f'data-quotable="{quotable}"' in html
    assert ('data-dirty-rounds="0"' in html) is not ("busy" in world)
    assert f'data-farthest-s="{world.get("farthest_baseline_s", 2.0)}"' in html
    text = text_of(html)
    assert [one for one in told.split("|") if one not in text] == []
    assert [one for one in untold.split("|") if one in text] == []


def test_only_other_pages_link_to_the_certificate() -> None:
    assert "certificate.html" not in _page(ARENA)
    assert "certificate.html" in certificates.line([ARENA], OWN, ())


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
    html = _page(ARENA)
    assert re.findall(r'data-passed="(\w+)"', html) == ["true", "none", "false"]
    assert 'data-quotable="no"' in html


def test_each_build_that_is_shown_has_its_own_selftest() -> None:
    later = _of_build(LATER, MadeUp(experiment="container").export())
    html = _page(ARENA, later, selftests=OWN | {LATER: _of_build(LATER, SELFTEST)})
    assert text_of(html).count("，1 个实验来自这次测量") == 2
    assert len(set(re.findall(r'<figure [^>]*id="(certificate-selftest-[^"]+)"', html))) == 2
    assert 'data-quotable="yes"' in html
    lacking = _page(ARENA, later)  # told beside the verdict, and above the tables
    assert text_of(lacking).count("1 个实验所在的那次测量没有自检") == 2
    assert 'data-quotable="no"' in lacking


DRAFT = {"profile": "quick", "rounds": 3}


def _site(build: str, hour: int, first: dict[str, Any], second: dict[str, Any]) -> list[Export]:
    """Two results, the second of this build and hour."""
    arena, profiling = (
        MadeUp(experiment=name, **world).export() for name, world in (("arena", first), ("profiling", second))
    )
    return [
        _of_build("b1", arena, finished_at="2026-01-02T03:00:00+00:00"),
        _of_build(build, profiling, finished_at=f"2026-01-02T{hour:02}:00:00+00:00"),
    ]


CROWDED = _site("b1", 3, {"busy": True}, {"busy": True})


@pytest.mark.parametrize(
    ("exports", "stale", "counts"),
    [
        (_site("b1", 3, {}, {}), (), {"测于": 1, "bench-warning": 0}),
        (
            _site("b2", 9, {}, {}),
            (),
            {
                "来自 2 次测量，最早的测于 2026 年 1 月 2 日 03:00 UTC": 1,
                "测于 2026 年 1 月 2 日 09:00 UTC": 1,
            },
        ),
        (_site("b2", 9, DRAFT, {}), (), {"草稿</strong>": 1}),
        (_site("b1", 3, DRAFT, DRAFT), (), {"草稿</strong>": 1}),
        (_site("b1", 3, {}, {}), ("profiling",), {"旧结果": 1}),
        (
            CROWDED,
            (),
            {"机器繁忙": 1, f"{sum(g.load.timed for one in CROWDED for g in one.groups)} 组受扰": 1},
        ),
    ],
    ids=["one build", "two builds", "an older draft", "two drafts", "an old result in a preview", "busy"],
)
def test_origin_of_a_site_is_told_with_every_reason_once(
    exports: list[Export], stale: tuple[str, ...], counts: dict[str, int]
) -> None:
    html = certificates.of_site(exports, stale)
    assert {text: html.count(text) for text in counts} == counts


def test_busy_groups_are_named_beside_their_tables() -> None:
    export = MadeUp(experiment="profiling", busy=True).export()
    html = certificates.warnings(export)
    assert [group.input for group in export.groups if f"（{group.input}）" not in html] == []

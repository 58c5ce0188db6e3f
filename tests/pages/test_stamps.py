"""Origin, age and warnings of a whole site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from made_up import MadeUp

from bench.pages import stamps

if TYPE_CHECKING:
    from bench.results.published import Export


def _export(experiment: str, build: str = "b1", hour: int = 3, **world: object) -> Export:
    export = MadeUp(experiment=experiment, **world).export()
    changes = {"id": build, "finished_at": f"2026-01-02T{hour:02}:00:00+00:00"}
    return export.model_copy(update={"build": export.build.model_copy(update=changes)})


def test_one_build_has_one_origin_and_nothing_to_warn_of() -> None:
    html = stamps.of_site([_export("arena"), _export("profiling")], set())
    assert html.count("测于") == 1
    assert "bench-warning" not in html


def test_numbers_of_several_builds_say_so_with_the_age_of_the_oldest() -> None:
    html = stamps.of_site([_export("arena", "b1", 3), _export("profiling", "b2", 9)], set())
    assert "来自 2 次测量，最早的测于 2026 年 1 月 2 日 03:00 UTC" in html
    assert "测于 2026 年 1 月 2 日 09:00 UTC" in html


def test_draft_of_an_older_experiment_is_not_hidden_by_a_newer_one() -> None:
    draft = _export("arena", "b1", 3, profile="quick", rounds=3)
    html = stamps.of_site([draft, _export("profiling", "b2", 9)], set())
    assert "草稿" in html


def test_same_warning_of_several_experiments_stands_once() -> None:
    drafts = [_export(name, profile="quick", rounds=3) for name in ("arena", "profiling")]
    assert stamps.of_site(drafts, set()).count("草稿") == 1


def test_old_result_in_a_preview_is_told() -> None:
    exports = [_export("arena"), _export("profiling")]
    assert "旧结果" in stamps.of_site(exports, {"profiling"})


def test_titles_in_a_warning_are_text() -> None:
    evil = "<script>"
    export = _export("arena", busy=True, model_title=evil)
    for html in (stamps.warnings(export), stamps.of_site([export], set())):
        assert "机器繁忙" in html
        assert evil not in html


def test_busy_groups_are_named_beside_their_tables_and_counted_for_the_site() -> None:
    exports = [_export(name, busy=True) for name in ("arena", "profiling")]
    groups = [g for one in exports for g in one.groups if not g.memory_only]
    html = stamps.of_site(exports, set())
    assert html.count("机器繁忙") == 1
    assert f"{len(groups)} 组受扰" in html
    for group in exports[1].groups:
        assert f"（{group.input}）" in stamps.warnings(exports[1])

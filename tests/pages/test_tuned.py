"""The page of a tuning result, its lines for the terminal and its rows: what to set comes first, and why not, where not."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import html5lib
import pytest
from bs4 import BeautifulSoup
from faults.texts import FORMULA, HARMLESS, HOSTILE, Structure, is_bounded, odd_characters
from made_up_tuned import FAST, HUGE, KEPT, LEAN, LEFT, TRIED, MadeUpTuned, figures
from prose import FAULTS, faults
from samples import Make

import bench
from bench.pages import tuned as pages
from bench.pages.api import TUNED
from bench.pages.markup import ENVIRONMENT
from bench.pages.tuned_figure import drawing
from bench.results import tuned as stored
from bench.results.frontier import Point
from bench.spec import BASELINE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.results.tuned import Goal, Tuned

USUAL = MadeUpTuned()
NOTHING: dict[Goal, str] = dict.fromkeys(USUAL.advised, BASELINE)
CRASHED = Make().failure("crashed", "进程因信号 SIGSEGV 结束")
THREE = MadeUpTuned(
    combined=(*USUAL.combined, (KEPT, ("kept",), ("arena_off_hugetlb",), "proved", figures(10, 200, 50))),
    advised={**USUAL.advised, "kept": "for_kept"},
)
WORLDS = {
    "fast and lean": USUAL,
    "three": THREE,
    "nothing to confirm": MadeUpTuned(combined=(), advised=NOTHING),
    "noisy": MadeUpTuned(noisy=True, advised=NOTHING),
    "crashed": MadeUpTuned(combined=((FAST, ("latency",), ("usable",), "failed", CRASHED),), advised=NOTHING),
    "limits": MadeUpTuned(limits={"peak": 130, "kept": 1000}, advised={"peak": "for_peak", "cpu": BASELINE}),
    "over": MadeUpTuned(limits={"peak": 50}, advised=NOTHING, within_limits=False),
    "no memory": MadeUpTuned(absent=True, limits={"peak": 50}, advised={"latency": "for_latency"}),
    "denormals and gaps": MadeUpTuned(denormals=10, gap_ms=100, callers=2, quota=1.5),
}


def _parts(tuned: Tuned) -> BeautifulSoup:
    return BeautifulSoup(pages.page(tuned), "html.parser")


def _told(tuned: Tuned, goal: str) -> str:
    """What stands in the card of a need."""
    (card,) = _parts(tuned).select(f'.tuned-need[data-goal="{goal}"]')
    return card.get_text()


def _one(state: str, told: Any, goals: Sequence[Goal] = ("latency",), **world: Any) -> Tuned:
    """One combination, and nothing advised."""
    return MadeUpTuned(combined=((FAST, goals, ("usable",), state, told),), advised=NOTHING, **world).tuned()


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_page_is_valid_asks_for_nothing_and_keeps_the_rules_of_sentences(world: MadeUpTuned) -> None:
    html = pages.page(world.tuned())
    parser = html5lib.HTMLParser(strict=False)
    parser.parse(html)
    assert not parser.errors
    assert not re.search(r"<(?:script|link|img|iframe|object)|\bsrc=|@import|url\(|https?://|data-link", html)
    soup = BeautifulSoup(html, "html.parser")
    for places, attribute in (("[id]", "id"), ("[role=region]", "aria-label")):
        names = [str(one[attribute]) for one in soup.select(places)]
        assert sorted(names) == sorted(set(names))
    assert {str(one["href"]) for one in soup.select("a[href]")} <= {
        f"#{one['id']}" for one in soup.select("[id]")
    }
    paragraphs = [str(one) for one in soup.select("article > p, .tuned-need > p")]
    assert len(paragraphs) >= 4
    facts = [f"<p>{one.get_text()}。</p>" for one in soup.select(".tuned-facts dd, [data-left] td, h2")]
    assert [found for text in (*paragraphs, *facts) for found in faults(text)] == []
    lines = pages.told(world.tuned())
    assert [found for line in lines for name, found in FAULTS.items() if re.search(found, line)] == []
    assert not [line for line in lines if "<" in line or "&" in line]


def test_every_template_is_used(used_templates: set[str]) -> None:
    pages.page(USUAL.tuned())
    pages.told(USUAL.tuned())
    pages.summary(USUAL.tuned())
    ours = {name for name in ENVIRONMENT.list_templates() if name.startswith("tuned")}
    assert ours - used_templates == {"tuned_settings.py.j2"}  # of test_tuned_code.py


def test_what_to_set_comes_first_with_its_code_and_its_figures_and_once() -> None:
    soup = _parts(USUAL.tuned())
    order = [one.get("id") for one in soup.select("h2")]
    assert order == [*(f"need-{goal}" for goal in USUAL.advised), "confirmed", "tried", "conditions", "again"]
    fast, lean, kept, cpu = soup.select(".tuned-need")
    assert fast.h2.get_text() == "求快：2 线程（不绑核）"
    assert "每次推理快 30%（30%–30%）：10.0\u202fms → 7.00\u202fms；" in fast.p.get_text()
    assert "最多占 220\u202fMiB → 120\u202fMiB，做完后还占 200\u202fMiB → 80\u202fMiB" in lean.p.get_text()
    assert "每次用的 CPU 20.1 ms → 20.2 ms" in lean.p.get_text()
    assert "options.intra_op_num_threads = 2\n" in fast.pre.get_text()
    assert "要设在进程的第一个会话上" in fast.get_text()
    assert (
        'run_options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")'
        in lean.pre.get_text()
    )
    assert [one.code.get_text() for one in (fast.select_one(".bench-notes"),)] == ["settings.py"]
    assert "session_for_peak()" in lean.get_text()
    for card, first in ((kept, "peak"), (cpu, "latency")):
        assert card.pre is None
        assert card.a["href"] == f"#need-{first}"
    lines = pages.told(USUAL.tuned())
    assert [line.partition("：")[0] for line in lines] == [
        "求快",
        "推理途中内存少",
        "做完后内存少",
        "省 CPU",
    ]
    assert "session_for_peak()。每次推理没有差别（不到 5%）" in lines[1]
    assert lines[3] == "省 CPU：和“求快”是同一套。"


def test_95th_percentile_is_told_where_there_were_enough_calls() -> None:
    assert "p95 延迟" not in _told(USUAL.tuned(), "latency")
    assert "；p95 延迟少 30%（30%–30%）。" in _told(replace(USUAL, calls=20).tuned(), "latency")


@pytest.mark.parametrize(
    ("tuned", "goal", "reason"),
    [
        (MadeUpTuned(combined=(), advised=NOTHING).tuned(), "cpu", "逐项试了 8 项，没有一项对它有好处，或者好处太小。"),
        (_one("failed", CRASHED), "latency", "为它配的是“2 线程（不绑核）”（组合 A），没有测成：进程因信号 SIGSEGV 结束。"),
        (_one("unproven", figures(7)), "latency", "（组合 A），没有观察到全部生效，不作数。"),
        (_one("dropped", figures(10)), "latency", "（组合 A）：每次推理没有差别（不到 5%）。要确实更快，p95 也不变长才推荐。"),
        (_one("dropped", figures(12, 100)), "latency", "（组合 A）：每次推理慢 20%（19%–20%）。要确实更快，p95 也不变长才推荐。"),
        (_one("open", figures(9.95)), "latency", "测了 7 轮还不能断定，加长 --budget 可以接着分。"),
        (_one("open", lambda n: figures(10 + n / 10)), "latency", "（组合 A）：每次推理还分不出快慢（还需约 3 轮），用时是默认的 1.00–1.05 倍。要"),
        (_one("dropped", figures(12, 100), ("peak",)), "peak", "每次推理慢 20%（19%–20%），最多占的内存比默认少 55%（100\u202fMiB 对 220\u202fMiB）。要确实更省，而且慢不过 5% 才推荐。"),
        (_one("dropped", figures(10), ("kept",)), "kept", "做完后还占的内存与默认没有值得一提的差别（200\u202fMiB 对 200\u202fMiB）"),
        (_one("dropped", figures(10), ("cpu",)), "cpu", "每次用的 CPU 20 ms（默认 20.1 ms）"),
        (_one("proved", figures(7, 300), limits={"peak": 250}), "latency", "（组合 A），超过了你给的上限，不推荐。"),
        (_one("dropped", figures(7, 300), within_limits=False, limits={"peak": 200}), "latency", "没有一套守得住你给的上限，默认也超过了。"),
        (_one("dropped", figures(7), within_limits=False, limits={"peak": 200}, absent=True), "peak", "没有测到默认用了多少，没法核对你给的上限。"),
        (replace(THREE, combined=[(*one[:1], ("latency",), *one[2:]) for one in THREE.combined], advised=NOTHING).tuned(), "cpu", "只看重它，就加 --goal cpu 再测一次。"),
    ],
)  # fmt: skip
def test_where_the_default_is_as_good_it_says_why(tuned: Tuned, goal: str, reason: str) -> None:
    assert reason in _told(tuned, goal)
    assert faults(str(_parts(tuned).select_one(f'.tuned-need[data-goal="{goal}"] p'))) == []
    place = [one.goal for one in tuned.advice].index(goal)
    assert reason.replace("\u202f", " ") in pages.told(tuned)[place]
    waits = tuned.finalists and tuned.finalists[0].state == "open"
    recommended = "不推荐" if not tuned.advice[place].within_limits else "先用默认" if waits else "默认就好"
    assert _told(tuned, goal).split("：", 1)[1].startswith(recommended)


def test_noise_is_said_in_one_sentence_and_nothing_is_recommended() -> None:
    tuned = WORLDS["noisy"].tuned()
    soup, lines = _parts(tuned), pages.told(tuned)
    assert not soup.select(".tuned-need")
    assert lines == [
        "这次噪声太大：默认设置测两遍，就相差到 30%。数字都在下面，但什么也不推荐；等机器安静了，再测一次。"
    ]
    assert soup.select_one(".bench-warning").get_text() == lines[0]
    assert "这一组噪声太大" in soup.get_text()
    assert {row.select("td")[-1].get_text() for row in soup.select("#pareto tbody tr")} == {"—"}
    assert not soup.select("#pareto .advised")


def test_upper_bounds_are_held_against_the_default_and_every_combination() -> None:
    text = "你给的上限：最多占 130 MiB。默认用到 220 MiB（超过了），组合 A 用到 220 MiB（超过了，不推荐），组合 B 用到 120 MiB。"
    tuned = WORLDS["limits"].tuned()
    assert text in pages.told(tuned)
    assert text in _parts(tuned).get_text().replace("\u202f", " ")
    assert "默认没有测到，组合 A 没有测到" in pages.told(WORLDS["no memory"].tuned())[1]


def test_every_setting_that_was_tried_tells_how_it_went() -> None:
    def left(world: MadeUpTuned) -> dict[str, list[str]]:
        rows = _parts(world.tuned()).select("tr[data-left]")
        return {str(row["data-case"]): [cell.get_text() for cell in row.select("td")] for row in rows}

    found = left(USUAL)
    assert [*found] == [case.id for case, _ in TRIED]
    assert found["usable"] == ["进了组合 A、B", "3", "相差不到 1%", "220\u202fMiB"]
    assert found["single"][:3] == ["每一轮都比“默认”慢，又没有省下什么", "3", "慢 50%"]
    assert found["arena_off"][0] == "每一轮都比“关 enable_mem_pattern，每次归还”慢，又没有省下什么"
    assert found["arena_off_hugetlb"] == ["没有测成：进程因信号 SIGSEGV 结束", "—", "—", "—"]
    assert found["extended"][0] == "设了和默认一样，什么都没有改变"
    assert found["zeroed"][0] == "没有观察到它生效，没有接着测"
    assert found["no_spinning"][0] == "没有进组合：与默认差别太小"
    stayed = left(
        replace(
            USUAL,
            left={
                **LEFT,
                "single": ("stayed", "", ""),
                "arena_off_hugetlb": ("stayed", "", ""),
                "arena_off": ("stayed", "", ""),
            },
        )
    )
    assert stayed["single"][0] == stayed["arena_off"][0] == "没有进组合：慢得太多"
    assert stayed["arena_off_hugetlb"][0] == "没有进组合：不如“关 enable_mem_pattern，每次归还”"
    alone = (FAST, ("latency",), ("single",), "proved", figures(7))
    assert (
        left(replace(USUAL, combined=(alone,), advised=NOTHING))["no_spinning"][0]
        == "没有进组合：只有一个线程，没有谁空转"
    )
    assert left(THREE)["no_spinning"][0] == "没有进组合：只确认三套，它不在其中"


def test_proofs_and_outputs_of_all_that_was_tried_and_confirmed_stand_in_one_table() -> None:
    rows = _parts(THREE.tuned()).select("table.bench-proofs tbody tr")
    titles = {str(row.th.get_text()): row.select("td")[-1].get_text() for row in rows}
    assert {case.title for case, _ in TRIED} <= titles.keys()
    assert [title for title in titles if re.match("[ABC]：", title)] == [
        f"{x}：{case.title}" for x, case in zip("ABC", (FAST, LEAN, KEPT), strict=True)
    ]
    assert titles[HUGE.title] == "—"  # it failed
    assert titles[f"A：{FAST.title}"] == "逐位相同"


def test_points_lie_in_the_drawing_and_those_on_one_spot_have_a_corner_each() -> None:
    soup = _parts(THREE.tuned())
    assert [one.select_one("text").get_text() for one in soup.select("#pareto svg g")] == [
        "默认",
        "A",
        "B",
        "C",
    ]
    assert len(soup.select("#pareto svg g.advised")) == 3
    shown = [[cell.get_text() for cell in row.select("td")] for row in soup.select("#pareto tbody tr")]
    assert shown[1] == ["0.698（0.696–0.700）", "220\u202fMiB", "200\u202fMiB", "求快、省 CPU"]
    same = [Point(case, 1.0, 1.0, 1.0, 100.0, 100.0) for case in (BASELINE, "a", "b", "c")]
    found = drawing(same, {one.case: one.case for one in same})
    assert found
    assert len({spot.corner for spot in found.spots}) == 4
    wild = [*same[:1], Point("a", 30.0, 0.5, 90.0, 1.0, 50_000.0)]
    found = drawing(wild, {one.case: one.case for one in wild})
    assert found
    places = [place for spot in found.spots for place in (spot.x, spot.y, *(spot.line or ()))]
    assert all(0 < place < 100 for place in places)
    for axis in (found.time, found.memory):
        assert 3 <= len(axis.ticks()) <= 7
        assert len({text for text, _ in axis.ticks()}) == len(axis.ticks())
    assert drawing(same[:1], {BASELINE: ""}) is None
    assert not _parts(WORLDS["no memory"].tuned()).select("svg")


def test_denormals_are_advised_to_be_cleaned_once_with_code() -> None:
    soup = _parts(WORLDS["denormals and gaps"].tuned())
    assert "《权重里的非规格化数》" in soup.get_text()
    assert "np.finfo(np.float32).tiny" in soup.get_text()
    assert "权重里有 10 个非规格化数（1%）" in pages.told(WORLDS["denormals and gaps"].tuned())[4]
    assert "非规格化数》" not in _parts(USUAL.tuned()).get_text()


def test_conditions_tell_model_inputs_calls_place_and_noise() -> None:
    text = (
        _parts(replace(WORLDS["denormals and gaps"], inputs=("甲", "乙")).tuned())
        .select_one(".tuned-facts")
        .get_text()
    )
    told = (
        "模型.onnx", "0" * 64, "10.0 MiB", "输入 甲", "输入 乙", "1×3×48×320；标准正态", "2 个线程同时调用一个会话，每次之后停 100 毫秒",
        "2 个核，配额 1.5 核", "预算 10 分钟", "7 轮里 0 轮受扰", "某处理器", "1.31.1",
    )  # fmt: skip
    assert [one for one in told if one not in text] == []


def test_colours_are_those_of_the_site_dark_where_the_browser_is() -> None:
    style = str(pages._style())
    theme = (pages.ASSETS / "theme.css").read_text(encoding="utf-8")
    assert theme in style
    dark = style.partition("prefers-color-scheme: dark) {")[2].partition("}")[0]
    for name in ("paper", "ink", "good", "bench-bar"):
        (_, slate, *_) = re.findall(rf"--{name}: ([^;]+);", style)
        assert f"--{name}: {slate};" in dark, name


@pytest.mark.parametrize("hostile", HOSTILE, ids=[one.what for one in HOSTILE])
def test_text_of_a_model_does_nothing(hostile: Any) -> None:
    def world(text: str) -> Tuned:
        reason = text[:4000]
        made = MadeUpTuned(
            name=text[:150], inputs=(text[:150],), label=text[:150],
            combined=(*USUAL.combined, (KEPT, ("kept",), ("arena_off",), "failed", Make().failure("crashed", reason))),
            left={**LEFT, "arena_off_hugetlb": ("failed", "", reason)}, advised={**USUAL.advised, "kept": BASELINE},
        )  # fmt: skip
        return made.tuned()

    usual, html = pages.page(world(HARMLESS)), pages.page(world(hostile.text))
    assert Structure(html).elements == Structure(usual).elements
    assert Structure(html).links == Structure(usual).links
    assert not odd_characters(html)
    assert is_bounded(html)
    for line in pages.told(world(hostile.text)):
        assert not odd_characters(line)
        assert "\n" not in line


def test_rows_are_all_there_with_their_stage_and_no_cell_is_a_formula() -> None:
    tuned = replace(USUAL, label=FORMULA.text).tuned()
    rows = list(csv.DictReader(io.StringIO(pages.rows_csv(tuned).removeprefix("\ufeff"))))
    assert tuned.confirmation
    assert len(rows) == len(tuned.screening.rows) + len(tuned.confirmation.rows)
    assert {row["experiment"] for row in rows} == {"tune_screening", "tune_confirmation"}
    assert {row["input"][0] for row in rows} == {"'"}
    (found,) = [row for row in rows if (row["case"], row["metric"]) == ("for_latency", "ratio")]
    assert (found["verdict"], found["rounds"], found["unit"]) == ("faster", "7", "")
    assert float(found["low"]) <= float(found["value"]) <= float(found["high"])
    assert "tune_confirmation" not in pages.rows_csv(WORLDS["nothing to confirm"].tuned())


def test_results_that_the_site_keeps_tell_when_and_where_they_were_measured() -> None:
    """They are not of the build that shows them."""
    kept = stored.in_folder(TUNED)
    assert kept
    html = BeautifulSoup(bench.overview("tuned"), "html.parser")
    told = [one.get_text() for one in html.select(".bench-provenance")]
    assert [one.model.name in text for one, text in zip(kept, told, strict=True)] == [True] * len(kept)
    assert all(re.search(r"测于 \d{4} 年.*核；onnxruntime \d", text) for text in told)
    assert not any(one.noisy for one in kept)


def test_a_result_that_is_none_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"schema_version": 1}', encoding="utf-8")
    with pytest.raises(stored.BadResult, match=r"x\.json：build：缺少这一项"):
        stored.in_folder(tmp_path)

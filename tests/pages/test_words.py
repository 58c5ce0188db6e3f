"""Numbers and verdicts in words, from samples in a journal to what pages say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from made_up import MadeUp
from markupsafe import escape

from bench.experiments import EXPERIMENTS
from bench.pages import words
from bench.pages.measured import MeasuredCase
from bench.pages.words import Words
from bench.results.summary import summarise
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from samples import Make

MIB, MS = 1 << 20, 1_000_000
NOISE = (0.998, 1.001, 1.0, 0.999, 1.002, 1.0, 1.001, 0.999, 1.0)
APART = (0.85, 1.15, 1.0, 0.85, 1.15, 1.0, 0.85, 1.15, 1.0)
"""Equal settings that differ by up to 15 %."""
NOTHING, UNSEEN = ({"outcomes": {"arena_off": outcome}} for outcome in ("nothing", "unseen"))


def _figures(ms: float, kept: float = 200) -> dict[str, Any]:
    return {"latency_ns": round(ms * MS), "kept_bytes": round(kept * MIB)}


def _say(
    make: Make, off: Any, *, control: Any = NOISE, kept: float = 200, dirty: int = 0, **header: Any
) -> Words:
    """Nine rounds of one group. `off`: latency and kept memory of arena_off, the same in each round or a list, or why it failed."""
    each = off if isinstance(off, list) else [off] * len(NOISE)
    rounds = [
        [
            (BASELINE, _figures(10 * noise, kept)),
            (CONTROL, _figures(10 * other, kept)),
            ("arena_off", _figures(said[0] * noise, said[1]) if isinstance(said, tuple) else said),
        ]
        for noise, other, said in zip(NOISE, control, each, strict=True)
    ]
    return Words(summarise(EXPERIMENTS["arena"], make.journal(rounds, dirty=range(dirty), **header)))


@pytest.mark.parametrize(
    ("ms", "options", "said"),
    [
        (15, {}, "耗时多 50.0%（50.0%–50.0%）"),
        (8, {}, "耗时少 20.0%（20.0%–20.0%）"),
        (10.05, {}, "没有差别（不到 5%）"),
        (15, {"profile": "quick"}, "耗时约多 50.0%（草稿，不作结论）"),
        (15, {"profile": "quick", "control": APART}, "耗时约多 50.0%（草稿，不作结论）"),
        (15, {"dirty": 4}, f"耗时约多 50.0%（测量时机器繁忙，不作结论）{words.MARK}"),
        (15, {"control": APART}, f"耗时约多 50.0%（噪声太大，不作结论）{words.MARK}"),
        (15, NOTHING, "设了和默认一样，什么都没有改变"),
        (15, UNSEEN, "没有观察到它生效，不作结论"),
    ],
)
def test_time_is_told_as_far_as_it_may_be(make: Make, ms: float, options: dict[str, Any], said: str) -> None:
    say = _say(make, (ms, 200), **options)
    assert say.speed(say.groups()[0], "arena_off") == said


@pytest.mark.parametrize(
    ("kept", "options", "said"),
    [
        (100, {}, "比默认少 50%（100 MiB 对 200 MiB）"),
        (300, {}, "比默认多 50%（300 MiB 对 200 MiB）"),
        (205, {}, "与默认没有值得一提的差别（205 MiB 对 200 MiB）"),
        (20, {"kept": 20_000}, "比默认少 99.9%（20 MiB 对 19.5 GiB）"),
        (205, {"control": APART}, "与默认没有值得一提的差别（205 MiB 对 200 MiB）"),
        (100, UNSEEN, "100 MiB 对 200 MiB（没有观察到它生效，不作结论）"),
        ([100 + 40 * n for n in range(9)], {}, "260 MiB 对 200 MiB（各轮的范围有重叠，分不出）"),
    ],
)
def test_memory_is_told_in_both_directions(make: Make, kept: Any, options: dict[str, Any], said: str) -> None:
    say = _say(make, [(10, one) for one in kept] if isinstance(kept, list) else (10, kept), **options)
    assert say.memory_change(say.groups()[0], "arena_off", "kept_mib").replace("\u202f", " ") == said


def test_failure_is_told_with_its_reason_and_harmless_markup(make: Make) -> None:
    say = _say(make, make.failure("crashed", "<b>SIGSEGV</b>"))
    group = say.groups()[0]
    for told in (say.speed(group, "arena_off"), say.memory_change(group, "arena_off", "kept_mib")):
        assert told.startswith("没有测成（")
        assert "&lt;b&gt;SIGSEGV" in told


def test_digits_end_where_the_noise_begins_and_what_rounds_to_nothing_has_no_direction() -> None:
    assert words.plain(60.1234, 59.8, 60.6) == "60.1"
    assert words.plain(523.4, 480.0, 560.0) == "523"
    assert words.plain(0.0123456) == "0.0123"
    assert words.change(1.002, 0.99, 1.01) == words.change(0.998, 0.99, 1.01) == "相差不到 1%"


def test_setting_that_nobody_looked_for_was_not_seen(make: Make) -> None:
    """No proof at all proves nothing: its verdict is missing for that reason, not for want of rounds."""
    bare = Words(_say(make, (15, 200)).export.model_copy(update={"proofs": []}))
    assert bare.outcome(bare.groups()[0], "arena_off") == "unseen"
    assert bare.outcome(bare.groups()[0], BASELINE) is None


def test_every_time_of_a_noisy_group_carries_the_mark_and_bears_no_conclusion(make: Make) -> None:
    say = _say(make, (15, 205), control=APART)
    group = say.groups()[0]
    latency = MeasuredCase(say, "arena_off", group)["latency_ms"]
    for text in (escape(latency), latency.brief, say.mark(group, "ratio")):
        assert text.endswith(words.MARK)
    assert say.row(group, "arena_off", "ratio").verdict is None  # type: ignore[union-attr]
    assert say.verdict(group, "arena_off") is None
    assert say.tied_with_best(group, ["arena_off"]) == []
    assert say.mark(group, "kept_mib") == ""
    assert say.verdict(group, "arena_off", "kept_mib") == "same"


def test_interval_that_excludes_no_difference_is_not_shown_to_touch_it() -> None:
    say = MadeUp(experiment="arena", time=1.03, half_width=0.026).words()
    assert "（0.4%–5.6%）" in say.speed(say.groups()[0], "arena_off")
    wide = MadeUp(experiment="arena", time=1.3, half_width=0.2983).words()
    row = wide.row(wide.groups()[0], "arena_off", "ratio")
    assert row is not None
    assert words.interval(row) == "1.002–1.598"


def test_fastest_count_is_told_by_the_speed_up_not_by_the_scatter_of_the_default() -> None:
    """Both ratios to the default have wide intervals that meet; within rounds, two threads always win."""
    made_up = MadeUp(experiment="intra_op_num_threads", values={(0, "single", "ratio"): 1.8}, half_width=0.9)
    export = made_up.export()
    rows = [row for row in export.rows if row.metric != "speed_up"]
    for case, (value, low, high) in {"single": (1.0, 1.0, 1.0), "usable": (1.8, 1.4, 1.9)}.items():
        like = next(row for row in rows if (row.case, row.metric) == (case, "ratio"))
        rows.append(like.model_copy(update={"metric": "speed_up", "value": value, "low": low, "high": high}))
    say, counts = Words(export.model_copy(update={"rows": rows})), ["single", "usable"]
    assert say.tied_with_best(export.groups[0], counts) == ["usable"]
    assert made_up.words().tied_with_best(export.groups[0], counts) == counts

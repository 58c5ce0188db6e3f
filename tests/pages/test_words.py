"""Sentences on made-up results, in every direction they can turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from made_up import MadeUp
from markupsafe import escape

from bench.experiments import EXPERIMENTS
from bench.pages import words
from bench.pages.quantities import MeasuredCase
from bench.pages.words import Words
from bench.results.summary import summarise
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Make

MIB = 1 << 20
MS = 1_000_000
NOISE = (0.998, 1.001, 1.0, 0.999, 1.002, 1.0, 1.001, 0.999, 1.0)

Story = "Callable[..., Words]"


@pytest.fixture
def told(make: Make) -> Callable[..., Words]:
    """Words on nine rounds of one group, `case` -> latency in ms and other figures, or a list of them by round."""

    def tell(cases: dict[str, Any], *, experiment: str = "arena", dirty: int = 0, **header: Any) -> Words:
        rounds = []
        for number, noise in enumerate(NOISE):
            samples: list[tuple[str, Any]] = []
            for case, said in cases.items():
                if isinstance(said, list):
                    samples.append((case, said[number]))
                elif isinstance(said, dict):
                    figures = {**said, "latency_ns": round(said["latency_ns"] * noise)}
                    samples.append((case, figures))
                else:
                    samples.append((case, said))
            rounds.append(samples)
        journal = make.journal(rounds, dirty=range(dirty), **header)
        return Words(summarise(EXPERIMENTS[experiment], journal))

    return tell


def _figures(ms: float, **mib: float) -> dict[str, Any]:
    return {"latency_ns": round(ms * MS)} | {name: round(value * MIB) for name, value in mib.items()}


def _speed(told: Callable[..., Words], ms: float, **options: Any) -> str:
    say = told({BASELINE: _figures(10), CONTROL: _figures(10), "arena_off": _figures(ms)}, **options)
    return say.speed(say.groups()[0], "arena_off")


def test_slower_and_faster_are_told_with_their_interval(told: Callable[..., Words]) -> None:
    assert _speed(told, 15).startswith("耗时多 50")
    assert _speed(told, 8).startswith("耗时少 20")
    assert "–" in _speed(told, 15)


def test_no_difference_is_said_in_words(told: Callable[..., Words]) -> None:
    assert _speed(told, 10.05) == "没有差别（不到 5%）"


def test_draft_says_the_figure_but_draws_no_conclusion(told: Callable[..., Words]) -> None:
    sentence = _speed(told, 15, profile="quick")
    assert "草稿" in sentence
    assert "50" in sentence


def test_busy_machine_draws_no_conclusion(told: Callable[..., Words]) -> None:
    assert "机器繁忙" in _speed(told, 15, dirty=4)


def test_failure_is_told_with_its_reason_and_harmless_markup(told: Callable[..., Words], make: Make) -> None:
    say = told({BASELINE: _figures(10), "arena_off": make.failure("crashed", "<b>SIGSEGV</b>")})
    sentence = say.speed(say.groups()[0], "arena_off")
    assert "没有测成" in sentence
    assert "&lt;b&gt;SIGSEGV" in sentence


@pytest.mark.parametrize(("mib", "expected"), [(100, "少 50%"), (300, "多 50%"), (205, "没有值得一提的差别")])
def test_memory_is_compared_in_both_directions(told: Callable[..., Words], mib: float, expected: str) -> None:
    say = told({BASELINE: _figures(10, kept_bytes=200), "arena_off": _figures(10, kept_bytes=mib)})
    assert expected in say.memory_change(say.groups()[0], "arena_off", "kept_mib")


def test_memory_that_rounds_to_nothing_is_not_called_nothing(told: Callable[..., Words]) -> None:
    say = told({BASELINE: _figures(10, kept_bytes=20_000), "arena_off": _figures(10, kept_bytes=20)})
    assert "比默认少 99.9%" in say.memory_change(say.groups()[0], "arena_off", "kept_mib")


def test_digits_end_where_the_noise_begins() -> None:
    assert words.plain(60.1234, 59.8, 60.6) == "60.1"
    assert words.plain(523.4, 480.0, 560.0) == "523"
    assert words.plain(0.0123456) == "0.0123"


@pytest.mark.parametrize("effect", [True, False])
def test_figures_of_what_was_not_seen_to_take_effect_are_no_verdict(
    told: Callable[..., Words],
    effect: bool,  # noqa: FBT001
) -> None:
    figures = {BASELINE: _figures(10, kept_bytes=200), CONTROL: _figures(10)}
    off = {"arena_off": _figures(15, kept_bytes=100)}
    say = told(figures | off, outcomes={"arena_off": "effect" if effect else "unseen"})
    told_of = (
        say.speed(say.groups()[0], "arena_off"),
        say.memory_change(say.groups()[0], "arena_off", "kept_mib"),
    )
    assert ["没有观察到它生效" in one for one in told_of] == [not effect] * 2
    assert ("耗时多" in told_of[0], "比默认少" in told_of[1]) == (effect, effect)


def test_setting_that_changes_nothing_is_said_to_do_nothing(told: Callable[..., Words]) -> None:
    sentence = _speed(told, 15, outcomes={"arena_off": "nothing"})
    assert sentence == "设了和默认一样，什么都没有改变"


def test_setting_that_nobody_looked_for_was_not_seen(told: Callable[..., Words]) -> None:
    """No proof at all proves nothing: its verdict is missing for that reason, not for want of rounds."""
    say = told({BASELINE: _figures(10), CONTROL: _figures(10), "arena_off": _figures(15)})
    bare = Words(say.export.model_copy(update={"proofs": []}))
    assert bare.outcome(bare.groups()[0], "arena_off") == "unseen"
    assert bare.outcome(bare.groups()[0], BASELINE) is None


def _noisy(told: Callable[..., Words], ms: float, **options: Any) -> Words:
    """Equal settings that differ by up to 15 %."""
    control = [_figures(10 * share) for share in (0.85, 1.15, 1.0, 0.85, 1.15, 1.0, 0.85, 1.15, 1.0)]
    return told({BASELINE: _figures(10), CONTROL: control, "arena_off": _figures(ms)}, **options)


def test_every_time_of_a_noisy_group_carries_the_mark_and_bears_no_conclusion(
    told: Callable[..., Words],
) -> None:
    say = _noisy(told, 15)
    group = say.groups()[0]
    assert group.noisy
    latency = MeasuredCase(say, "arena_off", group)["latency_ms"]
    for text in (escape(latency), latency.brief, say.speed(group, "arena_off"), say.mark(group, "ratio")):
        assert text.endswith(words.MARK)
    assert "噪声太大，不作结论" in say.speed(group, "arena_off")
    assert say.row(group, "arena_off", "ratio").verdict is None  # type: ignore[union-attr]
    assert say.verdict(group, "arena_off") is None
    assert say.tied_with_best(group, ["arena_off"]) == []


def test_memory_of_a_noisy_group_may_be_quoted(told: Callable[..., Words]) -> None:
    say = _noisy(told, 15)
    group = say.groups()[0]
    assert say.mark(group, "kept_mib") == ""
    assert words.MARK not in say.memory_change(group, "arena_off", "kept_mib")
    assert say.verdict(group, "arena_off", "kept_mib") == "same"


def test_quiet_group_and_draft_carry_no_mark(told: Callable[..., Words]) -> None:
    assert words.MARK not in _speed(told, 15)
    draft = _noisy(told, 15, profile="quick")
    assert words.MARK not in draft.speed(draft.groups()[0], "arena_off")


def test_memory_whose_rounds_overlap_is_not_told_apart(told: Callable[..., Words]) -> None:
    wild = [_figures(10, kept_bytes=100 + 40 * n) for n in range(9)]
    say = told({BASELINE: _figures(10, kept_bytes=200), CONTROL: _figures(10), "arena_off": wild})
    assert "各轮的范围有重叠，分不出" in say.memory_change(say.groups()[0], "arena_off", "kept_mib")


def test_interval_that_excludes_no_difference_is_not_shown_to_touch_it() -> None:
    say = MadeUp(experiment="arena", time=1.03, half_width=0.026).words()
    assert "（0.4%–5.6%）" in say.speed(say.groups()[0], "arena_off")


def test_fastest_count_is_told_by_the_speed_up_not_by_the_scatter_of_the_default() -> None:
    """Both ratios to the default have wide intervals that meet; within rounds, two threads always win."""
    made_up = MadeUp(experiment="intra_op_num_threads", values={(0, "single", "ratio"): 1.8}, half_width=0.9)
    export = made_up.export()
    group = export.groups[0]
    shown = {"single": (1.0, 1.0, 1.0), "usable": (1.8, 1.4, 1.9)}
    rows = [row for row in export.rows if row.metric != "speed_up"]
    for case, (value, low, high) in shown.items():
        like = next(row for row in rows if (row.case, row.metric) == (case, "ratio"))
        rows.append(like.model_copy(update={"metric": "speed_up", "value": value, "low": low, "high": high}))
    say = Words(export.model_copy(update={"rows": rows}))
    assert say.tied_with_best(group, ["single", "usable"]) == ["usable"]
    assert made_up.words().tied_with_best(group, ["single", "usable"]) == ["single", "usable"]


def test_interval_in_a_cell_is_not_shown_to_touch_what_it_excludes(make: Make) -> None:
    row = MadeUp(experiment="arena", time=1.3, half_width=0.2983).words().row
    group = MadeUp(experiment="arena").export().groups[0]
    found = row(group, "arena_off", "ratio")
    assert found is not None
    assert words.interval(found) == "1.002–1.598"


def test_difference_that_rounds_to_nothing_has_no_direction() -> None:
    assert words.change(1.002, 0.99, 1.01) == words.change(0.998, 0.99, 1.01) == "相差不到 1%"

"""Two builds side by side, with made-up rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench.cli.comparing import lines
from bench.results.compare import Incomparable, compare
from bench.results.summary import summarise

if TYPE_CHECKING:
    from conftest import Make

    from bench.results.published import Export

MIB = 1 << 20


def _export(make: Make, one_ns: int, *, kept: int = 200 * MIB, **header: Any) -> Export:
    """Nine rounds in which the case `one` takes so long beside a default of 10 ms."""
    rounds = [
        [
            ("default", {"latency_ns": 10_000_000 + step}),
            ("default_again", {"latency_ns": 10_000_000 + step}),
            ("one", {"latency_ns": one_ns + step * 7, "kept_bytes": kept}),
        ]
        for step in range(9)
    ]
    return summarise(make.experiment(), make.journal(rounds, **header))


def test_build_agrees_with_itself(make: Make) -> None:
    found = compare([_export(make, 12_000_000)], [_export(make, 12_000_000)])
    assert found.agrees
    assert found.same_place
    assert found.share_repeating(("latency_ms",)) == 1
    assert found.only_once == 0


def test_verdict_that_turns_around_is_named(make: Make) -> None:
    found = compare([_export(make, 12_000_000)], [_export(make, 8_000_000)])
    assert [pair.key[3] for pair in found.flips] == ["one"]
    assert not found.agrees
    told = "\n".join(lines(found))
    assert "结论反了：toys / toy / batch=2 / one / ratio" in told
    assert told.endswith("两次构建不一致。")


def test_times_that_do_not_overlap_are_counted_without_being_flips(make: Make) -> None:
    found = compare([_export(make, 12_000_000)], [_export(make, 13_000_000)])
    assert not found.flips
    assert found.share_repeating(("latency_ms",)) == pytest.approx(2 / 3)
    assert not found.agrees


@pytest.mark.parametrize(("kept_mib", "repeats"), [(207, True), (190, False), (215, False)])
def test_memory_repeats_within_two_percent_or_eight_mib(make: Make, kept_mib: int, *, repeats: bool) -> None:
    other = _export(make, 12_000_000, kept=kept_mib * MIB)
    found = compare([_export(make, 12_000_000)], [other])
    pair = next(pair for pair in found.pairs if pair.key[3:] == ("one", "kept_mib"))
    assert pair.repeats is repeats


def test_other_machine_is_compared_by_ratios_alone(make: Make) -> None:
    other = _export(make, 12_000_000, machine={"cpu": "另一个", "cores": 8})
    found = compare([_export(make, 12_000_000)], [other])
    assert not found.same_place
    assert found.share_repeating(("latency_ms",)) is None
    assert found.share_repeating(("ratio",)) == 1
    assert "只比各自对默认设置的比值和内存" in "\n".join(lines(found))


def test_draft_is_not_compared(make: Make) -> None:
    with pytest.raises(Incomparable, match="草稿"):
        compare([_export(make, 12_000_000)], [_export(make, 12_000_000, profile="quick")])


def test_builds_without_a_common_experiment_are_not_compared(make: Make) -> None:
    with pytest.raises(Incomparable, match="没有相同的实验"):
        compare([_export(make, 12_000_000)], [])
